#!/usr/bin/env python3
"""A stand-in for kubectl: an API in a folder, for the arguments and errors of host/kubernetes ALONE.

It shows nothing about a cluster: no scheduler, no Job controller, no kubelet, no admission is here, and what
it answers is what the tests wrote down. Manifests are for tests/kubernetes, with the real kubectl.

The folder is named by STAND_IN. In it:
  calls         a line of JSON for each call, with its arguments
  fail.json     {"WORDS": [EXIT_CODE, STDERR, TIMES]}: what a call whose arguments begin so answers instead
  denied.json   ["delete jobs.batch", ...]: what `auth can-i` says no to
  namespace.json, version.json, events.json, objects.json (what the user's kustomization is made of),
  pending.json (pods that do not run), conditions.json (of the Job)
  plan.json     {"TASK": {"pod": status, "logs": {CONTAINER: text}, "ended": true}}: what becomes of each task
  looks         how often the Job was looked at; a task with "after": N has ended after so many looks
  runs/NAME.json  what create made: name, and tasks by index
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

PLACE = Path(os.environ["STAND_IN"])
NAMESPACE = "agentic-sandbox"


def main() -> int:
    words = [
        word for word in sys.argv[1:] if not word.startswith(("--context=", "--namespace=", "--request-"))
    ]
    with (PLACE / "calls").open("a") as calls:
        calls.write(f"{json.dumps(sys.argv[1:])}\n")
    failed = planned_failure(" ".join(words))
    if failed is not None:
        return failed
    known = {
        "config": current, "version": version, "auth": can_i, "create": create, "get": get, "logs": logs,
        "delete": delete,
    }  # fmt: skip
    return known[words[0]](words[1:])


def planned_failure(call: str) -> int | None:
    file = PLACE / "fail.json"
    planned = read("fail.json", {})
    for begins, (code, errors, times) in planned.items():
        if call.startswith(begins) and times:
            planned[begins][2] -= 1
            file.write_text(json.dumps(planned))
            print(errors, file=sys.stderr)
            return int(code)
    return None


def current(_: list[str]) -> int:
    print("here")
    return 0


def version(_: list[str]) -> int:
    print(json.dumps(read("version.json", {"serverVersion": {"gitVersion": "v1.32.3"}})))
    return 0


def can_i(words: list[str]) -> int:
    part = [word.partition("=")[2] for word in words if word.startswith("--subresource=")]
    asked = f"{words[1]} {'/'.join([words[2], *part])}"
    is_denied = asked in read("denied.json", [])
    print("no" if is_denied else "yes")
    return int(is_denied)


def create(words: list[str]) -> int:
    folder = Path(option(words, "--kustomize"))
    if "--dry-run=client" in words:
        print(read("objects.json", f"Job tasks {NAMESPACE} "))
        return 0
    if "--dry-run=server" in words:
        return 0
    whole = json.loads((folder / "kustomization.yaml").read_text())
    patch = {step["path"]: step["value"] for step in json.loads(whole["patches"][0]["patch"])}
    assert (folder / whole["resources"][0]).is_dir(), whole
    tasks: dict[str, Any] = {}
    for name in whole["resources"][1:]:
        tasks |= json.loads((folder / name).read_text())["data"]
    made = {
        "patch": patch,
        "tasks": {key.removesuffix(".json"): json.loads(one) for key, one in tasks.items()},
    }
    (PLACE / "runs").mkdir(exist_ok=True)
    (PLACE / "runs" / f"{patch['/metadata/name']}.json").write_text(json.dumps(made))
    return 0


def get(words: list[str]) -> int:
    if words[0] == "namespace":
        print(json.dumps(read("namespace.json", {"metadata": {"labels": {
            "pod-security.kubernetes.io/enforce": "restricted"}}})))  # fmt: skip
    elif words[0] == "job.batch":
        return job(words[1])
    elif words[0] == "events":
        print(json.dumps(read("events.json", {"items": []})))
    elif words[0] == "pods":
        print(json.dumps({"items": pods(option(words, "--selector"), option(words, "--field-selector"))}))
    return 0


def job(name: str) -> int:
    if not (PLACE / "runs" / f"{name}.json").exists():
        print(f'Error from server (NotFound): jobs.batch "{name}" not found', file=sys.stderr)
        return 1
    looks = read("looks", 0) + 1
    (PLACE / "looks").write_text(str(looks))
    ended = [index for index, plan in plans(name) if plan.get("after", 0) <= looks]
    total = len(plans(name))
    refused = read("events.json", None)
    status = {
        "failedIndexes": ",".join(ended), "active": 0 if refused else total - len(ended),
        "ready": 0 if read("pending.json", None) else total - len(ended),
        "conditions": read("conditions.json", []),
    }  # fmt: skip
    print(json.dumps({"status": status}))
    return 0


def pods(selector: str, field: str) -> list[dict[str, Any]]:
    if "Pending" in field:
        found: list[dict[str, Any]] = read("pending.json", [])
        return found
    name = selector.partition("=")[2].partition(",")[0]
    indexes = re.findall(r"\d+", selector.partition("(")[2])
    return [
        {
            "metadata": {
                "name": f"{name}-{index}-abcde", "creationTimestamp": "2026-11-27T12:00:00Z",
                "labels": {"batch.kubernetes.io/job-completion-index": index},
            },
            "status": plan["pod"],
        }
        for index, plan in plans(name) if index in indexes and "pod" in plan
    ]  # fmt: skip


def logs(words: list[str]) -> int:
    run, index, _ = words[0].rsplit("-", 2)
    text = dict(plans(run))[index]["logs"].get(option(words, "--container"))
    if text is None:
        print("Error from server (BadRequest): container is waiting to start", file=sys.stderr)
        return 1
    sys.stdout.write(text)
    return 0


def delete(words: list[str]) -> int:
    name = option(words, "--selector").partition("=")[2]
    (PLACE / "runs" / f"{name}.json").unlink(missing_ok=True)
    return 0


def plans(name: str) -> list[tuple[str, dict[str, Any]]]:
    tasks = read(f"runs/{name}.json", {"tasks": {}})["tasks"]
    planned = read("plan.json", {})
    return [(index, planned[one["name"]]) for index, one in tasks.items()]


def option(words: list[str], name: str) -> str:
    return next((word.partition("=")[2] for word in words if word.startswith(f"{name}=")), "")


def read(name: str, default: Any) -> Any:
    file = PLACE / name
    return json.loads(file.read_text()) if file.exists() else default


if __name__ == "__main__":
    sys.exit(main())
