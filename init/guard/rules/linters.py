"""What linters, formatters and type checkers run when an editor, a hook or a habit starts them.

All of a file is told, also where most of it chooses rules: each of these forms has several ways to name code
(a plugin, a parser, a file to begin with, another file to extend), and such a file changes seldom. Left out
are those whose settings name no code: biome, .clang-tidy, .editorconfig, .hlint.yaml, .jshintrc, ruff.toml.
"""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the editor's linter or formatter runs it, or plugins that it names, on opening a file", """
        eslint.config.* .eslintrc .eslintrc.* .oxlintrc.json .xo-config .xo-config.* tslint.json .tslintrc.*
        prettier.config.* .prettierrc .prettierrc.* .prettierrc.json5 dprint.json dprint.jsonc .dprint.json
        .dprint.jsonc stylelint.config.* .stylelintrc .stylelintrc.* .config/stylelintrc
        .config/stylelintrc.* .pug-lintrc .pug-lintrc.* .htmlvalidate.* .markdownlint-cli2.*
        .markdownlint.cjs .markdownlint.mjs .textlintrc .textlintrc.* .remarkrc .remarkrc.* .alexrc .alexrc.*
        knip.json knip.jsonc knip.js knip.ts .knip.json .knip.jsonc knip.config.* cspell.config.js
        cspell.config.cjs cspell.config.mjs cspell.config.ts cspell.config.cts cspell.config.mts
        .cspell.config.js .cspell.config.cjs .cspell.config.mjs .babelrc .babelrc.* babel.config.* .swcrc
        .secretlintrc .secretlintrc.* .dependency-cruiser.*"""),
    Rule("the editor's linter or formatter runs it, or plugins that it names, on opening a file", """
        .pylintrc pylintrc .pylintrc.toml pylintrc.toml .pyre_configuration .pyre_configuration.local
        .sqlfluff .cmake-format .cmake-format.* cmake-format.py .gersemirc .ansible-lint .ansible-lint.yml
        .ansible-lint.yaml .config/ansible-lint.yml .puppet-lint.rc PSScriptAnalyzerSettings.psd1 .lintr
        .perlcriticrc .luacheckrc .credo.exs .formatter.exs .scalafix.conf .golangci.* .custom-gcl.*
        .tflint.hcl .tflint.d/** buf.yaml .protolint.* .solhint.json .solhint.js slither.config.json .arclint
        .qmllint.ini sgconfig.yml .trunk/** .qlty/**"""),
    # Rubocop reads its own as a template (ERB), which is Ruby.
    Rule("the editor's linter or formatter runs it, or plugins that it names, on opening a file", """
        .rubocop.yml .rubocop_todo.yml .config/.rubocop.yml .config/rubocop/config.yml .rubocop/**
        .standard.yml .erb_lint.yml .erb-lint.yml .erb-linters/** .haml-lint.yml .slim-lint.yml"""),
    Rule("the editor's linter or formatter runs it, or PHP that it names, on opening a file", """
        .php-cs-fixer.php .php-cs-fixer.dist.php .php_cs .php_cs.dist phpstan.neon phpstan.neon.dist
        phpstan.dist.neon phpstan.php phpcs.xml phpcs.xml.dist .phpcs.xml .phpcs.xml.dist psalm.xml
        psalm.xml.dist .phan/** ecs.php rector.php tlint.json"""),
    Rule("the editor's spell checker runs what it imports", """
        cspell.json .cspell.json cspell.jsonc .cspell.jsonc cspell.config.json cspell.config.jsonc
        .cspell.config.json .cspell.config.jsonc""", "cspell"),
    Rule("the editor's spell checker runs what it imports", """
        cspell.yaml cspell.yml .cspell.yaml .cspell.yml cspell.config.yaml cspell.config.yml
        .cspell.config.yaml .cspell.config.yml""", "cspell lines"),
    Rule("the editor's linter or type checker loads plugins that it names", """
        setup.cfg tox.ini mypy.ini .mypy.ini .flake8 pytest.ini .pytest.ini .coveragerc""", "plugins"),
)  # fmt: skip
