#!/usr/bin/env python3
"""Print each image that a Dockerfile takes without a digest; exit with 1 for any.

Nothing else looks for that. Other input is refused where it is used: a wheel by pip's --require-hashes, an
npm package by scripts/build/check-npm-integrity, an action and a workflow's image by zizmor; apt's archive
is signed. A comment ``# unpinned: REASON`` on the line above excuses an instruction.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
INSTRUCTION = re.compile(r"(?im)^(# unpinned: \S.*\n)?[ \t]*(ARG|FROM|COPY|RUN|#[ \t]*syntax=)[ \t]*(.*)$")


def main(paths: list[str]) -> int:
    found = [f"{path}: {image} has no digest" for path in paths for image in unpinned(Path(path).read_text())]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


def unpinned(text: str) -> Iterator[str]:
    """Yield what an instruction takes from outside by a name that may move."""
    defaults: dict[str, str] = {}
    stages = {"scratch"}
    for excuse, keyword, words in INSTRUCTION.findall(on_one_line(text)):
        images = re.findall(r"--(?:mount=\S*?\b)?from=([^\s,]+)", words)
        if keyword.upper() == "ARG":
            defaults.update(re.findall(r"(\w+)=[\"']?([^\s\"']+)", words))
        elif keyword.upper() == "FROM":
            images = re.sub(r"--\S+", "", words).split()[:1]
        elif keyword.startswith("#"):
            images = [words]
        for image in images:
            name = re.sub(r"\$\{?(\w+)\}?", lambda match: defaults.get(match[1], ""), image)
            if not (excuse or name in stages or DIGEST.fullmatch(name)):
                yield image
        stages.update(re.findall(r"(?i)\bas[ \t]+(\S+)$", words) if keyword.upper() == "FROM" else ())


def on_one_line(text: str) -> str:
    """Join what a backslash continues; comments may stand between."""
    return re.sub(r"\\\n([ \t]*#.*\n)*", " ", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
