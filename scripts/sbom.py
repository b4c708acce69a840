"""Write an image's bill of materials (CycloneDX 1.6) and its licences; scripts/sbom.sh runs it.

It reads what `docker export` writes, and runs nothing of the image. The same image gives the same bytes: the
time is the image's, and the serial number is made from its ID.
"""

import json
import logging
import posixpath
import re
import sys
import tarfile
import tomllib
import uuid
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id, is_expression
from debian.copyright import Copyright, NotMachineReadableError
from debian.deb822 import Packages
from license_expression import ExpressionError, get_spdx_licensing
from packageurl import PackageURL
from packaging.metadata import parse_email
from packaging.utils import canonicalize_name

# What packages tell of themselves.
TEXTS = re.compile(
    r"(etc|usr/lib)/os-release|var/lib/dpkg/status|usr/share/doc/[^/]+/copyright"
    r"|opt/.+\.dist-info/METADATA|opt/tools/[^/]+/(package-lock\.json|node_modules/.+/package\.json)"
    r"|opt/python/cpython-[^/]+/lib/python[^/]+/LICENSE\.txt"
    r"|opt/rust/.+/lib/rustlib/(components|multirust-channel-manifest\.toml)"
)
# In bytes. A file of this size is a program or a bundle, and holds parts of others that nothing names.
LARGE = 1 << 20
SPDX = get_spdx_licensing()
# What DEP-5 and SPDX name differently. "Artistic" is not here: it may be one of three.
DEP5 = {
    "apache-2": "Apache-2.0", "cc0": "CC0-1.0", "expat": "MIT", "mpl-2": "MPL-2.0",
    "gfdl-niv-1.3": "GFDL-1.3-no-invariants-only", "gfdl-niv-1.3+": "GFDL-1.3-no-invariants-or-later",
}  # fmt: skip
NOASSERTION = "NOASSERTION"
SOURCES = {"pkg:deb": "apt", "pkg:pypi": "PyPI", "pkg:npm": "npm"}
HEAD = f"""The licences of what is in the image, as each package states them.
{NOASSERTION}: it states none that a program can read; the file after it has the text.\n"""


class Image(NamedTuple):
    """What of an image's files tells what is in it, by path without the first slash."""

    texts: dict[str, str]
    links: dict[str, str]
    large: list[str]

    def follow(self, path: str) -> str:
        """Return where a path leads by the image's own links: at most 40, as in path_resolution(7)."""
        for _ in range(40):
            heads = (path, *map(str, PurePosixPath(path).parents))
            link = next((head for head in heads if head in self.links), "")
            path = self.links.get(link, "") + path.removeprefix(link)
        return path

    def find(self, pattern: str) -> Iterator[tuple[str, str]]:
        """Yield folder and text of each file whose path ends so."""
        for path, text in self.texts.items():
            if match := re.fullmatch(rf"(.+)/{pattern}", path):
                yield match[1], text


def main(inspected: str, folder: Path, archive: IO[bytes]) -> None:
    logging.disable()  # python-debian tells of each old way to write a format's address
    (engine,) = json.loads(inspected)
    if (engine["Config"]["Labels"] or {}).get("org.opencontainers.image.title") != "agentic-sandbox":
        sys.exit("sandbox: error: SANDBOX_IMAGE names an image that start.sh has not built")
    try:
        image = read(archive)
        found = [*system(image), *debian(image), *pypi(image), *npm(image)]
    except (tarfile.ReadError, KeyError) as error:
        sys.exit(f"sandbox: error: the engine's archive of the image is not whole: {error}")
    # One of each: npm may have laid the same package in two places.
    one = {str(each.purl): each for each in found}
    components = [one[purl] for purl in sorted(one)]
    (folder / "sbom.cdx.json").write_text(document(components, engine))
    (folder / "licences.txt").write_text(table(components))


def read(stream: IO[bytes]) -> Image:
    """Read the archive of an image's files."""
    image = Image({}, {}, [])
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for entry in archive:
            if entry.issym():
                target = posixpath.join("/", posixpath.dirname(entry.name), entry.linkname)
                image.links[entry.name] = posixpath.normpath(target).lstrip("/")
            elif TEXTS.fullmatch(entry.name) and (content := archive.extractfile(entry)):
                image.texts[entry.name] = content.read().decode(errors="replace")
            elif entry.size >= LARGE:
                image.large.append(entry.name)
    return image


