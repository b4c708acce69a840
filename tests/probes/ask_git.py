"""Runs git for whoever writes lines of JSON: {"folder", "words", "data"}; answers each with {"code", "out"}.

Bytes are in base64.
"""

import base64
import json
import subprocess
import sys

for line in sys.stdin:
    asked = json.loads(line)
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", *asked["words"]],
        cwd=asked["folder"], input=base64.b64decode(asked["data"]), capture_output=True, check=False,
    )  # fmt: skip
    answer = {"code": done.returncode, "out": base64.b64encode(done.stdout).decode()}
    print(json.dumps(answer), flush=True)
