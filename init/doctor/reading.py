"""How long a model reads before its first token: measured with a short prompt, told for an agent's own."""

from __future__ import annotations

import uuid

from init.model import completion
from init.model.failures import EndpointError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from init.doctor.report import Report
    from init.model.catalogue import Model, Provider

# Tokens of a tool's first request, instructions and descriptions of its tools: docs/tools.md.
AGENTS = 10_000
# Tokens of ours: enough to outlast what every request takes, few enough for the slowest machine.
OURS = 1_000
# A word and its space are more than a token of the usual tokenizers, and a token is about four characters.
WORDS, CHARACTERS = "one two three four five six seven eight nine ten ", 4
# Tokens of the answer, of which only the first is waited for.
ANSWER = 8

# Seconds of reading that are worth a warning.
LONG = 60.0

FIX = (
    "The tools wait for it, mostly once a session. What helps: all layers on a GPU, a smaller model, and a "
    "server that keeps what it has read from one request to the next."
)


def examine(report: Report, provider: Provider, entry: Model) -> float:
    """Have the model read something long; return how many seconds it takes to read an agent's own prompt.

    Raises:
        EndpointError: the server refuses, or its answer breaks off.
    """
    wanted = min(OURS, entry.context // 4)
    report.waiting(f"having {entry.id} read {wanted} tokens (up to {completion.PATIENCE:g} s)")
    # Its beginning is new each time, for servers remember what they have read.
    text = f"{uuid.uuid4()} {WORDS * (wanted * CHARACTERS // len(WORDS))}\nAnswer with one word: yes."
    try:
        reply = completion.converse(provider, entry, [{"role": "user", "content": text}], None, ANSWER)
    except EndpointError as error:
        late = error.stage == "answer" and error.passing and not error.status
        if not late:
            raise
        least = completion.PATIENCE * AGENTS / wanted
        what = f"{wanted} tokens are not read within {completion.PATIENCE:g} s"
        report.warn("prompt", f"{what}: an agent's own {AGENTS} take more than {_time(least)}", FIX)
        return least
    if not reply.first:
        report.skip("prompt", "no token came after it")
        return 0.0
    tokens = reply.prompt or len(text) // CHARACTERS
    seconds = reply.first * AGENTS / tokens
    own = f"an agent's own {AGENTS} take about {_time(seconds)}"
    detail = f"{tokens} tokens are read in {reply.first:.2f} s: {own}"
    if seconds < LONG:
        report.good("prompt", detail)
    else:
        report.warn("prompt", detail, FIX)
    return seconds


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * LONG else f"{seconds / 60:.0f} min"
