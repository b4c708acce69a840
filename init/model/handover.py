"""Hands the models to the tools: each tool's files and the variables that name them, below home."""

from __future__ import annotations

import os

from init import handed_over, log, paths
from init.errors import SandboxError
from init.formats import prebuilt, small_file
from init.formats.entries import is_missing, unreadable
from init.model import proxy, renderers
from init.model.renderers.base import NO_KEY, NOTHING, Rendered
from init.tools import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from init.model.catalogue import Catalogue
    from init.tools import Tool


def write(
    home: str,
    catalogue: Catalogue,
    tools: Iterable[Tool],
    environ: Mapping[str, str],
    *,
    warned: bool = False,
) -> None:
    """Render each tool's files below home, with the variables that all programs of the session get.

    Args:
        home: the agent's home directory.
        catalogue: the models.
        tools: those that are told of them.
        environ: the session's variables: what the user set there stays.
        warned: whether it is only warned of a tool that cannot be told: the others can.

    Raises:
        SandboxError: they cannot be written, a tool cannot be told, or it names a renderer that there is not.
    """
    folder = paths.rendered_folder(home)
    files: dict[str, str] = {}
    variables, key = _variables(catalogue), catalogue.main()[0].server.key or NO_KEY
    for tool in tools:
        try:
            rendered = _render(tool, catalogue, folder)
        except SandboxError as error:
            if not warned:
                raise
            log.warning(f"{tool.name} is not told of the model: {error.what}", fix=error.fix)
            continue
        files.update(rendered.files)
        variables.update(rendered.variables)
        variables.update(dict.fromkeys(rendered.keys, key))
        for reason in rendered.ignored:
            log.warning(reason, fix="To use the model server's, take that setting out.")
    certificates = [_certificate(entry.server.ca) for entry in catalogue.providers if entry.server.ca]
    if certificates:
        # Node.js and bun take one file.
        files["ca.pem"] = "\n".join(certificates)
        variables["NODE_EXTRA_CA_CERTS"] = f"{folder}/ca.pem"
    unknown = [name for name in variables if not handed_over.is_one(name)]
    if unknown:
        raise ValueError(f"init/handed_over.py does not know {unknown[0]}, which a renderer sets")
    kept = {name: value for name, value in variables.items() if not environ.get(name)}
    kept |= proxy.exceptions([entry.told for entry in catalogue.providers], environ)
    files[paths.VARIABLES] = "".join(f"{name}={value}\0" for name, value in kept.items())
    try:
        os.makedirs(folder, 0o700)
        os.mkdir(f"{folder}/{NOTHING}", 0o500)
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
            # Here, for a container that is new has none.
            import shutil

            shutil.rmtree(folder)
    except OSError as error:
        raise SandboxError(
            f"cannot remove {error.filename}: {error.strerror}", "Remove it yourself."
        ) from error


def tell(catalogue: Catalogue) -> None:
    """Say which model it is, and where."""
    for provider in catalogue.providers:
        for model in provider.models:
            mine = (provider.server.name, model.id)
            roles = [role for role, chosen in catalogue.roles.items() if chosen == mine]
            more = {"roles": "+".join(roles)} if len(catalogue.roles) > 1 else {}
            text = f"model {model.id} at {provider.base} ({provider.kind})"
            log.info(text, context=model.context, output=model.output, **more)


def _variables(catalogue: Catalogue) -> dict[str, str]:
    provider, model = catalogue.main()
    keys = {entry.server.variable: entry.server.key for entry in catalogue.providers if entry.server.key}
    return {**keys, "SANDBOX_MODEL_ID": model.id, "SANDBOX_MODEL_URL": provider.told}


def _render(tool: Tool, catalogue: Catalogue, folder: str) -> Rendered:
    if not tool.renderer:
        return Rendered({}, {})
    if tool.renderer not in renderers.NAMES:
        raise SandboxError(
            f"{FILE}, {tool.name}.models: there is no way {tool.renderer!r} to hand over models",
            f"It is one of {', '.join(renderers.NAMES)}, or left out.",
        )
    return renderers.load(tool.renderer)(catalogue, _own, folder)


def _own(name: str) -> dict[str, Any]:
    """Return what the user wrote in a file of config/.

    Raises:
        SandboxError: it is not valid; says where.
    """
    try:
        text, known = small_file.text(f"{paths.CONFIG}/{name}"), prebuilt.read_typed()
        content = known[text] if text in known else _parsed(name, text)
    except (OSError, ValueError) as error:
        if is_missing(error):
            return {}
        raise unreadable(f"config/{name}", error) from error
    return content if isinstance(content, dict) else {}


def _parsed(name: str, text: str) -> Any:
    # Here, for what ships was read when the image was built, and PyYAML takes as long as the interpreter.
    from init.formats import syntax

    return syntax.content(name, text)


def _certificate(path: str) -> str:
    return small_file.read(path, small_file.MOST).decode(errors="replace")
