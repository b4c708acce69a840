"""The bill of materials names what is in the image, all of it and nothing else, and is the same each time."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.harness.engine import IMAGE, docker
from tests.harness.repository import ROOT

pytestmark = pytest.mark.xdist_group("sbom")

NAMES = ("sbom.cdx.json", "licences.txt")
# Every package that Node.js would find, and no package.json that is some package's own.
NODE_PACKAGES = r"""
import json, pathlib, re
for path in pathlib.Path("/opt/tools").glob("*/node_modules/**/package.json"):
    if re.search(r"/node_modules/(@[^/]+/)?[^/@]+/package\.json$", str(path)):
        package = json.loads(path.read_text())
        print(package["name"], package["version"])
"""
# uv's Pythons bring a pip.
DISTRIBUTIONS = r"""
import glob, re
from importlib.metadata import distributions
managed = glob.glob("/opt/python/cpython-*/lib/python*/site-packages")
for entry in distributions(path=["/opt/sandbox", *managed]):
    print(re.sub(r"[-_.]+", "-", entry.metadata["Name"]).lower(), entry.version)
"""
PLANT = r"""
cd /opt
npm=tools/toolchain/node_modules
touch x tools/bin/x sandbox/x.py rust-x && mkdir -p $npm/x $npm/npm/node_modules/y
touch $npm/x/index.js $npm/npm/node_modules/y/package.json
ln -s loop loop && ln -s /etc/hostname outside && echo >>tools/bin/uvx
"""
PLANTED = {
    "/opt/x", "/opt/tools/bin/x", "/opt/tools/bin/uvx", "/opt/sandbox/x.py", "/opt/rust-x", "/opt/loop",
    "/opt/outside", "/opt/tools/toolchain/node_modules/x/index.js",
    "/opt/tools/toolchain/node_modules/npm/node_modules/y/package.json",
}  # fmt: skip


def sbom(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scripts/sbom.sh", *arguments], cwd=ROOT, env={**os.environ, "SANDBOX_IMAGE": IMAGE, **environ},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbom")
    result = sbom(str(folder))
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def document(written: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((written / "sbom.cdx.json").read_text())
    return content


def named(document: Mapping[str, Any], kind: str = "") -> set[tuple[str, str]]:
    """Return name and version of each component; npm's name has its scope."""
    parts = [part for part in document["components"] if part["purl"].startswith(f"pkg:{kind}")]
    return {("/".join(filter(None, (part.get("group"), part["name"]))), part["version"]) for part in parts}


def in_image(program: str, *arguments: str) -> set[tuple[str, str]]:
    output = docker("run", "--rm", "--entrypoint", program, IMAGE, *arguments)
    return {(words[0], words[1]) for words in map(str.split, output.splitlines())}


def test_it_is_cyclonedx_of_this_image(written: Path, document: Mapping[str, Any]) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str((written / "sbom.cdx.json").read_text()) is None
    assert validator.validate_str(json.dumps({**document, "components": [{"type": "library"}]})) is not None
    label = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", IMAGE))
    image = document["metadata"]["component"]
    assert (image["type"], image["name"]) == ("container", "agentic-sandbox")
    assert image.get("version") == label.get("org.opencontainers.image.version")
    assert [note["value"] for note in image["properties"]] == [label["org.opencontainers.image.base.name"]]


def test_packages_are_those_of_the_image(document: Mapping[str, Any]) -> None:
    debian = in_image("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\n")
    npm = in_image("/usr/bin/python3", "-c", NODE_PACKAGES)
    python = in_image("/usr/bin/python3", "-c", DISTRIBUTIONS)
    assert len(debian) > 100
    assert {"npm", "opencode-linux-x64-baseline", "@oh-my-pi/pi-coding-agent"} <= {name for name, _ in npm}
    assert {"psutil", "python-prctl", "pyyaml", "structlog"} <= {name for name, _ in python}
    assert named(document, "deb") == debian
    assert named(document, "npm") == npm
    assert named(document, "pypi") == python | in_image("/opt/tools/bin/uv", "--version")


@pytest.mark.parametrize("program", ["rustc", "cargo", "python"])
def test_toolchains_are_there(document: Mapping[str, Any], program: str) -> None:
    path = "PATH=/opt/rust/bin:/opt/python/bin:$PATH"
    ((_, version),) = in_image("sh", "-c", f"{path} {program} --version")
    name = rf"{program}|cpython|python{version.rpartition('.')[0]}"
    assert [
        found for found in named(document) if re.fullmatch(name, found[0]) and found[1].startswith(version)
    ]


def test_each_component_has_a_purl_of_its_own_and_a_licence(document: Mapping[str, Any]) -> None:
    purls = [part["purl"] for part in document["components"]]
    assert len(set(purls)) == len(purls)
    assert [purl for purl in purls if not re.fullmatch(r"pkg:(deb|npm|pypi|generic)/[^@\s]+@\S+", purl)] == []
    assert [part["purl"] for part in document["components"] if not part.get("licenses")] == []


def test_the_list_of_licences_has_every_component(written: Path, document: Mapping[str, Any]) -> None:
    text = (written / "licences.txt").read_text()
    rows = {(words[0], words[1]) for line in text.splitlines() if len(words := line.split()) >= 4}
    assert named(document) <= rows
    assert re.findall(r"^structlog +\S+ +(.+)$", text, re.MULTILINE) == ["PyPI    MIT OR Apache-2.0"]


def test_the_same_image_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    assert sbom(str(tmp_path)).returncode == 0
    assert [name for name in NAMES if (tmp_path / name).read_bytes() != (written / name).read_bytes()] == []


def test_without_an_image_nothing_is_written(tmp_path: Path) -> None:
    result = sbom(str(tmp_path), SANDBOX_IMAGE="no-such-image:1")
    assert (result.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "there is no image no-such-image:1" in result.stderr


def test_every_file_below_opt_is_some_packages() -> None:
    def strangers(before: str) -> set[str]:
        command = f"set -e; {before}\nexec /usr/bin/python3 /probes/strangers.py"
        options = ["--user=0", f"--volume={ROOT}/tests/probes:/probes:ro", "--entrypoint=sh"]
        return set(docker("run", "--rm", *options, IMAGE, "-c", command).splitlines())

    assert strangers("") == set()
    assert strangers(PLANT) == PLANTED
