"""Completion, in the shells themselves: what is offered is what the parsers know."""

import shutil
import subprocess
from pathlib import Path

import pexpect
import pytest

from host import cli, completion

ROOT = Path(__file__).parents[3]
# What is typed, and what is offered: bash's own rules where nothing is.
TYPED: list[tuple[str, set[str]]] = [
    ("./start.sh d", {"diff", "discard", "doctor"}),
    ("./start.sh apply --", {"--help", "--with-guarded", "--workspace"}),
    ("./start.sh --no", {"--no-build", "--no-cache"}),
    ("./start.sh --demo --sh", {"--shell"}),
    ("./start.sh doctor --", {"--help", "--json", "--demo", "--no-build", "--workspace"}),
    ("./start.sh reset --d", {"--destroy"}),
    ("./start.sh completion ", {"bash", "zsh", "-h", "--help"}),
    ("./start.sh --tool ", set()),
    ("./start.sh -- --", set()),
    ("./start.sh doctor -- --", set()),
]
BASH = """
source <("$1" completion bash)
read -r -a COMP_WORDS <<<"$2"
[[ $2 != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$2 COMP_POINT=${#2}
set -- start.sh "${COMP_WORDS[COMP_CWORD]}"
_agentic_sandbox "$@"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(("typed", "offered"), TYPED)
def test_bash_offers(typed: str, offered: set[str]) -> None:
    told = subprocess.run(
        ["bash", "-c", BASH, "bash", ROOT / "start.sh", typed], capture_output=True, text=True, check=True
    )
    assert (set(told.stdout.split()), told.stderr) == (offered, "")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
@pytest.mark.parametrize(("typed", "offered"), [case for case in TYPED if len(case[1]) > 1])
def test_zsh_offers(typed: str, offered: set[str], tmp_path: Path) -> None:
    """At a terminal, where it lists what there is; options only where a dash is typed."""
    offered = {word for word in offered if word.startswith("-") == typed.endswith(("-", "--no"))}
    shell = pexpect.spawn(
        "zsh", ["-f", "-i"], cwd=str(ROOT), dimensions=(50, 160), encoding="utf-8", timeout=20,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb", "PS1": ""},
    )  # fmt: skip
    shell.sendline(
        "autoload -U compinit && compinit -D -u && source <(./start.sh completion zsh); echo REA''DY"
    )
    shell.expect("READY\r")
    shell.send(f"{typed}\t\t")
    told = ""
    while not all(word in told for word in offered):
        told += shell.read_nonblocking(4096, timeout=20)
    shell.close(force=True)


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_every_option_of_every_verb_is_there(shell: str) -> None:
    tree, verbs = cli.parsers()
    text = completion.script(shell, tree)
    for parser in (tree, *verbs.values()):
        assert [word.name for word in completion.words(parser) if word.name not in text] == []
    assert set(completion.verbs(tree)) == set(verbs)


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_it_is_the_shells_syntax(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    text = completion.script(shell, cli.parsers()[0])
    subprocess.run([shell, "-n"], input=text, text=True, check=True)
