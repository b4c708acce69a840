"""The bill of materials names what is in the image, all of it and nothing else, and is the same each time."""

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.sbom import inventory
from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT

# One build at a time: they share a cache.
pytestmark = pytest.mark.xdist_group("sbom")

Component = Mapping[str, Any]
# Every package that Node.js would find, and no package.json that is some package's own.
NODE_PACKAGES = r"""
import json, pathlib, re
for path in pathlib.Path("/opt/tools/node_modules").rglob("package.json"):
    if re.search(r"/node_modules/(@[^/]+/)?[^/@]+/package\.json$", str(path)):
        package = json.loads(path.read_text())
        print(package["name"], package["version"])
"""
DISTRIBUTIONS = r"""
from importlib.metadata import distributions
for entry in distributions(path=["/opt/sandbox"]):
    print(entry.metadata["Name"], entry.version)
"""


def write(folder: Path, *options: str) -> Path:
    result = subprocess.run(
        ["scripts/sbom.sh", *options, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sbom"))


@pytest.fixture(scope="module")
def document(written: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((written / "sbom.cdx.json").read_text())
    return content


def of_kind(document: Mapping[str, Any], kind: str) -> list[Component]:
    return [part for part in document["components"] if part["purl"].startswith(f"pkg:{kind}/")]


def named(components: list[Component]) -> set[tuple[str, str]]:
    """Return name and version of each; npm's name has its scope."""
    return {
        ("/".join(filter(None, (part.get("group"), part["name"]))), part["version"]) for part in components
    }


def in_image(program: str, *arguments: str) -> set[tuple[str, str]]:
    output = docker("run", "--rm", "--entrypoint", program, IMAGE, *arguments)
    return {(words[0], words[1]) for words in map(str.split, output.splitlines())}


def test_it_is_cyclonedx(written: Path, document: Mapping[str, Any]) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert validator.validate_str((written / "sbom.cdx.json").read_text()) is None
    spoilt = {**document, "components": [{"type": "library"}]}
    assert validator.validate_str(json.dumps(spoilt)) is not None


def test_it_is_of_this_image(document: Mapping[str, Any]) -> None:
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    described = document["metadata"]["component"]
    assert (described["type"], described["name"]) == ("container", "agentic-sandbox")
    assert "timestamp" not in document["metadata"]


def test_debian_packages_are_those_of_the_image(document: Mapping[str, Any]) -> None:
    listed = in_image("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\n")
    assert len(listed) > 100
    assert named(of_kind(document, "deb")) == listed


def test_npm_packages_are_those_of_the_image(document: Mapping[str, Any]) -> None:
    found = in_image("/usr/bin/python3", "-c", NODE_PACKAGES)
    assert {"npm", "opencode-linux-x64-baseline", "@oh-my-pi/pi-coding-agent"} <= {name for name, _ in found}
    assert named(of_kind(document, "npm")) == found


def test_python_packages_are_those_of_the_image(document: Mapping[str, Any]) -> None:
    found = in_image("/usr/bin/python3", "-c", DISTRIBUTIONS) | in_image("/opt/tools/bin/uv", "--version")
    assert {"psutil", "python-prctl", "structlog", "uv"} <= {name for name, _ in found}
    assert named(of_kind(document, "pypi")) == {
        (inventory.canonical(name), version) for name, version in found
    }


@pytest.mark.parametrize("program", ["rustc", "cargo"])
def test_the_toolchain_is_there(document: Mapping[str, Any], program: str) -> None:
    ((_, version),) = in_image("sh", "-c", f"PATH=/opt/rust/bin:$PATH {program} --version")
    versions = [part["version"] for part in document["components"] if part["name"] == program]
    assert [known for known in versions if known.startswith(version)]


def test_the_agents_python_is_there(document: Mapping[str, Any]) -> None:
    (version,) = re.findall(
        r"\d[\d.]+", docker("run", "--rm", "--entrypoint", "/opt/python/bin/python", IMAGE, "-V")
    )
    name = "cpython|python" + version.rpartition(".")[0].replace(".", r"\.")
    versions = [part["version"] for part in document["components"] if re.fullmatch(name, part["name"])]
    assert [known for known in versions if known.startswith(version)]


def test_each_component_has_a_purl_of_its_own_and_a_licence(document: Mapping[str, Any]) -> None:
    purls = [part["purl"] for part in document["components"]]
    assert len(set(purls)) == len(purls)
    assert all(re.fullmatch(r"pkg:(deb|npm|pypi|generic)/[^@\s]+@[^\s]+", purl) for purl in purls)
    for part in document["components"]:
        for entry in part["licenses"]:
            licence = entry.get("license", entry)
            assert licence.get("id") or licence.get("name") or licence.get("expression"), part["purl"]
        assert part["licenses"], part["purl"]


def test_hashes_are_those_of_the_locks(document: Mapping[str, Any]) -> None:
    def hashes(kind: str, name: str) -> set[str]:
        (part,) = (part for part in of_kind(document, kind) if part["name"] == name)
        return {entry["content"] for place in part["externalReferences"] for entry in place["hashes"]}

    lock = json.loads((ROOT / "locks/npm/package-lock.json").read_text())["packages"]
    integrity = lock["node_modules/npm"]["integrity"].removeprefix("sha512-")
    assert hashes("npm", "npm") == {base64.b64decode(integrity).hex()}
    for file, name in (("runtime", "psutil"), ("build", "uv")):
        text = (ROOT / f"locks/{file}.txt").read_text()
        entry = re.search(rf"^{name}==[^#]+", text, re.MULTILINE)
        assert entry
        assert hashes("pypi", name) == set(re.findall(r"sha256:(\w+)", entry[0]))
    bare = [
        part["purl"]
        for kind in ("npm", "pypi")
        for part in of_kind(document, kind)
        if not part.get("externalReferences") and "bundled-in" not in str(part["properties"])
    ]
    assert bare == []


def test_the_list_of_licences_has_every_component(written: Path, document: Mapping[str, Any]) -> None:
    text = (written / "licences.txt").read_text()
    rows = {(words[0], words[1]) for line in text.splitlines() if len(words := line.split()) >= 4}
    assert named(document["components"]) <= rows
    assert ("structlog", "PyPI", "MIT OR Apache-2.0") in re.findall(
        r"^(structlog) +\S+ +(\S+) +(.+)$", text, re.MULTILINE
    )


def test_the_same_image_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = write(tmp_path, "--no-cache")
    for name in ("sbom.cdx.json", "licences.txt"):
        assert (again / name).read_bytes() == (written / name).read_bytes()


def test_the_image_is_built_without_it() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM .*", dockerfile, re.MULTILINE)
    assert stages[-1].startswith("FROM sandbox AS ")
    assert dockerfile.rstrip().endswith(stages[-1]), "the last stage is the sandbox and adds nothing"
    assert not [stage for stage in stages if re.match(r"FROM sbom", stage)]
    assert re.findall(r"^COPY --from=sbom.*", dockerfile, re.MULTILINE) == ["COPY --from=sbom-scan /out/ /"]


# --- How the image is read


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        ("This is bash, under the GPL.\n\nLicense: GPL-3\n", ()),
        (
            "Format: x\n\nFiles: *\nLicense: Expat\n text\n\nFiles: b\nLicense: GPL-2+\n",
            ("GPL-2.0-or-later", "MIT"),
        ),
        ("Format: x\nLicense: ISC\n\nFiles: *\nLicense: ISC\n\nLicense: BSD-3-clause\n text\n", ("ISC",)),
        ("Format: x\n\nFiles: *\nLicense:\n\n", ()),
        ("Format: x\n\nFiles: *\nLicense: LGPL-2.1+  or  Expat\n", ("LGPL-2.1-or-later OR MIT",)),
        (
            "Format: x\n\nFiles: *\nLicense: GPL-1+ or Artistic, and Expat\n",
            ("GPL-1+ or Artistic, and Expat",),
        ),
        ("Format: x\n\nFiles: *\nLicense: GFDL-NIV-1.3+\n", ("GFDL-1.3-no-invariants-or-later",)),
        ("Format: x\n\nFiles: *\nLicense: GPL-2 with exception\n", ("GPL-2 with exception",)),
        ("Format: x\n\nFiles: *\nLicense: GPL\n", ("GPL",)),
        ("Format: x\n \t\nFiles: *\nLicense: BSD-2-clause\n", ("BSD-2-Clause",)),
    ],
)
def test_machine_readable_copyright(text: str, licences: tuple[str, ...]) -> None:
    assert inventory.dep5(text) == licences


@pytest.mark.parametrize(
    ("manifest", "licences"),
    [
        ({"license": "MIT"}, ("MIT",)),
        ({"license": {"type": "ISC", "url": "x"}}, ("ISC",)),
        ({"licenses": [{"type": "MIT"}, {"type": "ISC"}]}, ("ISC", "MIT")),
        ({}, ("NOASSERTION",)),
        ({"license": ""}, ("NOASSERTION",)),
    ],
)
def test_licences_of_npm(manifest: dict[str, Any], licences: tuple[str, ...]) -> None:
    assert inventory.npm_licences(manifest) == licences


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an image with one package of apt, whose program /opt links to."""
    texts = {
        "etc/os-release": 'ID=debian\nVERSION_ID="13"\n',
        "usr/bin/python3.13": "",
        "var/lib/dpkg/info/python3.13.list": "/usr\n/usr/bin/python3.13\n",
        "var/lib/dpkg/status": (
            "Package: python3.13\nStatus: install ok installed\nSource: python (3.13-1)\nVersion: 3.13-1+b1\n"
            "Architecture: amd64\nDescription: x\n Version: 9\n\n"
            "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n"
        ),
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "opt/python/bin").mkdir(parents=True)
    (tmp_path / "opt/python/bin/python").symlink_to("/usr/bin/python3")
    (tmp_path / "usr/bin/python3").symlink_to("python3.13")
    return tmp_path


def take(root: Path) -> inventory.Inventory:
    return inventory.take(root, root / "none", ROOT / "locks")


def test_a_package_that_was_removed_is_not_listed(root: Path) -> None:
    system, package = sorted(take(root).packages, key=lambda package: package.kind, reverse=True)
    assert (system.name, package.name, package.version) == ("debian", "python3.13", "3.13-1+b1")
    assert dict(package.qualifiers) == {"arch": "amd64", "distro": "debian-13", "upstream": "python@3.13-1"}


@pytest.mark.parametrize(
    "stranger",
    ["opt/x", "opt/tools/bin/x", "opt/tools/node_modules/x/index.js", "opt/sandbox/x.py", "opt/rust/x"],
)
def test_a_file_below_opt_that_is_nobodys_is_found(root: Path, stranger: str) -> None:
    assert inventory.strangers(root, take(root)) == []
    (root / stranger).parent.mkdir(parents=True, exist_ok=True)
    (root / stranger).touch()
    assert inventory.strangers(root, take(root)) == [f"/{stranger}"]


def test_a_link_below_opt_that_leads_to_nobodys_is_found(root: Path) -> None:
    (root / "opt/loop").symlink_to("loop")
    (root / "opt/outside").symlink_to("/etc/os-release")
    assert inventory.strangers(root, take(root)) == ["/opt/loop", "/opt/outside"]


def test_uvs_programs_are_uvs_only_as_they_are_in_its_wheel(root: Path) -> None:
    venv = root / "venv"
    installed = venv / "lib/python3.13/site-packages/uv-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: uv\nVersion: 1\nLicense-Expression: MIT\n"
    )
    digest = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"  # of "hello"
    (installed / "RECORD").write_text(f"../../../bin/uv,sha256={digest},5\n")
    program = root / "opt/tools/bin/uv"
    program.parent.mkdir(parents=True)
    for text, strangers in (("hello", []), ("other", ["/opt/tools/bin/uv"])):
        program.write_text(text)
        found = inventory.take(root, venv, ROOT / "locks")
        assert ("uv", "1", ("MIT",)) in [(part.name, part.version, part.licences) for part in found.packages]
        assert inventory.strangers(root, found) == strangers


def test_a_python_of_uvs(root: Path) -> None:
    library = root / "opt/python/cpython-3.12.9-linux-x86_64-gnu/lib/python3.12"
    (library / "site-packages/pip-25.0.dist-info").mkdir(parents=True)
    (library / "site-packages/pip-25.0.dist-info/METADATA").write_text(
        "Name: pip\nVersion: 25.0\nLicense: MIT\n"
    )
    (library / "LICENSE.txt").touch()
    found = take(root)
    assert {("cpython", "3.12.9"), ("pip", "25.0")} <= {(part.name, part.version) for part in found.packages}
    assert inventory.strangers(root, found) == []


def test_a_toolchain_of_rustups(root: Path) -> None:
    target = "x86_64-unknown-linux-gnu"
    toolchain = root / f"opt/rust/toolchains/stable-{target}"
    (toolchain / "lib/rustlib").mkdir(parents=True)
    (toolchain / "bin").mkdir()
    (toolchain / "bin/rustc").touch()
    (root / "opt/rust/bin").symlink_to(f"/opt/rust/toolchains/stable-{target}/bin")
    (root / "opt/rust/settings.toml").touch()
    (toolchain / "lib/rustlib/components").write_text(f"rust-std-{target}\nrustc-{target}\n")
    (toolchain / "lib/rustlib/multirust-channel-manifest.toml").write_text(
        f'[pkg.rust.target.{target}]\n[pkg.rustc]\nversion = "1.90.0 (1159e78c4 2025-09-14)"\n'
        f'[pkg.rustc.target.{target}]\nhash = "{"a" * 64}"\nxz_hash = "{"b" * 64}"\n'
        f'[pkg.rust-std]\nversion = "1.90.0 (1159e78c4 2025-09-14)"\n'
    )
    found = take(root)
    parts = {part.name: part for part in found.packages}
    assert (parts["rustc"].version, parts["rust-std"].version) == ("1.90.0", "1.90.0")
    assert parts["rustc"].hashes == (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}")
    assert inventory.strangers(root, found) == []
