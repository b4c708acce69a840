"""init/model/failures.py: certificates that are not accepted, each by a real handshake on loopback."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from init.model import discovery
from init.model.failures import EndpointError
from init.model.servers import Origin, Server

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
[names]
subjectAltName = DNS:{name}
"""

Serve = Callable[[str, str, str], tuple[str, str]]


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Serve]:
    """Serve TLS with a certificate of this name and these years; return port and certificate."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    def answer(server: socket.socket, context: ssl.SSLContext) -> None:
        server.settimeout(30)
        # The client refuses the certificate, which ends the handshake.
        with contextlib.suppress(OSError), server.accept()[0] as connection:
            context.wrap_socket(connection, server_side=True)

    with contextlib.ExitStack() as stack:

        def start(name: str, begin: str, end: str) -> tuple[str, str]:
            (tmp_path / "ca.cnf").write_text(CONFIGURATION.format(name=name))
            (tmp_path / "index").touch()
            openssl(
                "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "asked", "-subj", "/CN=m"
            )
            openssl(
                "ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "key", "-in", "asked", "-out",
                "ca.pem", "-notext", "-startdate", f"{begin}0101000000Z", "-enddate", f"{end}0101000000Z",
            )  # fmt: skip
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key")
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=answer, args=(server, context))
            thread.start()
            stack.callback(thread.join)
            return str(server.getsockname()[1]), str(tmp_path / "ca.pem")

        yield start


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificates")
@pytest.mark.parametrize(
    ("host", "name", "years", "fix"),
    [
        (
            "localhost",
            "elsewhere",
            ("2020", "2099"),
            "Write the name that the certificate is for in MODEL_URL.",
        ),
        (
            "127.0.0.1",
            "localhost",
            ("2020", "2099"),
            "Write the name that the certificate is for in MODEL_URL.",
        ),
        ("localhost", "localhost", ("2020", "2021"), "Renew the server's certificate"),
        ("localhost", "localhost", ("2098", "2099"), "set this machine's clock"),
    ],
)
def test_a_certificate_that_is_not_accepted_is_told_with_what_to_do(
    secured: Serve, host: str, name: str, years: tuple[str, str], fix: str
) -> None:
    port, certificate = secured(name, *years)
    server = Server("local", f"https://{host}:{port}/v1", "", "MODEL_API_KEY", certificate, Origin(), ())
    with pytest.raises(EndpointError, match="is not accepted") as refused:
        discovery.ask(server, 30)
    assert refused.value.stage == "tls"
    assert fix in refused.value.fix


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificates")
def test_a_certificate_that_nobody_vouches_for_is_to_be_named(secured: Serve) -> None:
    port, _ = secured("localhost", "2020", "2099")
    server = Server("local", f"https://localhost:{port}/v1", "", "MODEL_API_KEY", "", Origin(), ())
    with pytest.raises(EndpointError, match="is not accepted") as refused:
        discovery.ask(server, 30)
    assert "name it in MODEL_CA" in refused.value.fix
