"""What language servers and compilers run once an editor has opened the folder."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the editor's language server runs what it names", "hie.yaml"),
    Rule("the editor configures the project with it, and runs what it names", """
        CMakePresets.json CMakeUserPresets.json"""),
    Rule("cargo and the editor's rust-analyzer run it", "build.rs .cargo/config.toml .cargo/config"),
    Rule("cargo and the editor's rust-analyzer run the build script that it names", "Cargo.toml", "cargo"),
    Rule("rustup runs the toolchain it names", "rust-toolchain.toml rust-toolchain"),
    Rule("msbuild and the editor run its targets", """
        Directory.Build.props Directory.Build.targets Directory.Build.rsp"""),
    Rule("dotnet and the editor run the tools that it names", "global.json"),
    Rule("latexmk runs it, and the editor latexmk", ".latexmkrc latexmkrc"),
    Rule("lazygit runs commands that it names", ".lazygit.yml"),
)  # fmt: skip
