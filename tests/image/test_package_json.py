"""What the guard reads of a package.json, against the image's Node.js. The files are the same each time."""

import base64
import json
import random
import subprocess
from collections.abc import Iterator

import pytest

from init.guard import views
from init.guard.rules.package_managers import SCRIPTS
from tests.harness.engine import IMAGE

CASES = 4000
# As npm does: without a byte order mark, and what is copied with Object.assign has the prototype it names.
READER = """
const paths = JSON.parse(process.argv[1]);
const copied = value =>
  value && typeof value === "object" && !Array.isArray(value) ? Object.assign({}, value) : value;
const read = text => {
  let content;
  try { content = copied(JSON.parse(text.toString("utf8").replace(/^\\ufeff/, ""))); } catch { return null; }
  const found = {};
  for (const path of paths) {
    let value = content;
    for (const name of path.split(".")) value = copied(value === null ? undefined : value?.[name]);
    if (value && typeof value === "object" && !Array.isArray(value)) {
      const whole = {};
      for (const key in value) whole[key] = value[key];
      value = whole;
    }
    if (value) found[path] = value;
  }
  return found;
};
const lines = require("fs").readFileSync(0, "utf8").trim().split("\\n");
console.log(JSON.stringify(lines.map(line => read(Buffer.from(line, "base64")))));
"""
NAMES = (
    "scripts", "Scripts", "scr\\u0069pts", "install", "test", "__proto__", "constructor", "config",
    "commitizen", "dependencies", "husky", "prettier", "pnpm", "onlyBuiltDependencies", "a\\u0000", "",
    "\\ud800",
)  # fmt: skip
VALUES = (
    '"run"', '"\\u0072un"', '"\\/"', "1", "-0", "1e400", "1E5", "01", "NaN", "Infinity", "null", "true", "[]",
    '["a"]', "{}", "'x'", '"\t"', '"é"', "",
)  # fmt: skip
BLANKS = ("", "", "", " ", "\n", "\t", "\r\n", "\f", "\u00a0", "\ufeff", "//\n", "/**/", ",")


def text(choose: random.Random, depth: int = 0) -> str:
    """Return a value, as odd as can be."""
    if depth > 2 or choose.random() < 0.3 * depth:
        return choose.choice(VALUES)
    pairs = (
        f'"{choose.choice(NAMES)}"{odd(choose)}:{odd(choose)}{text(choose, depth + 1)}'
        for _ in range(choose.randrange(1, 4))
    )
    return "{" + odd(choose) + ",".join(pairs) + odd(choose) + "}"


def odd(choose: random.Random) -> str:
    return choose.choice(BLANKS) if choose.random() < 0.1 else ""


def files() -> Iterator[bytes]:
    for number in range(CASES):
        choose = random.Random(number)  # noqa: S311 - it is to be the same every time
        data = (odd(choose) + text(choose) + odd(choose)).encode("utf-8", "surrogatepass")
        if choose.random() < 0.05:
            at = choose.randrange(len(data))
            data = data[:at] + bytes((choose.randrange(256),)) + data[at:]
        yield data


def of_guard(data: bytes) -> dict[str, object] | None:
    """Return what the guard compares, as values; None if it compares all of the file."""
    settings = views.settings("scripts", data)
    if settings is None:
        return None
    found: dict[str, object] = {}
    for name, shown in settings.items():
        (value,) = (json.loads(each or "null") for each in shown)
        part, _, key = name.partition(".")
        if part == "scripts" and name != part:
            scripts = found.setdefault(part, {})
            assert isinstance(scripts, dict)
            scripts[key] = value
        else:
            found[name] = value
    return found


@pytest.mark.xdist_group("package-json")
def test_what_runs_of_a_package_is_what_node_reads() -> None:
    # A name in another case is told all the same, and means nothing to Node.js.
    paths = [path.removesuffix(".*") for path in SCRIPTS.split()]
    asked = list(files())
    answer = subprocess.run(
        ["docker", "run", "--rm", "-i", "--network=none", "--entrypoint=node", IMAGE, "-e", READER,
         json.dumps(paths)],
        input="\n".join(base64.b64encode(data).decode() for data in asked), check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    used = 0
    for number, (data, read) in enumerate(zip(asked, json.loads(answer.stdout), strict=True)):
        known = of_guard(data)
        if read and known is not None:
            used += 1
            missed = {path: value for path, value in read.items() if not same(known.get(path), value)}
            assert not missed, (number, data, missed)
    assert used > 50, "Node.js takes some of them, with something that runs"


def same(known: object, read: object) -> bool:
    # What is empty runs nothing. Node.js writes null for a number that is too large.
    if isinstance(known, dict) and isinstance(read, dict):
        return all(same(known.get(name), value) for name, value in read.items())
    return read in (known, [], {}) or (read is None and known == float("inf"))
