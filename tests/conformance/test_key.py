"""The model server's key: the gateway holds it, and nothing in a session does, or is told it."""

import base64
import gzip
import html
import json
import re
import urllib.parse
from typing import Any

import pytest

from tests.conformance.attacks.elsewhere import FORMS
from tests.harness.engine import docker, logs
from tests.harness.once import Once
from tests.harness.repository import ROOT
from tests.harness.subject import Subject
from tests.harness.wall import KEY, Elsewhere, Wall

pytestmark = pytest.mark.xdist_group("conformance-way-out")

Found = dict[str, Any]
# What is not promised: to look into what a server compressed without saying so.
UNKNOWN = ("compressed, which is not said",)


def search(session: Subject, *forms: str) -> Found:
    words = (KEY[::-1], *(urllib.parse.quote(form) for form in forms))
    found: Found = session.python("find_key.py", *words, mounts=(f"{ROOT}/tests:/wall/tests:ro",))
    return found


def read(text: str) -> set[str]:
    """Return all that an answer can be read as."""
    found = {text, urllib.parse.unquote(text), html.unescape(text), text.replace("\\/", "/")}
    found.add(re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text))
    found.add(re.sub(r"(?m)^1\r\n(.)\r\n", r"\1", text))
    body = text.partition("\r\n\r\n")[2]
    for decode in (base64.b64decode, base64.urlsafe_b64decode, bytes.fromhex, _inflated):
        try:
            found.add(decode(body).decode("latin-1"))
        except (ValueError, OSError):
            continue
    return found


def _inflated(body: str) -> bytes:
    return gzip.decompress(body.encode("latin-1"))


def part_of_key(text: str) -> str:
    """Return what of the key can be read in an answer, "" where it is less than half."""
    half = len(KEY) // 2
    parts = [KEY[begin : begin + half] for begin in range(len(KEY) - half + 1)]
    return next((part for part in parts if any(part in form for form in read(text))), "")


@pytest.fixture(scope="module")
def found(wall: Once[Wall]) -> Once[Found]:
    return Once(lambda: search(wall().session(), *FORMS))


@pytest.fixture(scope="module")
def found_with_naive(wall: Once[Wall], elsewhere: Once[Elsewhere]) -> Once[Found]:
    def find() -> Found:
        program = ("/usr/bin/python3", "-I", "/attacks/naive_gateway.py", str(elsewhere().facts["outside"]))
        return search(wall().session(*program), *FORMS)

    return Once(find)


def test_no_file_process_or_memory_of_a_session_holds_it(found: Once[Found]) -> None:
    assert not found()["found"]


def test_the_engine_keeps_it_for_the_gateway_alone(wall: Once[Wall]) -> None:
    session = wall().session()
    container = session.start("exec sleep 300")
    try:
        assert KEY not in docker("inspect", container)
        assert KEY not in docker("image", "inspect", session.image)
        assert KEY not in docker("history", "--no-trunc", session.image)
        assert KEY not in logs(container) + logs(wall().gateway)
        assert KEY in docker("inspect", wall().gateway)
    finally:
        docker("rm", "--force", container, check=False)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in UNKNOWN])
def test_no_answer_of_the_server_tells_it(found: Once[Found], form: str) -> None:
    told = found()["told"][urllib.parse.quote(form)]
    assert told.startswith("HTTP/1.1 "), told
    assert not part_of_key(told), told


@pytest.mark.vacuity
@pytest.mark.parametrize("form", FORMS)
def test_through_a_naive_gateway_an_answer_tells_it(found_with_naive: Once[Found], form: str) -> None:
    told = found_with_naive()["told"][urllib.parse.quote(form)]
    assert part_of_key(told), told


@pytest.mark.vacuity
def test_a_session_that_holds_it_is_found_out(weakened: Subject) -> None:
    told = weakened.with_options(f"--env=MODEL_API_KEY={KEY}", "--tmpfs=/mnt").run(
        f"echo $MODEL_API_KEY >/mnt/key; sleep 300 & /usr/bin/python3 -I /attacks/find_key.py '{KEY[::-1]}'",
        mounts=(f"{ROOT}/tests:/wall/tests:ro",),
    )
    places = json.loads(told.stdout)["found"]
    assert "/mnt/key" in places
    assert any(place.endswith("/environ") for place in places)
    assert any(place.startswith("memory of ") for place in places)
