"""init/model/: what a user may write about model servers."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from init.errors import SandboxError
from init.model import checks, models_yml, servers
from init.model import configuration as conf
from init.model.servers import ModelSpec

URL = "http://10.0.0.13:8000/v1"
PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (URL, URL),
        (f"{URL}/", URL),
        (f" {URL}/// ", URL),
        ("http://10.0.0.13:8000", "http://10.0.0.13:8000"),
        (f"{URL}/chat/completions", URL),
        (f"{URL}/models/", URL),
        ("https://llm.example.com/api/v1", "https://llm.example.com/api/v1"),
        ("http://host.docker.internal:11434", "http://host.docker.internal:11434"),
        ("HTTP://Host/v1", "http://Host/v1"),
        ("http://[fd00::1]:8000/v1", "http://[fd00::1]:8000/v1"),
    ],
)
def test_an_address_is_taken_with_what_people_paste_along(text: str, address: str) -> None:
    assert checks.address(text, "MODEL_URL") == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "http://"),
        ("10.0.0.13:8000", "http://"),
        ("localhost:8000/v1", "http://"),
        ("ftp://10.0.0.13", "http://"),
        ("file:///etc/passwd", "http://"),
        ("http://", "no URL"),
        ("http://:8000", "no URL"),
        ("http://host:port/v1", "no URL"),
        ("http://host:0/v1", "no URL"),
        ("http://host:99999/v1", "no URL"),
        ("http://[fd00::1/v1", "no URL"),
        ("http://ho st/v1", "no URL"),
        ("http://host/v1\nX: y", "no URL"),
        ("http://höst/v1", "no URL"),
        ("http://me:word@host/v1", "password"),
        ("http://me:word#x@host:8000", "password"),
        ("me:word@host:80/v1", "password"),
        ("http://10.0.0..13:8000/v1", "no URL"),
        (f"http://{'x' * 300}/v1", "no URL"),
        ("http://host/v1?key=x", "?"),
        ("http://host/v1#x", "#"),
    ],
)
def test_what_is_no_address_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(SandboxError) as refused:
        checks.address(text, "MODEL_URL")
    assert "MODEL_URL" in refused.value.what
    assert why in refused.value.what
    assert "word" not in f"{refused.value.what}{refused.value.fix}".replace("password", "")
    assert refused.value.fix


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = checks.address(text, "MODEL_URL")
    except SandboxError:
        return
    assert address.startswith(("http://", "https://"))
    assert not address.endswith("/")
    assert address.isascii()
    assert address.isprintable()


@pytest.mark.parametrize(
    "text", ["0", "-1", "1.5", "32k", "٣", "1e5", "100000001", "9" * 400, " 5", "x" * 100]
)
def test_a_context_that_is_no_number_of_tokens_is_refused(text: str) -> None:
    with pytest.raises(SandboxError, match="MODEL_CONTEXT"):
        read(MODEL_URL=URL, MODEL_CONTEXT=text)


@pytest.mark.parametrize("key", ["a b", "a\nb", "a\r", "ä", "a\0b", "\x7f", "a\tb"])
def test_a_key_that_no_header_carries_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SandboxError) as refused:
        checks.key(f"s3cret{key}", "MODEL_API_KEY")
    assert "s3cret" not in f"{refused.value.what}{refused.value.fix}"
    assert "MODEL_API_KEY" in refused.value.what


def quiet(_what: str, _fix: str) -> None:
    """Say nothing."""


def read(**environ: str) -> servers.ModelServers:
    return conf.read(environ, quiet, servers.Places("/nonexistent", "/nonexistent"))


def test_nothing_set_is_no_server() -> None:
    assert read() == servers.ModelServers((), {})
    assert read(MODEL_URL="", MODEL_ID="", MODEL_API_KEY="x") == servers.ModelServers((), {})


def test_the_short_form_is_one_server(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    configured = read(
        MODEL_URL=f"{URL}/", MODEL_ID='org/my "model" $x', MODEL_CONTEXT="65536", MODEL_OUTPUT="4096",
        MODEL_TOOLS="off", MODEL_API_KEY='s3cr"et\\key', MODEL_CA=str(tmp_path / "ca.pem"),
    )  # fmt: skip
    (server,) = configured.servers
    assert (server.name, server.url, server.key) == ("local", URL, 's3cr"et\\key')
    assert (server.variable, server.ca) == ("MODEL_API_KEY", str(tmp_path / "ca.pem"))
    assert server.models == (ModelSpec('org/my "model" $x', 65536, 4096, tools=False),)
    assert configured.roles == {}


@pytest.mark.parametrize("text", ["s3cret", "s3cret\n", "s3cret\r\n"])
def test_a_key_is_read_from_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    assert conf.key_of({"MODEL_API_KEY_FILE": str(tmp_path / "key")}) == "s3cret"
    assert conf.key_of({"MODEL_API_KEY": "own", "MODEL_API_KEY_FILE": str(tmp_path / "key")}) == "own"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"MODEL_ID": "x"}, "MODEL_ID is set, but MODEL_URL is not"),
        ({"MODEL_URL": URL, "MODEL_CONTEXT": "8192", "MODEL_OUTPUT": "8192"}, "MODEL_OUTPUT=8192"),
        ({"MODEL_URL": URL, "MODEL_TOOLS": "no"}, "MODEL_TOOLS='no'"),
        ({"MODEL_URL": URL, "MODEL_ID": "a\x1b[2J"}, "MODEL_ID"),
        ({"MODEL_URL": URL, "MODEL_ID": "__proto__"}, "MODEL_ID"),
        ({"MODEL_URL": URL, "MODEL_API_KEY_FILE": "/nonexistent"}, "MODEL_API_KEY_FILE: /nonexistent"),
        ({"MODEL_URL": URL, "MODEL_CA": "/nonexistent"}, "MODEL_CA: '/nonexistent'"),
        ({"MODEL_URL": URL, "MODEL_CA": "/etc/passwd"}, "holds no certificate"),
    ],
)
def test_a_bad_variable_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SandboxError) as refused:
        read(**environ)
    assert named in refused.value.what
    assert refused.value.fix


FILE = """
servers:
  big:
    url: http://10.0.0.13:8000/v1
    key_file: big.key
    ca: ca.pem
    models:
      - id: yes
        context: 131072
        output: 16384
        tools: true
        vision: false
      - {id: "org/vl: x", vision: true}
  small-1:
    url: http://10.0.0.14:8080
    key: s3cret
