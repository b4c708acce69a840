"""What a session stands on: the engine, the folders, the configuration, the tools' programs."""

from __future__ import annotations

import json
import os

from init import cluster, paths, tools
from init.doctor import hardening, timed_process
from init.errors import SandboxError
from init.formats import small_file, syntax
from init.formats.entries import correct, unreadable
from init.mounts import find
from init.root import user_namespace
from init.session import environment, places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from init.doctor.report import Report
    from init.mounts import Mount
    from init.settings import Settings
    from init.tools import Tool

# Seconds for a program to tell its version.
PATIENCE = 30.0
# Bytes: less left on a disk is worth a warning.
LITTLE_ROOM = 1 << 30


def machine(report: Report, host_json: str) -> None:
    """Tell the engine's version and how it isolates.

    Args:
        report: takes the findings.
        host_json: SANDBOX_HOST, what start.sh tells of the machine as JSON: the container cannot see it.
    """
    host = _host(host_json)
    _versions(report, str(host.get("start", "")))
    if host:
        report.good(
            "version",
            f"Docker {host.get('engine')}, Compose {host.get('compose')}, {host.get('os')}",
        )
    else:
        report.skip("version", "not started by start.sh, which tells it")
    version = 2 if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else 1
    report.good(
        "cgroup",
        f"version {version}" + (f", driver {host['driver']}" if host.get("driver") else ""),
    )
    if user_namespace.on_host(user_namespace.read_map(), 0) != 0:
        report.warn(
            "users", "the engine maps users (rootless or userns-remap): your files may be another's in here",
            "See docs/file-ownership.md.",
        )  # fmt: skip
    else:
        report.good("users", "the container's user IDs are the machine's")
    limit = hardening.memory_limit()
    if limit and limit > int(host.get("memory", limit)):
        report.warn(
            "memory", f"the sandbox may take {limit >> 20} MiB, more than the machine has",
            "Set SANDBOX_MEMORY to less in .env.",
        )  # fmt: skip


def _host(text: str) -> dict[str, Any]:
    try:
        host = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return host if isinstance(host, dict) else {}


def _versions(report: Report, starter: str) -> None:
    """Tell what a report of a fault is about: the image's version, and that of start.sh."""
    try:
        with open(paths.VERSION, encoding="utf-8") as file:
            own = file.read().strip()
    except (OSError, UnicodeError):
        own = "unknown"
    if starter in ("", own):
        report.good("sandbox", f"version {own}")
    else:
        report.warn(
            "sandbox",
            f"the image is version {own}, start.sh is {starter}",
            "Leave out --no-build: it builds anew.",
        )


def folders(report: Report, table: Iterable[Mount]) -> None:
    """Tell which folders are mounted, whose they are, and whether they can be written as they should."""
    table = tuple(table)
    for path, name in ((paths.WORKSPACE, "workspace"), (paths.DATA, "data")):
        _writable_folder(report, table, path, name)
    for path, name in (
        (paths.CONFIG, "config"),
        (paths.OPENCODE, ".opencode"),
    ):
        mount = find(table, path)
        if mount is None and cluster.is_pod():
            report.good(name, "the image's own; a ConfigMap that is mounted there takes its place")
        elif mount is None:
            report.warn(
                name,
                "not mounted: the image's own is used",
                "Start with start.sh or compose.yml.",
            )
        elif not mount.read_only:
            report.warn(
                name,
                "mounted writable: the agent can change it",
                f"Mount {name} with :ro.",
            )
        else:
            report.good(name, "mounted read-only")


def _writable_folder(report: Report, table: tuple[Mount, ...], path: str, name: str) -> None:
    mount = find(table, path)
    if mount is None:
        report.warn(
            name,
            "not mounted: what is written ends with the container",
            f"-v ./{name}:{path}",
        )
        return
    if mount.read_only and name == "workspace":
        report.warn(
            name,
            "mounted read-only: the agent can change nothing",
            f"Mount {name} without :ro.",
        )
        return
    try:
        places.require_writable(path, f"{name}/")
    except SandboxError as error:
        report.fail(name, error.what, error.fix)
        return
    status, room = os.stat(path), os.statvfs(path)
    free = room.f_bavail * room.f_frsize
    owner = f"writable, owner {status.st_uid}:{status.st_gid}, the agent is {os.getuid()}:{os.getgid()}"
    if free < LITTLE_ROOM:
        report.warn(name, f"{owner}; {free >> 20} MiB are left on its disk", "Make room.")
    else:
        report.good(name, f"{owner}; {free >> 30} GiB are left on its disk")


def configuration(report: Report) -> dict[str, Tool]:
    """Parse every file of config/; return the tools that are defined."""
    good = []
    try:
        names = sorted(filter(syntax.is_known, os.listdir(paths.CONFIG)))
    except OSError as error:
        reason = unreadable("config", error)
        report.fail("files", reason.what, reason.fix)
        return {}
    for name in names:
        try:
            problem = syntax.fault(name, small_file.text(f"{paths.CONFIG}/{name}"))
        except IsADirectoryError:
            continue
        except (OSError, UnicodeError) as error:
            reason = unreadable(f"config/{name}", error)
            report.fail(name, reason.what, reason.fix)
            continue
        if problem:
            report.fail(name, problem, correct(f"config/{name}"))
        else:
            good.append(name)
    report.good("files", f"{len(good)} can be read: {', '.join(good)}")
    try:
        return tools.load(paths.DEFINITIONS)
    except SandboxError as error:
        report.fail("tools", error.what, error.fix)
        return {}


def programs(report: Report, definitions: Mapping[str, Tool], settings: Settings) -> tuple[Tool, ...]:
    """Have each tool tell its version; return those that are installed."""
    installed = []
    for name in settings.tools or definitions:
        reason = tools.unusable(name, definitions, paths.PATH)
        if reason and settings.tools:
            report.warn(name, f"TOOLS names it, but {reason}", "Take it out of TOOLS.")
        elif reason:
            report.skip(name, reason)
        else:
            installed.append(definitions[name])
            _version(report, definitions[name])
    return tuple(installed)


def _version(report: Report, tool: Tool) -> None:
    program = environment.find_program(tool.command[0]) or tool.command[0]
    report.waiting(f"{tool.name} --version (up to {PATIENCE:g} s)")
    home = places.home()
    ended = timed_process.run(
        (program, "--version"), {**os.environ, "HOME": home, "PATH": paths.PATH}, home, PATIENCE
    )
    version = (ended.output.strip().splitlines() or ["it runs"])[-1]
    if ended.code == 0:
        report.good(tool.name, f"{version} ({program})")
    else:
        report.warn(
            tool.name,
            f"{program} --version ends with {ended.describe()}",
            "If it should know that, rebuild the image.",
        )
