"""JSON documents: what of them names code to run.

Whatever two readers may take differently is refused, so that all of the file is compared: two equal names, of
which some take the first, names that change what other names mean (``__proto__``), numbers that JSON does not
have, other encodings than UTF-8, and what is not closed.
"""

from __future__ import annotations

import re

from init.guard.rules import SKIPPED
from init.guard.rules.editors import LOOKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Strings, comments, and commas before a closing bracket. What is not closed ends with the text, so that a
# hostile one is not read to its end again and again.
_JSONC = re.compile(
    r"""
    "(?:[^"\\]|\\.)*+(?:"|\\?\Z)
    | //[^\n]*+ | /\*.*?(?:\*/|\Z)
    | ,(?= (?: \s | //[^\n]*+\n | /\*.*?\*/ )*+ [}\]] )
    """,
    re.DOTALL | re.VERBOSE,
)
_TSCONFIG = re.compile(r"[tj]sconfig(?:\.[\w-]+){0,2}")
# Compilers of the system; a wrapper such as ccache starts what comes after it.
_COMPILERS = re.compile(
    r"(?:/usr/(?:local/)?bin/)?(?:[\w.]+-)*(?:cc|c\+\+|gcc|g\+\+|clang|clang\+\+|nvcc|icx|icpx|cl)(?:-[\d.]+)?(?:\.exe)?"
)
# What makes a compiler load or run something: gcc(1), clang(1).
_LOADS = re.compile(
    r"@|-B|-wrapper|-?-specs|-f(?:pass-)?plugin|-load|-Xclang|--config|-no-canonical-prefixes"
)
# A package that lies in the workspace, or beside it, is built where it is.
_LOCAL = re.compile(r"(?:file|link|portal):|\.{1,2}/|[/~]")
_DEPENDENCIES = """
    dependencies devDependencies optionalDependencies peerDependencies overrides resolutions pnpm.overrides
    pnpm.packageExtensions catalog catalogs
"""


def keys(paths: str, *, relaxed: bool = False) -> Callable[[bytes], Iterator[tuple[str, str]]]:
    """Return a reader of some parts of a document.

    Args:
        paths: names within names, joined by dots. A name ``*`` is each of an object's, told by itself.
        relaxed: whether there may be comments, and commas before a closing bracket.
    """

    def read(data: bytes) -> Iterator[tuple[str, str]]:
        content = _parse(data, relaxed=relaxed)
        for path in paths.split():
            *way, last = path.split(".")
            for name, value in _walk(content, way if last == "*" else [*way, last]):
                if last == "*" and isinstance(value, dict):
                    yield from ((f"{name}.{key}", _shown(each)) for key, each in value.items())
                elif value:
                    yield name, _shown(value)

    return read


def package(paths: str) -> Callable[[bytes], Iterator[tuple[str, str]]]:
    """Return a reader of package.json: of these parts, and of packages that lie in a folder."""
    parts = keys(paths)

    def read(data: bytes) -> Iterator[tuple[str, str]]:
        yield from parts(data)
        content = _parse(data, relaxed=False)
        for part in _DEPENDENCIES.split():
            for path, packages in _walk(content, part.split(".")):
                yield from _local(path, packages)

    return read


def _local(path: str, packages: object) -> Iterator[tuple[str, str]]:
    """Yield the packages that lie in a folder; overrides may be within others."""
    if isinstance(packages, dict):
        for name, place in packages.items():
            yield from _local(f"{path}.{name}", place)
    elif isinstance(packages, str) and _LOCAL.match(packages):
        yield path, _shown(packages)


def editor(data: bytes) -> Iterator[tuple[str, str]]:
    """Read VS Code's settings: all but those that change how things look."""
    content = _parse(data, relaxed=True)
    for name, value in content.items() if isinstance(content, dict) else ():
        # "[python]" holds settings for one language.
        inner = value if name.startswith("[") and isinstance(value, dict) else {name: value}
        for key, worth in inner.items():
            if not key.startswith(LOOKS):
                yield key, _shown(worth)


def tsconfig(data: bytes) -> Iterator[tuple[str, str]]:
    """Read a configuration of TypeScript: plugins, and other files unless these are looked at as well."""
    yield from keys("compilerOptions.plugins vueCompilerOptions.plugins plugins ts-node", relaxed=True)(data)
    content = _parse(data, relaxed=True)
    for name, value in (*_walk(content, ["extends"]), *_walk(content, ["references"])):
        for each in value if isinstance(value, list) else [value]:
            place = each.get("path") if isinstance(each, dict) else each
            if place and not _is_known(place, folder=name != "extends"):
                yield name, _shown(place)


def compilers(data: bytes) -> Iterator[tuple[str, None]]:
    """Read a compilation database: compilers, which editors ask for their folders, but for the system's."""
    content = _parse(data, relaxed=False)
    for entry in content if isinstance(content, list) else [content]:
        command, arguments = (_field(entry, name) for name in ("command", "arguments"))
        for words in (str(command or "").split(), arguments if isinstance(arguments, list) else []):
            for at, word in enumerate(map(str, words)):
                if _LOADS.match(word) if at else not _COMPILERS.fullmatch(word):
                    yield word, None


def _field(entry: object, name: str) -> object:
    return entry.get(name) if isinstance(entry, dict) else None


def _is_known(place: object, *, folder: bool) -> bool:
    """Tell whether a file that another names is in the table, and is found where it lies."""
    if not isinstance(place, str) or "\\" in place or not (folder or place.startswith("./")):
        return False
    parts = [part for part in place.split("/") if part != "."]
    if any(part in ("", "..") or part in SKIPPED for part in parts[:-1]) or ".." in parts:
        return False
    last = parts[-1] if parts else ""
    return bool(_TSCONFIG.fullmatch(last)) or (folder and "." not in last and last not in SKIPPED)


def _walk(value: object, way: list[str]) -> list[tuple[str, object]]:
    """Return what lies at a path, however its names are spelled, with the names as they are."""
    found = [("", value)]
    for step in way:
        found = [
            (f"{path}.{name}".lstrip("."), each)
            for path, inside in found
            if isinstance(inside, dict)
            for name, each in inside.items()
            if name.lower() == step.lower()
        ]
    return found


def _parse(data: bytes, *, relaxed: bool) -> object:
    import json  # with the first document

    text = data.decode("utf-8-sig")
    if relaxed:
        text = _JSONC.sub(lambda found: found[0] if found[0].startswith('"') else " ", text)
    return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("which of two equal names counts is not for us to know")
    if "__proto__" in content:
        raise ValueError("it may change what every other name means")
    return content


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _shown(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
