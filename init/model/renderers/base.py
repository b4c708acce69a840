"""What the renderers share: what a tool gets, and how ours and the user's own settings come together."""

from __future__ import annotations

from init.errors import SandboxError
from init.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from init.model.catalogue import Catalogue, Provider

    # Takes the name of a file of config/, returns what the user wrote in it.
    Own: TypeAlias = Callable[[str], Any]
    # The models, the user's own files, the folder that the rendered files will be in.
    Renderer: TypeAlias = Callable[[Catalogue, Own, str], "Rendered"]

# An empty folder beside the files that cannot be written into: OpenCode makes one that is not
# there, and installs a package of the npm registry into each that it can write.
NOTHING = "none"
# In the place of a key, for tools that do not ask a server without one.
NO_KEY = "none"
# For a model that cannot call tools (MODEL_TOOLS=off): a short prompt, no tools, no request for a title.
PROMPT = "You are a helpful assistant. Answer briefly."


class Rendered(Record):
    """What a tool gets.

    Attributes:
        files: contents by name; a name that config/ has too takes that file's place.
        variables: environment variables by name.
        ignored: what of the models the user's own configuration leaves unused, to be told.
        keys: names of variables that hold the key of the main model's server, or a word where it wants none.
    """

    files: Mapping[str, str]
    variables: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def title(provider: Provider) -> str:
    """Return what the tools show as the provider."""
    server = provider.server
    return provider.kind if server.origin.is_short else f"{server.name} ({provider.kind})"


def model_of(catalogue: Catalogue, role: str) -> tuple[str, str]:
    """Return the server's name and the model's id for a role; the main model's where it has none."""
    return catalogue.roles.get(role) or catalogue.roles["main"]


def require_tools(catalogue: Catalogue, tool: str) -> None:
    """Refuse a main model that cannot call tools, for a tool that always sends some.

    Raises:
        SandboxError: it is such a model.
    """
    model = catalogue.main()[1]
    if not model.tools:
        raise SandboxError(
            f"{tool} works only with a model that can call tools, and {model.id} is said not to",
            "Take OpenCode, OMP, pi or Claude Code; or serve it with tools, and leave MODEL_TOOLS=off out.",
        )


def inner(content: Any, *names: str) -> dict[str, Any]:
    """Return the mapping below these names, an empty one where there is none."""
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def unset(ours: Any, theirs: Any) -> Any:
    """Return ours without what they set: it stays where it is, and is merged by the tool."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return ours
    deeper = {key: unset(ours[key], theirs[key]) for key in ours if isinstance(theirs.get(key), dict)}
    return {key: value for key, value in ours.items() if key not in theirs} | deeper


def merged(ours: Any, theirs: Any) -> Any:
    """Return ours with what they set in its place, mapping by mapping."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return theirs
    both = {key: merged(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()}
    return {**ours, **theirs, **both}