# --- What is in it


def system(image: Image) -> Iterator[Component]:
    """Yield the base's system, and the toolchains that its package manager does not know."""
    base = component(PackageURL("generic", None, *release(image)), [])
    base.type = ComponentType.OPERATING_SYSTEM
    yield base
    for folder, _ in image.find(r"lib/python[^/]+/LICENSE\.txt"):
        purl = PackageURL("generic", None, "cpython", folder.split("-")[1])
        yield component(purl, ["Python-2.0"], folder, bundle=True)
    for folder, text in image.find(r"lib/rustlib/multirust-channel-manifest\.toml"):
        packages = tomllib.loads(text)["pkg"]
        for part in image.texts[f"{folder}/lib/rustlib/components"].split():
            # "rust-std-x86_64-unknown-linux-gnu" is the package rust-std for the target after it.
            name = max(filter(part.startswith, packages), key=len)
            purl = PackageURL("generic", None, name, packages[name]["version"].split()[0])
            yield component(purl, ["MIT OR Apache-2.0"], folder, bundle=True)


def release(image: Image) -> tuple[str, str]:
    """Return ID and version of os-release(5); Debian's testing has a code name instead of a number."""
    text = image.texts[image.follow("etc/os-release")]
    fields = dict(re.findall(r"""(?m)^(\w+)=["']?(.*?)["']?$""", text))
    return fields["ID"], fields.get("VERSION_ID") or fields["VERSION_CODENAME"]


def debian(image: Image) -> Iterator[Component]:
    """Yield what dpkg has installed."""
    system, version = release(image)
    for entry in Packages.iter_paragraphs(image.texts["var/lib/dpkg/status"], use_apt_pkg=False):
        if entry["Status"].endswith(" installed"):
            path = image.follow(f"usr/share/doc/{entry['Package']}/copyright")
            origin = {"arch": entry["Architecture"], "distro": f"{system}-{version}"}
            origin["upstream"] = f"{entry.source}@{entry.source_version}"
            purl = PackageURL("deb", system, entry["Package"], entry["Version"], origin)
            yield component(purl, dep5(image.texts.get(path, "")), path)


def dep5(text: str) -> set[str]:
    """Return the licences of a machine-readable copyright file; none of any other."""
    try:
        parts = Copyright(text.splitlines(), strict=False)
    except NotMachineReadableError:
        return set()
    stated: list[Any] = [parts.header.license, *(part.license for part in parts.all_files_paragraphs())]
    return {spdx(licence.synopsis) for licence in stated if licence and licence.synopsis.strip()}


def spdx(licence: str) -> str:
    """Return a licence of DEP-5 as SPDX writes it, as far as SPDX knows it."""
    named = re.sub(r"[\w.+-]+", lambda word: DEP5.get(word[0].lower(), word[0]), licence)
    named = re.sub(r"\b(A?GPL|LGPL|GFDL)-([1-3])(?![.\d]|\+?-)", r"\1-\2.0", named)
    try:
        return str(SPDX.parse(named).render())
    except ExpressionError:  # among them one with a comma, which changes how "and" binds
        return " ".join(licence.split())


def pypi(image: Image) -> Iterator[Component]:
    """Yield what came from wheels."""
    for folder, text in image.find("METADATA"):
        metadata, _ = parse_email(text)
        stated = [metadata.get("license_expression") or metadata.get("license") or ""]
        if not stated[0] or "\n" in stated[0]:  # some have the licence's whole text there
            lines = metadata.get("classifiers", [])
            stated = [line.rpartition(" :: ")[2] for line in lines if line.startswith("License ::")]
        name = canonicalize_name(metadata["name"])
        purl = PackageURL("pypi", None, name, metadata["version"])
        yield component(purl, stated, folder, bundle=name == "uv")


