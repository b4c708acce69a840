"""What linters, formatters, type checkers and frameworks run when an editor or a hook starts them."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
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
)  # fmt: skip
