#!/usr/bin/env python3
"""Find inputs of the build, the tests and CI that are not pinned, or not by a hash; exit with 1 for any.

What apt installs is not looked at: the archive's signature covers it, and no archive keeps every version.
A comment ``# unpinned: REASON`` on the line above excuses an input; where it excuses none, it is a finding.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
# Nothing below these is the repository's.
NOT_OURS = {
    ".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__", "data",
    "node_modules", "workspace",
}  # fmt: skip
LARGE = 4 << 20

DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")
EXCUSE = re.compile(r"^[ \t]*# unpinned:[ \t]*(.*)$", re.MULTILINE)
# What the image is built for: an npm package for anything else is never installed.
PLATFORM = {"os": "linux", "cpu": "x64", "libc": "glibc"}

Files = Mapping[str, str]
# An offset into the text, and what is wrong there.
Faults = Iterator[tuple[int, str]]


@dataclass(frozen=True)
class Source:
    """One file, and those that it may name."""

    path: str
    text: str
    files: Files


Check = Callable[[Source], Faults]


@dataclass(frozen=True, order=True)
class Finding:
    """One input that is not pinned."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def check(files: Files) -> list[Finding]:
    """Return what is not pinned in these files: text by path."""
    found = set()
    for path, text in files.items():
        kinds = rules(path, text)
        of_path = [
            (line_of(text, at), what) for rule in kinds for at, what in rule(Source(path, text, files))
        ]
        excused = excuses(path, text) if kinds else {}
        found |= {Finding(path, line, what) for line, what in of_path if not excused.get(line - 1)}
        found |= {
            Finding(path, line, "this excuses nothing" if reason else "an excuse needs its reason")
            for line, reason in excused.items()
            if not reason or line + 1 not in {line for line, _ in of_path}
        }
    return sorted(found)


def rules(path: str, text: str) -> list[Check]:
    """Tell by a file's name, or by its first line, what it is."""
    name = path.rpartition("/")[2]
    by_name: dict[str, Check] = {
        r"Dockerfile(\.[\w.-]+)?|[\w.-]+\.Dockerfile": dockerfile,
        r"(docker-)?compose[\w.-]*\.ya?ml": compose,
        r"\.pre-commit-config\.yaml": pre_commit,
        r"package-lock\.json": npm_lock,
    }
    found = [rule for pattern, rule in by_name.items() if re.fullmatch(pattern, name)]
    if re.fullmatch(r"\.github/(workflows|actions)/.+\.ya?ml|(.+/)?action\.ya?ml", path):
        found.append(workflow)
    if re.fullmatch(r"(.*/)?locks/[\w.-]+\.txt|(.*/)?requirements[\w.-]*\.txt", path):
        found.append(requirements)
    if name.endswith(".sh") or re.match(r"#!\S*[/ ](ba|da|k|z)?sh\b|#!/usr/bin/env (ba|da|k|z)?sh\b", text):
        found.append(shell)
    return found


def excuses(path: str, text: str) -> dict[int, str]:
    """Return the reason of each excuse, by its line."""
    matches = () if path.endswith(".json") else EXCUSE.finditer(text)
    return {line_of(text, match.start()): match[1].strip() for match in matches}


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def flat(text: str) -> str:
    """Put what is continued with a backslash on one line, and blank comments; every offset stays as it is."""
    text = re.sub(r"(?m)^[ \t]*#.*$", blank, text)
    return re.sub(r"\\\n(?:[ \t]*\n)*", blank, text)


def blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


# --- Dockerfiles


