"""What language servers and compilers run once an editor has opened the folder.

Left out: go.mod, whose tools are only run by name; pyrightconfig.json and the like, which name no program.
"""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the editor starts the build server that it names", ".bsp/*.json buildServer.json .bloop/*.json"),
    Rule("the editor's language server runs it", """
        .ycm_extra_conf.py .color_coded .luarc.lua .emmyrc.lua .hie-bios kls-classpath kls-classpath.sh
        kls-classpath.bat kls-classpath.cmd build.zig xmake.lua config.nims nim.cfg Steepfile ruby_lsp/**
        .ruby-lsp/** .erlang build.boot Setup.hs Setup.lhs"""),
    Rule("the editor's language server runs what it names, or loads it", """
        hie.yaml .clangd .ccls .cquery compile_flags.txt .merlin .luarc.json .luarc.jsonc .emmyrc.json
        .solargraph.yml sorbet/config zls.json zls.build.json .phpactor.json .phpactor.yml .phpactor.yaml
        omnisharp.json .omnisharp/** .sourcekit-lsp/** .swiftpm/** rust-project.json rust-analyzer.toml
        .rust-analyzer.toml erlang_ls.config .erlang_ls.config .elp.toml elp.toml rebar.config.script
        .lsp/config.edn .clojure-lsp/config.edn .jedi/project.json .tern-project .tern-config .nixd.json
        .qmlls.ini bsconfig.json rescript.json esy.json cabal.project cabal.project.local wake.toml
        .terraformrc terraform.rc .terraform.lock.hcl ansible.cfg *.hxml alire.toml stack.yaml"""),
    Rule("the editor asks the compiler that it names for its folders", "compile_commands.json", "compilers"),
    Rule("the editor's TypeScript loads plugins that it names", """
        tsconfig.* jsconfig.*""", "tsconfig"),
    Rule("deno and the editor's server load plugins that it names, or deno task runs it", """
        deno.json deno.jsonc""", "deno"),
    Rule("the editor's Dart analyzer loads plugins that it names", "analysis_options.yaml", "analyzer"),
    Rule("the editor's Java runs builders and annotation processors that it names", """
        .factorypath .externalToolBuilders/* .settings/* .project .classpath"""),
    Rule("the editor configures the project with it, and runs what it names", """
        CMakePresets.json CMakeUserPresets.json CMakeSettings.json"""),
    Rule("cargo and the editor's rust-analyzer run it", "build.rs .cargo/config.toml .cargo/config"),
    Rule("cargo and the editor's rust-analyzer run the build script that it names", "Cargo.toml", "cargo"),
    Rule("rustup runs the toolchain it names", "rust-toolchain.toml rust-toolchain"),
    Rule("msbuild and the editor run its targets", """
        *.targets *.props Directory.Build.rsp MSBuild.rsp *.user .paket/**"""),
    Rule("dotnet and the editor run the tools that it names", "global.json .config/dotnet-tools.json"),
    Rule("latexmk runs it, and the editor latexmk", ".latexmkrc latexmkrc .araraconfig.yaml"),
)  # fmt: skip
