"""The task of a container that a cluster started: which one of a list it is, the cluster says by a number.

Its file has what else the arguments, DEFAULT_TOOL and SANDBOX_LIMIT would say.
"""

from __future__ import annotations

import json

from init.errors import SandboxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from init.settings import Settings

# An Indexed Job's: https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
INDEX = "JOB_COMPLETION_INDEX"
# Bytes of a file: a prompt of 128 KiB in JSON, each character of it escaped.
LONGEST = 1 << 20
# Seconds of a day, as SANDBOX_LIMIT has it.
_DAY = 86400
_FORM = '{"name": "…", "prompt": "…", "tool": "", "timeout": 0}'


def taken(
    settings: Settings, arguments: Sequence[str], environ: Mapping[str, str]
) -> tuple[Settings, list[str]]:
    """Return the settings and the arguments that a task's file stands for.

    Args:
        settings: SANDBOX_TASKS names the folder of the files.
        arguments: none, since the prompt is in the file.
        environ: has the number.

    Raises:
        SandboxError: there is no such file, or it is no task.
    """
    index = environ.get(INDEX, "")
    if not (index.isascii() and index.isdigit() and len(index) < 10):
        raise SandboxError(
            f"SANDBOX_TASKS is set, and {INDEX}={index!r} is no number",
            "An Indexed Job of Kubernetes sets it.",
        )
    if arguments:
        raise SandboxError("SANDBOX_TASKS is set, and there is a prompt besides", "Leave out one of the two.")
    file = f"{settings.tasks}/{int(index)}.json"
    prompt, tool, timeout = _read(file)
    chosen, limit = tool or settings.default_tool, float(timeout) or settings.limit
    return settings._replace(default_tool=chosen, limit=limit), [prompt]


def _read(file: str) -> tuple[str, str, int]:
    """Return prompt, tool and seconds of a task.

    Raises:
        SandboxError: it cannot be read, or is none.
    """
    try:
        with open(file, encoding="utf-8") as opened:
            told = json.loads(opened.read(LONGEST))
    except OSError as error:
        raise SandboxError(
            f"the task {file} cannot be read: {error.strerror}",
            "Is the ConfigMap of the tasks mounted there?",
        ) from error
    except ValueError as error:
        raise SandboxError(f"{file} is no task: {error}", f"It has the form {_FORM}") from error
    match told:
        case {"prompt": str(prompt), "tool": str(tool), "timeout": int(timeout)}:
            if 0 <= timeout <= _DAY and "\0" not in prompt:
                return prompt, tool, timeout
    raise SandboxError(f"{file} is no task", f"It has the form {_FORM}")
