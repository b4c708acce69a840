"""As the agent, leave things where a later start might execute or load them; print what could be left.

Whatever is loaded appends a line to the marker: kind, what, effective UID, effective capabilities.
"""

# Paths are arguments of system calls here.
# ruff: noqa: PTH103, PTH120, PTH123

import json
import os
import shutil
import subprocess
import sys

HOME, WORKSPACE, DATA = "/home/agent", "/home/agent/workspace", "/home/agent/data"
MARKER = f"{DATA}/marker"
PATH_FOLDERS = (
    f"{HOME}/.local/bin", f"{HOME}/bin", f"{DATA}/npm/bin", f"{DATA}/cargo/bin", f"{DATA}/bun/bin",
    f"{WORKSPACE}", f"{WORKSPACE}/node_modules/.bin",
)  # fmt: skip
PROGRAMS = (
    "awk", "bash", "cat", "chmod", "chown", "cut", "date", "dirname", "env", "find", "getent", "git", "gosu",
    "grep", "groupmod", "head", "id", "ldconfig", "ls", "mkdir", "mount", "node", "python3", "readlink",
    "sed", "setpriv", "sh", "sleep", "stat", "su", "tr", "usermod", "xargs",
)  # fmt: skip
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MODULES = (
    "_sitebuiltins", "collections", "ctypes", "json", "logging", "os", "prctl", "psutil", "pwd", "random",
    "re", "seccomp", "shutil", "signal", "sitecustomize", "structlog", "subprocess", "tempfile", "typing",
    "usercustomize", "yaml",
)  # fmt: skip
MODULE_FOLDERS = (WORKSPACE, HOME, DATA, f"{WORKSPACE}/init", f"{HOME}/init", "/tmp", "/dev/shm")  # noqa: S108
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
SITES = tuple(
    f"{base}/lib/{name}/{packages}"
    for base in (f"{HOME}/.local", f"{DATA}/.local", DATA)
    for name in (VERSION, "python3")
    for packages in ("site-packages", "dist-packages")
)
SHELL_FILES = (
    ".bash_login", ".bash_logout", ".bash_profile", ".bashrc", ".profile", ".zshenv", ".kshrc", ".shinit",
    ".config/environment.d/planted.conf", ".ssh/rc", ".xprofile",
)  # fmt: skip
# What the agent should not be able to write; nothing that is there is overwritten.
OF_THE_IMAGE = (
    ("library", "/etc/ld.so.preload"), ("git", "/etc/gitconfig"),
    ("profile", "/etc/profile.d/planted.sh"), ("profile", "/etc/environment"),
    ("profile", "/docker-entrypoint.d/planted.sh"), ("program", "/usr/local/sbin/gosu"),
    ("program", "/usr/local/bin/cut"), ("program", "/opt/tools/bin/cut"),
    ("module", "/opt/sandbox/sitecustomize.py"), ("module", "/opt/sandbox/json.py"),
    ("module", "/opt/sandbox/init/re.py"), ("module", f"/usr/lib/{VERSION}/sitecustomize.py"),
    ("module", "/usr/lib/python3/dist-packages/planted.pth"),
)  # fmt: skip
KINDS = ("program", "module", "user site", "profile", "environment file", "git", "node", "library")

# Only what the shell does by itself: every program may be a planted one. In a group, so that a shell that
# was asked for something else goes on.
SHELL = """\
_u=; _c=
while read -r _k _r _e _; do case $_k in Uid:) _u=$_e;; CapEff:) _c=$_r;; esac; done </proc/self/status
echo "{kind}|{what}|$_u|$_c" >>{marker}
unset _u _c _k _r _e
"""
# posix is built in, so that this works before, or in the place of, everything else.
PYTHON = """\
import posix
_f = posix.open('/proc/self/status', 0)
_s = dict(_l.split(':', 1) for _l in posix.read(_f, 65536).decode().splitlines())
posix.close(_f)
_f = posix.open({marker!r}, 0o2001)
_t = ({kind!r}, {what!r}, _s['Uid'].split()[1], _s['CapEff'].strip())
posix.write(_f, ('%s|%s|%s|%s\\n' % _t).encode())
posix.close(_f)
"""
NODE = """\
const fs = require('fs')
const s = fs.readFileSync('/proc/self/status', 'utf8')
fs.appendFileSync('{marker}', '{kind}|{what}|' + s.match(/Uid:\\s+\\d+\\s+(\\d+)/)[1] + '|'
  + s.match(/CapEff:\\s+(\\w+)/)[1] + '\\n')
"""
LIBRARY = """\
#include <stdio.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void load(void) {{
  char line[256], caps[64] = "";
  FILE *in = fopen("/proc/self/status", "r"), *out = fopen("{marker}", "a");
  while (in && fgets(line, sizeof line, in)) sscanf(line, "CapEff: %63s", caps);
  if (out) fprintf(out, "{kind}|{what}|%u|%s\\n", geteuid(), caps);
  if (in) fclose(in);
  if (out) fclose(out);
}}
"""


