"""What a machine runs of a folder because of its name: the table behind init/guard/changes.py.

There is a module for each kind of reader. To add something, write a Rule there: init/guard/rules/rule.py
tells the form of names.

Left out, on purpose: prose (AGENTS.md), names of versions (.nvmrc), ``.env``, which holds secrets that a
report would show, and source code, which runs when you run the project. Of that, an IDE runs some as soon as
it opens the project: a procedural macro, a plugin within the build, a test that an explorer imports. It
changes too often to be told, so whoever opens an agent's work in such an IDE trusts it. Of build scripts only
plain dependencies are left out: init/guard/build_scripts.py.
"""

from __future__ import annotations

from init.guard.rules import (
    agents,
    build_scripts,
    build_tools,
    editors,
    frameworks,
    habits,
    interpreters,
    language_servers,
    linters,
    package_managers,
    python,
    servers,
    shells,
    test_runners,
    version_control,
)
from init.guard.rules.rule import PARTS, grow, parts
from init.guard.rules.version_control import FOREST_NAMES, HEAD, IN_REPOSITORY, NO_FOREST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.guard.rules.rule import Tree

RULES = (
    *version_control.RULES,
    *shells.RULES,
    *python.RULES,
    *editors.RULES,
    *linters.RULES,
    *frameworks.RULES,
    *test_runners.RULES,
    *language_servers.RULES,
    *agents.RULES,
    *package_managers.RULES,
    *build_scripts.RULES,
    *build_tools.RULES,
    *interpreters.RULES,
    *servers.RULES,
    *habits.RULES,
)

# Not searched: large, made by programs, and nobody works in them. What hides there is not found.
SKIPPED = frozenset((
    "node_modules", "bower_components", "jspm_packages", ".pnpm-store", "vendor", "target", "__pycache__",
    *python.VENVS, ".direnv", ".tox", ".nox", ".eggs", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis", ".gradle", ".terraform", ".next", ".nuxt", ".svelte-kit", ".turbo", ".cache",
    ".parcel-cache", ".bundle", "Pods",
))  # fmt: skip

# Grown at import, which takes 1 ms: only a search loads this module.
_ALL = grow(RULES)
# Looked up apart: a folder that has parts of its own takes the place of the others.
ANY_PARTS = parts(_ALL)
TREE = {name: below for name, below in _ALL.items() if name != PARTS}
FOREST: Tree = {"head": HEAD, **{name: {} for name in NO_FOREST}}
GIT_TREE: Tree = {**grow(IN_REPOSITORY), **dict.fromkeys(FOREST_NAMES, FOREST)}