def dockerfile(source: Source) -> Faults:
    """FROM, COPY --from, mounts and ADD; ARGs that name what moves; and what RUN runs."""
    defaults: dict[str, str] = {}
    known = {"scratch", *built_here(source.files)}
    syntax = re.match(r"#[ \t]*syntax=(\S+)", source.text)
    if syntax and not DIGEST.fullmatch(syntax[1]):
        yield 0, f"the syntax {syntax[1]} has no digest"
    for match in re.finditer(r"(?m)^[ \t]*([A-Za-z]+)[ \t]+(.*)$", flat(source.text)):
        keyword, words, at = match[1].upper(), match[2], match.start(1)
        if keyword == "ARG":
            defaults |= {name: value.strip("\"'") for name, value in re.findall(r"(\w+)=(\S*)", words)}
        elif keyword == "FROM":
            image, _, stage = re.sub(r"--\S+[ \t]+", "", words).partition(" ")
            if fault := image_fault(filled(image, defaults), known):
                yield at, f"FROM {image}: {fault}"
            known.add(re.sub(r"(?i)^\s*as\s+", "", stage).strip())
        elif keyword == "RUN":
            yield from ((match.start(2) + place, what) for place, what in commands(words, source.files))
            yield from ((match.start(2) + place, what) for place, what in downloads(words))
        yield from ((at, f"{keyword} {fault}") for fault in arguments(keyword, words, defaults, known))


def arguments(keyword: str, words: str, defaults: Mapping[str, str], known: set[str]) -> Iterator[str]:
    """Tell what is wrong with the words of one instruction, whatever it runs."""
    if keyword == "ARG":
        moving = re.findall(r"\w+=[\"']?(?:latest|stable|beta|nightly|main|master)\b", words)
        yield from (f"{argument} names what moves" for argument in moving)
    if keyword == "ADD" and "--checksum=sha256:" not in words:
        remote = re.findall(r"(?:https?|ftp|git)://\S+|git@\S+", words)
        yield from (f"of {address} without --checksum" for address in remote)
    if keyword in {"COPY", "RUN"}:
        for image in re.findall(r"(?:--from=|--mount=\S*\bfrom=)([^\s,]+)", words):
            if not image.isdigit() and (fault := image_fault(filled(image, defaults), known)):
                yield f"from {image}: {fault}"


def filled(text: str, defaults: Mapping[str, str]) -> str:
    """Put in a variable's default: the Dockerfile's, or the one that Compose writes beside it."""

    def value(match: re.Match[str]) -> str:
        return defaults.get(match[1] or match[3]) or match[2] or ""

    return re.sub(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)", value, text)


def image_fault(image: str, allowed: set[str]) -> str:
    """Return what is wrong with the name of an image, if anything is."""
    if not image:
        return "it has no default, so no digest either"
    return "" if image in allowed or DIGEST.fullmatch(image) else f"{image} has no digest"


def downloads(text: str) -> Faults:
    """Find what is fetched, and not checked by the same step."""
    if not re.search(r"\bsha(256|512)sum\b.*(-c|--check)\b", text, re.DOTALL):
        for match in re.finditer(
            r"(?:^|[;&|(]|\b(?:then|do|else)\b)[ \t]*(curl|wget)[ \t]+\S", text, re.MULTILINE
        ):
            yield match.start(1), f"{match[1]} without sha256sum --check in the same step"


# --- Shell


def shell(source: Source) -> Faults:
    """Find what a shell script installs; one of the image's build may not fetch unchecked either."""
    yield from commands(flat(source.text), source.files)
    if source.path.startswith("scripts/build/"):
        yield from downloads(flat(source.text))


SHELLS = r"(?:ba|da|k|z)?sh|python[\d.]*|node|perl"
START = r"(?:^|[;&|({]|\b(?:then|do|else|exec|sudo|env)\b)[ \t]*"
# What installs by name, whatever its arguments.
BY_NAME = (
    (
        rf"\b(?:curl|wget)\b(?:(?!&&|;)[^\n])*\|[ \t]*(?:sudo[ \t]+)?(?:\S*/)?(?:{SHELLS})\b",
        "runs what it fetches",
    ),
    (rf"\b(?:eval|source|{SHELLS})\b[^\n]*[$<]\([ \t]*(?:curl|wget)\b", "runs what it fetches"),
    (rf"{START}(?:npx|bunx|uvx|pipx)[ \t]+\S+", "runs a package by its name"),
    (r"\buv[ \t]+tool[ \t]+(?:install|run)\b", "installs a package by its name"),
    (r"\bcargo[ \t]+install\b(?![^\n;&|]*--locked)", "cargo install without --locked"),
    (r"\bgo[ \t]+install[ \t]+\S+@latest\b", "go install of @latest"),
)
PIP = r"\bpip[\d.]*[ \t]+(?:install|download|wheel|sync)\b([^\n;&|]*)"
NPM = r"\bnpm(?:[ \t]+-[^\s;&|]+)*[ \t]+(install|i|add|update|exec)\b([^\n;&|]*)"


