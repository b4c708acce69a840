"""A CA for the session: every program that fetches trusts it; and what git is told of its user."""

import subprocess
from pathlib import Path

import pytest

from tests.harness.sandbox import Sandbox, start

SHELL = ("--no-build", "--shell", "--", "-c")
CLIENTS = {
    "curl": 'curl -sS "$U/curl"',
    "git": 'git ls-remote "$U/git"',
    "node": "node -e \"fetch(process.env.U + '/node')\"",
    "bun": "bun -e \"await fetch(process.env.U + '/bun')\"",
    "npm": 'npm view x --registry "$U/npm/" --fetch-retries 0',
    "uv": 'UV_HTTP_RETRIES=0 uv pip install --target /tmp --index-url "$U/uv/" nothing-at-all',
    "python": 'python3 -c \'import os, urllib.request as u; u.urlopen(os.environ["U"] + "/python")\'',
    "pip": 'python -m venv /tmp/v && /tmp/v/bin/pip download --retries 0 -i "$U/pip/" nothing-at-all',
    "cargo": 'CARGO_REGISTRIES_T_INDEX="sparse+$U/cargo/" CARGO_NET_RETRY=0 cargo search --registry t x',
}
SCRIPT = (
    "exec 3< <(exec python3 /probes/tls_server.py server.pem server.key); read -u 3 port; "
    "export U=https://localhost:$port; {client}; kill $!; cat <&3; exit 0"
)


@pytest.fixture
def authority(sandbox: Sandbox) -> Path:
    """A CA of the test, and a server's certificate that it signed, in the workspace."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=sandbox.folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA",
        "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    openssl("req", *key, "-keyout", "workspace/server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (sandbox.folder / "extensions").write_text(
        "subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth\n"
    )
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-out", "workspace/server.pem", "-extfile", "extensions",
    )  # fmt: skip
    (sandbox.folder / "ca.pem").chmod(0o644)
    sandbox.own("1000:1000")
    return sandbox.folder / "ca.pem"


@pytest.mark.parametrize("client", CLIENTS)
def test_each_program_trusts_the_sessions_ca(sandbox: Sandbox, authority: Path, client: str) -> None:
    if client == "pip" and start(sandbox, *SHELL, "python -m venv /tmp/v").returncode:
        pytest.skip("the image has no pip")
    script = SCRIPT.format(client=CLIENTS[client])
    trusted = start(sandbox, *SHELL, script, SESSION_CA=str(authority))
    assert client in trusted.stdout.split(), trusted.stdout + trusted.stderr
    # The test can fail: without it nothing is asked for.
    stranger = start(sandbox, *SHELL, script)
    assert client not in stranger.stdout.split(), stranger.stdout + stranger.stderr


def test_the_builds_ca_is_the_sessions_too_and_exec_has_it(sandbox: Sandbox, authority: Path) -> None:
    sandbox.environ["EXTRA_CA_FILE"] = str(authority)
    script = SCRIPT.format(client='sandbox-enter sh -c "env | grep -c ca/whole.pem >&2"; ' + CLIENTS["curl"])
    result = start(sandbox, *SHELL, script)
    assert "curl" in result.stdout.split(), result.stderr
    assert "6\n" in result.stderr


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [(None, 1, "is to be mounted, and is not there"), ("no PEM\n", 78, "holds no certificate")],
)
def test_a_ca_that_is_none_is_told(sandbox: Sandbox, content: str | None, code: int, told: str) -> None:
    file = sandbox.folder / "ca.pem"
    if content is not None:
        file.write_text(content)
        file.chmod(0o644)
    result = start(sandbox, *SHELL, "true", SESSION_CA=str(file))
    assert result.returncode == code, result.stderr
    assert told in result.stderr
    assert file.exists() == (content is not None)


def test_git_knows_its_user_and_the_agent_can_say_otherwise(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text(
        '[user]\n\tname = "Ada \\"the first\\" $(x)"\n\temail = ada@example.com\n'
    )
    script = (
        "git init -q /tmp/r; cd /tmp/r; git commit -q --allow-empty -m x; git log --format='%an <%ae>'; "
        "git config --global user.name Other; git config user.email other@b; "
        "git commit -q --allow-empty -m y && git log -1 --format='%an <%ae>'"
    )
    told = start(sandbox, *SHELL, script, HOME=str(tmp_path), GIT_CONFIG_NOSYSTEM="1")
    assert told.stdout == 'Ada "the first" $(x) <ada@example.com>\nOther <other@b>\n', told.stderr
    named = start(
        sandbox, *SHELL, script, HOME=str(tmp_path), SANDBOX_GIT_NAME="Set", SANDBOX_GIT_EMAIL="s@t"
    )
    assert named.stdout.startswith("Set <s@t>\n"), named.stderr
