"""What of a file is compared: of files with a known form only the settings that make something run."""

from __future__ import annotations

import re

from init.guard import build_scripts, documents, git_config, lines
from init.guard.rules import SKIPPED
from init.guard.rules.git_settings import GIT_SETTINGS, OF_A_CLONE, SAFE_VALUES, STRATEGIES
from init.guard.rules.package_managers import COMPOSER, LIFECYCLE, SCRIPTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# The values of each setting in their order; one without a value is shown by its name alone.
FileSettings = dict[str, tuple[str | None, ...]]

_SWITCH = frozenset(("true", "false", "yes", "no", "on", "off"))
# Settings of pylint, mypy, flake8, pytest, coverage and SQLFluff that load or run something.
_PLUGINS = (
    r"""init[-_]hook|plugins["']?\s*[=:]|python_executable|mypy_command|library_path|local-plugins"""
    r"""|^\s*(?:extension|report|paths)\s*[=:]|^(?>.*?addopts).*[\s"'\[=:]-p|^\s*["']?-p"""
)
# Of pyproject.toml: what builds it, hooks, and where packages come from.
_BACKEND = (
    rf"""backend-path|\\[uUx]|{_PLUGINS}|cmdclass|requires-plugins|(?:post|pre)_install"""
    r"""|(?:^|[\s{,."'])(?:(?:extra-)?index(?:-url)?|find-links)["']?\s*="""
)
_BACKEND_SECTIONS = r"uv\.index|(?:poetry|pdm)\.source|build\.(?:targets\.\w+\.)?hooks|cmdclass|\\"
# A crate or a package that lies there is built like any other.
_UNSEARCHED = "|".join(map(re.escape, sorted(SKIPPED)))
_BACKEND += rf"""|(?:path["']?\s*=\s*["']|file:)[^"']{{0,60}}(?<![\w.-])(?:{_UNSEARCHED})(?![\w.-])"""
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
    if view not in ("scripts", "composer", "deno"):
        return True
    parts = (name.partition(".") for name in names)
    return any(part.lower() not in ("scripts", "tasks") or name in LIFECYCLE for part, _, name in parts)


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


def _present(_data: bytes) -> Iterator[tuple[str, None]]:
    # Its content changes with every checkout.
    yield "makes a repository of the folder that it is in", None


_READERS: dict[str, Callable[[bytes], Iterable[tuple[str, str | None]]]] = {
    "git": _git,
    "attributes": _lines(r"(?:^|\s)(?:filter|diff|merge)="),
    "shared": _lines("shared"),
    "strategy": _lines(rf"^(?!(?:{'|'.join(STRATEGIES)})?\s*$)"),
    "todo": _lines(r"^[ \t]*(?:x|exec)\b"),
    "head": _present,
    # Some versions of Python end a line at any of these.
    "pth": _lines("(?:^\ufeff?|[\r\v\f\x1c-\x1e\x85\u2028\u2029])import[ \t]"),
    "scripts": documents.package(SCRIPTS),
    "composer": documents.keys(COMPOSER),
    "editor": documents.editor,
    "tsconfig": documents.tsconfig,
    "deno": documents.keys("tasks.* lint.plugins importMap allowScripts permissions", relaxed=True),
    "cspell": documents.keys("import reporters plugins", relaxed=True),
    "compilers": documents.compilers,
    # TOML may write a name with escapes.
    "backend": lines.values(_BACKEND, _BACKEND_SECTIONS),
    "plugins": lines.values(_PLUGINS, "local-plugins"),
    "cargo": lines.values(rf"""(?<![\w-])build["']?\s*=(?!\s*false\b)|\\[uUx]|["'/](?:{_UNSEARCHED})[/"']"""),
    "requirements": _lines(r"^\s*(?:-(?!-hash)|[./~])|file:"),
    "cspell lines": lines.yaml("import|reporters|plugins"),
    "analyzer": lines.yaml("plugins|include"),
    "cabal": lines.values("build-type|build-tool|-options|custom-setup|code-generators"),
    "platformio": lines.values(
        r"script|command|platform|build_flags|tool|server|sysenv|[=\s]!|extra_configs"
    ),
    "godot": lines.values("(?!)", "editor_plugins|autoload"),
    "dub": lines.values("commands|dflags|toolchain"),
    "pixi": lines.values("activation|tasks|channels", "activation|tasks"),
    **{name: build_scripts.reader(name) for name in build_scripts.QUIET},
}
