"""A name for an agent that the account files do not know: another UID on a read-only root, or --user.

git, ssh and getpass ask the C library who they are, and ssh goes no further without an answer. nss_wrapper(1)
answers from files of the agent's own.
"""

from __future__ import annotations

import os
import pwd

from init import accounts, folders, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from init.accounts import Accounts

LIBRARY = "libnss_wrapper.so"


def variables(home: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that give the agent a name and this home, writing the files; none if it has them.

    Raises:
        OSError: home cannot be written.
    """
    try:
        if pwd.getpwuid(os.getuid()).pw_dir == home:
            return {}
    except KeyError:
        pass
    try:
        files = _write(f"{home}/.sandbox", home)
    except OSError:
        # The agent may have put anything in the way.
        files = _write_elsewhere(home)
    # Its library is the first to load, which AddressSanitizer would refuse to start after.
    sanitizer = ":".join(filter(None, (environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
    return {**files, "LD_PRELOAD": LIBRARY, "ASAN_OPTIONS": sanitizer}


def _write_elsewhere(home: str) -> dict[str, str]:
    # Not at the top: it is the exception, and takes as long to load as all else here.
    import tempfile

    return _write(tempfile.mkdtemp(prefix="sandbox-names-"), home)


def _write(folder: str, home: str) -> dict[str, str]:
    os.makedirs(folder, 0o700, exist_ok=True)
    known = known_as(home)
    files = {"NSS_WRAPPER_PASSWD": f"{folder}/passwd", "NSS_WRAPPER_GROUP": f"{folder}/group"}
    for path, text in zip(files.values(), (known.passwd, known.group), strict=True):
        folders.write(path, text)
    return files


def known_as(home: str) -> Accounts:
    """Return the container's accounts with this process's IDs as the agent's."""
    agent = accounts.Identity(os.getuid(), os.getgid())
    known = accounts.plan(accounts.read_public(), agent)
    return known._replace(passwd=known.passwd.replace(f":{paths.HOME}:", f":{home}:", 1))