def commands(text: str, files: Files) -> Faults:
    """Find what a shell would install without hashes; ``text`` is flat."""
    for pattern, what in BY_NAME:
        for match in re.finditer(pattern, text, re.MULTILINE):
            yield match.start() + len(match[0]) - len(match[0].lstrip(" \t;&|({")), what
    for match in re.finditer(PIP, text):
        if "--require-hashes" not in match[1]:
            yield match.start(), "pip without --require-hashes"
        for name in re.findall(r"(?:^|[ \t])(?:-r|--requirement)[ =]?([^\s$\"']+)", match[1]):
            lock = files.get(name.lstrip("./"))
            if lock is None:
                yield match.start(), f"pip reads {name}, which is not in the repository"
            elif any(requirements(Source(name, lock, files))):
                yield match.start(), f"pip reads {name}, which has an entry without a hash"
    for match in re.finditer(NPM, text):
        if "--package-lock-only" not in match[2]:  # which installs nothing
            yield match.start(), f"npm {match[1]} instead of npm ci"


# --- Locks


def requirements(source: Source) -> Faults:
    """Every entry of a Python lock is one version, with its hashes."""
    for match in re.finditer(r"(?m)^[ \t]*([^\s#-][^\n]*|-e[ =][^\n]*)$", flat(source.text)):
        entry = match[1].split()[0]
        if not re.match(r"[A-Za-z0-9][\w.-]*(\[[\w,.-]+])?==[\w.!+-]+(\s|$)", match[1]):
            yield match.start(1), f"{entry} is not one version"
        elif not re.search(r"--hash=sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})\b", match[1]):
            yield match.start(1), f"{entry} has no hash"


def npm_lock(source: Source) -> Faults:
    """Every package that may be installed has its integrity, and the lock is that of its package.json."""
    lock = json.loads(source.text)
    packages: dict[str, dict[str, Any]] = lock.get("packages", {})
    if not packages:
        yield 0, "no packages with integrity: this lockfileVersion is too old"
        return
    for place, package in packages.items():
        at = max(source.text.find(f"{json.dumps(place)}: {{"), 0)
        if not place or package.get("inBundle") or package.get("link") or elsewhere(package):
            continue
        if not str(package.get("integrity", "")).startswith("sha512-"):
            yield at, f"{place} has no sha512 integrity"
        if not re.match(r"https://|$", package.get("resolved", "")):
            yield at, f"{place} comes from {package['resolved']}"
    manifest = json.loads(source.files.get(source.path.removesuffix("-lock.json") + ".json", "{}"))
    for kind in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        wanted, locked = manifest.get(kind, {}), packages.get("", {}).get(kind, {})
        for name in sorted(wanted.keys() | locked.keys()):
            if wanted.get(name) != locked.get(name):
                yield 0, f"package.json wants {name} {wanted.get(name)}, the lock is for {locked.get(name)}"
            version = packages.get(f"node_modules/{name}", {}).get("version")
            if re.fullmatch(r"\d+\.\d+\.\d+\S*", wanted.get(name, "")) and version != wanted[name]:
                yield 0, f"package.json wants {name} {wanted[name]}, locked is {version}"


def elsewhere(package: Mapping[str, Any]) -> bool:
    """Tell whether a package is optional and for another platform: check-npm-integrity refuses it here."""

    def serves(listed: list[str], ours: str) -> bool:
        return not listed or ours in listed or (listed[0].startswith("!") and f"!{ours}" not in listed)

    return bool(package.get("optional")) and not all(
        serves(package.get(key, []), ours) for key, ours in PLATFORM.items()
    )


