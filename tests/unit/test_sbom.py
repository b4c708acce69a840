"""scripts/sbom.py reads what packages tell of themselves; tests/image/test_sbom.py reads a true image."""

import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from scripts import sbom

FILES = {
    "usr/lib/os-release": 'ID=debian\nVERSION_CODENAME="forky"\n',
    "usr/share/doc/gcc-base/copyright": "Format: x\n\nFiles: *\nCopyright: x\nLicense: GPL-3+\n",
    "var/lib/dpkg/status": (
        "Package: gcc\nStatus: install ok installed\nSource: cc (1-2)\nVersion: 1-2+b1\nArchitecture: all\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n"
    ),
    "opt/sandbox/Some_Name-1.dist-info/METADATA": (
        "Metadata-Version: 2.4\nName: Some_Name\nVersion: 1\nLicense: the\n  whole text\n"
        "Classifier: License :: OSI Approved :: MIT License\n"
    ),
    "opt/tools/b/package-lock.json": (
        '{"packages": {"": {}, "node_modules/@a/b": {"version": "2", "integrity": "sha512-/+8="},'
        ' "node_modules/alias": {"name": "@a/d", "version": "5", "license": "ISC"},'
        ' "node_modules/cut": {"version": "3"}}}'
    ),
    "opt/tools/b/node_modules/@a/b/package.json": "{}",
    "opt/tools/b/node_modules/alias/package.json": "{}",
    "opt/tools/b/node_modules/@a/b/dist/package.json": '{"type": "module"}',
    "opt/tools/b/node_modules/@a/b/dist/node_modules/c/package.json": '{"version": "4", "license": "ISC"}',
    "opt/tools/b/node_modules/@a/b/program": "x" * sbom.LARGE,
    "opt/python/cpython-3.12.9-linux-x86_64-gnu/lib/python3.12/LICENSE.txt": "",
    "opt/rust/toolchains/stable/lib/rustlib/components": "rust-std-x86_64-unknown-linux-gnu\n",
    "opt/rust/toolchains/stable/lib/rustlib/multirust-channel-manifest.toml": (
        '[pkg.rust]\nversion = "1.9.0 (a)"\n[pkg.rust-std]\nversion = "1.9.1 (1159e78c4 2025-09-14)"\n'
    ),
}
LINKS = {
    "etc/os-release": "../usr/lib/os-release",
    "usr/share/doc/gcc": "/usr/share/doc/gcc-base",
    "usr/x": "x",
}
OURS = json.dumps(
    [{
        "Id": "sha256:00", "Created": "2026-11-26T05:30:00.123456789Z",
        "Config": {"Labels": {
            "org.opencontainers.image.title": "agentic-sandbox", "org.opencontainers.image.licenses": "MIT",
            "org.opencontainers.image.base.name": "debian",
        }},
    }]
)  # fmt: skip


def archive() -> io.BytesIO:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as files:
        for name, target in LINKS.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            files.addfile(link)
        for name, text in FILES.items():
            file = tarfile.TarInfo(name)
            file.size = len(text)
            files.addfile(file, io.BytesIO(text.encode()))
    return io.BytesIO(content.getvalue())


def test_an_image(tmp_path: Path) -> None:
    sbom.main(OURS, tmp_path, archive())
    parts = json.loads((tmp_path / "sbom.cdx.json").read_text())["components"]
    assert sorted(part["purl"] for part in parts) == [
        "pkg:deb/debian/gcc@1-2%2Bb1?arch=all&distro=debian-forky&upstream=cc%401-2",
        "pkg:generic/cpython@3.12.9",
        "pkg:generic/debian@forky",
        "pkg:generic/rust-std@1.9.1",
        "pkg:npm/%40a/b@2",
        "pkg:npm/%40a/d@5",
        "pkg:npm/c@4",
        "pkg:pypi/some-name@1",
    ]
    lines = (tmp_path / "licences.txt").read_text().partition("LICENCE\n")[2].splitlines()
    assert [re.split(" {2,}", line) for line in lines] == [
        ["gcc", "1-2+b1", "apt", "GPL-3.0-or-later"],
        ["cpython", "3.12.9", "base", "Python-2.0"],
        ["debian", "forky", "base", "NOASSERTION"],
        ["rust-std", "1.9.1", "base", "MIT OR Apache-2.0"],
        ["@a/b", "2", "npm", "NOASSERTION (/opt/tools/b/node_modules/@a/b)"],
        ["@a/d", "5", "npm", "ISC"],
        ["c", "4", "npm", "ISC"],
        ["some-name", "1", "PyPI", "MIT License"],
    ]
    assert [part["hashes"] for part in parts if "hashes" in part] == [[{"alg": "SHA-512", "content": "ffef"}]]
    assert {part["name"] for part in parts if "incomplete" in str(part)} == {"cpython", "rust-std", "b"}


def test_another_image_and_half_an_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has not built"):
        sbom.main('[{"Config": {"Labels": null}}]', tmp_path, archive())
    for end in (0, 3000, 3400):
        with pytest.raises(SystemExit, match="not whole"):
            sbom.main(OURS, tmp_path, io.BytesIO(archive().getvalue()[:end]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("stated", "licences"),
    [
        ("License: GPL-3", {"GPL-3.0-only"}),
        ("License: Expat\n text\n\nFiles: b\nCopyright: x\nLicense: GPL-2+", {"MIT", "GPL-2.0-or-later"}),
        ("License: ISC\n\nLicense: BSD-3-clause\n text", {"ISC"}),
        ("License: LGPL-2.1+  or  Expat", {"LGPL-2.1-or-later OR MIT"}),
        ("License: GPL-1+ or Artistic, and Expat", {"GPL-1+ or Artistic, and Expat"}),
        ("License: GFDL-NIV-1.3+", {"GFDL-1.3-no-invariants-or-later"}),
        ("License: GPL-2+-with-exception", {"GPL-2+-with-exception"}),
        ("Copyright: y", set()),
    ],
)
def test_machine_readable_copyright(stated: str, licences: set[str]) -> None:
    assert sbom.dep5(f"Format: x\n\nFiles: *\nCopyright: x\n{stated}\n") == licences
    assert sbom.dep5(f"This is bash.\n\n{stated}\n") == set()
