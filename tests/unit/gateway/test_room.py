"""How many connections clients may have that share a gateway."""

from gateway.listeners.listener import MOST_TOGETHER, Room


def full(room: Room, source: str) -> int:
    """Have a client take what it gets; return how much that is."""
    for taken in range(MOST_TOGETHER * 2):
        room.enter(source, 1)
        if room.busy > MOST_TOGETHER or room.is_crowded_by(source):
            room.enter(source, -1)
            return taken
    raise AssertionError("there is no end of it")


def test_one_client_has_all_of_the_room() -> None:
    assert full(Room(), "10.0.0.1") == full(Room(), "") == MOST_TOGETHER


def test_who_takes_all_leaves_room_for_others_once_some_of_it_is_free() -> None:
    room = Room()
    for number in range(10):
        room.enter(f"10.0.0.{number}", 1)
    greedy = full(room, "10.0.1.1")
    assert greedy == MOST_TOGETHER // 2 - 10
    # Each of the others still gets as much as its share.
    assert full(room, "10.0.0.3") == MOST_TOGETHER // 11 - 1


def test_nothing_is_kept_of_who_has_left() -> None:
    room = Room()
    for count in (1, 1, -1, -1):
        room.enter("10.0.0.1", count)
    assert (room.busy, room.by_source) == (0, {})
