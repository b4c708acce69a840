"""What typing.NamedTuple is, without loading `typing`.

That takes 9 ms in each of the two phases, as long as the interpreter's own start: benchmarks/README.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from _operator import itemgetter

    class Record(tuple):
        """An immutable tuple whose fields are named by the annotations of the class."""

        __slots__ = ()

        def __init_subclass__(cls):
            cls._fields = tuple(cls.__annotations__)
            cls._defaults = {name: vars(cls)[name] for name in cls._fields if name in vars(cls)}
            for index, name in enumerate(cls._fields):
                setattr(cls, name, property(itemgetter(index)))

        def __new__(cls, *values, **named):  # noqa: D102 - it makes the tuple
            if not named and len(values) == len(cls._fields):
                # Five times as fast, and a search of the workspace makes one for each folder.
                return tuple.__new__(cls, values)
            positional = cls._fields[: len(values)]
            given = {**cls._defaults, **dict(zip(positional, values, strict=False)), **named}
            twice = named.keys() & set(positional)
            if twice or len(values) > len(positional) or given.keys() != set(cls._fields):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return tuple.__new__(cls, [given[name] for name in cls._fields])

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})

        def __repr__(self):
            fields = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({fields})"


__all__ = ["Record"]
