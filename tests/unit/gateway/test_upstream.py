"""gateway/upstream.py: how many addresses are tried, on loopback ones that are this test's."""

import asyncio
import contextlib
import socket

import pytest

from gateway import upstream


def test_of_300_addresses_only_a_few_are_tried() -> None:
    with contextlib.closing(socket.socket()) as listening:
        listening.bind(("127.0.1.200", 0))
        listening.listen()
        listening.setblocking(False)
        found = [f"127.0.1.{number}" for number in range(1, 255)] * 2
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(upstream.dial(found, listening.getsockname()[1]))
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_addresses_that_say_nothing_leave_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "_CONNECT", 0.6)
    with (
        contextlib.closing(socket.socket()) as silent,
        contextlib.closing(socket.socket()) as waiting,
        contextlib.closing(socket.socket()) as good,
    ):
        silent.bind(("127.0.1.1", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        # A listener whose queue is full takes no other.
        waiting.connect(("127.0.1.1", port))
        good.bind(("127.0.1.2", port))
        good.listen()

        async def dial(*found: str) -> None:
            await (await upstream.dial(list(found), port)).close()

        with pytest.raises(TimeoutError):
            asyncio.run(dial("127.0.1.1"))
        asyncio.run(dial("127.0.1.1", "127.0.1.2"))


def test_an_address_is_not_looked_up() -> None:
    assert asyncio.run(upstream.look_up("127.0.1.1", 80)) == ["127.0.1.1"]
    assert asyncio.run(upstream.look_up("::1", 80)) == ["::1"]
