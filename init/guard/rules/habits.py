"""What somebody runs by an everyday command, without reading it again."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("make runs it", "Makefile GNUmakefile", by_itself=False),
    Rule("a task runner runs it", """
        justfile .justfile Taskfile.yml Taskfile.yaml Taskfile.dist.yml Taskfile.dist.yaml Rakefile
        rakefile.rb *.rake Guardfile Capfile Thorfile Brewfile Dangerfile Vagrantfile Procfile Procfile.*
        Tiltfile Earthfile .mise/tasks/** mise-tasks/** .config/mise/tasks/** noxfile.py fabfile.py dodo.py
        SConstruct wscript bacon.toml .air.toml .goreleaser.yml .goreleaser.yaml nodemon.json
        ecosystem.config.* plopfile.* codegen.ts codegen.yml codegen.yaml rush.json .versionrc .versionrc.*
        .releaserc .releaserc.* release.config.* .ncurc.* .bumpversion.cfg .bumpversion.toml project.json
        melos.yaml Anchor.toml fastlane/* bb.edn skaffold.yaml helmfile.yaml devspace.yaml .kitchen.yml
        book.toml terragrunt.hcl""",
        by_itself=False),
    Rule("docker compose runs and mounts what it names", """
        compose.yml compose.yaml compose.override.yml compose.override.yaml docker-compose.yml
        docker-compose.yaml docker-compose.override.yml docker-compose.override.yaml""", by_itself=False),
    Rule("nix runs it on entering its shell", """
        flake.nix shell.nix default.nix devenv.nix devbox.json""", by_itself=False),
    Rule("pip install runs it", "setup.py hatch_build.py", by_itself=False),
    Rule("it is the project's build command", """
        gradlew gradlew.bat mvnw mvnw.cmd mill pants pleasew""", by_itself=False),
)  # fmt: skip
