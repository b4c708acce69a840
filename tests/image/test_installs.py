"""What projects need of the network, by the list: packages, repositories, and how a refusal is told.

The registries are those that the image's own tools know; one small package of each is installed.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.image import authorities
from tests.harness.engine import IMAGE, docker
from tests.harness.git_host import Host
from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model

SHELL = ("--no-build", "--shell", "--", "-c")

# Prints why a host is not reached: nothing of it comes from the test.
REASON = """import os, socket, sys
for host in sys.argv[1:]:
    port = int(os.environ["HTTPS_PROXY"].rpartition(":")[2].strip("/"))
    proxy = socket.create_connection(("127.0.0.1", port))
    proxy.sendall(f"CONNECT {host}:443 HTTP/1.1\\r\\nHost: {host}:443\\r\\n\\r\\n".encode())
    head = proxy.recv(4096).decode().lower()
    print("reason", host, head.partition("x-egress-reason: ")[2].partition("\\r")[0] or "none")
"""
INSTALLS = {
    "uv": "uv pip install --target /tmp/uv iniconfig",
    "pip": "python -m venv --without-pip /tmp/v && pip --python /tmp/v/bin/python install iniconfig",
    "npm": "mkdir /tmp/n && cd /tmp/n && npm install once",
    "bun": "mkdir /tmp/b && cd /tmp/b && bun add once",
    "node": "node -e 'fetch(process.argv[1]).then((r) => process.exit(r.status === 200 ? 0 : 1))' $REGISTRY",
    "bun-fetch": "bun -e 'process.exit((await fetch(process.argv[1])).status === 200 ? 0 : 1)' $REGISTRY",
}
SCRIPT = "export REGISTRY=$(npm config get registry)once\n" + "".join(
    f"({command}) >/tmp/out 2>&1; echo {name} $?; sed 's/^/  /' /tmp/out\n"
    for name, command in INSTALLS.items()
)  # fmt: skip


def profiles() -> dict[str, dict[str, list[str]]]:
    read = docker("run", "--rm", "--entrypoint", "/bin/cat", IMAGE, "/opt/sandbox/profiles.json")
    known: dict[str, dict[str, list[str]]] = json.loads(read)
    return known


def codes(output: str) -> dict[str, int]:
    return {name: int(code) for name, code in re.findall(r"^([\w-]+) (\d+)$", output, re.MULTILINE)}


@pytest.fixture
def listing(sandbox: Sandbox) -> Sandbox:
    """A session whose list is in force, and which trusts what this machine does."""
    sandbox.environ.update(EGRESS="list", KEYS_DIR=str(sandbox.folder / "keys"))
    sandbox.environ["SESSION_CA"] = authorities({}, os.environ).get("EXTRA_CA_FILE", "")
    return sandbox


def test_packages_are_installed_with_their_profiles_and_no_setting(listing: Sandbox) -> None:
    (listing.config / "egress.yml").write_text("profiles: [python, npm]\n")
    hosts = [host for name in ("python", "npm") for host in profiles()[name]["allow"]]
    if any(not isinstance(host, str) for host in hosts):
        pytest.skip("the image was built with a mirror, which a session's tools are not told of")
    result = start(listing, *SHELL, f"python3 -c '{REASON}' {' '.join(hosts)}\n{SCRIPT}")
    reasons = re.findall(r"^reason (\S+) (\S+)$", result.stdout, re.MULTILINE)
    assert len(reasons) == len(hosts), result.stdout + result.stderr
    for host, reason in reasons:
        assert reason in ("none", "unresolved", "unreachable"), f"{host} is refused: {reason}"
        if reason != "none":
            pytest.skip(f"this machine does not reach {host}: {reason}")
    assert codes(result.stdout) == dict.fromkeys(INSTALLS, 0), result.stdout + result.stderr


def test_without_the_profile_they_are_refused_and_it_is_said(listing: Sandbox) -> None:
    result = start(listing, *SHELL, SCRIPT)
    ended = codes(result.stdout)
    assert list(ended) == list(INSTALLS), result.stdout + result.stderr
    assert all(ended.values()), result.stdout
    parts = dict(zip(INSTALLS, re.split(r"^[\w-]+ \d+$", result.stdout, flags=re.MULTILINE)[1:], strict=True))
    # Node.js 20 asks no proxy: it is told that there is no such name.
    words = {
        "node": "ENOTFOUND|fetch failed|403", "npm": "refused by the sandbox: .* is not on the list",
        "uv": "after 1 retry(?s:.*)tunnel error|403",
    }  # fmt: skip
    for name, part in parts.items():
        assert re.search(words.get(name, "403"), part), f"{name}: {part}"
    assert result.stdout.count("Retrying (") <= 1, "pip tries again and again"


@pytest.fixture
def git_host(listing: Sandbox, model: Model, tmp_path: Path) -> Iterator[Host]:
    """Have the server; the scripted model's start has made the network."""
    del model
    host = Host(tmp_path / "host")
    listing.environ["MODEL_URL"] = ""
    try:
        host.start()
        listing.environ["SESSION_CA"] = str(host.certificate)
        yield host
    finally:
        docker("rm", "--force", host.name, check=False)


CARGO = """
mkdir -p /tmp/p/src /tmp/p/.cargo; cd /tmp/p
echo 'fn main() { println!("crate {}", tiny::one()) }' >src/main.rs
cat >Cargo.toml <<END
[package]
name = "p"
version = "0.0.0"
edition = "2021"
[dependencies]
tiny = "1"
END
cat >.cargo/config.toml <<END
[source.crates-io]
replace-with = "own"
[source.own]
registry = "sparse+https://$HOST/index/"
END
cargo run --quiet
"""


def test_a_repository_is_cloned_by_https_and_by_what_people_write_for_ssh(
    listing: Sandbox, git_host: Host
) -> None:
    (listing.config / "egress.yml").write_text(f"allow: [{{host: {git_host.name}, private: on}}]\n")
    script = f"""
        export HOST={git_host.name} GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=my.own GIT_CONFIG_VALUE_0=kept
        cd /tmp
        for address in https://$HOST/ git@$HOST: ssh://git@$HOST/; do
          rm -rf r; git clone --quiet ${{address}}repository.git r && git -C r log --format="%s by $address"
        done
        git config my.own; {CARGO}"""
    result = start(listing, *SHELL, script)
    for address in (f"https://{git_host.name}/", f"git@{git_host.name}:", f"ssh://git@{git_host.name}/"):
        assert f"first by {address}" in result.stdout, result.stdout + result.stderr
    assert "kept" in result.stdout.split()
    assert "crate 1" in result.stdout, result.stderr


def test_a_repository_of_a_host_that_is_not_on_the_list_is_refused(listing: Sandbox, git_host: Host) -> None:
    script = f"export HOST={git_host.name}; cd /tmp; git clone https://$HOST/repository.git r; {CARGO}"
    result = start(listing, *SHELL, script)
    assert result.stderr.count("403") >= 2, result.stderr
    assert "crate 1" not in result.stdout
