"""What the image holds, read from its files: packages of apt, PyPI and npm, toolchains, what is nobody's.

Nothing of the image is run.
"""

import base64
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

NOASSERTION = "NOASSERTION"
# A file of this size is a program or a bundle, and holds parts of others that nothing in the image names.
BUNDLE = 1 << 20

# What DEP-5 and SPDX name differently. "Artistic" is neither here nor an SPDX name: it may be one of three.
DEP5 = {"apache-2": "Apache-2.0", "cc0": "CC0-1.0", "expat": "MIT", "mpl-2": "MPL-2.0"}
GNU = re.compile(r"(A?GPL|LGPL|GFDL)(-NIV)?-?([1-3])(\.\d)?(\+|-only|-or-later)?", re.IGNORECASE)

# Only the classifiers that name one licence.
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}

# Written by the Dockerfile and its scripts, not by any package.
OURS = (
    "/opt/sandbox/__main__.py", "/opt/sandbox/block-signals", "/opt/sandbox/init/",
    "/opt/sandbox/shipped.marshal", "/opt/tools/bin/omp", "/opt/tools/package.json",
    "/opt/tools/package-lock.json",
)  # fmt: skip
# What rustup, a package of apt, keeps beside its toolchains.
RUSTUPS = ("/opt/rust/settings.toml", "/opt/rust/update-hashes/")


@dataclass(frozen=True)
class Package:
    """One package. Its hashes are those of the archives that it may have been unpacked from."""

    kind: str  # its purl's type
    name: str
    version: str
    namespace: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    licences: tuple[str, ...] = (NOASSERTION,)
    stated_in: str = ""  # where its licence is
    hashes: tuple[str, ...] = ()  # as in "sha256:00ff…"
    hashed_in: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    role: str = "library"  # its type in CycloneDX

    @property
    def full_name(self) -> str:
        """The name as people know it: with its scope where it is npm's."""
        return f"{self.namespace}/{self.name}" if self.kind == "npm" and self.namespace else self.name


@dataclass
class Inventory:
    """Packages, and what is theirs: paths in the image; those that end in / are folders with all in them."""

    packages: list[Package] = field(default_factory=list)
    owned: set[str] = field(default_factory=set)

    def add(self, packages: Iterable[Package], owned: Iterable[str]) -> None:
        """Take these in."""
        self.packages.extend(packages)
        self.owned.update(owned)

    def owns(self, path: str) -> bool:
        """Tell whether a path, or a folder that it is in, is some package's."""
        parents = (path[: end + 1] for end, letter in enumerate(path) if letter == "/")
        return path in self.owned or any(parent in self.owned for parent in parents)


def take(root: Path, wheels: Path, locks: Path) -> Inventory:
    """Read the image below ``root``; ``wheels`` is where uv was installed from its wheel."""
    found = Inventory()
    found.add([operating_system(root)], [*OURS, *RUSTUPS])
    for part in (debian(root), python(root, locks), uv(root, wheels, locks), npm(root, locks)):
        found.add(part.packages, part.owned)
    for part in (managed_pythons(root), toolchains(root)):
        found.add(part.packages, part.owned)
    found.packages = merged(found.packages)
    return found


def merged(packages: Iterable[Package]) -> list[Package]:
    """Make one of each package that is there more than once, and sort them."""
    one: dict[tuple[object, ...], Package] = {}
    for package in packages:
        key = (package.kind, package.namespace, package.name, package.version, package.qualifiers)
        known = one.get(key)
        one[key] = replace(known, notes=tuple(sorted({*known.notes, *package.notes}))) if known else package
    return [one[key] for key in sorted(one)]


def strangers(root: Path, found: Inventory) -> list[str]:
    """Return the files below /opt that belong to no package."""
    unknown = []
    for folder, folders, files in os.walk(root / "opt"):
        for path in (Path(folder, name) for name in (*files, *folders)):
            if path.is_symlink():
                known = found.owns(inside(root, path)) or found.owns(f"{inside(root, resolved(root, path))}")
            else:
                known = path.is_dir() or found.owns(source_of(inside(root, path)))
            if not known:
                unknown.append(inside(root, path))
    return sorted(unknown)


def inside(root: Path, path: Path) -> str:
    """Return what the image calls this path."""
    return f"/{path.relative_to(root)}"


def source_of(path: str) -> str:
    """Return the module that bytecode was compiled from; any other file is its own source."""
    return re.sub(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"\1.py", path)


