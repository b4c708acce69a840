"""Writes the image's bill of materials (CycloneDX) and its list of licences.

Run by the stage sbom-scan of the Dockerfile over the files of the image. The same image gives the same bytes:
there is no time in them but SOURCE_DATE_EPOCH, and the serial number is made from the content.
"""

import argparse
import json
import os
import sys
import textwrap
import tomllib
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import inventory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.spdx import fixup_id, is_expression
from cyclonedx.validation.json import JsonStrictValidator
from inventory import Inventory, Package
from packageurl import PackageURL

ALGORITHMS = {"sha1": HashAlgorithm.SHA_1, "sha256": HashAlgorithm.SHA_256, "sha512": HashAlgorithm.SHA_512}
LICENCES_HEAD = """\
The licences of what is in the image, as each package states them. NOASSERTION: it states none that a program
can read; the file after it has the text.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("root", "wheels", "locks", "project", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--base-image", required=True)
    options = parser.parse_args()

    found = inventory.take(options.root, options.wheels, options.locks)
    unknown = inventory.strangers(options.root, found)
    if unknown:
        print("these files belong to no package:", *unknown[:20], sep="\n  ", file=sys.stderr)
        print(f"{len(unknown)} in all", file=sys.stderr)
        return 1
    project = tomllib.loads(options.project.read_text())["project"]
    text = document(found, project, options.base_image)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        print(f"the document is not CycloneDX 1.6: {fault}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "sbom.cdx.json").write_text(text)
    (options.out / "licences.txt").write_text(table(found.packages))
    print(f"{len(found.packages)} packages")
    return 0


def document(found: Inventory, project: dict[str, Any], base_image: str) -> str:
    image = Component(
        name=project["name"], version=project["version"], type=ComponentType.CONTAINER, bom_ref="image",
        purl=PackageURL("generic", None, project["name"], project["version"]),
        licenses=licences((project["license"],)),
        properties=[Property(name="agentic-sandbox:base-image", value=base_image)],
    )  # fmt: skip
    bom = Bom(components=[component(package) for package in found.packages])
    bom.metadata.component = image
    bom.metadata.tools.components.add(this_component())
    bom.register_dependency(image, bom.components)
    content = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(fixed(content), indent=1, ensure_ascii=False) + "\n"


def fixed(content: dict[str, Any]) -> dict[str, Any]:
    """Replace what the library draws anew each time."""
    del content["serialNumber"], content["metadata"]["timestamp"]
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        content["metadata"]["timestamp"] = datetime.fromtimestamp(int(epoch), UTC).isoformat()
    same = json.dumps(content, sort_keys=True)
    content["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, same)}"
    return content


def component(package: Package) -> Component:
    purl = PackageURL(
        package.kind, package.namespace or None, package.name, package.version, dict(package.qualifiers)
    )
    notes = [*package.notes, *([("licence-stated-in", package.stated_in)] if package.stated_in else [])]
    return Component(
        name=package.name, group=package.namespace if package.kind == "npm" and package.namespace else None,
        version=package.version, type=ComponentType(package.role), purl=purl, bom_ref=purl.to_string(),
        licenses=licences(package.licences),
        external_references=[archives(package, purl)] if package.hashes else [],
        properties=[Property(name=f"agentic-sandbox:{key}", value=value) for key, value in notes],
    )  # fmt: skip


def archives(package: Package, purl: PackageURL) -> ExternalReference:
    """Name the archives by purl, not by address: a mirror's are the same bytes."""
    hashes = (entry.split(":") for entry in package.hashes)
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(purl.to_string()),
        comment=f"came from an archive with one of these hashes ({package.hashed_in})",
        hashes=[HashType(alg=ALGORITHMS[algorithm], content=value) for algorithm, value in hashes],
    )  # fmt: skip


def licences(stated: tuple[str, ...]) -> list[License]:
    """Return one SPDX expression where all is SPDX and some of it a choice, else a list of IDs and names."""
    declared = LicenseAcknowledgement.DECLARED
    ids = [fixup_id(licence) for licence in stated]
    if not all(ids) and all(map(is_expression, stated)):
        parts = (f"({part})" if len(stated) > 1 and " OR " in part else part for part in stated)
        return [LicenseExpression(" AND ".join(parts), acknowledgement=declared)]
    return [
        DisjunctiveLicense(id=spdx, name=None if spdx else licence, acknowledgement=declared)
        for spdx, licence in zip(ids, stated, strict=True)
    ]


def table(packages: list[Package]) -> str:
    """Return one line for each package, and more where it has many licences."""
    origins = {"deb": "apt", "pypi": "PyPI", "npm": "npm", "generic": "toolchain"}
    rows = [("NAME", "VERSION", "SOURCE", "LICENCE")]
    for package in packages:
        named = "; ".join(package.licences)
        if package.licences == (inventory.NOASSERTION,) and package.stated_in.startswith("/"):
            named += f" ({package.stated_in})"
        origin = "base" if package.role == "operating-system" else origins[package.kind]
        rows.append((package.full_name, package.version, origin, named))
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    lines = []
    for row in rows:
        head = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lines += textwrap.wrap(
            row[3], 160, initial_indent=f"{head}  ", subsequent_indent=" " * (len(head) + 2),
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join([LICENCES_HEAD, *lines]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
