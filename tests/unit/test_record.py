"""init/record.py is what typing.NamedTuple is, as far as it is used."""

from typing import Any, NamedTuple

import pytest

from init.record import Record


class Ours(Record):
    first: int
    second: "str" = "two"


class Theirs(NamedTuple):
    first: int
    second: "str" = "two"


@pytest.mark.parametrize(
    ("values", "named"), [((1,), {}), ((1, "b"), {}), ((), {"first": 1}), ((1,), {"second": "b"})]
)
def test_it_is_made_and_read_as_a_named_tuple(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours, theirs = Ours(*values, **named), Theirs(*values, **named)
    assert ours == tuple(theirs)
    assert (ours.first, ours.second) == (theirs.first, theirs.second)
    assert ours._asdict() == theirs._asdict()
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._replace(second="c") == tuple(theirs._replace(second="c"))
    assert isinstance(ours._replace(first=3), Ours)
    assert hash(ours) == hash(theirs)


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, "b", 3), {}), ((1,), {"first": 1}), ((1,), {"third": 3}), ((), {"second": "b"})],
)
def test_it_refuses_what_a_named_tuple_refuses(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*values, **named)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Ours(1).first = 2  # type: ignore[misc] # that it is refused is the point
