"""The variables that show programs the way out."""

import pytest

from init.session import link

GATEWAY = {"SANDBOX_GATEWAY": "mine"}


@pytest.mark.parametrize("environ", [{}, {"EGRESS": "open", **GATEWAY}, {"EGRESS": "open"}])
def test_without_a_gateway_no_program_is_told_of_one(environ: dict[str, str]) -> None:
    assert link.variables(environ) == {}


def test_the_loopback_is_reached_without_the_proxy() -> None:
    told = link.variables({"EGRESS": "list", **GATEWAY})
    assert set(told["NO_PROXY"].split(",")) == {"localhost", "127.0.0.1", "::1"}
    assert {told[name] for name in told if name.lower().endswith("s_proxy")} == {told["http_proxy"]}


@pytest.mark.parametrize(("mode", "tries"), [("model", "0"), ("list", "1")])
def test_a_refusal_is_asked_again_only_where_something_is_allowed(mode: str, tries: str) -> None:
    told = link.variables({"EGRESS": mode, **GATEWAY})
    names = ("CARGO_NET_RETRY", "PIP_RETRIES", "UV_HTTP_RETRIES")
    assert [told[name] for name in names] == [tries] * 3


def test_the_users_own_number_of_tries_counts() -> None:
    assert "PIP_RETRIES" not in link.variables({"EGRESS": "model", "PIP_RETRIES": "7", **GATEWAY})
