"""What a machine runs of a folder because of its name: the table behind init/guard/changes.py.

To add something, write a Rule. Its names are paths relative to any folder of the workspace, separated by
blanks and compared without regard to case. ``*`` stands for every file of a folder, ``**`` also for those
below it; ``*.ending`` for a file's ending.

Left out, on purpose: prose (AGENTS.md), names of versions (.nvmrc), ``.env``, which holds secrets that a
report would show, and source code, which runs when you run the project. Of that, an IDE runs some as soon as
it opens or imports the project: build.gradle, CMakeLists.txt, a procedural macro. It changes too often to be
told, so whoever opens an agent's work in such an IDE trusts it.

The module is longer than others because it is a table, which nobody reads from top to bottom.
"""

from __future__ import annotations

from init.record import Record

# Virtual environments have these names, and their libraries a folder for each version of Python.
_VENVS = (".venv", ".venv-sandbox", "venv")
_PYTHONS = tuple(f"python3.{minor}" for minor in range(8, 17))
_SITES = tuple(
    f"{venv}/lib/{folder}site-packages/"
    for venv in _VENVS
    for folder in ("", *(f"{python}/" for python in _PYTHONS))
)


class Rule(Record):
    """Files of these names, and what runs them.

    Attributes:
        reason: what runs it, and when.
        names: patterns, as the head of this module tells.
        view: what of it is compared: "text", or a name that init/guard/views.py knows.
        by_itself: whether it runs by itself, or when somebody asks for it out of habit.
    """

    reason: str
    names: str
    view: str = "text"
    by_itself: bool = True


