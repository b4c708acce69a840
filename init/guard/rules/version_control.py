"""What git and other version control run: settings, hooks, and what manages hooks."""

from __future__ import annotations

from init.guard.rules.rule import Rule

GIT_HOOK = Rule("git runs it", "hooks/**", "hook")
POINTER = Rule("git takes what lies there for the repository", "commondir", "pointer")
REPOSITORY = POINTER._replace(names=".git")
INCLUDED = Rule("git runs what these settings name; another of its files includes them", "", "git")
# Of these, only a clone and a new submodule bring remotes of their own.
CONFIG = INCLUDED._replace(reason="git runs what these settings name", names="config")
GITMODULES = CONFIG._replace(names=".gitmodules")
# A folder with this file and objects/ or commondir is a repository, whatever its name.
HEAD = Rule("git takes the folder for a repository", "HEAD", "head")
RULES = (
    REPOSITORY,
    HEAD,
    # git, and what manages its hooks
    GITMODULES,
    Rule("git runs what these settings name", ".gitconfig .config/git/config .lfsconfig", "git"),
    Rule("git runs a driver that its settings define", ".gitattributes", "attributes"),
    Rule("a program around git runs what it names", """
        .tgitconfig .gtrconfig GitExtensions.settings .lazygit.yml .gh-dash.yml"""),
    Rule("a manager of git hooks runs it", """
        .husky/** .githooks/** .git-hooks/** .pre-commit-config.yaml .pre-commit-config.yml
        .pre-commit-hooks.yaml prek.toml lefthook.yml lefthook.yaml lefthook.toml lefthook.json
        lefthook.jsonc lefthook-local.* .lefthook.* .lefthook-local.* .config/lefthook.* .lefthook/**
        .lefthook-local/** .cargo-husky/hooks/** .overcommit.yml .git-hooks.yml .simple-git-hooks.*
        simple-git-hooks.* .huskyrc .huskyrc.* husky.config.* .lintstagedrc .lintstagedrc.*
        lint-staged.config.* .nano-staged.* nano-staged.* .commitlintrc .commitlintrc.* .config/commitlintrc
        .config/commitlintrc.* commitlint.config.* .gitlint .czrc .cz.* .cz-config.* cz.toml cz.json
        grumphp.yml grumphp.yml.dist captainhook.json"""),
    Rule("hg runs hooks and extensions that it names", ".hgrc .hg/hgrc .hg/hgrc-not-shared"),
    Rule("hg reads the settings of another repository because of it", ".hg/sharedpath"),
    Rule("hg reads the settings of the repository that sharedpath names", ".hg/requires", "shared"),
    Rule("hg fetches a repository within from where it says", ".hgsub"),
    Rule("jj runs programs that it names", """
        .jj/repo/config.toml .jj/repo/workspace-config.toml .jj/workspace-config.toml"""),
    Rule("Sapling, Bazaar, Fossil, Darcs, Pijul or Monotone runs what it names", """
        .sl/config .bzr/branch/branch.conf .fossil-settings/* _darcs/prefs/* .pijul/config _mtn/*"""),
    Rule("p4 or cvs runs a program to reach the server that it names", """
        .p4config p4config.txt p4.ini CVS/Root"""),
    Rule("repo or gclient runs it", ".repo/** .gclient"),
    Rule("git-review, arc or rbt runs it, or sends where it says", ".gitreview .arcconfig .reviewboardrc"),
    Rule("DVC or DataLad runs what it names", ".dvc/config .dvc/config.local .datalad/**"),
)  # fmt: skip

# The same for a folder that git takes for a repository.
IN_REPOSITORY = (
    GIT_HOOK,
    POINTER,
    CONFIG,
    CONFIG._replace(names="config.worktree"),
    Rule("git runs a driver that its settings define", "info/attributes", "attributes"),
    Rule("git fetches from and pushes to where it says", "remotes/** branches/**"),
    Rule("lazygit runs commands that it names", "lazygit.yml"),
    Rule("Sapling or arc runs what it names", "sl/config arc/config"),
    Rule("Git Extensions runs what it names", "GitExtensions.settings"),
    Rule("git rebase --continue runs it", "rebase-merge/git-rebase-todo", "todo"),
    Rule("git rebase --continue merges with the program that it names", "rebase-merge/strategy", "strategy"),
    Rule(
        "git cherry-pick or revert --continue merges with the program that it names", "sequencer/opts", "git"
    ),
)
# Folders of a repository that hold repositories: of submodules and of worktrees.
FOREST_NAMES = ("modules", "worktrees")
# And those that hold none, however many files there are.
NO_FOREST = ("objects", "refs", "logs", "lfs", "info", "hooks", *FOREST_NAMES)
