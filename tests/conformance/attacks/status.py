"""Print what /proc tells of every process in the container."""

import json
from pathlib import Path


def main() -> None:
    """Print a list of objects, one for each process that can be seen."""
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = dict(line.split(":", 1) for line in text.splitlines())
        processes.append({key: value.strip() for key, value in fields.items()})
    print(json.dumps(processes))


if __name__ == "__main__":
    main()
