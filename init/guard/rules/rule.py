"""What a rule of the table is, and how rules are looked up.

Its names are paths relative to any folder of the workspace, separated by blanks and compared without regard
to case. ``*`` stands for every file of a folder, ``**`` also for those below it; ``*.ending`` for a file's
ending.
"""

from __future__ import annotations

from init.record import Record


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


# A folder or a file of its own is a tree of rules by name, in lower case.
Tree = dict[str, "Tree | Rule"]


def grow(rules: tuple[Rule, ...]) -> Tree:
    """Return rules as a tree, one level for each part of their names."""
    tree: Tree = {}
    for rule in rules:
        for name in rule.names.split():
            node = tree
            *folders, last = name.lower().split("/")
            for folder in folders:
                below = node.setdefault(folder, {})
                assert isinstance(below, dict)  # noqa: S101 - a rule of the table names a file and a folder alike
                node = below
            if folders and last.startswith("*."):
                endings = node.setdefault("*.", {})
                assert isinstance(endings, dict)  # noqa: S101 - as above
                endings[last[1:]] = rule
            else:
                node[last] = rule
    return tree