def resolved(root: Path, path: Path) -> Path:
    """Follow every symbolic link as the image itself does: what is absolute starts at ``root``."""
    done, todo = root, list(reversed(path.relative_to(root).parts))
    hops = 0
    while todo:
        name = todo.pop()
        if name == "..":
            done = done.parent if done != root else root
        elif (done / name).is_symlink() and hops < 40:
            hops += 1
            target = Path(os.readlink(done / name))  # noqa: PTH115  (the same; readable beside Path)
            if target.is_absolute():
                done, target = root, target.relative_to("/")
            todo.extend(reversed(target.parts))
        else:
            done /= name
    return done


def os_release(root: Path) -> dict[str, str]:
    lines = (resolved(root, root / "etc/os-release")).read_text().splitlines()
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def operating_system(root: Path) -> Package:
    release = os_release(root)
    return Package(
        "generic", release["ID"], release.get("VERSION_ID", ""), role="operating-system",
        notes=(("release", release.get("PRETTY_NAME", "")),),
    )  # fmt: skip


# --- apt


def debian(root: Path) -> Inventory:
    release = os_release(root)
    distro = "-".join(filter(None, (release["ID"], release.get("VERSION_ID"))))
    packages = []
    for entry in paragraphs((root / "var/lib/dpkg/status").read_text()):
        if not entry["status"].endswith(" installed"):
            continue
        name, version = entry["package"], entry["version"]
        source, _, source_version = entry.get("source", name).partition(" ")
        upstream = f"{source}@{source_version.strip('()') or version}"
        licences, stated_in = debian_licences(root, name)
        packages.append(
            Package(
                "deb", name, version, namespace=release["ID"], licences=licences, stated_in=stated_in,
                qualifiers=(("arch", entry["architecture"]), ("distro", distro), ("upstream", upstream)),
            )
        )  # fmt: skip
    lists = (path.read_text().splitlines() for path in (root / "var/lib/dpkg/info").glob("*.list"))
    paths = {path for lines in lists for path in lines if not (root / path[1:]).is_dir()}
    # Some packages still name their files by the links /bin, /sbin and /lib.
    return Inventory(packages, paths | {f"/usr{path}" for path in paths})


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield the paragraphs of a control file: of each field its first line, by its name in lower case."""
    for part in re.split(r"\n(?:[ \t]*\n)+", text.strip("\n")):
        fields = (re.match(r"([A-Za-z][\w-]*):[ \t]*(.*)", line) for line in part.splitlines())
        yield {match[1].lower(): match[2].strip() for match in fields if match}


def debian_licences(root: Path, name: str) -> tuple[tuple[str, ...], str]:
    path = resolved(root, root / "usr/share/doc" / name / "copyright")
    if not path.is_file():
        return (NOASSERTION,), ""
    licences = dep5(path.read_text(errors="replace"))
    return licences or (NOASSERTION,), inside(root, path)


def dep5(text: str) -> tuple[str, ...]:
    """Return the licences of a machine-readable copyright file; none of any other."""
    parts = list(paragraphs(text))
    if not parts or "format" not in parts[0]:
        return ()
    # A paragraph with neither Files nor Format is the text of a licence that others name.
    stated = (part["license"] for part in parts if part.get("license") and {"files", "format"} & part.keys())
    return tuple(sorted({spdx_from_dep5(" ".join(licence.split())) for licence in stated}))


def spdx_from_dep5(licence: str) -> str:
    """Translate what SPDX names otherwise. A comma changes how "and" binds: what has one stays as it is."""
    if "," in licence:
        return licence
    words = re.split(r" (and|or) ", licence, flags=re.IGNORECASE)
    return " ".join(word.upper() if place % 2 else term(word) for place, word in enumerate(words))


def term(name: str) -> str:
    if name.lower() in DEP5:
        return DEP5[name.lower()]
    match = GNU.fullmatch(name)
    if not match:
        return re.sub(r"^(BSD-[234])-clause$", r"\1-Clause", name)
    family, no_invariants, major, minor, later = match.groups()
    free = "-no-invariants" if no_invariants else ""
    suffix = "-or-later" if later in {"+", "-or-later"} else "-only"
    return f"{family.upper()}-{major}{minor or '.0'}{free}{suffix}"


# --- PyPI


def python(root: Path, locks: Path) -> Inventory:
    """Read what PID 1 imports: every distribution in /opt/sandbox."""
    hashes = locked_hashes(locks / "runtime.txt")
    found = Inventory()
    for entry in distributions(path=[str(root / "opt/sandbox")]):
        found.add([distribution(entry, root, hashes, "locks/runtime.txt")], files_of(entry, root))
    return found


def distribution(entry: Distribution, root: Path, hashes: dict[str, tuple[str, ...]], lock: str) -> Package:
    name = canonical(entry.metadata["Name"])
    place = Path(str(entry.locate_file("")))
    where = inside(root, place) if place.is_relative_to(root) else ""
    return Package(
        "pypi", name, entry.version, licences=python_licences(entry), stated_in="its METADATA",
        hashes=hashes.get(f"{name}=={entry.version}", ()), hashed_in=lock,
        notes=((("path", where),) if where else ()),
    )  # fmt: skip


def python_licences(entry: Distribution) -> tuple[str, ...]:
    metadata = entry.metadata.json
    licence = str(metadata.get("license_expression") or metadata.get("license") or "").strip()
    # Some have the licence's whole text there.
    if licence and "\n" not in licence and licence.upper() != "UNKNOWN":
        return (licence,)
    lines = (str(line) for line in metadata.get("classifier", ()) if "License ::" in line)
    last = (line.rpartition(" :: ")[2] for line in lines)
    known = tuple(sorted(CLASSIFIERS.get(name, name) for name in last if name != "OSI Approved"))
    return known or (NOASSERTION,)


def files_of(entry: Distribution, root: Path) -> Iterator[str]:
    for file in entry.files or ():
        yield inside(root, Path(os.path.normpath(str(file.locate()))))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_hashes(lock: Path) -> dict[str, tuple[str, ...]]:
    """Return the hashes of each "name==version" of a lock file."""
    lines = re.sub(r" *\\\n *", " ", lock.read_text()).splitlines()
    matches = ((re.match(r"([\w.-]+)(?:\[[^]]*])?(==[^\s;]+)", line), line) for line in lines)
    return {
        canonical(match[1]) + match[2]: tuple(sorted(re.findall(r"--hash=(\w+:[0-9a-f]+)", line)))
        for match, line in matches
        if match
    }


def uv(root: Path, wheels: Path, locks: Path) -> Inventory:
    """Read the wheel that uv's programs were copied from. Only what is the same as in the wheel is uv's."""
    found = Inventory()
    places = [str(path) for path in wheels.glob("lib/python*/site-packages")]
    for entry in distributions(name="uv", path=places):
        package = distribution(entry, root, locked_hashes(locks / "build.txt"), "locks/build.txt")
        found.add([replace(package, role="application", notes=notes("/opt/tools/bin", bundle=True))], [])
        for file in entry.files or ():
            shipped = root / "opt/tools/bin" / file.name
            if file.parent.name == "bin" and file.hash and digest(shipped, file.hash.mode) == file.hash.value:
                found.owned.add(inside(root, shipped))
    return found


def digest(path: Path, algorithm: str) -> str:
    """Return a file's hash as a wheel's RECORD writes it."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        value = hashlib.file_digest(file, algorithm).digest()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def notes(path: str, *, bundle: bool = False) -> tuple[tuple[str, str], ...]:
    unlisted = ("incomplete", "what is compiled or bundled into it is not listed")
    return (("path", path), *([unlisted] if bundle else []))