def npm(image: Image) -> Iterator[Component]:
    """Yield what npm installed, with the hash by which it let it in, and what such a package brings along."""
    locked = {
        f"{tool}/{place}": entry
        for tool, text in image.find(r"package-lock\.json")
        for place, entry in json.loads(text)["packages"].items()
    }
    for folder, text in image.find(r"package\.json"):
        inner = re.search(r"/node_modules/((?:@[^/]+/)?[^/@]+)$", folder)
        entry = locked.get(folder) or json.loads(text)
        if inner is None or "version" not in entry:
            continue
        # An alias has its package's name beside it.
        scope, _, name = entry.get("name", inner[1]).rpartition("/")
        purl = PackageURL("npm", scope, name, entry["version"])
        large = any(re.match(rf"{re.escape(folder)}/(?!node_modules/)", path) for path in image.large)
        stated, sha512 = entry.get("license"), entry.get("integrity", "").removeprefix("sha512-")
        # Old packages state it in another form.
        yield component(
            purl, [stated] if isinstance(stated, str) else [], folder, bundle=large, sha512=sha512
        )


# --- What is written


def component(
    purl: PackageURL, stated: Iterable[str], path: str = "", *, bundle: bool = False, sha512: str = ""
) -> Component:
    """Return a component; ``path`` is where it is, or its licence; ``sha512`` (base64) is its archive's."""
    notes = {"licence-stated-in" if purl.type == "deb" else "path": f"/{path}"} if path else {}
    if bundle:
        notes["incomplete"] = "what is compiled or bundled into it is not listed"
    digest = HashType(alg=HashAlgorithm.SHA_512, content=b64decode(sha512).hex())
    return Component(
        name=purl.name, group=purl.namespace if purl.type == "npm" else None, version=purl.version,
        type=ComponentType.LIBRARY, purl=purl, bom_ref=purl.to_string(), licenses=licences(stated),
        hashes=[digest] if sha512 else [],
        properties=[Property(name=f"agentic-sandbox:{name}", value=note) for name, note in notes.items()],
    )  # fmt: skip


def licences(stated: Iterable[str]) -> list[License]:
    """Return one SPDX expression where all is SPDX and some of it a choice, else a list of IDs and names."""
    names = sorted(set(stated)) or [NOASSERTION]
    ids = [fixup_id(name) for name in names]
    if not all(ids) and all(map(is_expression, names)):
        parts = (f"({name})" if len(names) > 1 and " OR " in name else name for name in names)
        return [LicenseExpression(" AND ".join(parts))]
    return [DisjunctiveLicense(id=i, name=None if i else name) for i, name in zip(ids, names, strict=True)]


def document(components: list[Component], inspected: Mapping[str, Any]) -> str:
    """Return the bill of materials of the image that the engine describes so."""
    label = {name.rpartition("image.")[2]: value for name, value in inspected["Config"]["Labels"].items()}
    purl = PackageURL("generic", None, label["title"], label.get("version"))
    image = component(purl, [label["licenses"]])
    image.type = ComponentType.CONTAINER
    image.properties.add(Property(name="agentic-sandbox:base-image", value=label["base.name"]))
    bom = Bom(components=components, serial_number=uuid.uuid5(uuid.NAMESPACE_OID, inspected["Id"]))
    bom.metadata.component = image
    bom.metadata.timestamp = datetime.fromisoformat(inspected["Created"])
    bom.metadata.tools.components.add(this_component())
    bom.register_dependency(image, components)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def table(components: Iterable[Component]) -> str:
    """Return one line for each component."""
    rows = [("NAME", "VERSION", "SOURCE", "LICENCE")]
    for each in components:
        stated = [getattr(licence, "value", "") or licence.id or licence.name for licence in each.licenses]
        path = next((note.value for note in each.properties if note.name != "agentic-sandbox:incomplete"), "")
        named = "; ".join(stated) + (f" ({path})" if stated == [NOASSERTION] and path else "")
        source = SOURCES.get(str(each.purl).partition("/")[0], "base")
        rows.append(("/".join(filter(None, (each.group, each.name))), each.version or "", source, named))
    widths = [max(len(cells[place]) for cells in rows) for place in range(3)]
    lines = ("  ".join(map(str.ljust, cells, [*widths, 0])) for cells in rows)
    return "\n".join([HEAD, *lines]) + "\n"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.stdin.buffer)
