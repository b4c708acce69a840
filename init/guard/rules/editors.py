"""What editors and IDEs run of a folder that is opened."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("VS Code runs tasks, debuggers, servers and extensions of a folder", """
        .vscode/** *.code-workspace .theia/**"""),
    Rule("VS Code and its extensions run programs that settings name", ".vscode/settings.json", "editor"),
    Rule("VS Code runs it to list its tasks", "gulpfile.* gruntfile.* jakefile jakefile.*"),
    Rule("the IDE runs its configurations and tools", """
        .idea/** .run/* *.iml *.ipr *.iws .fleet/** .vs/** nbproject/** .nova/** .kdev4/** *.kdev4
        .qtcreator/** .kateproject .kateproject.* .atom-build.* .ijwb/** .clwb/** .aswb/** .bazelproject
        *.sublime-project *.sublime-workspace *.geany *.rproj"""),
    Rule("the editor runs it on opening the folder or a file", """
        .zed/** .helix/** .vimrc _vimrc .vimrc.local .local.vimrc .exrc _exrc .nvimrc .nvim.lua .nvim/**
        .lvimrc .dir-locals.el .dir-locals-2.el .projectile .vim/** .lazy.lua .neoconf.json .nlsp-settings/**
        .projections.json .vimspector.json .lite_project.lua .kakrc.local"""),
    Rule("it runs commands on the host when the folder is opened in a container", """
        .devcontainer/** .devcontainer.json devfile.yaml .devfile.yaml"""),
)  # fmt: skip

# Settings of VS Code that only change how things look. Any extension may have settings that name programs,
# so those that do cannot be listed.
LOOKS = (
    "breadcrumbs.", "cSpell.enabled", "cSpell.flagWords", "cSpell.ignore", "cSpell.language", "cSpell.words",
    "diffEditor.", "editor.", "explorer.", "files.associations", "files.autoSave",
    "files.encoding", "files.eol", "files.exclude", "files.insertFinalNewline", "files.trim",
    "files.watcherExclude", "search.", "window.", "workbench.color", "workbench.editor.",
    "workbench.iconTheme", "workbench.tree.", "zenMode.",
)  # fmt: skip
