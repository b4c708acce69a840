"""What of a file is compared: of files with a known form only the settings that make something run."""

from __future__ import annotations

import re

from init.guard import git_config
from init.guard.rules.editors import LOOKS
from init.guard.rules.git_settings import GIT_SETTINGS, OF_A_CLONE, SAFE_VALUES
from init.guard.rules.package_managers import LIFECYCLE, SCRIPTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# The values of each setting in their order; one without a value is shown by its name alone.
FileSettings = dict[str, tuple[str | None, ...]]

_SWITCH = frozenset(("true", "false", "yes", "no", "on", "off"))
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
# Settings of pylint, mypy and flake8 that load or run something.
_PLUGINS = (
    r"""init-hook|plugins["']?\s*[=:]|python_executable|local-plugins|^(?:extension|report|paths)\s*[=:]"""
)
# A longer file is compared as a whole: people write none, and reading it takes time.
LONGEST = 1 << 18


def settings(view: str, data: bytes) -> FileSettings | None:
    """Return what of a file makes something run, or None if all of it has to be compared."""
    reader = _READERS.get(view)
    if reader is None or len(data) > LONGEST:
        return None
    found: dict[str, list[str | None]] = {}
    try:
        for name, value in reader(data):
            found.setdefault(name, []).append(value)
    except (ValueError, RecursionError):
        # Another program may be more lenient than this one.
        return None
    return {name: tuple(values) for name, values in found.items()}


def by_itself(view: str, names: Iterable[str]) -> bool:
    """Tell whether one of these settings makes something run without being asked for."""
    return view != "scripts" or any(
        not name.startswith("scripts.") or name.removeprefix("scripts.") in LIFECYCLE for name in names
    )


def usual(name: str, now: FileSettings, former: FileSettings | None, modules: FileSettings) -> bool:
    """Tell whether a setting that a repository's configuration did not have is what usual work leaves.

    Args:
        name: the setting.
        now: the settings of the configuration.
        former: what they were; None if the repository was not there, so that it is a clone.
        modules: what .gitmodules said before of submodules, such as their urls.
    """
    part = git_config.parts(name)
    # A helper of its own, such as ext::, is told in any case.
    if any("::" in (value or "") for value in now[name]):
        return False
    if part == ("branch", "remote"):
        # What is no remote's name is the place itself.
        names = (f"remote.{value}.url" for value in now[name] if value != ".")
        return all(remote in now and (former is None or remote in former) for remote in names)
    if part == ("submodule", "url"):
        return former is None or name not in modules or _of_modules(now[name], modules[name], now)
    return former is None and part in OF_A_CLONE


def _of_modules(urls: Iterable[str | None], known: Iterable[str | None], now: FileSettings) -> bool:
    """Tell whether `git submodule init` makes these urls of those in .gitmodules; git-submodule(1), add."""
    remotes = [value for name in now if git_config.parts(name) == ("remote", "url") for value in now[name]]
    made = {_seen_from(remote, url) for url in map(_text, known) for remote in map(_text, (*remotes, None))}
    # Without a remote it is seen from the working tree, which has another path on the host.
    ends = tuple(url for url in made if url.startswith("/")) if not remotes else ()
    return all(url in made or (url.startswith("/") and url.endswith(ends)) for url in map(_text, urls))


def _text(value: str | None) -> str:
    return value or ""


def _seen_from(remote: str, url: str) -> str:
    """Return a url; one that begins with a dot is relative to a remote's."""
    if not url.startswith(("./", "../")):
        return url
    remote, joint = remote.rstrip("/"), "/"
    while url.startswith(("./", "../")):
        if url.startswith("../"):
            # A path of ssh has no slash before its first folder: u@host:folder.
            joint = ":" if ":" in remote and "/" not in remote else "/"
            remote = remote.rpartition(joint)[0]
        url = url.partition("/")[2]
    return f"{remote}{joint}{url}"


