"""What an IDE or a language server runs of the build when it opens or imports a project.

Of these, init/guard/build_scripts.py leaves out the lines of plain dependencies. What a build script reads of
other sources (a plugin in buildSrc/, a macro, a file of *.tf) is source code, and not told.
"""

from __future__ import annotations

from init.guard.rules.rule import Rule

_OPENED = "the IDE or the language server runs it on opening the project"

RULES = (
    Rule(_OPENED, "*.gradle *.kts", "gradle"),
    Rule(_OPENED, "pom.xml", "maven"),
    Rule(_OPENED, """
        *.csproj *.fsproj *.vbproj *.vcxproj *.proj *.projitems *.shproj
        Directory.Packages.props""", "msbuild"),
    Rule(_OPENED, "Package.swift", "swift"),
    Rule(_OPENED, "mix.exs", "mix"),
    Rule(_OPENED, "Gemfile gems.rb *.gemspec Podfile", "ruby"),
    Rule(_OPENED, "*.sbt project/*.scala build.sc build.mill", "sbt"),
    Rule(_OPENED, "CMakeLists.txt *.cmake", "cmake"),
    Rule(_OPENED, "meson.build", "meson"),
    Rule(_OPENED, "rebar.config", "erlang"),
    Rule(_OPENED, "project.clj", "clojure"),
    Rule(_OPENED, "*.nimble", "nim"),
    Rule(_OPENED, "MODULE.bazel WORKSPACE WORKSPACE.bazel WORKSPACE.bzlmod", "bazel"),
    Rule(_OPENED, "dune dune-project dune-workspace", "dune"),
    Rule(_OPENED, "*.cabal", "cabal"),
    Rule(_OPENED, "platformio.ini", "platformio"),
    Rule(_OPENED, "project.godot", "godot"),
    Rule(_OPENED, "dub.json dub.sdl", "dub"),
    Rule("pixi runs it on entering the folder; the editor runs pixi", "pixi.toml", "pixi"),
)  # fmt: skip