# A folder or a file of its own is a tree of rules by name, in lower case.
Tree = dict[str, "Tree | Rule"]

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
    Rule("a program around git runs what it names", ".tgitconfig .gtrconfig GitExtensions.settings"),
    Rule("a manager of git hooks runs it", """
        .husky/** .githooks/** .git-hooks/** .pre-commit-config.yaml .pre-commit-config.yml prek.toml
        lefthook.yml lefthook.yaml lefthook.toml lefthook.json lefthook-local.yml lefthook-local.yaml
        .lefthook.yml .lefthook.yaml .lefthook.toml .lefthook.json .lefthook-local.yml .lefthook/**
        .lefthook-local/** .overcommit.yml .simple-git-hooks.json .simple-git-hooks.js .simple-git-hooks.cjs
        .huskyrc .huskyrc.json .lintstagedrc .lintstagedrc.json .lintstagedrc.yml .lintstagedrc.yaml
        .lintstagedrc.js .lintstagedrc.cjs .lintstagedrc.mjs lint-staged.config.js lint-staged.config.cjs
        lint-staged.config.mjs"""),
    Rule("hg runs hooks and extensions that it names", ".hgrc .hg/hgrc .hg/hgrc-not-shared"),
    Rule("hg reads the settings of another repository because of it", ".hg/sharedpath"),
    Rule("hg reads the settings of the repository that sharedpath names", ".hg/requires", "shared"),
    Rule("hg fetches a repository within from where it says", ".hgsub"),
    Rule("jj runs programs that it names", """
        .jj/repo/config.toml .jj/repo/workspace-config.toml .jj/workspace-config.toml"""),
    # shells
    Rule("direnv runs it on entering the folder", ".envrc .direnv/* .direnv/bin/*"),
    Rule("a shell runs it on entering the folder", ".autoenv .autoenv.zsh .autoenv_leave.zsh .rvmrc"),
    Rule("mise or asdf sets what programs run in the folder", """
        .tool-versions mise.toml .mise.toml mise.local.toml .mise.local.toml .rtx.toml mise/config.toml
        .mise/config.toml .config/mise.toml .config/mise/config.toml .config/mise/config.local.toml
        .config/mise/conf.d/*"""),
    Rule("a shell or a login runs it, if the folder is or becomes a home", """
        .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile .zlogin
        .zlogout .kshrc .cshrc .tcshrc .login .xprofile .xinitrc .xsession .config/fish/config.fish
        .config/fish/conf.d/* .config/autostart/* .config/systemd/user/** .ssh/**"""),
    Rule("activating the virtual environment runs it; editors do that", " ".join(
        f"{venv}/{name}"
        for venv in _VENVS
        for name in (
            "bin/activate", "bin/activate.csh", "bin/activate.fish", "bin/activate_this.py",
            "bin/activate.ps1", "scripts/activate", "scripts/activate.bat", "scripts/activate.ps1"))),
    Rule("editors run the virtual environment's interpreter", " ".join(
        f"{venv}/{name}"
        for venv in _VENVS
        for name in (
            "bin/python", "bin/python3", *(f"bin/{python}" for python in _PYTHONS), "scripts/python.exe",
            "pyvenv.cfg"))),
    Rule("the virtual environment's Python runs it at every start", " ".join(
        f"{site}{name}" for site in _SITES for name in ("sitecustomize.py", "usercustomize.py"))),
    Rule("the virtual environment's Python runs its imports at every start", " ".join(
        f"{site}*.pth" for site in _SITES), "pth"),
    # editors
    Rule("VS Code runs tasks, debuggers, servers and extensions of a folder", ".vscode/** *.code-workspace"),
    Rule("VS Code and its extensions run programs that settings name", ".vscode/settings.json", "editor"),
    Rule("the IDE runs its configurations and tools", ".idea/** .run/* .fleet/** *.sublime-project"),
    Rule("the editor runs it on opening the folder or a file", """
        .zed/** .helix/** .vimrc .exrc .nvimrc .nvim.lua .lvimrc .dir-locals.el .dir-locals-2.el
        .projectile .vim/coc-settings.json"""),
    Rule("it runs commands on the host when the folder is opened in a container", """
        .devcontainer/** .devcontainer.json"""),
    Rule("the editor's linter or formatter runs it on opening a file", """
        eslint.config.js eslint.config.mjs eslint.config.cjs eslint.config.ts eslint.config.mts
        eslint.config.cts .eslintrc .eslintrc.js .eslintrc.cjs prettier.config.js prettier.config.mjs
        prettier.config.cjs prettier.config.ts prettier.config.mts
        prettier.config.cts .prettierrc.js .prettierrc.mjs .prettierrc.cjs .prettierrc.ts
        .prettierrc.mts .prettierrc.cts
        stylelint.config.js stylelint.config.mjs stylelint.config.cjs stylelint.config.ts .stylelintrc.js
        .stylelintrc.mjs .stylelintrc.cjs .stylelintrc.ts .markdownlint-cli2.cjs .markdownlint-cli2.mjs
        .markdownlint.cjs .markdownlint.mjs .pylintrc pylintrc"""),
    Rule("the editor's linter or formatter loads plugins that it names", """
        .eslintrc.json .eslintrc.yml .eslintrc.yaml .prettierrc .prettierrc.json .prettierrc.json5
        .prettierrc.yml
        .prettierrc.yaml .prettierrc.toml .stylelintrc .stylelintrc.json .stylelintrc.yml .stylelintrc.yaml
        .markdownlint-cli2.jsonc .markdownlint-cli2.yaml .rubocop.yml"""),
    Rule("the editor's linter or type checker loads plugins that it names", """
        setup.cfg tox.ini mypy.ini .mypy.ini .flake8""", "plugins"),
    Rule("the editor's extension for the framework runs it", """
        tailwind.config.js tailwind.config.cjs tailwind.config.mjs tailwind.config.ts vite.config.js
        vite.config.mjs vite.config.cjs vite.config.ts vite.config.mts vite.config.cts svelte.config.js
        svelte.config.mjs svelte.config.cjs svelte.config.ts"""),
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
    # agents on the host
    Rule("a coding agent runs hooks, servers or commands that it names", """
        .mcp.json mcp.json .claude/** .claude-plugin/** .cursor/** .gemini/** .codex/** .opencode/**
        opencode.json opencode.jsonc .omp/** .windsurf/** .roo/** .kiro/** .continue/** .amazonq/**
        .crush.json crush.json .aider.conf.yml .factory/** .qwen/** .agents/**
        .github/hooks/* .clinerules/hooks/** .kilocode/** .junie/** .trae/**"""),
    # package managers
    Rule("npm install runs it, or npm run", "package.json", "scripts"),
    Rule("composer install runs it, or composer run", "composer.json", "scripts"),
    Rule("pnpm runs it, or what it names", """
        package.yaml package.json5 .pnpmfile.cjs .pnpmfile.mjs pnpmfile.js pnpm-workspace.yaml"""),
    Rule("npm install builds it", "binding.gyp"),
    Rule("the package manager runs what it names, or fetches from where it says", """
        .npmrc .yarnrc .yarnrc.yml .yarn/releases/** .yarn/plugins/** bunfig.toml"""),
    Rule("node and the editor run it to find packages", ".pnp.cjs .pnp.loader.mjs .yarn/sdks/**"),
    Rule("pip runs the build backend that lies in the tree, and linters their plugins", "pyproject.toml",
         "backend"),
    # build tools and interpreters that read settings where they are started
    Rule("the build tool runs what it names", """
        .mvn/** gradle/wrapper/** gradle.properties .bazelrc .bazeliskrc tools/bazel .buckconfig .sbtopts
        .jvmopts"""),
    Rule("an interpreter or debugger runs it when started in the folder", """
        .gdbinit .lldbinit .pdbrc .Rprofile .Renviron .octaverc .ghci .iex.exs .irbrc .pryrc
        renv/activate.R jupyter_config.py jupyter_lab_config.py jupyter_notebook_config.py
        jupyter_server_config.py jupyter_console_config.py jupyter_nbconvert_config.py"""),
    # servers with your secrets
    Rule("the CI server runs it once it is pushed", """
        .github/workflows/** .github/actions/** .gitlab-ci.yml .gitlab-ci.yaml .gitlab/ci/** .circleci/**
        Jenkinsfile azure-pipelines.yml bitbucket-pipelines.yml .travis.yml .drone.yml .drone.yaml
        .woodpecker.yml .woodpecker.yaml .woodpecker/** .buildkite/** .gitea/workflows/**
        .forgejo/workflows/** appveyor.yml .appveyor.yml cloudbuild.yaml .teamcity/**"""),
    # habit
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

