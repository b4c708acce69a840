"""What build tools and interpreters read where they are started."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the build tool runs what it names", """
        .mvn/** gradle/wrapper/** gradle.properties .bazelrc .bazeliskrc tools/bazel .buckconfig .sbtopts
        .jvmopts"""),
    Rule("an interpreter or debugger runs it when started in the folder", """
        .gdbinit .lldbinit .pdbrc .Rprofile .Renviron .octaverc .ghci .iex.exs .irbrc .pryrc
        renv/activate.R jupyter_config.py jupyter_lab_config.py jupyter_notebook_config.py
        jupyter_server_config.py jupyter_console_config.py jupyter_nbconvert_config.py"""),
)  # fmt: skip