# --- npm


def npm(root: Path, locks: Path) -> Inventory:
    locked: dict[str, Any] = json.loads((locks / "npm/package-lock.json").read_text())["packages"]
    found = Inventory()
    for folder in node_packages(root / "opt/tools/node_modules"):
        manifest = json.loads((folder / "package.json").read_text())
        where = str(folder.relative_to(root / "opt/tools"))
        entry = locked.get(where, {})
        if entry.get("version") != manifest["version"]:
            continue  # not what the lock says: it stays a stranger
        scope, _, name = manifest["name"].rpartition("/")
        # What came in another's archive has no hash of its own.
        bundler = where.partition("/node_modules/")[0].removeprefix("node_modules/")
        part = [("bundled-in", bundler)] if entry.get("inBundle") else []
        large = any(path.is_file() and path.stat().st_size >= BUNDLE for path in own_files(folder))
        found.add(
            [
                Package(
                    "npm", name, manifest["version"], namespace=scope, licences=npm_licences(manifest),
                    stated_in="its package.json", hashed_in="locks/npm/package-lock.json",
                    hashes=tuple(map(from_integrity, entry.get("integrity", "").split())),
                    notes=(*notes(inside(root, folder), bundle=large), *part),
                )
            ],
            (inside(root, path) for path in own_files(folder)),
        )  # fmt: skip
    return found