class Planting:
    """What could be left, and what could not."""

    def __init__(self) -> None:
        self.planted: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []

    def put(self, kind: str, path: str, text: str, *, mode: int = 0o755) -> None:
        """Write a file that is not there."""
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
                file.write(text)
        except OSError:
            self.refused.append((kind, path))
            return
        self.planted.append((kind, path))

    def programs(self) -> None:
        """Shadow the programs that a start may call."""
        for folder in PATH_FOLDERS:
            for name in PROGRAMS:
                path = f"{folder}/{name}"
                real = shutil.which(name, path=SYSTEM) or "/bin/true"
                self.put("program", path, f'#!/bin/sh\n{shell("program", path)}exec {real} "$@"\n')

    def modules(self) -> None:
        """Shadow the modules that a start may import."""
        for folder in MODULE_FOLDERS:
            for name in (*MODULES, *(["__init__", "__main__"] if folder.endswith("/init") else [])):
                self.put("module", f"{folder}/{name}.py", python("module", f"{folder}/{name}.py"))
        for folder in SITES:
            for name in ("sitecustomize", "usercustomize", "yaml"):
                self.put("user site", f"{folder}/{name}.py", python("user site", f"{folder}/{name}.py"))
            path = f"{folder}/planted.pth"
            # Each line of such a file that begins with import is executed.
            self.put("user site", path, f"import posix; exec({python('user site', path)!r})\n")

    def shells(self) -> None:
        """Leave what a shell reads at its start."""
        for name in SHELL_FILES:
            for folder in (HOME, WORKSPACE):
                self.put("profile", f"{folder}/{name}", shell("profile", f"{folder}/{name}"))
        self.put("environment file", f"{DATA}/bash_env", shell("environment file", f"{DATA}/bash_env"))

    def variables(self) -> None:
        """Leave files that set variables which load the rest."""
        values = {
            "BASH_ENV": f"{DATA}/bash_env",
            "ENV": f"{DATA}/bash_env",
            "LD_PRELOAD": f"{DATA}/planted.so",
            "NODE_OPTIONS": f"--require={DATA}/planted.js",
            "PYTHONPATH": WORKSPACE,
            "PYTHONSTARTUP": f"{WORKSPACE}/os.py",
            "GIT_CONFIG_GLOBAL": f"{HOME}/.gitconfig",
        }
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        for path in (f"{WORKSPACE}/.env", f"{HOME}/.env", f"{DATA}/.env"):
            self.put("environment file", path, f"{shell('environment file', path)}{text}")
        for path in (f"{HOME}/.pam_environment", f"{HOME}/.ssh/environment"):
            self.put("environment file", path, text)

    def others(self) -> None:
        """Leave what git, node and the dynamic linker load."""
        for path in (f"{HOME}/.gitconfig", f"{HOME}/.config/git/config", f"{WORKSPACE}/.git/config"):
            hook = f"{os.path.dirname(path)}/fsmonitor-{len(self.planted)}"
            self.put("git", hook, f"#!/bin/sh\n{shell('git', path)}", mode=0o755)
            settings = f"[core]\n\tfsmonitor = {hook}\n\thooksPath = {os.path.dirname(hook)}\n"
            self.put("git", path, f"[safe]\n\tdirectory = *\n{settings}\tpager = {hook}\n")
        for path in (f"{WORKSPACE}/.git/HEAD", f"{WORKSPACE}/.git/objects/x", f"{WORKSPACE}/.git/refs/x"):
            self.put("git", path, "ref: refs/heads/main\n")
        self.put("node", f"{DATA}/planted.js", NODE.format(marker=MARKER, kind="node", what="planted.js"))
        for folder in (HOME, WORKSPACE):
            self.put("node", f"{folder}/.npmrc", f"node-options=--require={DATA}/planted.js\n")
        source = LIBRARY.format(marker=MARKER, kind="library", what="planted.so")
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is not None:
            command = [compiler, "-shared", "-fPIC", "-x", "c", "-o", f"{DATA}/planted.so", "-"]
            done = subprocess.run(command, input=source, text=True, check=False, capture_output=True)
            (self.refused if done.returncode else self.planted).append(("library", f"{DATA}/planted.so"))

    def image(self) -> None:
        """Try the places that are not the agent's."""
        for kind, path in OF_THE_IMAGE:
            if path == "/etc/ld.so.preload":
                self.put(kind, path, f"{DATA}/planted.so\n")
            elif path.endswith(".pth"):
                self.put(kind, path, f"import posix; exec({python(kind, path)!r})\n")
            elif path.endswith(".py"):
                self.put(kind, path, python(kind, path))
            else:
                self.put(kind, path, f"#!/bin/sh\n{shell(kind, path)}")


def shell(kind: str, what: str) -> str:
    """Return what a shell does to leave its mark."""
    return SHELL.format(kind=kind, what=what, marker=MARKER)


def python(kind: str, what: str) -> str:
    """Return what an interpreter does to leave its mark."""
    return PYTHON.format(kind=kind, what=what, marker=MARKER)


def main() -> None:
    """Plant everything, and print an object."""
    # Nobody is to be stopped by permissions.
    os.umask(0)
    os.close(os.open(MARKER, os.O_WRONLY | os.O_CREAT, 0o666))
    planting = Planting()
    # The compiler first, before it is shadowed.
    planting.others()
    planting.programs()
    planting.modules()
    planting.shells()
    planting.variables()
    planting.image()
    print(json.dumps({"planted": planting.planted, "refused": planting.refused}))


if __name__ == "__main__":
    main()
