"""What package managers run or fetch, and where from."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("npm install runs it, or npm run", "package.json", "scripts"),
    Rule("composer install runs it, or composer run", "composer.json", "composer"),
    Rule("pnpm runs it, or what it names", """
        package.yaml package.json5 .pnpmfile.cjs .pnpmfile.mjs pnpmfile.js pnpm-workspace.yaml"""),
    Rule("pip installs from where it says, or builds what lies there", """
        requirements.txt requirements.* requirements/*.txt requirements-dev.txt dev-requirements.txt
        requirements-test.txt test-requirements.txt constraints.txt""", "requirements", by_itself=False),
    Rule("npm install builds it", "binding.gyp"),
    Rule("the package manager runs what it names, or fetches from where it says", """
        .npmrc .yarnrc .yarnrc.yml .yarn/releases/** .yarn/plugins/** bunfig.toml .bundle/config
        .bundle/plugin/** nuget.config .config/NuGet/** pip.conf pip.ini .venv/pip.conf venv/pip.conf
        .venv/pip.ini venv/pip.ini uv.toml poetry.toml pdm.toml .pdm.toml .pdm-python hatch.toml
        vcpkg-configuration.json conanfile.py .condarc condarc .condarc.d/*"""),
    Rule("node and the editor run it to find packages", ".pnp.cjs .pnp.loader.mjs .yarn/sdks/**"),
    Rule("pip runs the build backend that lies in the tree, and linters their plugins", "pyproject.toml",
         "backend"),
)  # fmt: skip

# Parts of package.json that name what is run, by a package manager, a hook, a linter, a test runner or an
# editor that reads its settings there; of "scripts", LIFECYCLE by itself. Dependencies are usual work, and
# their code is not of the project.
SCRIPTS = """
    scripts.* workspaces packageManager devEngines husky lint-staged simple-git-hooks gitHooks pre-commit
    pre-push config.commitizen config.ghooks nano-staged commitlint trustedDependencies
    pnpm.onlyBuiltDependencies pnpm.neverBuiltDependencies pnpm.configDependencies pnpm.executionEnv
    pnpm.patchedDependencies volta eslintConfig xo prettier stylelint cspell remarkConfig babel postcss
    graphql jest ava mocha nyc c8 tap wallaby quokka nx esy release wireit.*
"""
COMPOSER = """
    scripts.* config.allow-plugins repositories autoload.files autoload-dev.files extra.grumphp extra.hooks
"""
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