def node_packages(modules: Path) -> Iterator[Path]:
    """Yield the folders of packages as Node.js finds them: a package.json elsewhere is some package's own."""
    for folder in sorted(modules.glob("*")):
        if folder.name.startswith("@"):
            yield from node_packages(folder)
        elif (folder / "package.json").is_file() and not folder.is_symlink():
            yield folder
            yield from node_packages(folder / "node_modules")


def own_files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        if place == str(folder) and "node_modules" in folders:
            folders.remove("node_modules")
        yield from (Path(place, name) for name in (*files, *folders))


def npm_licences(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Read all three forms that npm has had: an expression, an object, a list of objects."""
    stated = manifest.get("license") or manifest.get("licenses") or ()
    listed = stated if isinstance(stated, list) else [stated]
    names = [entry.get("type", "") if isinstance(entry, dict) else str(entry) for entry in listed if entry]
    return tuple(sorted(filter(None, names))) or (NOASSERTION,)


def from_integrity(integrity: str) -> str:
    algorithm, _, value = integrity.partition("-")
    return f"{algorithm}:{base64.b64decode(value).hex()}"


# --- toolchains


def managed_pythons(root: Path) -> Inventory:
    """Read the Pythons that uv has unpacked, and the pip in each."""
    found = Inventory()
    for folder in sorted((root / "opt/python").glob("cpython-*/")):
        version = folder.name.split("-")[1]
        licence = next(folder.glob("lib/python3.*/LICENSE.txt"), None)
        found.add(
            [
                Package(
                    "generic", "cpython", version, role="platform",
                    notes=notes(inside(root, folder), bundle=True),
                    licences=("Python-2.0",) if licence else (NOASSERTION,),
                    stated_in=inside(root, licence) if licence else "",
                )
            ],
            [f"{inside(root, folder)}/"],
        )  # fmt: skip
        for site in folder.glob("lib/python3.*/site-packages"):
            found.add((distribution(entry, root, {}, "") for entry in distributions(path=[str(site)])), [])
    # uv's own: where it locks, and what it has half fetched.
    found.owned.update({"/opt/python/.lock", "/opt/python/.gitignore", "/opt/python/.temp/"})
    return found


def toolchains(root: Path) -> Inventory:
    """Read rustup's toolchains: each component's version and hash is in the manifest it was installed by."""
    found = Inventory()
    for folder in sorted((root / "opt/rust/toolchains").glob("*/")):
        rustlib = folder / "lib/rustlib"
        manifest = tomllib.loads((rustlib / "multirust-channel-manifest.toml").read_text())["pkg"]
        for component in (rustlib / "components").read_text().split():
            found.add([rust_component(component, manifest, folder, root)], [])
        found.owned.add(f"{inside(root, folder)}/")
    return found


def rust_component(component: str, manifest: dict[str, Any], folder: Path, root: Path) -> Package:
    # "rust-std-x86_64-unknown-linux-gnu" is the package rust-std for the target after it.
    name = max((name for name in manifest if component.startswith(f"{name}-")), key=len, default=component)
    entry = manifest.get(name, {})
    target = entry.get("target", {}).get(component.removeprefix(f"{name}-"), {})
    hashes = {f"sha256:{target[key]}" for key in ("hash", "xz_hash") if target.get(key)}
    licence = folder / "share/doc/rust/LICENSE-APACHE"
    licences = [path for path in (licence, *folder.glob("share/doc/*/LICENSE-APACHE")) if path.is_file()]
    return Package(
        "generic", name, entry.get("version", "").split(" ")[0] or folder.name, role="platform",
        qualifiers=(("target", component.removeprefix(f"{name}-")),),
        licences=("MIT OR Apache-2.0",) if licences else (NOASSERTION,),
        stated_in=inside(root, licences[0]) if licences else "",
        hashes=tuple(sorted(hashes)), hashed_in="the channel's manifest",
        notes=notes(inside(root, folder), bundle=True),
    )  # fmt: skip
