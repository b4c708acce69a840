"""The pure parts of host/, as tables."""

import json
import os
import re
from pathlib import Path

import pytest

from host import demo, doctor, engine, image, opening, reset, session, verify
from host.errors import HostError
from host.options.start import Start


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ("2.15.0", True), ("v2.15.1", True), ("2.26.1-4", True), ("5.0", True), ("dev", True), ("", True),
        ("2.14.9", False), ("v2.2.3", False), ("1.29.2", False),
    ],
)  # fmt: skip
def test_compose_is_new_enough(version: str, good: bool) -> None:
    if good:
        engine.require_compose(version)
    else:
        with pytest.raises(HostError, match=f"Compose {version} is too old"):
            engine.require_compose(version)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, {}),
        ({"ClientInfo": None}, {}),
        ({"ClientInfo": {"Plugins": None}}, {}),
        ({"ClientInfo": {"Plugins": [{"Name": "compose", "Version": "2.1"}]}}, {"compose": "2.1"}),
        ({"ClientInfo": {"Plugins": [{"Name": "compose", "Err": "x"}, {"Name": "buildx"}]}}, {"buildx": ""}),
        ({"ClientInfo": []}, {}),
        ({"ClientInfo": {"Plugins": {}}}, {}),
        ({"ClientInfo": {"Plugins": [None, 1, "x", {"Name": "compose", "Version": 2}]}}, {"compose": "2"}),
    ],
)  # fmt: skip
def test_plugins_that_work(told: dict[str, object], found: dict[str, str]) -> None:
    assert engine.plugins(told) == found


@pytest.mark.parametrize("output", ["", "null", "[]", "podman says something else", '{"a"'])
def test_an_answer_of_another_form_tells_nothing(output: str) -> None:
    assert engine.parse(output) == {}


def test_an_answer_that_is_nested_too_deeply_tells_nothing() -> None:
    assert engine.parse("[" * 100_000) == {}
    assert not doctor.is_report(b"[" * 100_000)


def test_an_engine_that_tells_of_itself_in_another_form() -> None:
    told: dict[str, object] = {
        "ServerVersion": 5,
        "OperatingSystem": None,
        "CgroupDriver": [],
        "MemTotal": "much",
    }
    assert engine.describe(told, "2.26") == engine.Engine("5", "", "", 0, "2.26")


def test_the_engine_as_the_doctor_in_the_sandbox_reads_it() -> None:
    told = engine.Engine("20.10", 'Debian "12"', "cgroupfs", 1 << 30, "2.26")
    assert json.loads(told.describe("0.2.0")) == {
        "engine": "20.10", "os": 'Debian "12"', "driver": "cgroupfs", "compose": "2.26", "memory": 1 << 30,
        "start": "0.2.0",
    }  # fmt: skip
    assert "memory" not in json.loads(engine.Engine("1", "", "", 0, "").describe("0")), "unknown is not zero"


EMULATED = {"DOCKER_DEFAULT_PLATFORM": "linux/amd64", "SANDBOX_SECCOMP": "off"}


@pytest.mark.parametrize(
    ("machine", "platform", "chosen"),
    [
        ("x86_64", "", {}),
        ("amd64", "", {}),
        ("AMD64", "linux/amd64", {}),
        ("x86_64", "linux/arm64/v8", {"SANDBOX_SECCOMP": "off"}),
        ("aarch64", "", EMULATED),
        ("arm64", "", EMULATED),
        ("arm64", "linux/arm64", {}),
        ("arm64", "arm64", {}),
        ("arm64", "linux", {}),
        ("aarch64", "linux/arm64/v8", {}),
        ("arm64", "linux/amd64", {"SANDBOX_SECCOMP": "off"}),
    ],
)
def test_an_emulated_platform_goes_without_the_filter_and_says_so(
    machine: str, platform: str, chosen: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"DOCKER_DEFAULT_PLATFORM": platform}
    assert image.choose_platform(environ, {}, machine) == chosen
    told = capsys.readouterr().err
    assert [word in told for word in ("emulation", "seccomp filter")] == [bool(chosen)] * 2
    rest = {name: value for name, value in chosen.items() if name != "SANDBOX_SECCOMP"}
    assert image.choose_platform(environ, {"SANDBOX_SECCOMP": "on"}, machine) == rest


LOCAL = {"BASE_IMAGE": image.LOCAL_BASE}


@pytest.mark.parametrize(
    ("variables", "local", "chosen"),
    [
        ({}, False, {}),
        ({}, True, {**LOCAL, "RUST_CHANNEL": "distro"}),
        ({"RUST_CHANNEL": "1.90"}, True, {**LOCAL, "RUST_CHANNEL": "1.90"}),
        ({"BASE_IMAGE": "debian:13"}, True, {}),
    ],
)
def test_the_base(variables: dict[str, str], local: bool, chosen: dict[str, str]) -> None:
    assert image.base(variables, local) == chosen


@pytest.mark.parametrize(
    ("variables", "options", "asked"),
    [
        ({}, (), ""),
        ({"IMAGE_TOOLS": "omp"}, ("--no-cache",), "omp"),
        ({"IMAGE_TOOLS": "omp"}, ("--build-arg", "IMAGE_TOOLS=pi"), "pi"),
        ({}, ("--build-arg", "IMAGE_TOOLS=pi", "--build-arg", "IMAGE_TOOLS=omp"), "omp"),
    ],
)
def test_the_tools_asked_for(variables: dict[str, str], options: tuple[str, ...], asked: str) -> None:
    assert image.tools_asked_for(variables, options) == asked


