"""init/root/surroundings.py: what is seen of the machine, with real folders, sockets and devices."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from init import mounts
from init.mounts import Mount
from init.root import exposures, surroundings


@contextmanager
def serving(path: Path, answer: bytes = b"") -> Iterator[None]:
    """Listen on a socket; answer whoever says something, or be silent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            try:
                while True:
                    client = server.accept()[0]
                    if client.recv(4096) and answer:
                        client.sendall(answer)
                        client.close()
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def names(mount: Mount) -> list[str]:
    """Return what is found of one mount; the machine's own network or processes may be ours."""
    seen = surroundings.look([mount])._replace(
        devices=(), writable=(), host_network=False, host_processes=False, cluster_token=""
    )
    return [exposure.name for exposure in exposures.find(seen)]


def test_a_folder_in_which_an_engine_listens_is_told(tmp_path: Path) -> None:
    with serving(tmp_path / "podman" / "podman.sock"):
        assert names(Mount(str(tmp_path), read_only=True)) == ["engine-socket"]


def test_a_socket_that_was_left_behind_or_a_file_of_its_name_is_none(tmp_path: Path) -> None:
    with serving(tmp_path / "docker.sock"):
        pass
    (tmp_path / "bus").touch()
    (tmp_path / "systemd").symlink_to("/nowhere")
    assert (tmp_path / "docker.sock").is_socket()
    assert names(Mount(str(tmp_path), read_only=False)) == []


def test_a_link_that_an_agent_left_is_none(tmp_path: Path) -> None:
    """The gateway's sockets are in each container: a link to one would stop all starts to come."""
    (tmp_path / "docker.sock").symlink_to(tmp_path / "gateway" / "model")
    with serving(tmp_path / "gateway" / "model"):
        assert (tmp_path / "docker.sock").is_socket()
        assert names(Mount(str(tmp_path), read_only=False)) == []


PING = b"HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\nServer: Docker/20.10\r\n\r\nOK"


@pytest.mark.parametrize(
    ("answer", "found"),
    [(PING, ["engine-socket"]), (b"SSH-2.0-x", []), (b"HTTP/1.1 404 Not Found\r\n\r\n", []), (b"", [])],
    ids=["an engine", "another", "a web server", "silent"],
)
def test_a_socket_of_an_unknown_name_is_asked(tmp_path: Path, answer: bytes, found: list[str]) -> None:
    with serving(tmp_path / "x.sock", answer):
        assert names(Mount(str(tmp_path / "x.sock"), read_only=False, root="/srv/x.sock")) == found


def test_a_socket_of_a_known_name_counts_without_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "x"):
        assert names(Mount(str(tmp_path / "x"), read_only=False, root="/docker.sock")) == ["engine-socket"]


@pytest.mark.as_root
def test_the_folder_of_the_machines_settings_is_told_where_it_is_roots(tmp_path: Path) -> None:
    for name in ("passwd", "shadow", "group"):
        (tmp_path / name).touch()
    mount = Mount(str(tmp_path), read_only=False)
    assert names(mount) == ["host-root"]
    os.chown(tmp_path, 1000, 1000)
    assert names(mount) == []


@pytest.mark.as_root
def test_disks_are_found_below_dev_as_well(tmp_path: Path) -> None:
    (tmp_path / "mapper").mkdir()
    try:
        os.mknod(tmp_path / "mapper" / "x", 0o060600, os.makedev(253, 0))
    except PermissionError:
        pytest.skip("no device can be made here")
    found = list(surroundings._devices(str(tmp_path)))
    assert found == [surroundings.Device(f"{tmp_path}/mapper/x", block=True, major=253, minor=0)]


def test_what_is_gone_or_closed_is_not_looked_at(tmp_path: Path) -> None:
    assert names(Mount(str(tmp_path / "gone"), read_only=False, root="/docker.sock")) == []


def test_this_machine_is_looked_at() -> None:
    seen = surroundings.look(mounts.read_table())
    assert seen.mounts
    assert any(device.path == "/dev/null" for device in seen.devices)