roles:
  main: big/yes
  fast: small-1
  vision: "big/org/vl: x"
"""


def described(folder: Path, text: str) -> servers.ModelServers:
    (folder / "models.yml").write_text(text)
    (folder / "big.key").write_text("b1g\n")
    (folder / "ca.pem").write_text(PEM)
    return models_yml.read(servers.Places(str(folder), str(folder)))


def test_the_file_describes_several_servers_and_roles(tmp_path: Path) -> None:
    configured = described(tmp_path, FILE)
    big, small = configured.servers
    assert (big.name, big.url, big.key, big.variable) == ("big", URL, "b1g", "MODEL_BIG_API_KEY")
    assert big.ca == str(tmp_path / "ca.pem")
    assert big.models == (ModelSpec("yes", 131072, 16384), ModelSpec("org/vl: x", vision=True))
    assert (small.key, small.variable, small.models) == ("s3cret", "MODEL_SMALL_1_API_KEY", ())
    assert configured.roles == {"main": "big/yes", "fast": "small-1", "vision": "big/org/vl: x"}


SHIPPED = Path(__file__).parents[3] / "config"


def test_the_shipped_file_describes_nothing() -> None:
    assert models_yml.read(servers.Places(str(SHIPPED))) == servers.ModelServers((), {})


def test_the_example_of_the_shipped_file_is_good_once_uncommented(tmp_path: Path) -> None:
    lines = (SHIPPED / "models.yml").read_text().splitlines()
    example = [line.removeprefix("#").removeprefix(" ") for line in lines[lines.index("# servers:") :]]
    (tmp_path / "company-ca.pem").write_text(PEM)
    configured = described(tmp_path, "\n".join(example))
    assert [server.name for server in configured.servers] == ["big", "small"]
    assert configured.servers[0].models == (ModelSpec("qwen3-coder", 131072, 16384),)
    assert configured.roles == {"main": "big/qwen3-coder", "fast": "small", "vision": "big/qwen3-vl"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("- a", "config/models.yml: this is no mapping"),
        ("servers: [a]", "servers: this is no mapping"),
        ("server: {}", "unknown entry 'server'"),
        ("servers: {big: {url: http://h, port: 1}}", "servers.big: this has the unknown entry 'port'"),
        ("servers: {big: {}}", "servers.big: this has no url"),
        ("servers: {Big One: {url: http://h}}", "servers.Big One: this is no name of a server"),
        ("servers: {big: {url: h}}", "servers.big.url"),
        ("servers: {big: {url: http://h, key: a, key_file: b}}", "both key and key_file"),
        ("servers: {big: {url: http://h, key_file: none}}", "servers.big.key_file"),
        ('servers: {big: {url: http://h, key_file: "a\\0b"}}', "servers.big.key_file"),
        ('servers: {big: {url: http://h, ca: "a\\0b"}}', "servers.big.ca"),
        ("servers: {big: {url: http://h, key: s3 cret}}", "servers.big.key"),
        ("servers: {big: {url: http://h, ca: big.key}}", "servers.big.ca"),
        ("servers: {big: {url: http://h, models: x}}", "models that is no list"),
        ("servers: {big: {url: http://h, models: [x]}}", "servers.big.models[0]: this is no mapping"),
        ("servers: {big: {url: http://h, models: [{context: 1}]}}", "models[0]: this has no id"),
        ("servers: {big: {url: http://h, models: [{id: x, context: 0}]}}", "models[0].context='0'"),
        ("servers: {big: {url: http://h, models: [{id: x, tools: maybe}]}}", "tools: 'maybe'"),
        ("servers: {big: {url: http://h, models: [{id: [x]}]}}", "id that is no text"),
        ("servers: {big: {url: http://h}}\nroles: {first: big}", "unknown entry 'first'"),
        ("roles: {main: big}", "roles, but no servers"),
        ("servers: {big: {url: 'http://h}}", "line 1, column"),
        ("a: b: c", "line 1, column 5"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_place(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SandboxError) as refused:
        described(tmp_path, text)
    assert "config/models.yml" in refused.value.what
    assert named in refused.value.what
    assert "s3" not in refused.value.what
    assert refused.value.fix


def test_the_variables_win_over_the_file(tmp_path: Path) -> None:
    described(tmp_path, FILE)
    warned: list[str] = []
    places = servers.Places(str(tmp_path), str(tmp_path))
    assert [server.name for server in conf.read({}, quiet, places).servers] == [
        "big",
        "small-1",
    ]
    configured = conf.read({"MODEL_URL": "http://h"}, lambda what, _fix: warned.append(what), places)
    assert [server.url for server in configured.servers] == ["http://h"]
    assert warned == ["MODEL_URL is set, so config/models.yml is not used"]


@pytest.mark.parametrize("named", ["model.key", "{config}/model.key", "../config/model.key"])
def test_a_key_that_the_agent_can_read_is_refused_and_it_is_said_where_it_belongs(
    tmp_path: Path, named: str
) -> None:
    for folder in ("config", "keys"):
        (tmp_path / folder).mkdir()
    (tmp_path / "config" / "model.key").write_text("s3cret")
    config, keys = str(tmp_path / "config"), str(tmp_path / "keys")
    variables = {"MODEL_URL": URL, "MODEL_API_KEY_FILE": named.format(config=config)}
    with pytest.raises(SandboxError) as told:
        conf.read(variables, quiet, servers.Places(config, keys, shared=True))
    assert "not in keys/; it is in config/, which the agent can read" in told.value.what
    assert told.value.fix == "Move it: mv config/model.key keys/"
    # Without a gateway it is where it has always been.
    assert conf.read(variables, quiet, servers.Places(config, config)).servers[0].key == "s3cret"
    (tmp_path / "keys" / "model.key").write_text("other")
    moved = conf.read({**variables, "MODEL_API_KEY_FILE": "model.key"}, quiet,
                      servers.Places(config, keys, shared=True))  # fmt: skip
    assert moved.servers[0].key == "other"


GATEWAYS = {
    "is empty": ("truncate", "-s", "0", "$F"),
    "holds a space, a newline": ("cp", "/etc/passwd", "$F"),
    "it is no text": ("dd", "if=/usr/bin/true", "of=$F", "bs=1k", "count=9", "status=none"),
    "Is a directory": ("mkdir", "$F"),
    "it is no file": ("mkfifo", "$F"),
    "cannot be read: it is no file": ("ln", "-s", "/dev/zero", "$F"),
    "is a link to /home/me/key, which the container does not have": ("ln", "-s", "/home/me/key", "$F"),
    "more than 64 KiB": ("truncate", "-s", "100M", "$F"),
    "No such file": ("true",),
}  # fmt: skip


@pytest.mark.parametrize(("words", "make"), GATEWAYS.items(), ids=GATEWAYS)
def test_a_key_of_the_gateways_that_cannot_be_used_is_told(
    tmp_path: Path, words: str, make: tuple[str, ...]
) -> None:
    subprocess.run([word.replace("$F", str(tmp_path / "key")) for word in make], check=True)
    places = servers.Places(config=f"{tmp_path}/config", keys=str(tmp_path), shared=True)
    with pytest.raises(SandboxError, match=words) as told:
        conf.key_of({"MODEL_API_KEY_FILE": "key"}, places)
    assert "MODEL_API_KEY_FILE" in told.value.what
    assert "config/" not in told.value.fix


@pytest.mark.as_user
def test_a_key_of_somebody_elses_is_told_with_who_reads_it(tmp_path: Path) -> None:
    (tmp_path / "key").touch(0o000)
    places = servers.Places(config=f"{tmp_path}/config", keys=str(tmp_path), shared=True)
    with pytest.raises(SandboxError, match="Permission denied") as told:
        conf.key_of({"MODEL_API_KEY_FILE": "key"}, places)
    assert f"the gateway is UID {os.getuid()}" in told.value.fix


def test_a_key_may_end_with_a_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"s3cret\r\n")
    assert conf.key_of({"MODEL_API_KEY_FILE": "key"}, servers.Places(keys=str(tmp_path))) == "s3cret"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # The last would count, and nobody be told: the first one's key might go to the other address.
        ("servers:\n  a: {url: http://h}\n  a: {url: http://i}\n", "line 3, column 3: 'a' is there twice"),
        # The name is a part of the address by which a tool reaches it.
        ("servers: {a: {url: http://h}, A: {url: http://i}}", "servers.A: this is no name of a server"),
        ("servers: {.servers: {url: http://h}}", "servers..servers: this is no name of a server"),
        ("servers: {a/b: {url: http://h}}", "servers.a/b: this is no name of a server"),
    ],
)
def test_a_name_of_a_server_is_its_own(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "models.yml").write_text(text)
    with pytest.raises(SandboxError, match=re.escape(words)):
        models_yml.read(servers.Places(config=str(tmp_path)))
