"""docs/escape-benchmark.md is what the table of the attacks says."""

from init.settings import UNSAFE
from tests.conformance import escapes


def test_the_page_is_written_from_the_table() -> None:
    assert escapes.PAGE.read_text() == escapes.page(), "run: python -m tests.conformance.escapes"


def test_the_benchmark_has_eighteen_ways() -> None:
    assert len({way.name for way in escapes.WAYS}) == 18


def test_each_way_is_tried_or_says_who_mends_it() -> None:
    for way in escapes.WAYS:
        assert way.attacks or way.versions or way.exposures, way.name
        assert set(way.exposures) <= set(UNSAFE), way.name
        assert not set("|\n") & set("".join((way.name, way.added, way.holds, way.gives, way.mended_by))), (
            way.name
        )
