"""The one decision: may this name be reached at this port, in this way?"""

from __future__ import annotations

from gateway.refusal import Refusal, allowing
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HTTP, HTTPS = 80, 443


class Entry(Record):
    """What one line of the list allows.

    Attributes:
        name: a host name in the form of names.host_name, or ``*.`` and one: any name below it, not itself.
        port: of the server.
        private: whether it may be at a private address.
        tls: whether what is spoken must be TLS with this very name; False where it is something else.
        source: where it was written, for the user.
    """

    name: str
    port: int = HTTPS
    private: bool = False
    tls: bool = True
    source: str = ""


class Policy:
    """What a session may reach besides the model servers.

    Args:
        mode: one of init/settings.py, EGRESS; only "list" has any use of the entries.
        entries: of the list; where two allow the same name and port the first counts.
    """

    def __init__(self, mode: str, entries: Iterable[Entry] = ()) -> None:
        self.mode = mode
        self.entries = tuple(entries)
        self._by_name: dict[tuple[str, int], Entry] = {}
        for entry in self.entries:
            self._by_name.setdefault((entry.name, entry.port), entry)

    def decide(self, host: str, port: int, way: str) -> Entry:
        """Return the entry that allows it.

        Args:
            host: in the form of names.host_name.
            port: the server's.
            way: "connect" for bytes, of what kind the entry says; "tls" for captured TLS; "http" plain.

        Raises:
            Refusal: nothing allows it.
        """
        entry = self._entry(host, port) if self.mode == "list" else None
        if entry is None or (way == "tls" and not entry.tls) or (way == "http" and entry.tls):
            kind = " by plain HTTP" if entry and way == "http" else ""
            bare = way == "http" and port != HTTP
            allow = allowing(host, port, *(["--no-tls"] if bare else []))
            raise Refusal("not-allowed", f"{host}:{port} is not on the list{kind}", allow=allow)
        return entry

    def has_name(self, host: str) -> bool:
        """Tell whether a program may be told an address of this name: TLS to its usual port is allowed."""
        try:
            self.decide(host, HTTPS, "tls")
        except Refusal:
            return False
        return True

    def _entry(self, host: str, port: int) -> Entry | None:
        exact = self._by_name.get((host, port))
        if exact:
            return exact
        parent = host
        while "." in parent:
            parent = parent.partition(".")[2]
            entry = self._by_name.get((f"*.{parent}", port))
            if entry:
                return entry
        return None
