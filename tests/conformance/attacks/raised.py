"""Files that give whoever runs them a user, a group or capabilities.

`plant` makes some as root, `run` runs them as the agent, and `find` lists those of an image.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH101, PTH110, PTH116, PTH118, PTH123

import errno
import json
import os
import shutil
import stat
import struct
import subprocess
import sys

PLACES = ("/home/agent/workspace", "/home/agent/data", "/home/agent", "/tmp")  # noqa: S108
KINDS = ("setuid", "setgid", "capability")
NAMES = {"setuid": "as-root", "setgid": "as-roots-group", "capability": "with-capabilities"}
ATTACKS = tuple(f"{kind} in {place}" for place in PLACES for kind in KINDS)

INTERPRETER = os.path.realpath("/usr/bin/python3")
# vfs_cap_data of linux/capability.h, version 2 with the effective bit. Those four that Compose leaves in the
# bounding set: where it lacks one of a file's capabilities, exec fails.
FOUR = struct.pack("<IIIII", 0x02000001, 0xC3, 0, 0, 0)
REPORT = (
    "import os;"
    "f=dict(l.split(':',1) for l in open('/proc/self/status'));"
    "print(os.geteuid(),os.getegid(),int(f['CapEff'],16))"
)


def plant(root: str) -> None:
    """Copy the interpreter to each place, once in each kind, and tell who waits for it."""
    for place in PLACES:
        for kind in KINDS:
            path = f"{root}{place}/{NAMES[kind]}"
            shutil.copyfile(INTERPRETER, path)
            os.chown(path, 0, 0)
            os.chmod(path, {"setuid": 0o4755, "setgid": 0o2755}.get(kind, 0o755))
            if kind == "capability":
                os.setxattr(path, "security.capability", FOUR)
    with open(f"{root}/home/agent/workspace/go", "w") as fifo:
        fifo.write("\n")


def run() -> dict[str, str]:
    """Run each of them; tell what it gained, and whether the mount forbids it by itself."""
    return {f"{kind} in {place}": _run(f"{place}/{NAMES[kind]}") for place in PLACES for kind in KINDS}


def _run(path: str) -> str:
    if not os.path.exists(path):
        return "absent"
    mounted = " (the mount is nosuid)" if os.statvfs(path).f_flag & os.ST_NOSUID else ""
    try:
        result = subprocess.run(
            [path, "-I", "-S", "-c", REPORT], capture_output=True, text=True, timeout=100, check=False
        )
    except OSError as error:
        return f"refused: {errno.errorcode[error.errno or 0]}{mounted}"
    if result.returncode:
        return f"refused: {result.stderr[-200:]}"
    user, group, effective = map(int, result.stdout.split())
    gained = user != os.getuid() or group != os.getgid() or effective
    text = f"UID {user}, GID {group}, effective capabilities {effective:#x}{mounted}"
    return f"{'reached' if gained else 'refused'}: {text}"


def find() -> dict[str, str]:
    """Walk the whole image."""
    found = {}
    device = os.stat("/").st_dev
    for parent, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if os.lstat(os.path.join(parent, f)).st_dev == device]
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
                    found[path] = stat.filemode(status.st_mode)
                if "security.capability" in os.listxattr(path, follow_symlinks=False):
                    found[path] = "capabilities " + os.getxattr(path, "security.capability").hex()
    return found


def main() -> None:
    """Do what the argument says, and print what was found."""
    if sys.argv[1] == "plant":
        plant(sys.argv[2])
    else:
        print(json.dumps({"run": run, "find": find}[sys.argv[1]]()))


if __name__ == "__main__":
    main()
