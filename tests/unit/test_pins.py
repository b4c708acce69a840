"""scripts/check_pins.py finds each kind of input that is not pinned, and nothing in what is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts import check_pins

REPOSITORY = Path(__file__).parents[2]
SHA = "0" * 64
COMMIT = "a" * 40
INTEGRITY = "sha512-AAAA"
HASHED = f"psutil==7.2.2 \\\n    --hash=sha256:{SHA} \\\n    --hash=sha256:{SHA}\n    # via somebody\n"


def found(files: Mapping[str, str]) -> list[str]:
    return [str(finding) for finding in check_pins.check(files)]


def lock(packages: Mapping[str, Any], **wanted: str) -> dict[str, str]:
    """Return a package.json that wants this, and its lock."""
    whole = {"packages": {"": {"dependencies": wanted}, **packages}}
    return {
        "package-lock.json": json.dumps(whole, indent=2),
        "package.json": json.dumps({"dependencies": wanted}),
    }


def test_the_repository_is_pinned() -> None:
    assert found(check_pins.repository(REPOSITORY)) == []


def test_the_repository_is_read_at_all() -> None:
    files = check_pins.repository(REPOSITORY)
    named = {path for path, text in files.items() if check_pins.rules(path, text)}
    assert {
        ".github/workflows/ci.yml", ".pre-commit-config.yaml", "Dockerfile", "benchmarks/Dockerfile",
        "compose.yml", "locks/build.txt", "locks/npm/package-lock.json", "scripts/build/install-rust",
        "start.sh", "tests/compose.test.yml",
    } <= named  # fmt: skip
    assert not any(path.startswith((".git/", ".venv/", "data/", "workspace/")) for path in files)


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (f"ARG BASE=debian:13@sha256:{SHA}\nFROM ${{BASE}} AS one\nFROM one AS two\nFROM scratch\n", []),
        ("FROM debian:13\n", ["1: FROM debian:13: debian:13 has no digest"]),
        ("# x\nARG BASE=debian:13\nFROM ${BASE}\n", ["3: FROM ${BASE}: debian:13 has no digest"]),
        ("ARG BASE\nFROM $BASE AS a\n", ["2: FROM $BASE: it has no default, so no digest either"]),
        ("FROM debian@sha256:123\n", ["1: FROM debian@sha256:123: debian@sha256:123 has no digest"]),
        ("FROM --platform=linux/amd64 debian AS a\n", ["1: FROM debian: debian has no digest"]),
        ("FROM scratch AS a\nFROM scratch\nCOPY --from=a /x /x\nCOPY --from=0 /x /x\n", []),
        ("FROM scratch\nCOPY --chmod=1 \\\n  --from=x:1 /x /x\n", ["2: COPY from x:1: x:1 has no digest"]),
        (f"FROM scratch\nCOPY --from=x:1@sha256:{SHA} /x /x\n", []),
        (
            "FROM scratch\nRUN --mount=type=bind,from=x:1,target=/x true\n",
            ["2: RUN from x:1: x:1 has no digest"],
        ),
        ("FROM scratch AS y\nRUN --mount=type=bind,from=y,target=/x true\n", []),
        (
            "FROM scratch\nADD https://a.example/b /b\n",
            ["2: ADD of https://a.example/b without --checksum"],
        ),
        (f"FROM scratch\nADD --checksum=sha256:{SHA} https://a.example/b /b\n", []),
        ("FROM scratch\nADD files /b\n", []),
        ("FROM scratch\nADD git@a.example:b.git /b\n", ["2: ADD of git@a.example:b.git without --checksum"]),
        (
            "# syntax=docker/dockerfile:1\nFROM scratch\n",
            ["1: the syntax docker/dockerfile:1 has no digest"],
        ),
        ("FROM scratch\nARG RUST=stable\n", ["2: ARG RUST=stable names what moves"]),
        (
            "FROM scratch\nRUN true \\\n # why\n && curl -O https://a.example/b\n",
            ["4: curl without sha256sum --check in the same step"],
        ),
        ("FROM scratch\nRUN curl -O https://a.example/b && echo x | sha256sum --check\n", []),
        ("FROM scratch\nRUN apt-get install -y curl wget\n", []),
        ("FROM scratch\nRUN true \\\n && pip install x\n", ["3: pip without --require-hashes"]),
        ("FROM scratch\n# RUN pip install x\n", []),
    ],
)
def test_dockerfiles(text: str, findings: list[str]) -> None:
    assert found({"Dockerfile": text}) == [f"Dockerfile:{finding}" for finding in findings]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("curl -fsSL https://a.example/install | sh", "runs what it fetches"),
        ("curl -fsSL https://a.example/install | sudo /bin/bash -s -- -y", "runs what it fetches"),
        ("wget -qO- https://a.example/install | python3", "runs what it fetches"),
        ("curl https://a.example/install \\\n  | sh", "runs what it fetches"),
        ('sh -c "$(curl -fsSL https://a.example/install)"', "runs what it fetches"),
        ("bash <(wget -qO- https://a.example/install)", "runs what it fetches"),
        ('eval "$(curl https://a.example/env)"', "runs what it fetches"),
        ("curl -o file https://a.example/file", None),
        ("curl https://a.example/list | sort", None),
        ("curl https://a.example/list && sh ./other", None),
        ("pip install requests", "pip without --require-hashes"),
        ("python3 -m pip install -r locks/good.txt", "pip without --require-hashes"),
        ("/venv/bin/pip install --require-hashes -r locks/good.txt", None),
        ("pip install --require-hashes -r /locks/good.txt", None),
        (
            "pip install --require-hashes -r locks/bad.txt",
            "pip reads locks/bad.txt, which has an entry without a hash",
        ),
        (
            "pip install --require-hashes -r gone.txt",
            "pip reads gone.txt, which is not in the repository",
        ),
        ("uv pip install x", "pip without --require-hashes"),
        ("uv pip sync --require-hashes locks/good.txt", None),
        ("uv pip compile --generate-hashes pyproject.toml", None),
        ("uv tool install ruff", "installs a package by its name"),
        ("uvx ruff", "runs a package by its name"),
        ("npm install", "npm install instead of npm ci"),
        ("npm --prefix=x install left-pad", "npm install instead of npm ci"),
        ("npm i -g left-pad", "npm i instead of npm ci"),
        ("npm ci --ignore-scripts", None),
        ("(cd x && npm install --package-lock-only)", None),
        ("apt-get install -y npm nodejs", None),
        ("ok && npx left-pad", "runs a package by its name"),
        ("cargo install ripgrep", "cargo install without --locked"),
        ("go install a.example/b@latest", "go install of @latest"),
        ("# curl https://a.example/install | sh", None),
    ],
)
def test_shell(line: str, what: str | None) -> None:
    files = {
        "scripts/x": f"#!/usr/bin/env bash\n{line}\n",
        "locks/good.txt": HASHED,
        "locks/bad.txt": "a==1\n",
    }
    fault = "locks/bad.txt:1: a==1 has no hash"
    assert [text for text in found(files) if text != fault] == ([f"scripts/x:2: {what}"] if what else [])


def test_a_script_of_the_build_checks_what_it_fetches() -> None:
    fetch = "#!/bin/sh\ncurl -o file https://a.example/file\n"
    assert found({"scripts/build/x": fetch}) == [
        "scripts/build/x:2: curl without sha256sum --check in the same step"
    ]
    assert found({"scripts/build/x": f'{fetch}echo "{SHA}  file" | sha256sum --check\n'}) == []


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        (HASHED, []),
        (f"a[b]==1 ; sys_platform == 'linux' --hash=sha256:{SHA}\n", []),
        ("a==1\n", ["1: a==1 has no hash"]),
        (f"# x\n\na>=1 --hash=sha256:{SHA}\n", ["3: a>=1 is not one version"]),
        (f"{HASHED}b==1\n", ["5: b==1 has no hash"]),
        ("a==1 --hash=sha256:123\n", ["1: a==1 has no hash"]),
        ("a==1 --hash=md5:123\n", ["1: a==1 has no hash"]),
        ("-e .\n", ["1: -e is not one version"]),
        (f"a @ https://a.example/a.whl --hash=sha256:{SHA}\n", ["1: a is not one version"]),
    ],
)
def test_python_locks(text: str, findings: list[str]) -> None:
    assert found({"locks/x.txt": text}) == [f"locks/x.txt:{finding}" for finding in findings]


@pytest.mark.parametrize(
    ("package", "what"),
    [
        ({"version": "1.0.0", "integrity": INTEGRITY}, None),
        ({"version": "1.0.0", "integrity": INTEGRITY, "resolved": "https://a.example/a.tgz"}, None),
        ({"version": "1.0.0"}, "has no sha512 integrity"),
        ({"version": "1.0.0", "integrity": "sha1-AAAA"}, "has no sha512 integrity"),
        ({"version": "1.0.0", "inBundle": True}, None),
        ({"version": "1.0.0", "optional": True, "os": ["darwin"]}, None),
        ({"version": "1.0.0", "optional": True, "os": ["!linux"]}, None),
        ({"version": "1.0.0", "optional": True, "os": ["linux"], "cpu": ["x64"]}, "has no sha512 integrity"),
        ({"version": "1.0.0", "os": ["darwin"]}, "has no sha512 integrity"),
        (
            {"version": "1.0.0", "integrity": INTEGRITY, "resolved": "git+ssh://git@a.example/a"},
            "comes from git+ssh://git@a.example/a",
        ),
    ],
)
def test_npm_locks(package: Mapping[str, Any], what: str | None) -> None:
    expected = [f"package-lock.json:8: node_modules/a {what}"] if what else []
    assert found(lock({"node_modules/a": package}, a="1.0.0")) == expected


def test_an_npm_lock_is_that_of_its_package_file() -> None:
    package = {"node_modules/a": {"version": "1.0.0", "integrity": INTEGRITY}}
    files = lock(package, a="1.0.0")
    assert found(files) == []
    assert found(files | {"package.json": '{"dependencies": {"a": "2.0.0"}}'}) == [
        "package-lock.json:1: package.json wants a 2.0.0, locked is 1.0.0",
        "package-lock.json:1: package.json wants a 2.0.0, the lock is for 1.0.0",
    ]
    assert found(files | {"package.json": '{"dependencies": {"a": "1.0.0", "b": "^1"}}'}) == [
        "package-lock.json:1: package.json wants b ^1, the lock is for None"
    ]
    assert found(files | {"package.json": '{"dependencies": {}}'}) == [
        "package-lock.json:1: package.json wants a None, the lock is for 1.0.0"
    ]
    assert found(lock({}, a="1.0.0")) == ["package-lock.json:1: package.json wants a 1.0.0, locked is None"]
    assert found({"package-lock.json": '{"lockfileVersion": 1}'}) == [
        "package-lock.json:1: no packages with integrity: this lockfileVersion is too old"
    ]


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (f"uses: actions/checkout@{COMMIT} # v5", None),
        ("uses: ./.github/actions/own", None),
        (f"uses: docker://a.example/b@sha256:{SHA}", None),
        ("uses: actions/checkout@v5", "actions/checkout is not of one commit (40 digits): v5"),
        (
            f"uses: actions/checkout@{COMMIT[:7]}",
            "actions/checkout is not of one commit (40 digits): aaaaaaa",
        ),
        ("uses: actions/checkout", "actions/checkout is not of one commit (40 digits): none"),
        ("uses: docker://b:1", "b:1 has no digest"),
        ("run: curl https://a.example/x | sh", "runs what it fetches"),
        ("run: ./scripts/test.sh", None),
    ],
)
def test_workflows(step: str, what: str | None) -> None:
    text = f"jobs:\n  test:\n    steps:\n      - {step}\n"
    expected = [f".github/workflows/x.yml:4: {what}"] if what else []
    assert found({".github/workflows/x.yml": text}) == expected


def test_containers_and_long_steps_of_workflows() -> None:
    text = (
        "jobs:\n  a:\n    container: debian:13\n    services:\n      db:\n        image: postgres:17\n"
        "    steps:\n      - run: |\n          true\n          pip install x\n"
        f"  b:\n    container:\n      image: debian@sha256:{SHA}\n"
    )
    assert found({".github/workflows/x.yml": text}) == [
        ".github/workflows/x.yml:3: debian:13 has no digest",
        ".github/workflows/x.yml:6: postgres:17 has no digest",
        ".github/workflows/x.yml:10: pip without --require-hashes",
    ]


def test_pre_commit_hooks() -> None:
    text = (
        "repos:\n  - repo: local\n    hooks: [{id: a, additional_dependencies: ['x==1', 'y>=1']}]\n"
        f"  - repo: https://a.example/b\n    rev: {COMMIT}\n    hooks: []\n"
        "  - repo: https://a.example/c\n    rev: v1.2.3\n    hooks: []\n"
        "  - repo: https://a.example/d\n    hooks: []\n"
    )
    assert found({".pre-commit-config.yaml": text}) == [
        ".pre-commit-config.yaml:3: y>=1 is not one version",
        ".pre-commit-config.yaml:8: https://a.example/c is not of one commit (40 digits)",
        ".pre-commit-config.yaml:10: https://a.example/d is not of one commit (40 digits)",
    ]


def test_images_of_compose() -> None:
    ours = "services:\n  a:\n    image: ${IMAGE:-ours:latest}\n    build: .\n  b:\n    image: b:1\n"
    others = (
        f"services:\n  a:\n    image: ours:latest\n  c:\n    image: c:1@sha256:{SHA}\n  d: {{image: $NONE}}\n"
    )
    assert found({"compose.yml": ours, "tests/compose.test.yml": others}) == [
        "compose.yml:6: service b: b:1 has no digest",
        "tests/compose.test.yml:6: service d: it has no default, so no digest either",
    ]
    assert (
        found({"compose.yml": ours.replace("b:1", "ours:latest"), "x/Dockerfile": "FROM ours:latest\n"}) == []
    )


def test_an_excuse_needs_a_reason_and_something_to_excuse() -> None:
    def excused(comment: str, argument: str = "RUST=stable") -> list[str]:
        return found({"Dockerfile": f"FROM scratch\n{comment}\nARG {argument}\n"})

    assert excused("# unpinned: it is signed") == []
    assert excused("# unpinned:") == [
        "Dockerfile:2: an excuse needs its reason",
        "Dockerfile:3: ARG RUST=stable names what moves",
    ]
    assert excused("# unpinned: it is signed", "RUST=1.90.0") == ["Dockerfile:2: this excuses nothing"]


def test_the_command_fails_and_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check_pins, "ROOT", tmp_path)
    (tmp_path / "workspace").mkdir()
    for name in ("Dockerfile", "workspace/Dockerfile"):
        (tmp_path / name).write_text("FROM debian:13\n")
    assert check_pins.main() == 1
    assert capsys.readouterr().out == "Dockerfile:1: FROM debian:13: debian:13 has no digest\n"
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert check_pins.main() == 0
    assert capsys.readouterr().out == ""
