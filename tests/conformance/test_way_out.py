"""What leaves a session: by its gateway what is allowed, and by no way anything else."""

import json
import secrets

import pytest

from tests.conformance.attacks.leave import ALLOWED, ATTACKS
from tests.harness.once import Once
from tests.harness.repository import ROOT
from tests.harness.subject import Subject
from tests.harness.wall import CLOUDS, NEVER, Elsewhere, Wall

pytestmark = pytest.mark.xdist_group("conformance-way-out")

# By kind and name: the mark, and how it ended.
Outcomes = dict[str, tuple[str, str]]
BY_GATEWAY, BY_NETWORK = ("name", "proxy", "captured", "model"), ("packet", "program")
# Not tried where nothing is in the way: nobody may listen there but the cloud.
UNTRIED = ("a connection to what clouds tell a machine", "a datagram to what clouds tell a machine")


def attack(session: Subject, elsewhere: Elsewhere, kinds: tuple[str, ...], **places: object) -> Outcomes:
    facts = {
        "mark": f"mk{secrets.token_hex(4)}", "kinds": kinds, "outside": elsewhere.facts["outside"],
        "places": {**elsewhere.places(), **places},
    }  # fmt: skip
    mounts = (f"{ROOT}/tests:/wall/tests:ro",)
    found: Outcomes = session.python("leave.py", json.dumps(facts), mounts=mounts, patience=300)
    elsewhere.settle()
    return found


@pytest.fixture(scope="module")
def outcomes(wall: Once[Wall], elsewhere: Once[Elsewhere]) -> Once[Outcomes]:
    """All attacks, from one session."""
    clouds = {"what clouds tell a machine": [(address, 80) for address in CLOUDS]}
    return Once(
        lambda: attack(
            wall().session(), elsewhere(), (*BY_GATEWAY, *BY_NETWORK, "allowed", "led", "turns"), **clouds
        )
    )


@pytest.fixture(scope="module")
def outcomes_of_naive(wall: Once[Wall], elsewhere: Once[Elsewhere]) -> Once[Outcomes]:
    """The attacks on the gateway, on one that is none."""

    def find() -> Outcomes:
        program = ("/usr/bin/python3", "-I", "/attacks/naive_gateway.py", str(elsewhere().facts["outside"]))
        return attack(wall().session(*program), elsewhere(), (*BY_GATEWAY, "turns"))

    return Once(find)


@pytest.fixture(scope="module")
def outcomes_of_open(weakened: Subject, elsewhere: Once[Elsewhere]) -> Once[Outcomes]:
    """The attacks on the network, from a usual container."""

    def find() -> Outcomes:
        network = (f"--network={elsewhere().network}", f"--dns={elsewhere().facts['outside']}")
        return attack(weakened.with_options(*network), elsewhere(), BY_NETWORK)

    return Once(find)


def told(outcomes: Outcomes, elsewhere: Elsewhere, name: str) -> tuple[list[str], str]:
    """Return what got out by an attack, and how it ended for the program."""
    mark, ended = outcomes[name]
    return [json.dumps(line)[:500] for line in elsewhere.seen(mark)], ended


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_gets_out_by(outcomes: Once[Outcomes], elsewhere: Once[Elsewhere], name: str) -> None:
    found, ended = told(outcomes(), elsewhere(), name)
    assert not found, f"{name}: {ended}. It got out: {found}"


@pytest.mark.parametrize("name", ALLOWED)
def test_the_list_lets_out(outcomes: Once[Outcomes], elsewhere: Once[Elsewhere], name: str) -> None:
    found, ended = told(outcomes(), elsewhere(), f"allowed, {name}")
    assert found, f"{name}: {ended}"


@pytest.mark.parametrize("address", NEVER)
def test_no_name_on_the_list_leads_to(outcomes: Once[Outcomes], address: str) -> None:
    _, ended = outcomes()[f"led, {NEVER.index(address)}"]
    assert "private-address" in ended, ended


def turns(outcomes: Outcomes, elsewhere: Elsewhere) -> set[str]:
    """Return the addresses that were reached by a name whose address changes with every question."""
    marks = [mark for name, (mark, _) in outcomes.items() if name.startswith("turns, ")]
    return {str(line["local"]) for mark in marks for line in elsewhere.seen(mark)}


def test_a_name_whose_address_changes_leads_to_the_public_one_alone(
    outcomes: Once[Outcomes], elsewhere: Once[Elsewhere]
) -> None:
    assert turns(outcomes(), elsewhere()) == {elsewhere().facts["outside"]}
    ends = [ended for name, (_, ended) in outcomes().items() if name.startswith("turns, ")]
    assert any("private-address" in ended for ended in ends), "it never led to the private one"


@pytest.mark.vacuity
def test_a_naive_gateway_follows_it_to_the_private_one(
    outcomes_of_naive: Once[Outcomes], elsewhere: Once[Elsewhere]
) -> None:
    assert turns(outcomes_of_naive(), elsewhere()) >= {elsewhere().facts["inside"]}


@pytest.mark.vacuity
@pytest.mark.parametrize("name", [name for name in ATTACKS if name.startswith(BY_GATEWAY)])
def test_by_a_naive_gateway_it_gets_out(
    outcomes_of_naive: Once[Outcomes], elsewhere: Once[Elsewhere], name: str
) -> None:
    found, ended = told(outcomes_of_naive(), elsewhere(), name)
    assert found, f"{name}: {ended}; the attack proves nothing"


@pytest.mark.vacuity
@pytest.mark.parametrize("name", [n for n in ATTACKS if n.startswith(BY_NETWORK) and not n.endswith(UNTRIED)])
def test_by_a_usual_network_it_gets_out(
    outcomes_of_open: Once[Outcomes], elsewhere: Once[Elsewhere], name: str
) -> None:
    found, ended = told(outcomes_of_open(), elsewhere(), name)
    if ended.startswith("absent"):
        pytest.skip(f"this image has no such program: {ended}")
    assert found, f"{name}: {ended}; the attack proves nothing"
