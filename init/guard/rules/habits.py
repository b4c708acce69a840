"""What somebody runs by an everyday command, without reading it again."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("make runs it", "Makefile GNUmakefile", by_itself=False),
    Rule("a task runner runs it", """
        justfile .justfile Taskfile.yml Taskfile.yaml Taskfile.dist.yml Taskfile.dist.yaml Rakefile
        Vagrantfile Procfile .mise/tasks/** mise-tasks/** .config/mise/tasks/** noxfile.py""",
        by_itself=False),
    Rule("docker compose runs and mounts what it names", """
        compose.yml compose.yaml compose.override.yml compose.override.yaml docker-compose.yml
        docker-compose.yaml docker-compose.override.yml docker-compose.override.yaml""", by_itself=False),
    Rule("nix runs it on entering its shell", """
        flake.nix shell.nix default.nix devenv.nix devbox.json""", by_itself=False),
    Rule("pip install runs it", "setup.py", by_itself=False),
    Rule("it is the project's build command", "gradlew gradlew.bat mvnw mvnw.cmd", by_itself=False),
)  # fmt: skip
