"""init/settings.py: the environment, validated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init import settings
from init.errors import SandboxError

IDS = ("PUID", "PGID")
SECONDS = ("MENU_TIMEOUT", "SANDBOX_GRACE", "SANDBOX_LIMIT")
VARIABLES = (*IDS, *SECONDS, "TOOLS", "DEFAULT_TOOL", "SANDBOX_LOG", "SANDBOX_LOG_LEVEL")

# os.environ holds any character but NUL, and a lone surrogate for each byte that is not UTF-8.
HOSTILE = st.one_of(
    st.text(st.characters(exclude_characters="\0")),
    st.text(st.characters(categories=["Nd", "No", "Zs", "Cc"], exclude_characters="\0")),
    st.text("0123456789.-+e_ ,", max_size=24),
    st.integers(-1, 2**65).map(str),
)


def attempt(environ: dict[str, str]) -> settings.Settings | SandboxError:
    try:
        return settings.read(environ)
    except SandboxError as error:
        return error


@given(st.dictionaries(st.sampled_from(VARIABLES), HOSTILE))
def test_whatever_the_environment_holds_is_refused_by_name_or_in_range(environ: dict[str, str]) -> None:
    read = attempt(environ)
    if isinstance(read, SandboxError):
        assert any(name in read.what for name in environ)
        assert read.fix
        return
    for account in (read.puid, read.pgid):
        assert account is None or 1 <= account <= 2**31 - 1
    for seconds in (read.menu_timeout, read.grace):
        assert 0 <= seconds <= 86400
    assert read.tools is None or (read.tools and all(read.tools))
    assert read.log_level in {"debug", "info", "warning", "error"}


@given(st.dictionaries(st.sampled_from(IDS), HOSTILE, min_size=1))
def test_an_id_is_taken_as_written_or_not_at_all(environ: dict[str, str]) -> None:
    read = attempt(environ)
    if isinstance(read, SandboxError):
        return
    for name, value in zip(IDS, (read.puid, read.pgid), strict=True):
        assert environ.get(name, "") == ("" if value is None else str(value))


def test_nothing_set_takes_the_defaults() -> None:
    read = settings.read({})
    assert read[:4] == (None, None, None, None)
    assert (read.grace, read.log_json, read.log_level) == (settings.DEFAULT_GRACE, False, "info")


def test_an_empty_variable_counts_as_unset() -> None:
    assert settings.read(dict.fromkeys(VARIABLES, "")) == settings.read({})


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("value", ["1", "1000", "65534", "2147483647"])
def test_an_id_in_range_is_taken(name: str, value: str) -> None:
    read = settings.read({name: value})
    assert {"PUID": read.puid, "PGID": read.pgid}[name] == int(value)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("value", ["0", "00", "0000000000"])
def test_root_is_refused_as_such(name: str, value: str) -> None:
    with pytest.raises(SandboxError, match=f"{name}=.*root"):
        settings.read({name: value})


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize(
    "value",
    ["-1", "+1", " 1", "1 ", "1\n", "01000", "1e3", "1_000", "0x10", "1.0", "agent", "\u0661000", "²",
     "4294967295", "4294967296", str(2**64 + 1000), "9" * 5000],
)  # fmt: skip
def test_what_is_no_id_is_refused(name: str, value: str) -> None:
    with pytest.raises(SandboxError, match=name):
        settings.read({name: value})


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("omp", ("omp",)),
        ("omp,opencode", ("omp", "opencode")),
        (" omp , opencode ", ("omp", "opencode")),
        ("omp,,opencode,", ("omp", "opencode")),
        ("omp,opencode,omp", ("omp", "opencode")),
    ],
)
def test_tools_keep_their_order_and_stand_once(value: str, names: tuple[str, ...]) -> None:
    assert settings.read({"TOOLS": value}).tools == names


@pytest.mark.parametrize("value", [",", " ", " , ,"])
def test_tools_that_name_none_are_refused(value: str) -> None:
    with pytest.raises(SandboxError, match="TOOLS"):
        settings.read({"TOOLS": value})


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("7", 7), ("2.5", 2.5), ("86400", 86400)])
def test_seconds_may_have_a_fraction(name: str, value: str, seconds: float) -> None:
    read = settings.read({name: value})
    told = {"MENU_TIMEOUT": read.menu_timeout, "SANDBOX_GRACE": read.grace, "SANDBOX_LIMIT": read.limit}
    assert told[name] == seconds


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize(
    "value",
    ["-1", "nan", "inf", "1e3", "1_0", "5s", "1.2.3", "86401", "\u0663", "9" * 5000, "9" * 400 + ".0"],
)
def test_what_is_no_number_of_seconds_is_refused(name: str, value: str) -> None:
    with pytest.raises(SandboxError, match=name):
        settings.read({name: value})


@pytest.mark.parametrize(("name", "value"), [("SANDBOX_LOG", "JSON"), ("SANDBOX_LOG_LEVEL", "loud")])
def test_an_unknown_choice_is_refused_with_those_there_are(name: str, value: str) -> None:
    with pytest.raises(SandboxError) as caught:
        settings.read({name: value})
    assert name in caught.value.what
    assert {"SANDBOX_LOG": "json", "SANDBOX_LOG_LEVEL": "warning"}[name] in caught.value.fix


def test_every_bad_variable_is_named_at_once() -> None:
    bad = dict.fromkeys(VARIABLES, "?") | {"TOOLS": ","}
    bad.pop("DEFAULT_TOOL")
    with pytest.raises(SandboxError) as caught:
        settings.read(bad)
    assert all(name in caught.value.what for name in bad)


def test_a_long_value_is_shown_shortened() -> None:
    with pytest.raises(SandboxError) as caught:
        settings.read({"PUID": "x" * 10_000})
    assert len(caught.value.what) < 200


@pytest.mark.parametrize(
    ("environ", "session"),
    [
        ({}, "tool"),
        ({"SANDBOX_SHELL": "0", "SANDBOX_DOCTOR": "0"}, "tool"),
        ({"SANDBOX_SHELL": "1"}, "shell"),
        ({"SANDBOX_SHELL": "plain"}, "plain"),
        ({"SANDBOX_DOCTOR": "1", "SANDBOX_SHELL": "1"}, "doctor"),
        ({"SANDBOX_SESSION": "accept", "SANDBOX_SHELL": "1"}, "accept"),
        ({"SANDBOX_SESSION": "tool", "SANDBOX_DOCTOR": "1"}, "tool"),
    ],
)
def test_one_setting_says_which_session_it_is(environ: dict[str, str], session: str) -> None:
    assert settings.read(environ).session == session


@pytest.mark.parametrize(
    ("environ", "egress"),
    [
        ({}, "open"),
        ({"SANDBOX_GATEWAY": "default"}, "model"),
        ({"SANDBOX_GATEWAY": "default", "EGRESS": "list"}, "list"),
        ({"EGRESS": "model"}, "model"),
    ],
)
def test_where_nobody_says_what_is_reached_it_is_what_is_there(environ: dict[str, str], egress: str) -> None:
    assert settings.read(environ).egress == egress


def test_what_is_accepted_is_told_and_not_taken_away_again() -> None:
    environ = {"SANDBOX_GUARD": "block"}
    assert settings.read({**environ, "SANDBOX_SESSION": "accept"}).guard == "report"
    assert settings.read({**environ, "SANDBOX_SESSION": "tool"}).guard == "block"
    assert settings.read({"SANDBOX_GUARD": "off", "SANDBOX_SESSION": "accept"}).guard == "off"


@pytest.mark.parametrize("session", settings.REVIEWS)
def test_who_looks_at_a_copy_asks_the_guard_itself(session: str) -> None:
    assert settings.read({"SANDBOX_GUARD": "block", "SANDBOX_SESSION": session}).guard == "off"


def test_the_models_variables_are_handed_on_as_they_are() -> None:
    environ = {"MODEL_URL": "http://h", "MODEL_ID": "", "MODEL_CA": "x.pem", "OTHER": "1"}
    read = settings.read(environ)
    assert read.model == {"MODEL_URL": "http://h", "MODEL_CA": "x.pem"}
    assert read.asks_for_model
    assert not settings.read({"MODEL_CA": "x.pem"}).asks_for_model
