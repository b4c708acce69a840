"""What editors and IDEs run of a folder that is opened."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("VS Code runs tasks, debuggers, servers and extensions of a folder", ".vscode/** *.code-workspace"),
    Rule("VS Code and its extensions run programs that settings name", ".vscode/settings.json", "editor"),
    Rule("the IDE runs its configurations and tools", ".idea/** .run/* .fleet/** *.sublime-project"),
    Rule("the editor runs it on opening the folder or a file", """
        .zed/** .helix/** .vimrc .exrc .nvimrc .nvim.lua .lvimrc .dir-locals.el .dir-locals-2.el
        .projectile .vim/coc-settings.json"""),
    Rule("it runs commands on the host when the folder is opened in a container", """
        .devcontainer/** .devcontainer.json"""),
)  # fmt: skip

# Settings of VS Code that only change how things look. Any extension may have settings that name programs,
# so those that do cannot be listed.
LOOKS = (
    "breadcrumbs.", "cSpell.", "diffEditor.", "editor.", "explorer.", "files.associations", "files.autoSave",
    "files.encoding", "files.eol", "files.exclude", "files.insertFinalNewline", "files.trim",
    "files.watcherExclude", "search.", "window.", "workbench.color", "workbench.editor.",
    "workbench.iconTheme", "workbench.tree.", "zenMode.",
)  # fmt: skip
