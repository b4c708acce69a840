"""What the image's build takes from this package, so that a start without root finds it done."""

from __future__ import annotations

import os
import pwd
import shutil

from init import accounts, paths, tools
from init.formats import prebuilt, syntax, yaml_text
from init.session import config_files


def prepare() -> None:
    """Make the agent's account and home, with every tool's configuration linked to its place."""
    agent = accounts.Identity(accounts.DEFAULT_ID, accounts.DEFAULT_ID)
    for account in pwd.getpwall():
        if account.pw_uid == agent.uid and account.pw_dir != paths.HOME:
            shutil.rmtree(account.pw_dir, ignore_errors=True)
    accounts.apply(agent)
    # Another UID, given with --user, must be able to pass through home to the two mounts.
    for directory in (paths.HOME, paths.WORKSPACE, paths.DATA):
        os.makedirs(directory, 0o755, exist_ok=True)
    for tool in tools.load(paths.DEFINITIONS).values():
        for file in tool.config:
            if file.target.startswith("~/"):
                config_files.link(f"{paths.CONFIG}/{file.source}", paths.place(file.target, paths.HOME))
    for parent, directories, files in os.walk(paths.HOME):
        for name in (*directories, *files):
            os.lchown(os.path.join(parent, name), *agent)
    os.chown(paths.HOME, *agent)
    prebuilt.write(*read_configuration())


def read_configuration() -> tuple[dict[str, object], dict[str, object]]:
    """Return what each configuration file holds, by its text; a YAML file's content, None for the others.

    And the same of YAML and JSON as the tools understand them.

    Raises:
        ValueError: a file is not valid.
    """
    contents, typed = {}, {}
    for name in sorted(os.listdir(paths.CONFIG)):
        with open(f"{paths.CONFIG}/{name}", encoding="utf-8") as file:
            text = file.read()
        problem = syntax.fault(name, text)
        if problem:
            raise ValueError(f"config/{name}: {problem}")
        contents[text] = yaml_text.parse(text) if name.endswith(".yml") else None
        if syntax.is_known(name):
            typed[text] = syntax.content(name, text)
    return contents, typed
