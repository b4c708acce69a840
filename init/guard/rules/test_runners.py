"""What test runners run before any test; test explorers of editors start them when a folder is opened.

Left out: the tests themselves and what only serves them (conftest.py, setup files). They are the project's
code and change in nearly every session. A test explorer that looks for tests by itself runs them all the
same, so whoever has one opens an agent's work as if running it.
"""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the test runner runs it, and the editor's test explorer the test runner", """
        jest.config.* vitest.config.* vitest.workspace.* playwright.config.* playwright-ct.config.*
        jest.preset.* jest-puppeteer.config.* testem.* .detoxrc .detoxrc.* cypress.config.* cypress.json
        karma.conf.* .mocharc .mocharc.* ava.config.* wdio.conf.* nightwatch.conf.* nightwatch.json
        codecept.conf.* protractor.conf.* .testcaferc.* .taprc web-test-runner.config.* wtr.config.*
        jasmine.json stryker.conf.* stryker.config.* .nycrc .nycrc.* nyc.config.* .c8rc .c8rc.* cucumber.js
        cucumber.cjs cucumber.mjs cucumber.json cucumber.yml cucumber.yaml wallaby.* .wallaby.* .quokka"""),
    Rule("the test runner runs what it names, and the editor's test explorer the test runner", """
        .rspec .rspec-local .simplecov phpunit.xml phpunit.xml.dist phpunit.dist.xml codeception.yml
        codeception.dist.yml behat.yml behat.yaml behat.php .busted .luacov .proverc .runsettings
        *.runsettings .config/nextest.toml"""),
)  # fmt: skip
