"""The command: so many seconds, shared by the parsers; it fails where something was found."""

import argparse
import secrets
import sys
import time
from random import Random

from tests.fuzzing import SUBJECTS, campaign


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("seconds", type=float, help="for all parsers together")
    parser.add_argument("parser", nargs="*", choices=[*SUBJECTS, []], help="default: all")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="to try the same again")
    options = parser.parse_args()
    chosen = options.parser or list(SUBJECTS)
    print(f"seed {options.seed}", flush=True)
    found = 0
    for name in chosen:
        begun = time.monotonic()
        random = Random(options.seed)  # noqa: S311 - to be tried again
        result = campaign.run(SUBJECTS[name], random, seconds=options.seconds / len(chosen))
        found += len(result.findings)
        print(
            f"{name}: {result.runs} inputs in {time.monotonic() - begun:.0f} s, {result.taken} taken, "
            f"{len(result.pool)} kept, {len(result.findings)} findings",
            flush=True,
        )
        for kind, data in result.findings.items():
            print(f"  {kind}\n    {data[:2000]!r}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
