"""What many tests look at, found once."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, TypeVar

import pytest

Found = TypeVar("Found")


class Once(Generic[Found]):
    """What is found when first asked for. Where it cannot be, it is a test that fails, and not its set-up."""

    def __init__(self, find: Callable[[], Found]) -> None:
        self._find = find
        self._found: list[Found] = []
        self._error: BaseException | None = None

    def __call__(self) -> Found:
        if self._error is None and not self._found:
            try:
                self._found.append(self._find())
            except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:  # raised again below
                self._error = error
        if self._error is not None:
            raise self._error
        return self._found[0]


@contextmanager
def once(context: AbstractContextManager[Found]) -> Iterator[Once[Found]]:
    """Give what a context yields; it is entered when first asked for, and left at the end."""
    with ExitStack() as stack:
        yield Once(lambda: stack.enter_context(context))
