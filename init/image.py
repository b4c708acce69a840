"""What the image's build takes from this package, so that a start without root finds it done."""

import os

from init import identity, launch, mounts, tools


def prepare() -> None:
    """Make the agent's account and home, with every tool's configuration linked to its place."""
    agent = identity.Identity(identity.DEFAULT_ID, identity.DEFAULT_ID)
    identity.apply(agent)
    for directory in (identity.HOME, mounts.WORKSPACE, mounts.DATA):
        os.makedirs(directory, 0o750, exist_ok=True)
    for tool in tools.load(launch.DEFINITIONS).values():
        for file in tool.config:
            if file.target.startswith("~/"):
                launch.link(f"{launch.CONFIG}/{file.source}", launch.place(file.target, identity.HOME))
    for parent, directories, files in os.walk(identity.HOME):
        for name in (*directories, *files):
            os.lchown(os.path.join(parent, name), *agent)
    os.chown(identity.HOME, *agent)