def _git(data: bytes) -> Iterator[tuple[str, str | None]]:
    for entry in git_config.parse(data):
        section, key = git_config.parts(entry.name)
        keys = GIT_SETTINGS.get(section, frozenset())
        if (key in keys or "*" in keys) and _runs(section, key, entry.value):
            yield entry.name, entry.value


def _runs(section: str, key: str, value: str | None) -> bool:
    if (value or "true").lower() in SAFE_VALUES.get((section, key), ()):
        return False
    if (section, key) == ("submodule", "update"):
        return (value or "").lstrip().startswith("!")
    if section == "pager" or key == "fsmonitor":
        return value is not None and value.lower() not in _SWITCH
    return True


def _lines(pattern: str) -> Callable[[bytes], Iterator[tuple[str, None]]]:
    runs = re.compile(pattern)

    def read(data: bytes) -> Iterator[tuple[str, None]]:
        for line in data.decode("utf-8", "surrogateescape").split("\n"):
            if runs.search(line):
                yield line.strip(), None

    return read


def _values(pattern: str) -> Callable[[bytes], Iterator[tuple[str, None]]]:
    """Return a reader of what lines begin that match, to the end of a list or text over several lines."""
    begins = re.compile(pattern)

    def read(data: bytes) -> Iterator[tuple[str, None]]:
        value: list[str] = []
        depth, text = 0, False
        for line in data.decode("utf-8", "surrogateescape").split("\n"):
            goes_on = value and (depth > 0 or text or line[:1].isspace() or not line)
            if value and not goes_on:
                yield " ".join(value), None
                value = []
            if not value:
                if not begins.search(line):
                    continue
                depth, text = 0, False
            value += filter(None, [line.strip()])
            depth += line.count("[") - line.count("]")
            text ^= bool((line.count('"""') + line.count("'''")) % 2)
        if value:
            yield " ".join(value), None

    return read


def _scripts(data: bytes) -> Iterator[tuple[str, str]]:
    import json

    content = json.loads(data.decode("utf-8-sig"))
    for part in SCRIPTS if isinstance(content, dict) else ():
        value = content.get(part, {})
        if part == "scripts" and isinstance(value, dict):
            for name, command in value.items():
                yield f"scripts.{name}", json.dumps(command, ensure_ascii=False)
        elif value:
            yield part, json.dumps(value, ensure_ascii=False)


def _editor(data: bytes) -> Iterator[tuple[str, str]]:
    import json

    text = _JSONC.sub(lambda found: found[0] if found[0].startswith('"') else " ", data.decode("utf-8-sig"))
    content = json.loads(text, object_pairs_hook=_without_twins)
    for name, value in content.items() if isinstance(content, dict) else ():
        # "[python]" holds settings for one language.
        inner = value if name.startswith("[") and isinstance(value, dict) else {name: value}
        for key, worth in inner.items():
            if not key.startswith(LOOKS):
                yield key, json.dumps(worth, ensure_ascii=False)


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("which of two equal names counts is not for us to know")
    return content


def _present(_data: bytes) -> Iterator[tuple[str, None]]:
    # Its content changes with every checkout.
    yield "makes a repository of the folder that it is in", None


_READERS: dict[str, Callable[[bytes], Iterator[tuple[str, str | None]]]] = {
    "git": _git,
    "attributes": _lines(r"(?:^|\s)(?:filter|diff|merge)="),
    "shared": _lines("shared"),
    "todo": _lines(r"^[ \t]*(?:x|exec)\b"),
    "scripts": _scripts,
    "editor": _editor,
    # TOML may write a name with escapes; the standard library's parser takes too long for hostile files.
    "backend": _values(rf"backend-path|\\[uUx]|{_PLUGINS}"),
    "plugins": _values(_PLUGINS),
    "cargo": _lines(r"""(?<![\w-])build["']?\s*=(?!\s*false\b)|\\[uUx]"""),
    # Some versions of Python end a line at any of these.
    "pth": _lines("(?:^\ufeff?|[\r\v\f\x1c-\x1e\x85\u2028\u2029])import[ \t]"),
    "head": _present,
}
