"""Asks the model servers, and writes for each tool the files and variables that name them.

PID 1 runs it before the tool: sandbox-connect [--lenient]. With --lenient a server that cannot be used is
only warned of, for a shell is of use without one.
"""

from __future__ import annotations

import os
import shutil
import sys

from init import catalogue, config, log, menu, paths, places, program, renderers, servers, tools
from init.errors import SandboxError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from init.catalogue import Catalogue
    from init.renderers import Rendered
    from init.servers import Server
    from init.settings import Settings
    from init.tools import Tool


class Entry(Record):
    """A line of the menu."""

    name: str
    title: str


def main(arguments: list[str]) -> int:
    """Connect the tools with their models; return the exit code."""
    return program.run(connect, arguments)


def connect(wanted: Settings, arguments: list[str]) -> int:
    """Write what the tools need, or nothing where no server is named.

    Raises:
        SandboxError: a setting or a server cannot be used.
    """
    home = places.home()
    try:
        clear(home)
        provide(home, wanted)
    except SandboxError as error:
        if "--lenient" not in arguments:
            raise
        log.warning(error.what, fix=error.fix)
    return 0


def provide(home: str, wanted: Settings) -> None:
    """Ask the servers and write the tools' files.

    Raises:
        SandboxError: a setting or a server cannot be used.
    """
    named = servers.read(os.environ, warn)
    if not named.servers:
        return

    def ask(server: Server, ids: Sequence[str]) -> str:
        if not menu.terminal() or len(ids) > catalogue.MOST_SHOWN:
            raise catalogue.several(server, ids)
        entries = [Entry(model, "") for model in ids]
        answer = menu.ask(entries, 0, sys.stderr, wanted.menu_timeout, "model")
        if answer is None:
            raise catalogue.several(server, ids)
        return answer.name

    drawn = catalogue.draw_up(named, ask, warn)
    write(home, drawn, tools.load(paths.DEFINITIONS).values())
    tell(drawn)


def warn(what: str, fix: str) -> None:
    """Tell what works, but not as the user may think."""
    log.warning(what, **({"fix": fix} if fix else {}))


def write(home: str, drawn: Catalogue, definitions: Iterable[Tool]) -> None:
    """Render each tool's files below home, with the variables that all programs of the session get.

    Raises:
        SandboxError: they cannot be written, or a definition names a renderer that there is not.
    """
    folder = paths.rendered_folder(home)
    files: dict[str, str] = {}
    variables = _variables(drawn)
    for tool in definitions:
        rendered = _render(tool, drawn, folder)
        files.update(rendered.files)
        variables.update(rendered.variables)
        for reason in rendered.ignored:
            log.warning(reason, fix="To use the model server's, take that setting out.")
    certificates = [_text(entry.server.ca, "replace") for entry in drawn.providers if entry.server.ca]
    if certificates:
        # Node.js and bun take one file.
        files["ca.pem"] = "\n".join(certificates)
        variables["NODE_EXTRA_CA_CERTS"] = f"{folder}/ca.pem"
    # What the user set for a tool stays.
    kept = {name: value for name, value in variables.items() if not os.environ.get(name)}
    files[paths.VARIABLES] = "".join(f"{name}={value}\0" for name, value in kept.items())
    try:
        os.makedirs(folder, 0o700)
        for name, text in files.items():
            descriptor = os.open(f"{folder}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise SandboxError(
            f"cannot write {error.filename}: {error.strerror}", "Home needs to be writable, with room."
        ) from error


def clear(home: str) -> None:
    """Take away what an earlier start of this container left.

    Raises:
        SandboxError: it cannot be taken away.
    """
    folder = paths.rendered_folder(home)
    try:
        # An earlier session may have made links of them, to have the files elsewhere.
        for path in (os.path.dirname(folder), folder):
            if os.path.islink(path) or os.path.isfile(path):
                os.unlink(path)
        if os.path.lexists(folder):
            shutil.rmtree(folder)
    except OSError as error:
        raise SandboxError(
            f"cannot remove {error.filename}: {error.strerror}", "Remove it yourself."
        ) from error


def tell(drawn: Catalogue) -> None:
    """Say which model it is, and where."""
    for provider in drawn.providers:
        for model in provider.models:
            mine = (provider.server.name, model.id)
            roles = [role for role, chosen in drawn.roles.items() if chosen == mine]
            more = {"roles": "+".join(roles)} if len(drawn.roles) > 1 else {}
            told = f"model {model.id} at {provider.base} ({provider.kind})"
            log.info(told, context=model.context, output=model.output, **more)


def _variables(drawn: Catalogue) -> dict[str, str]:
    provider, model = drawn.main()
    keys = {entry.server.variable: entry.server.key for entry in drawn.providers if entry.server.key}
    return {**keys, "SANDBOX_MODEL_ID": model.id, "SANDBOX_MODEL_URL": provider.base}


def _render(tool: Tool, drawn: Catalogue, folder: str) -> Rendered:
    if not tool.models:
        return renderers.Rendered({}, {})
    render = renderers.RENDERERS.get(tool.models)
    if render is None:
        raise SandboxError(
            f"config/tools.yml, {tool.name}: there is no way {tool.models!r} to hand over models",
            f"models is one of {', '.join(renderers.RENDERERS)}, or left out.",
        )
    try:
        return render(drawn, _own, folder)
    except (OSError, ValueError) as error:
        log.warning(
            f"{tool.name} is not told of the model: its configuration is not valid: {error}", fix="Mend it."
        )
        return renderers.Rendered({}, {})


def _own(name: str) -> dict[str, Any]:
    """Return what the user wrote in a file of config/.

    Raises:
        ValueError: it is not valid.
    """
    try:
        content = config.content(name, _text(f"{paths.CONFIG}/{name}"))
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}


def _text(path: str, errors: str = "strict") -> str:
    with open(path, encoding="utf-8", errors=errors) as file:
        return file.read()
