"""The shell that runs on users' machines: what bash 3.2 and the BSD tools of macOS know.

No package has a bash 3.2, so what came later, or only GNU has, is looked for by its form. With one built from
its source first on PATH, as on macOS, this file and host/test_door.py try that very bash.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# bootstrap.sh needs apt: it runs on Debian and Ubuntu only.
SCRIPTS = [
    path
    for path in [ROOT / "start.sh", *sorted((ROOT / "scripts").glob("*.sh"))]
    if path.name != "bootstrap.sh"
]

# Each with an example of it.
NEWER = {
    "an associative array": (r"\b(declare|local|typeset)\s+-\w*A", "declare -A seen"),
    "a name reference": (r"\b(declare|local|typeset)\s+-\w*n\b", "local -n result=$1"),
    "declare -g": (r"\b(declare|typeset)\s+-\w*g", "declare -g x=1"),
    "another case": (r"\$\{\w+(,,?|\^\^?)", "${name,,}"),
    "a transformation": (r"\$\{\w+(\[[@*]\])?@[A-Za-z]\}", "${name@Q}"),
    "an index from the end": (r"\$\{\w+\[-\d", "${list[-1]}"),
    "a length below zero": (r"\$\{\w+:\s*-?\d+:\s*-\d", "${name:0:-1}"),
    "mapfile": (r"\b(mapfile|readarray)\b", "mapfile -t lines <file"),
    "coproc": (r"^\s*coproc\b", "coproc worker"),
    "wait -n": (r"\bwait\s+-\w*n", "wait -n"),
    "both streams at once": (r"&>>|\|&", "make |& tee log"),
    "a descriptor that bash numbers": (r"\bexec\s+\{\w+\}", "exec {fd}>file"),
    "the time by printf": (r"%\([^)]*\)T", "printf '%(%F)T' -1"),
    "a test of a variable": (r"\[\[\s+(!\s+)?-[vR]\s", "[[ -v name ]]"),
    ";& or ;;&": (r";;?&", "a) true ;;&"),
    "EPOCHSECONDS": (r"\bEPOCH(SECONDS|REALTIME)\b", "$EPOCHSECONDS"),
    "globstar": (r"\bshopt\b.*\b(globstar|lastpipe|inherit_errexit)\b", "shopt -s globstar"),
    "an attribute for case": (r"\b(declare|local|typeset)\s+-\w*[luc]\b", "local -l name"),
    "braces with zeros or a step": (r"\{(0\d+\.\.|\w+\.\.0\d|\w+\.\.\w+\.\.)", "{01..10}"),
    "BASHPID": (r"\bBASHPID\b", "$BASHPID"),
    "a character by its number": (r"\$'[^']*\\[uU][0-9a-fA-F]", r"$'\u2603'"),
    "printf into an array": (r"\bprintf\s+-v\s*\S+\[", "printf -v 'list[0]' x"),
    "read with a default or a count": (r"\bread\b.*\s-\w*[iN]\b", "read -N 1 x"),
    "read with a fraction": (r"\bread\b.*\s-t\s*0?\.\d", "read -t 0.1 x"),
}  # fmt: skip
GNUS = {
    "readlink -f": (r"\breadlink\s+(-\S+\s+)*(-\w*[femv]|--canon)", "readlink -f x"),
    "realpath": (r"(?<![\w.])realpath\b", "realpath x"),
    "sed in place": (r"\bsed\b.*\s(-i\b|--in-place)", "sed -i s/a/b/ x"),
    "sed -r": (r"\bsed\s+(-\w+\s+)*-\w*r\b", "sed -r s/a/b/"),
    "date": (r"\bdate\s+(-\w*d\b|--date|--iso)", "date -d yesterday"),
    "stat -c": (r"\bstat\s+(-\w+\s+)*(-\w*c\b|--format)", "stat -c %u x"),
    "grep -P": (r"\bgrep\s+(-\S+\s+)*(-\w*P|--perl)", "grep -oP x"),
    "sort -V": (r"\bsort\s+(-\S+\s+)*(-\w*V|--version)", "sort -V"),
    "xargs": (r"\bxargs\s+(-\S+\s+)*(-\w*[rd]\b|--no-run)", "xargs -r rm"),
    "head without an end": (r"\bhead\s+-[nc]\s*-", "head -n -1"),
    "find -printf": (r"\bfind\b.*\s-(printf|readable|executable)\b", "find . -printf %p"),
    "cp": (r"\bcp\s+(-\S+\s+)*(--\w|-\w*[tT]\b)", "cp --parents a b"),
    "what macOS lacks": (
        r"(^|[|;&(]|\bthen|\bdo)\s*(timeout|nproc|tac|setsid|sha256sum|md5sum|getent|flock)\s", "timeout 5 x",
    ),
    "mktemp": (r"\bmktemp\b[^|;&)]*\s(--\w|-\w*p\b)", "mktemp --suffix=.pem"),
    "ln": (r"\bln\s+(-\w+\s+)*(--\w|-\w*[rT])", "ln -sT a b"),
    "install": (r"(^|[|;&(]|\bthen|\bdo)\s*install\s+(-\w+\s+)*-\w*[Dt]\b", "install -D a b/c"),
    "touch": (r"\btouch\s+(-\w+\s+)*(--\w|-\w*d\b)", "touch -d yesterday x"),
    "du in bytes": (r"\bdu\s+(-\w+\s+)*(--\w|-\w*b)", "du -sb x"),
    "sleep without an end": (r"\bsleep\s+inf", "sleep infinity"),
    "an escape in sed": (r"\bsed\b.*\\[+?|]", r"sed 's/a\+/b/'"),
    "base64 -w": (r"\bbase64\s+.*-w", "base64 -w0"),
}  # fmt: skip
FORBIDDEN = {**NEWER, **GNUS}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_newer_or_gnus_alone_is_used(what: str) -> None:
    pattern, example = FORBIDDEN[what]
    assert re.search(pattern, example), "the pattern finds what it is for"
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in SCRIPTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if not line.lstrip().startswith("#") and re.search(pattern, line)
    ]
    assert not found, f"{what}: {found}"


def careless(text: str) -> list[str]:
    """Return the arrays that begin empty, and are expanded as if they never were."""
    empty = set(re.findall(r"\b(\w+)=\(\s*\)", text))
    return sorted(name for name in empty if re.search(rf'(?<!\+)"\$\{{{name}\[@\]\}}"', text))


def test_an_array_that_may_be_empty_is_expanded_with_care() -> None:
    """Until bash 4.4 an empty one counts as unset, and with `set -u` ends the script."""
    assert careless('a=() b=() c=(1)\nx "${a[@]}" ${b[@]+"${b[@]}"} "${c[@]}"') == ["a"]
    assert not {path.name: careless(path.read_text()) for path in SCRIPTS if careless(path.read_text())}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_it_is_read_in_posix_mode_too(script: Path) -> None:
    result = subprocess.run(
        [shutil.which("bash") or "bash", "--posix", "-n", script], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
