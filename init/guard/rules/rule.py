"""What a rule of the table is, and how rules are looked up.

Its names are paths relative to any folder of the workspace, separated by blanks and compared as fold() tells.
``*`` stands for every file of a folder, ``**`` also for those below it. ``*.ending`` is every file that ends
so, and ``name.*`` has one or two endings more: jest.config.ts, tsconfig.app.json.
"""

from __future__ import annotations

from init.guard.names import fold
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Rule(Record):
    """Files of these names, and what runs them.

    Attributes:
        reason: what runs it, and when.
        names: patterns, as the head of this module tells.
        view: what of it is compared: "text", or a name that init/guard/views.py knows.
        by_itself: whether it runs by itself, or when somebody asks for it out of habit.
    """

    reason: str
    names: str
    view: str = "text"
    by_itself: bool = True


# A folder or a file of its own is a tree of rules by name, folded. What goes by a part of a name is a tree of
# its own at PARTS, by END and by BEGINNING: no file is called so.
Tree = dict[str, "Tree | Rule"]
PARTS, END, BEGINNING = "/parts", "/end", "/beginning"


def grow(rules: tuple[Rule, ...]) -> Tree:
    """Return rules as a tree, one level for each part of their names."""
    tree: Tree = {}
    for rule in rules:
        for name in rule.names.split():
            node = tree
            *folders, last = fold(name).split("/")
            for folder in folders:
                node = _below(node, folder)
            if last.startswith("*."):
                node, last = _below(_below(node, PARTS), END), last[2:]
            elif last.endswith(".*"):
                node, last = _below(_below(node, PARTS), BEGINNING), last[:-2]
            node[last] = rule
    return tree


def parts(*trees: Tree) -> tuple[Tree, Tree]:
    """Return what of trees goes by how a name begins, and by how it ends."""
    begins: Tree = {}
    ends: Tree = {}
    for tree in trees:
        if PARTS in tree:
            begins.update(_below(_below(tree, PARTS), BEGINNING))
            ends.update(_below(_below(tree, PARTS), END))
    return begins, ends


def by_part(begins: Tree, ends: Tree, name: str) -> Rule | Tree | None:
    """Return the rule for what a folded name begins with, or ends with; None if there is none."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        return None
    return (
        begins.get(stem) or ends.get(ending) or ("." in stem and begins.get(stem.rpartition(".")[0])) or None
    )


def _below(tree: Tree, name: str) -> Tree:
    below = tree.setdefault(name, {})
    assert isinstance(below, dict)  # noqa: S101 - a rule of the table names a file and a folder alike
    return below


def rules_of(tree: Tree) -> Iterator[Rule]:
    """Yield the rules of a tree."""
    for below in tree.values():
        if isinstance(below, Rule):
            yield below
        else:
            yield from rules_of(below)
