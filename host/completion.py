"""Completion for bash and zsh, printed from the parsers of the command line, so that it cannot differ."""

from __future__ import annotations

import argparse
import re
from typing import NamedTuple

SHELLS = ("bash", "zsh")
INSTALL = 'bash: eval "$(./start.sh completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc, after compinit'

# Bash 3.2, which macOS has, knows neither mapfile nor compopt.
BASH = """# Completion of start.sh for bash.
_agentic_sandbox() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local verb=${COMP_WORDS[1]:-} words='' index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    # What follows is the tool's.
    if [[ ${COMP_WORDS[index]} == -- ]]; then return; fi
  done
  case $previous in @VALUED@) return ;; esac
  if ((COMP_CWORD == 1)); then verb=''; fi
  case $verb in
@CASES@
    *) words='@START@'; if ((COMP_CWORD == 1)); then words="$words @VERBS@"; fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _agentic_sandbox start.sh"""

ZSH = """#compdef start.sh
# Completion of start.sh for zsh.
_agentic_sandbox() {
  local -a options verbs
  local verb=''
  (( ${words[(i)--]} < CURRENT )) && { _files; return }
  (( CURRENT > 2 )) && verb=${words[2]}
  verbs=(@VERBS@)
  case $verb in
@CASES@
    *)
      if (( CURRENT == 2 )); then _describe verb verbs; fi
      _arguments -S @START@ ;;
  esac
}
compdef _agentic_sandbox start.sh"""


class Word(NamedTuple):
    """An option or a choice, and what is said of it."""

    name: str
    text: str
    valued: bool


def script(shell: str, tree: argparse.ArgumentParser) -> str:
    """Return the completion.

    Args:
        shell: bash or zsh.
        tree: the parser of all.
    """
    return f"{_bash(tree) if shell == 'bash' else _zsh(tree)}\n"


def words(parser: argparse.ArgumentParser) -> list[Word]:
    """Return what a parser knows: options, and the choices of what has no dash."""
    known = []
    for action in parser._actions:  # argparse lists them nowhere else
        if isinstance(action, argparse._SubParsersAction):
            continue
        text = re.sub(r"\s+", " ", action.help or "")
        names = action.option_strings or action.choices or ()
        known += [Word(name, text, bool(action.option_strings) and action.nargs != 0) for name in names]
    return known


def verbs(tree: argparse.ArgumentParser) -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """Return each verb, with what is said of it and its parser."""
    found = {}
    for action in tree._actions:  # as above
        if isinstance(action, argparse._SubParsersAction):
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
            found = {name: (texts.get(name, ""), parser) for name, parser in action.choices.items()}
    return found


def _bash(tree: argparse.ArgumentParser) -> str:
    cases = [f"    {name}) words='{_joined(parser)}' ;;" for name, (_, parser) in verbs(tree).items()]
    valued = "|".join(word.name for word in words(tree) if word.valued)
    return _filled(
        BASH, VALUED=valued, CASES="\n".join(cases), START=_joined(tree), VERBS=" ".join(verbs(tree))
    )


def _joined(parser: argparse.ArgumentParser) -> str:
    return " ".join(word.name for word in words(parser))


def _zsh(tree: argparse.ArgumentParser) -> str:
    cases = []
    for name, (_, parser) in verbs(tree).items():
        choices = [word for word in words(parser) if not word.name.startswith("-")]
        extra = f" {_quoted('1:choice:(' + ' '.join(word.name for word in choices) + ')')}" if choices else ""
        cases.append(
            f"    {name}) shift words; (( CURRENT-- )); _arguments {_specs(parser)}{extra} '*:file:_files' ;;"
        )
    described = " ".join(_quoted(f"{name}:{text}") for name, (text, _) in verbs(tree).items())
    return _filled(ZSH, VERBS=described, CASES="\n".join(cases), START=_specs(tree))


def _specs(parser: argparse.ArgumentParser) -> str:
    """Return the options as zsh's _arguments takes them; `*` lets one stand more than once."""
    specs = []
    for word in words(parser):
        if word.name.startswith("-"):
            text = re.sub(r"([\[\]:])", r"\\\1", word.text)
            specs.append(_quoted(f"*{word.name}[{text}]" + (":value:" if word.valued else "")))
    return " ".join(specs)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _filled(template: str, **parts: str) -> str:
    for name, text in parts.items():
        template = template.replace(f"@{name}@", text)
    return template
