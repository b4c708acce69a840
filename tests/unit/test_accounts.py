"""init/accounts.py: who the agent is."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from init import accounts, settings
from init.accounts import Accounts, Identity
from init.errors import SandboxError

UBUNTU = Accounts(
    "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
    "ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\n",
    "root:x:0:\nadm:x:4:syslog,ubuntu\ndialout:x:20:ubuntu\nwww-data:x:33:\nubuntu:x:1000:\n",
    "root:*:20000:0:99999:7:::\nwww-data:*:20000:0:99999:7:::\nubuntu:!:20000:0:99999:7:::\n",
    "root:*::\nadm:*::syslog,ubuntu\ndialout:*::ubuntu\nwww-data:*::\nubuntu:!::\n",
)
ROOT_LINE = "root:x:0:0:root:/root:/bin/bash"

NAMES = st.one_of(
    st.sampled_from(["agent", "ubuntu"]), st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
)
IDS = st.one_of(st.sampled_from([1, 20, 33, 1000, 2**31 - 1]), st.integers(1, 2**31 - 1))
# What an account file may hold in a free field: all but its own two separators.
FREE = st.text(st.characters(exclude_characters=":\n\0"), max_size=8)
IDENTITIES = st.builds(Identity, IDS, IDS)


@st.composite
def account_files(draw: st.DrawFn) -> Accounts:
    users = [n for n in draw(st.lists(NAMES, unique=True, max_size=5)) if n != "root"]
    groups = [n for n in draw(st.lists(NAMES, unique=True, max_size=5)) if n != "root"]
    members = [
        ",".join(draw(st.lists(st.sampled_from(["agent", "ubuntu", *users]), max_size=3))) for _ in groups
    ]
    return Accounts(
        passwd=lines(ROOT_LINE, *(f"{n}:x:{draw(IDS)}:{draw(IDS)}:{draw(FREE)}:/:/bin/sh" for n in users)),
        group=lines("root:x:0:", *(f"{n}:x:{draw(IDS)}:{m}" for n, m in zip(groups, members, strict=True))),
        shadow=lines("root:*:20000:0:99999:7:::", *(f"{n}:!:20000::::::" for n in users)),
        gshadow=lines("root:*::", *(f"{n}:!::{m}" for n, m in zip(groups, members, strict=True))),
    )


def lines(*line: str) -> str:
    return "".join(f"{text}\n" for text in line)


def rows(text: str) -> list[list[str]]:
    return [line.split(":") for line in text.split("\n") if line]


def became_agent(passwd: str) -> str | None:
    """Return the name of the account that the agent takes over."""
    users = rows(passwd)
    agents = [user[0] for user in users if user[0] == "agent"]
    return next(iter([*agents, *(user[0] for user in users if user[2] == "1000")]), None)


@given(account_files(), IDENTITIES)
def test_a_second_start_changes_nothing(before: Accounts, agent: Identity) -> None:
    once = accounts.plan(before, agent)
    assert accounts.plan(once, agent) == once


@given(account_files(), IDENTITIES, IDENTITIES)
def test_a_restart_with_other_ids_ends_where_a_fresh_start_does(
    before: Accounts, first: Identity, then: Identity
) -> None:
    assert accounts.plan(accounts.plan(before, first), then) == accounts.plan(before, then)


@given(account_files(), IDENTITIES)
@example(UBUNTU._replace(passwd=UBUNTU.passwd + "odd:x:7:7:form\ffeed\x85\u2028:/:/bin/sh\n"), Identity(1, 1))
def test_every_other_account_stays_as_it_is(before: Accounts, agent: Identity) -> None:
    taken = {"agent", became_agent(before.passwd)}
    after = accounts.plan(before, agent)
    for old, new in ((before.passwd, after.passwd), (before.shadow, after.shadow)):
        assert [r for r in rows(old) if r[0] not in taken] == [r for r in rows(new) if r[0] != "agent"]


@given(account_files(), IDENTITIES)
def test_the_agent_stands_once_and_is_who_its_uid_resolves_to(before: Accounts, agent: Identity) -> None:
    after = accounts.plan(before, agent)
    assert [r[2:4] for r in rows(after.passwd) if r[0] == "agent"] == [[str(agent.uid), str(agent.gid)]]
    assert next(r[0] for r in rows(after.passwd) if r[2] == str(agent.uid)) == "agent"
    assert rows(after.passwd)[0] == ROOT_LINE.split(":")


@given(account_files(), IDENTITIES)
def test_the_agent_has_no_password(before: Accounts, agent: Identity) -> None:
    passwords = [r[1] for r in rows(accounts.plan(before, agent).shadow) if r[0] == "agent"]
    assert len(passwords) == 1
    assert passwords[0].startswith("!")


@given(account_files(), IDENTITIES)
def test_the_agent_has_a_group_and_no_supplementary_one(before: Accounts, agent: Identity) -> None:
    after = accounts.plan(before, agent)
    assert str(agent.gid) in {r[2] for r in rows(after.group)}
    for row in (*rows(after.group), *rows(after.gshadow)):
        assert not {"agent", became_agent(before.passwd)} & set(row[3].split(","))


@given(account_files(), IDENTITIES)
def test_every_other_group_keeps_its_gid_and_its_other_members(before: Accounts, agent: Identity) -> None:
    gone = {"agent", became_agent(before.passwd)}
    after = accounts.plan(before, agent)
    for old, new in ((before.group, after.group), (before.gshadow, after.gshadow)):
        kept = [[*r[:3], ",".join(m for m in r[3].split(",") if m not in gone)] for r in rows(old)]
        assert [r for r in kept if r[0] not in gone] == [r for r in rows(new) if r[0] != "agent"]


def test_the_images_own_account_at_1000_is_renamed() -> None:
    after = accounts.plan(UBUNTU, Identity(1000, 1000))
    assert "ubuntu" not in "".join(after)
    assert rows(after.passwd)[1] == ["agent", "x", "1000", "1000", "Agent", "/home/agent", "/bin/bash"]
    assert rows(after.group)[-1] == ["agent", "x", "1000", ""]


def test_a_taken_gid_is_shared() -> None:
    after = accounts.plan(UBUNTU, Identity(501, 20))
    assert [r for r in rows(after.group) if r[2] == "20"] == [["dialout", "x", "20", ""]]
    assert "agent" not in after.group + after.gshadow


def test_a_taken_uid_is_shown_as_the_agent() -> None:
    after = accounts.plan(UBUNTU, Identity(33, 33))
    assert [r[0] for r in rows(after.passwd) if r[2] == "33"] == ["agent", "www-data"]


@pytest.mark.parametrize("line", ["+", "+:", "+::", "+:::"])
def test_a_short_line_is_not_changed_further_at_each_start(line: str) -> None:
    once = accounts.plan(UBUNTU._replace(group=UBUNTU.group + line + "\n"), Identity(7, 7))
    assert accounts.plan(once, Identity(7, 7)) == once


@pytest.mark.parametrize(
    ("puid", "pgid", "workspace", "expected"),
    [
        (None, None, None, (1000, 1000)),
        (None, None, (0, 0), (1000, 1000)),
        (None, None, (501, 20), (501, 20)),
        (None, None, (501, 0), (501, 1000)),
        (None, None, (0, 20), (1000, 20)),
        (7, 8, None, (7, 8)),
        (7, 8, (501, 20), (7, 8)),
        (7, None, (501, 20), (7, 20)),
        (None, 8, (501, 20), (501, 8)),
    ],
)
def test_what_is_set_wins_then_the_workspaces_owner_then_1000(
    puid: int | None, pgid: int | None, workspace: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    wanted = settings.read({})._replace(puid=puid, pgid=pgid)
    assert accounts.choose(wanted, workspace) == expected


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    for name, text in UBUNTU._asdict().items():
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o600 if "shadow" in name else 0o644)
    return tmp_path


def modes(etc: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in etc.iterdir()}


def test_an_owner_that_no_agent_can_be_is_told_of() -> None:
    with pytest.raises(SandboxError, match="belongs to 3000000000:100"):
        accounts.choose(settings.read({}), (3_000_000_000, 100))
    assert accounts.choose(settings.read({"PUID": "7"}), (3_000_000_000, 100)) == (7, 100)


def test_the_files_are_replaced_with_the_modes_they_had(etc: Path) -> None:
    before = modes(etc)
    assert accounts.apply(Identity(7, 8), etc)
    assert modes(etc) == before
    assert Accounts(*((etc / n).read_text() for n in Accounts._fields)) == accounts.plan(
        UBUNTU, Identity(7, 8)
    )


def test_files_that_are_right_are_not_written(etc: Path) -> None:
    accounts.apply(Identity(7, 8), etc)
    before = {path: path.stat() for path in etc.iterdir()}
    assert not accounts.apply(Identity(7, 8), etc)
    assert {path: path.stat() for path in etc.iterdir()} == before


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"a\rb", b"a\fb", b"a\x1cb", "a\x85b".encode(), "a\u2028b".encode()]
)
def test_a_line_of_odd_bytes_survives(etc: Path, text: bytes) -> None:
    odd = b"odd:x:7:7:%s:/:/bin/sh\n" % text
    with (etc / "passwd").open("ab") as file:
        file.write(odd)
    accounts.apply(Identity(7, 8), etc)
    assert odd in (etc / "passwd").read_bytes()


def test_a_link_planted_in_the_way_is_not_followed(
    etc: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    victim = tmp_path_factory.mktemp("outside") / "victim"
    victim.write_text("untouched")
    (etc / "passwd.sandbox").symlink_to(victim)
    with pytest.raises(SandboxError, match=r"passwd\.sandbox"):
        accounts.apply(Identity(7, 8), etc)
    assert victim.read_text() == "untouched"


def test_a_half_written_file_of_an_interrupted_start_is_no_obstacle(etc: Path) -> None:
    (etc / "passwd.sandbox").write_text("half")
    accounts.apply(Identity(7, 8), etc)
    assert (etc / "passwd").read_text() == accounts.plan(UBUNTU, Identity(7, 8)).passwd
    assert not os.path.lexists(etc / "passwd.sandbox")


def test_an_account_file_that_is_missing_is_an_error_that_names_it(etc: Path) -> None:
    (etc / "shadow").unlink()
    with pytest.raises(SandboxError, match="/shadow"):
        accounts.apply(Identity(7, 8), etc)