def test_the_known_tools_are_those_with_a_lock() -> None:
    assert {"opencode", "omp", "pi"} <= set(image.known_tools(Path(__file__).parents[3]))


@pytest.mark.parametrize("asked", ["", "omp", "pi,omp"])
def test_tools_that_can_be_built(asked: str) -> None:
    image.check_tools(asked, ["omp", "pi"])


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ("omp, pi", "it has a space"),
        (" ", "it has a space"),
        ("omp,", "a name is missing beside a comma"),
        (",", "a name is missing beside a comma"),
        ("omp,nope", "there is no tool nope"),
        ("omp,pi,omp", "it has omp twice"),
    ],
)
def test_tools_that_cannot_be_built_are_told(asked: str, wrong: str) -> None:
    with pytest.raises(HostError, match=re.escape(f"IMAGE_TOOLS is {asked!r}: {wrong}.")) as raised:
        image.check_tools(asked, ["omp", "pi"])
    assert raised.value.todo[-1] == "The tools: omp pi"


def test_the_cas_are_the_users_then_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    monkeypatch.setattr(image, "BUNDLES", (str(tmp_path / "none"), str(bundle)))
    theirs = {"EXTRA_CA_FILE": str(bundle)}
    assert image.authorities({}, {}) == theirs
    assert image.authorities({}, {"SSL_CERT_FILE": "/nonexistent", "NODE_EXTRA_CA_CERTS": ""}) == theirs
    assert image.authorities({}, {"SSL_CERT_FILE": "/dev/null"}) == {"EXTRA_CA_FILE": "/dev/null"}
    assert image.authorities({"EXTRA_CA_FILE": "mine.pem"}, {}) == {}


def test_the_pinned_base_is_the_dockerfiles() -> None:
    assert image.pinned_base(Path(__file__).parents[3]).startswith("ubuntu:26.04@sha256:")


@pytest.mark.parametrize(
    ("environment", "start", "terminal", "chosen"),
    [
        ({}, Start(), False, {}),
        ({}, Start(), True, {"MENU_TIMEOUT": "0"}),
        ({"MENU_TIMEOUT": "5"}, Start(), True, {}),
        ({"DEFAULT_TOOL": "omp"}, Start(tool="opencode"), False, {"DEFAULT_TOOL": "opencode"}),
        ({}, Start(demo=True), False, {"DEFAULT_TOOL": "opencode"}),
        ({}, Start(demo=True, tool="omp"), False, {"DEFAULT_TOOL": "omp"}),
        ({}, Start(demo=True, shell=True), False, {}),
        ({"DEFAULT_TOOL": "omp"}, Start(demo=True), False, {}),
    ],
)
def test_what_is_chosen_for_the_user(
    environment: dict[str, str], start: Start, terminal: bool, chosen: dict[str, str]
) -> None:
    assert opening.preferences(environment, start, terminal=terminal) == chosen


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("tool", {}),
        ("shell", {"SANDBOX_SESSION": "shell"}),
        ("doctor", {"SANDBOX_SESSION": "doctor"}),
        ("accept", {"SANDBOX_SESSION": "accept", "SANDBOX_GUARD": "report"}),
        ("apply", {"SANDBOX_SESSION": "apply"}),
    ],
)
def test_what_tells_the_container_its_session(name: str, variables: dict[str, str]) -> None:
    assert session.kind(name, ("a $b",)) == session.Kind(variables, ("a $b",))


@pytest.mark.parametrize(
    ("named", "folder", "file"),
    [
        ("mine.gguf", "/from", "/from/mine.gguf"),
        ("/models/mine.gguf", "/from", "/models/mine.gguf"),
        ("~/mine.gguf", "/from", f"{Path.home()}/mine.gguf"),
        ("~mine.gguf", "/from", "/from/~mine.gguf"),
    ],
)
def test_where_a_model_is(named: str, folder: str, file: str) -> None:
    assert demo.locate(named, Path(folder)) == Path(file)


@pytest.mark.parametrize(("size", "memory"), [(1, "9g"), (1 << 30, "9g"), ((1 << 30) + 1, "10g"), (0, "8g")])
def test_a_models_memory(size: int, memory: str) -> None:
    assert demo.memory_for(size) == memory


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_model_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.touch(mode=0)
    with pytest.raises(HostError, match="you may not read"):
        demo.require_model(file)


@pytest.mark.parametrize(
    ("arguments", "another"),
    [((), False), (("--image", "x"), True), (("--image=x",), True), (("-k", "--images"), False)],
)
def test_verify_of_another_image(arguments: tuple[str, ...], another: bool) -> None:
    assert verify.attacks_another(arguments) == another


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b'{"findings": []}', True),
        (b"", False),
        (b"[]", False),
        (b"error\n{}", False),
        (b'"findings"', False),
    ],
)
def test_what_is_a_report(text: bytes, good: bool) -> None:
    assert doctor.is_report(text) == good


def test_a_start_that_fails_is_a_report() -> None:
    assert doctor.is_report(json.dumps(doctor.unexamined("engine")).encode())


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (1023, "1023B"), (1024, "1.0K"), (10 * 1024, "10K"), (1536 << 20, "1.5G"), (3 << 40, "3.0T"),
     (5000 << 40, "5000T")],
)  # fmt: skip
def test_a_size_as_a_person_reads_it(size: int, text: str) -> None:
    assert reset.readable(size) == text
