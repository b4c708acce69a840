"""Which way a session's gateway is reached, by what the engine tells of its runtimes."""

from dataclasses import replace
from pathlib import Path

import pytest

from host import inside
from host.configuration import Configuration
from host.engine import Engine, runtimes
from host.errors import HostError

ENGINE = Engine(
    "28", "Debian", "systemd", 0, "2.26", "runc", {"runc": "runc", "gv": "/usr/bin/runsc --network=host"}
)
PLAIN = Configuration("p", ("p",), "image", {}, (), (), Path("/w"), (), {}, has_gateway=True)

RUNTIMES = {
    ("runc", "runc"): True, ("crun", ""): True, ("sysbox-runc", "/usr/bin/sysbox-runc"): True,
    ("runsc", "/usr/bin/runsc --network=host"): False, ("mine", "/usr/bin/runsc --host-uds=open"): True,
    ("mine", "/usr/bin/runsc -host-uds=all"): True, ("mine", "/usr/bin/runsc --host-uds=none"): False,
    ("mine", "/usr/bin/runsc --host-uds=create"): False, ("io.containerd.kata.v2", ""): False,
    ("io.containerd.runsc.v1", ""): False, ("kata-fc", "/opt/kata/bin/containerd-shim-kata-v2"): False,
}  # fmt: skip


@pytest.mark.parametrize(("runtime", "shares"), RUNTIMES.items())
def test_runtimes_with_a_kernel_of_their_own_share_no_sockets(runtime: tuple[str, str], shares: bool) -> None:
    assert inside.shares_sockets(*runtime) is shares


@pytest.mark.parametrize(
    ("runtime", "asked", "by_network", "said"),
    [
        ("", "", False, False),
        ("gv", "", True, True),
        ("gv", "sockets", False, False),
        ("", "network", True, False),
    ],
)
def test_the_users_word_counts_before_the_runtime(
    capsys: pytest.CaptureFixture[str], runtime: str, asked: str, by_network: bool, said: bool
) -> None:
    given = replace(PLAIN, runtime=runtime, variables={"EGRESS_VIA": asked})
    assert inside.decided(ENGINE, given).by_network is by_network
    assert ("shares no sockets" in capsys.readouterr().err) is said


def test_the_engines_default_runtime_counts_where_none_is_named() -> None:
    assert inside.decided(replace(ENGINE, runtime="gv"), PLAIN).by_network
    assert not inside.decided(replace(ENGINE, runtime="gv"), replace(PLAIN, has_gateway=False)).by_network


def test_another_word_is_refused() -> None:
    with pytest.raises(HostError, match="EGRESS_VIA=wires is not known"):
        inside.decided(ENGINE, replace(PLAIN, variables={"EGRESS_VIA": "wires"}))


def test_a_compose_that_cannot_read_the_network_is_told() -> None:
    asked = replace(PLAIN, variables={"EGRESS_VIA": "network"})
    with pytest.raises(HostError, match=r"Compose 2\.23 is too old: compose\.internal\.yml needs 2\.24"):
        inside.decided(replace(ENGINE, compose="2.23"), asked)
    assert not inside.decided(replace(ENGINE, compose="2.23"), PLAIN).by_network


def test_runtimes_as_the_engine_tells_of_them() -> None:
    told = {
        "Runtimes": {"runc": {"path": "runc"}, "gv": {"path": "runsc", "runtimeArgs": ["--a", "--b"]}, "x": 5}
    }
    assert runtimes(told) == {"runc": "runc", "gv": "runsc --a --b"}
    assert runtimes({"Runtimes": []}) == {}