# --- YAML


def pairs(text: str) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    """Yield every value with the keys that lead to it; an entry of a list has no key of its own."""

    def below(node: yaml.Node | None, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield (*keys, str(key.value)), value
                yield from below(value, (*keys, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for entry in node.value:
                yield from below(entry, keys)

    return below(yaml.compose(text, Loader=yaml.SafeLoader), ())


def compose(source: Source) -> Faults:
    """An image of a service has its digest, or is built here."""
    allowed = built_here(source.files)
    for keys, node in pairs(source.text):
        ours = keys[:1] == ("services",) and keys[2:] == ("image",)
        if ours and (fault := image_fault(filled(str(node.value), {}), allowed)):
            yield node.start_mark.index, f"service {keys[1]}: {fault}"


def built_here(files: Files) -> set[str]:
    """Return the images that the compose files build."""
    images: dict[str, str] = {}
    built = set()
    for path, text in files.items():
        if compose in rules(path, ""):
            for keys, node in pairs(text):
                if keys[:1] == ("services",) and keys[2:] == ("image",):
                    images[f"{path} {keys[1]}"] = filled(str(node.value), {})
                elif keys[:1] == ("services",) and keys[2:] == ("build",):
                    built.add(f"{path} {keys[1]}")
    return {image for service, image in images.items() if service in built}


def workflow(source: Source) -> Faults:
    """An action is of one commit, a container has its digest, and a step installs by hash."""
    for keys, node in pairs(source.text):
        if not isinstance(node, yaml.ScalarNode):
            continue
        at, value = node.start_mark.index, str(node.value)
        if keys[-1] == "uses":
            action, _, version = value.removeprefix("docker://").partition("@")
            if value.startswith("docker://"):
                if fault := image_fault(value.removeprefix("docker://"), set()):
                    yield at, fault
            elif not value.startswith("./") and not COMMIT.fullmatch(version):
                yield at, f"{action} is not of one commit (40 digits): {version or 'none'}"
        elif keys[-1] == "container" or keys[-2:] == ("container", "image") or "services" in keys[-3:-1]:
            if keys[-1] in {"container", "image"} and (fault := image_fault(value, set())):
                yield at, fault
        elif keys[-1] == "run":
            begin, end = at, node.end_mark.index
            yield from (
                (begin + place, what) for place, what in commands(flat(source.text[begin:end]), source.files)
            )


def pre_commit(source: Source) -> Faults:
    """A repository of hooks is of one commit, and what a hook installs beside it is one version."""
    for keys, node in pairs(source.text):
        if keys == ("repos",) and isinstance(node, yaml.SequenceNode):
            for repo in node.value:
                fields = {key.value: value for key, value in repo.value}
                rev = fields.get("rev")
                local = fields["repo"].value in {"local", "meta"}
                if not local and not COMMIT.fullmatch(str(rev.value if rev else "")):
                    at = (rev or fields["repo"]).start_mark.index
                    yield at, f"{fields['repo'].value} is not of one commit (40 digits)"
        elif keys[-1] == "additional_dependencies" and isinstance(node, yaml.SequenceNode):
            for wanted in node.value:
                if not re.search(r"==[\w.]+$|@\d+\.\d+\.\d+$", str(wanted.value)):
                    yield wanted.start_mark.index, f"{wanted.value} is not one version"


# --- The command


def repository(root: Path) -> dict[str, str]:
    """Read the text of every file of the repository that is none of the user's."""
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - NOT_OURS)
        for path in (Path(folder, name) for name in names):
            if path.is_file() and path.stat().st_size < LARGE:
                files[str(path.relative_to(root))] = path.read_text(errors="replace")
    return files


def main() -> int:
    files = repository(ROOT)
    findings = check(files)
    for finding in findings:
        print(finding)
    checked = sum(1 for path, text in files.items() if rules(path, text))
    print(f"{len(findings)} inputs not pinned, in {checked} files that name any", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