# The same for a folder that git takes for a repository.
IN_REPOSITORY = (
    GIT_HOOK,
    POINTER,
    CONFIG,
    CONFIG._replace(names="config.worktree"),
    Rule("git runs a driver that its settings define", "info/attributes", "attributes"),
    Rule("git fetches from and pushes to where it says", "remotes/** branches/**"),
    Rule("lazygit runs commands that it names", "lazygit.yml"),
    Rule("Git Extensions runs what it names", "GitExtensions.settings"),
    Rule("git rebase --continue runs it", "rebase-merge/git-rebase-todo", "todo"),
)
# Folders of a repository that hold repositories: of submodules and of worktrees.
FOREST_NAMES = ("modules", "worktrees")
# And those that hold none, however many files there are.
NO_FOREST = ("objects", "refs", "logs", "lfs", "info", "hooks", *FOREST_NAMES)

# Not searched: large, made by programs, and nobody works in them. What hides there is not found.
SKIPPED = frozenset((
    "node_modules", "bower_components", "jspm_packages", ".pnpm-store", "vendor", "target", "__pycache__",
    *_VENVS, ".direnv", ".tox", ".nox", ".eggs", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis", ".gradle", ".terraform", ".next", ".nuxt", ".svelte-kit", ".turbo", ".cache",
    ".parcel-cache", ".bundle", "Pods",
))  # fmt: skip

# Settings of VS Code that only change how things look. Any extension may have settings that name programs,
# so those that do cannot be listed.
LOOKS = (
    "breadcrumbs.", "cSpell.", "diffEditor.", "editor.", "explorer.", "files.associations", "files.autoSave",
    "files.encoding", "files.eol", "files.exclude", "files.insertFinalNewline", "files.trim",
    "files.watcherExclude", "search.", "window.", "workbench.color", "workbench.editor.",
    "workbench.iconTheme", "workbench.tree.", "zenMode.",
)  # fmt: skip

# Parts of package.json and composer.json that name what is run; of "scripts", these by itself.
SCRIPTS = (
    "scripts",
    "packageManager",
    "husky",
    "lint-staged",
    "simple-git-hooks",
    "gitHooks",
    "trustedDependencies",
    "eslintConfig",
    "prettier",
)
LIFECYCLE = frozenset((
    "dependencies", "install", "postinstall", "postpack", "postprepare", "postpublish", "postuninstall",
    "postversion", "preinstall", "prepack", "prepare", "preprepare", "prepublish", "prepublishOnly",
    "preuninstall", "preversion", "publish", "uninstall", "version",
    "pnpm:devPreinstall",
    "command", "init", "post-autoload-dump", "post-create-project-cmd", "post-install-cmd",
    "post-package-install", "post-package-uninstall", "post-package-update", "post-root-package-install",
    "post-status-cmd", "post-update-cmd", "pre-autoload-dump", "pre-command-run", "pre-file-download",
    "pre-install-cmd", "pre-operations-exec", "pre-package-install", "pre-package-uninstall",
    "pre-package-update", "pre-pool-create", "pre-status-cmd", "pre-update-cmd",
))  # fmt: skip


def grow(rules: tuple[Rule, ...]) -> Tree:
    """Return rules as a tree, one level for each part of their names."""
    tree: Tree = {}
    for rule in rules:
        for name in rule.names.split():
            node = tree
            *folders, last = name.lower().split("/")
            for folder in folders:
                below = node.setdefault(folder, {})
                assert isinstance(below, dict)  # noqa: S101 - a rule of the table names a file and a folder alike
                node = below
            if folders and last.startswith("*."):
                endings = node.setdefault("*.", {})
                assert isinstance(endings, dict)  # noqa: S101 - as above
                endings[last[1:]] = rule
            else:
                node[last] = rule
    return tree


# Grown at import, which takes 0.2 ms: only a search loads this module.
_ALL = grow(RULES)
# Endings are looked up apart from names: `*.code-workspace` by ".code-workspace", and those of one folder in
# its "*.".
ENDINGS = {name[1:]: rule for name, rule in _ALL.items() if name.startswith("*.") and isinstance(rule, Rule)}
TREE = {name: below for name, below in _ALL.items() if not name.startswith("*.")}
FOREST: Tree = {"head": HEAD, **{name: {} for name in NO_FOREST}}
GIT_TREE: Tree = {**grow(IN_REPOSITORY), **dict.fromkeys(FOREST_NAMES, FOREST)}
