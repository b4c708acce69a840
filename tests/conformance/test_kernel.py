"""What an agent can ask of the kernel: every door that it has no business with is shut."""

from dataclasses import replace

import pytest

from tests.conformance.attacks.kernel import ATTACKS, ORDINARY
from tests.harness.once import Once
from tests.harness.subject import Subject

pytestmark = pytest.mark.xdist_group("conformance-kernel")

Outcomes = dict[str, str]
STOPPED = ("refused", "absent")
PTRACE = "ptrace seize of another process"


@pytest.fixture(scope="module")
def outcomes(subject: Subject) -> Once[Outcomes]:
    return Once(lambda: subject.python("kernel.py"))


@pytest.fixture(scope="module")
def ordinary(subject: Subject) -> Once[Outcomes]:
    return Once(lambda: subject.python("kernel.py", "--ordinary"))


@pytest.fixture(scope="module")
def weak_outcomes(weakened: Subject) -> Once[Outcomes]:
    return Once(lambda: weakened.python("kernel.py"))


def passed(outcomes: Outcomes) -> Outcomes:
    """Return the attacks that were not refused, and what they came to."""
    return {attack: found for attack, found in outcomes.items() if not found.startswith(STOPPED)}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_kernel_refuses(outcomes: Once[Outcomes], attack: str) -> None:
    found = outcomes()[attack]
    assert found.startswith(STOPPED), (
        f"{attack}: {found}. The agent gets past the permission check: neither a seccomp filter,"
        " nor a missing capability, nor a masked or read-only mount stops it."
    )


@pytest.mark.vacuity
@pytest.mark.parametrize("attack", ATTACKS)
def test_without_protection_the_kernel_lets_through(weak_outcomes: Once[Outcomes], attack: str) -> None:
    found = weak_outcomes()[attack]
    if found.startswith("absent"):
        pytest.skip(f"this kernel has no such thing, not even for root: {found}")
    assert found.startswith("reached"), f"{attack}: {found}; the attack proves nothing"


@pytest.mark.parametrize("use", ORDINARY)
def test_the_filter_leaves_alone(ordinary: Once[Outcomes], use: str) -> None:
    assert ordinary()[use] == "works", f"{use}: {ordinary()[use]}"


def test_the_image_refuses_all_of_it_without_the_profile_of_the_engine(subject: Subject) -> None:
    """Whichever engine it is, and if it was told `seccomp=unconfined`."""
    if subject.prefix != ("-c",):
        pytest.skip("--run-with: an image without a filter of its own relies on the engine's")
    bare = replace(subject, compose=None).with_options("--security-opt=seccomp=unconfined")
    found = passed(bare.python("kernel.py"))
    # It changes nothing but the caller, and debuggers want it.
    found.pop("personality without address randomization", None)
    assert not found, "the image's own seccomp filter lets through:\n" + "\n".join(
        f"{a}: {found[a]}" for a in found
    )


def test_debuggers_work_where_the_user_asks_for_it(subject: Subject) -> None:
    """The documented switch, which also shows that it is the filter that refuses."""
    if subject.prefix != ("-c",):
        pytest.skip("--run-with: the switch SANDBOX_SECCOMP=debug is this image's own")
    found = subject.python("kernel.py", PTRACE, "ptrace seize of PID 1", env={"SANDBOX_SECCOMP": "debug"})
    assert found[PTRACE] == "reached: success", "SANDBOX_SECCOMP=debug should let debuggers work"
    assert passed(found).keys() == {PTRACE}, "but PID 1 stays out of reach"
