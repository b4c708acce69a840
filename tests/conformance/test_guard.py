"""What a session hides in the workspace: the guard finds it, or says that it did not look everywhere.

The user's machine is played by a session without the guard: its git works in the project as the user's would.
"""

import os
import shlex

import pytest

from tests.harness.subject import Subject
from tests.harness.waiting import PATIENCE

pytestmark = pytest.mark.xdist_group("conformance-guard")

QUARANTINED, NOT_QUARANTINED = 79, 80
WORKSPACE = "/home/agent/workspace"
PROJECT = (
    f"cd {WORKSPACE}; git init -q app; cd app; git config user.name u; git config user.email u@example.org; "
    "git commit -q --allow-empty -m x"
)
EVIL = "git config core.fsmonitor 'touch /tmp/ran; false'"
VICTIM = (
    f"cd {WORKSPACE}; for place in app sub; do git -C $place status >/dev/null 2>&1; done; test ! -e /tmp/ran"
)
MOVED = "mkdir -p .cache && mv app .cache/app && "

# Each begins in the workspace, where app is a repository of the user's.
HIDDEN = {
    "a link to a folder that is skipped": f"{MOVED} ln -s .cache/app app && cd app && {EVIL}",
    "a link to data": f"mv app ../data/app; ln -s ../data/app app; cd app; {EVIL}",
    "a link by way of the system's folders": (
        f"mv app ../data/app; ln -s /usr/../home/agent/data/app app; cd app; {EVIL}"
    ),
    "a long link by way of the system's folders": (
        f"mv app ../data/app; ln -s /usr/$(printf './%.0s' {{1..120}})../home/agent/data/app app; "
        f"cd app; {EVIL}"
    ),
    "a link by way of a process": (
        f"mv app ../data/app; ln -s /proc/self/cwd/../data/app app; cd app; {EVIL}"
    ),
    "a link out and back": f"{MOVED} ln -s ../workspace/.cache/app app; cd app; {EVIL}",
    "an absolute link": f"{MOVED} ln -s $PWD/.cache/app app; cd app; {EVIL}",
    "a chain of links": f"{MOVED} ln -s .cache a; ln -s a/../a b; ln -s b/app app; cd app; {EVIL}",
    "a link above the project": (
        f"{MOVED} mkdir node_modules; mv .cache/app node_modules/; ln -s node_modules sub; "
        f"ln -s sub/app app; cd app; {EVIL}"
    ),
    "a link to .git": f"mkdir -p .cache; mv app/.git .cache/g; ln -s ../.cache/g app/.git; cd app; {EVIL}",
    "a link to a folder of .git": f"cp -a app c; mv c app/.git/app; ln -s app/.git/app sub; cd sub; {EVIL}",
    "a pointer with two blanks": (
        'cd app; mkdir -p " ../node_modules"; cp -a .git " ../node_modules/g"; mkdir ../node_modules; '
        f"mv .git ../node_modules/g; printf 'gitdir:  ../node_modules/g\\n' >.git; {EVIL}"
    ),
    "a pointer with a NUL": (
        r"cd app; mkdir -p $'node_modules/g\n'; cp -a .git/. $'node_modules/g\n/'; mv .git node_modules/g; "
        rf"printf 'gitdir: node_modules/g\n\0x' >.git; {EVIL}"
    ),
    "a commondir with a blank": (
        "cd app; mkdir node_modules; cp -a .git 'node_modules/g '; mkdir node_modules/g; "
        "printf '../node_modules/g ' >.git/commondir; git --git-dir='node_modules/g ' config core.fsmonitor "
        "'touch /tmp/ran; false'"
    ),
    "a pointer to a skipped folder": (
        f"cd app; mkdir node_modules; mv .git node_modules/g; echo 'gitdir: node_modules/g' >.git; {EVIL}"
    ),
    "a locked repository": f"cd app; {EVIL}; chmod 0 .git",
    "a locked project": f"cd app; {EVIL}; chmod 0400 . {WORKSPACE}",
    "behind 20,100 empty folders": (
        f"python3 -c 'import os; [os.mkdir(f\"a{{i:05}}\") for i in range(20100)]'; cd app; {EVIL}"
    ),
    "behind links that take long": (
        f"cd app; {EVIL}; cd ..; python3 -c '"
        'import os; os.makedirs("s/d"); os.makedirs(".vscode");'
        '[os.symlink("d/../" * 800 + f"l{i + 1}", f"s/l{i}") for i in range(3000)];'
        '[os.symlink("../s/l0", f".vscode/x{i}") for i in range(200)]\''
    ),
    "while the end is asked for": f"cd app; {EVIL}; trap '' TERM; kill -TERM 1; sleep 0.2",
}


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_git_would_run_is_found(own_subject: Subject, hidden: str) -> None:
    prepared = own_subject.run(PROJECT, env={"SANDBOX_GUARD": "off"})
    assert prepared.returncode == 0, prepared.stderr
    result = own_subject.run(
        f"cd {WORKSPACE}; {HIDDEN[hidden]}", env={"SANDBOX_GUARD": "block", "SANDBOX_LOG_LEVEL": "error"},
        patience=PATIENCE,
    )  # fmt: skip
    assert result.returncode in (QUARANTINED, NOT_QUARANTINED), result.stderr
    if result.returncode == NOT_QUARANTINED:
        assert "error" in result.stderr, "told at every level"
        return
    victim = own_subject.run(VICTIM, env={"SANDBOX_GUARD": "off"})
    assert victim.returncode == 0, f"git ran what was planted; the guard said:\n{result.stderr}"


HOOK = "{hooks}/pre-commit; chmod +x {hooks}/pre-commit"
# The user's own hooks, which the agent changes once the guard's means are spent, or where it does not look.
HOOKED = {
    "behind pointers": (
        "tools/hooks",
        "for n in {1..2500}; do mkdir d$n; echo 'gitdir: ../app/.git' >d$n/.git; done; "
        "echo evil >>app/tools/hooks/pre-commit",
    ),
    "behind files that are read": (
        "tools/hooks",
        """for n in Makefile .envrc .vscode .idea; do mkdir $n; for m in 1 2 3 4 5; do mkdir $n/$m
        python3 -c 'print("{\\"a\\": \\"" + "x" * 261000 + "\\"}")' >$n/$m/package.json; done; done
        cd app; echo evil >>tools/hooks/pre-commit""",
    ),
    "behind a link that is skipped": (
        "vendor/hooks",
        "cd app; mv vendor ../../data/v; ln -s ../../data/v vendor; echo evil >>vendor/hooks/pre-commit",
    ),
    "behind a link in a folder that is skipped": (
        "vendor/hooks",
        "mv app/vendor/hooks ../data/h; ln -s ../../../data/h app/vendor/hooks; "
        "echo evil >>app/vendor/hooks/pre-commit",
    ),
}


@pytest.mark.parametrize("hidden", HOOKED)
def test_a_changed_hook_of_the_users_is_found(own_subject: Subject, hidden: str) -> None:
    hooks, attack = HOOKED[hidden]
    own = f"mkdir -p {hooks}; git config core.hooksPath {hooks}; echo '#!/bin/sh' >{HOOK.format(hooks=hooks)}"
    assert own_subject.run(f"{PROJECT}; {own}", env={"SANDBOX_GUARD": "off"}).returncode == 0
    result = own_subject.run(f"cd {WORKSPACE}; {attack}", env={"SANDBOX_GUARD": "block"})
    assert result.returncode in (QUARANTINED, NOT_QUARANTINED), result.stderr


# Git itself would do no harm at once with these, so the victim is not asked.
SETTINGS = {
    "cookies over a file": "git config http.cookieFile '~/.bashrc'; git config http.saveCookies true",
    "a remote elsewhere": "git config remote.origin.url ../../data/x.git",
    "a new remote": "git remote add fork https://example.com/x.git",
    "a remote in another file": "git config extensions.worktreeConfig true; "
    "git config --worktree remote.origin.url https://example.com/x.git",
    "a branch of no remote": "git config branch.new.remote https://example.com/x.git",
    "a repository in the place of another": (
        "git init -q ../e; mkdir -p ../.git/modules; mv ../e/.git ../.git/modules/app; rm -rf .git; "
        "git --git-dir=../.git/modules/app config remote.origin.url https://example.com/x.git; "
        "echo 'gitdir: ../.git/modules/app' >.git"
    ),
    "another repository that is shared": "git init -q --bare node_modules/e; "
    "git -C node_modules/e config remote.origin.url https://example.com/x.git; "
    "echo ../../node_modules/e >.git/commondir",
    "a submodule from elsewhere": "git config submodule.lib.url https://example.com/lib.git",
    "a header for another server": "git config http.extraHeader 'Host: evil.example'",
    "a push that deletes": "git config remote.origin.mirror true",
    "branches elsewhere": "git config extensions.refStorage files:///tmp/x",
    "a key of tig": "git config tig.bind.generic 'x !touch /tmp/ran'",
    "an option of git-gui": "git config gui.diffOpts '| sh'",
    "an editor of git-cola": "git config gui.editor 'touch /tmp/ran'",
    "a repository where nothing is searched": f"git init -q vendor; cd vendor; {EVIL}",
    "a name that macOS holds equal": "mkdir $'.v\\xc5\\xbfcode'; echo {} >$'.v\\xc5\\xbfcode/tasks.json'",
    "a repository that can only be listed": (f"git init -q --bare docs; cd docs; {EVIL}; chmod 0400 ."),
    "a file that git includes, and another rule names": "printf '[core]\\npager=evil\\n' >>.gitattributes",
    "a shared Mercurial": "mkdir .hg; echo ../../data/x >.hg/sharedpath; echo share-safe >.hg/requires",
    "a plugin of Prettier": "echo '{plugins: [\"./x.js\"]}' >.prettierrc.json5",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_leads_elsewhere_is_found(own_subject: Subject, name: str) -> None:
    own = (
        f"{PROJECT}; git remote add origin https://example.org/x.git; : >.gitattributes; "
        "git config include.path ../.gitattributes; "
        "git config -f .gitmodules submodule.lib.path lib; "
        "git config -f .gitmodules submodule.lib.url ../lib.git"
    )
    assert own_subject.run(own, env={"SANDBOX_GUARD": "off"}).returncode == 0
    result = own_subject.run(f"cd {WORKSPACE}/app; {SETTINGS[name]}", env={"SANDBOX_GUARD": "block"})
    assert result.returncode == QUARANTINED, result.stderr


# For each kind of reader, what it would run by itself in a folder that is the user's.
PLANTED = {
    "an editor": {
        ".VSCODE/tasks.json": '{"tasks": []}',
        ".nvim.lua": "os.execute('x')",
        ".idea/x.xml": "<x/>",
    },
    "an editor's settings": {".vscode/settings.json": '{"cSpell.import": ["./x.js"]}'},
    "a build server's client": {".bsp/x.json": '{"argv": ["./x"]}', "buildServer.json": '{"argv": ["./x"]}'},
    "a language server": {".merlin": "FLG -ppx ./x", ".luarc.json": "{}", ".ycm_extra_conf.py": "import x"},
    "TypeScript": {"tsconfig.app.json": '{"compilerOptions": {"plugins": [{"name": "x"}],},}'},
    "Deno": {"deno.jsonc": '{"lint": {"plugins": ["./x.ts"]}} // x'},
    "a compiler that is asked": {"compile_commands.json": '[{"command": "./cc -c x.c"}]'},
    "a test explorer": {"jest.config.e2e.ts": "x()", "vitest.config.mts": "x()", ".rspec": "-r ./x"},
    "a linter": {".ESLintRC.cjs": "x()", ".rubocop.yml": "<%= x %>", "phpstan.neon": "x"},
    "a type checker": {"mypy.ini": "[mypy]\nPlugins = ./x.py\n"},
    "a spell checker": {"cspell.yaml": "import:\n- ./x.js\n"},
    "a framework": {"svelte.config.js": "x()", "postcss.config.cjs": "x()", ".graphqlrc.ts": "x()"},
    "a package manager": {"package.json": '{"__proto__": {"scripts": {"install": "x"}}}', ".npmrc": "x=x"},
    "a build tool": {".mvn/extensions.xml": "<x/>", "build.rs": "x()"},
    "a shell": {".envrc": "x", "mise.toml": "[hooks]"},
    "an interpreter": {".gdbinit": "shell x", ".irbrc": "x", ".Rprofile": "x"},
    "version control": {".hg/hgrc": "[hooks]", ".p4config": "P4PORT=rsh:x", ".pre-commit-config.yaml": "x"},
    "an agent": {".claude/settings.json": "{}", ".mcp.json": "{}"},
    "a server": {".github/workflows/x.yml": "x"},
    "a habit": {"Makefile": "all:\n\tx\n", "compose.yml": "x"},
}
STAY = f"cd {WORKSPACE}/app; find . -path ./.git -prune -o -type f -print"


def plant() -> str:
    """Return the script that plants all of it."""
    files = [item for kind in PLANTED.values() for item in kind.items()]
    return "; ".join(
        f"mkdir -p {shlex.quote(os.path.dirname(name) or '.')}; "  # noqa: PTH120 - a path of the container
        f"printf %s {shlex.quote(content)} >{shlex.quote(name)}"
        for name, content in files
    )


def test_what_each_kind_of_reader_runs_by_itself_is_taken_away(own_subject: Subject) -> None:
    assert own_subject.run(PROJECT, env={"SANDBOX_GUARD": "off"}).returncode == 0
    result = own_subject.run(f"cd {WORKSPACE}/app; {plant()}", env={"SANDBOX_GUARD": "block"})
    assert result.returncode == QUARANTINED, result.stderr
    stayed = own_subject.run(STAY, env={"SANDBOX_GUARD": "off"}).stdout.split()
    assert stayed == [], {
        kind: files for kind, files in PLANTED.items() for each in stayed if each[2:] in files
    }


@pytest.mark.vacuity
def test_without_the_guard_all_of_it_stays(own_subject: Subject) -> None:
    assert own_subject.run(f"{PROJECT}; {plant()}", env={"SANDBOX_GUARD": "off"}).returncode == 0
    stayed = own_subject.run(STAY, env={"SANDBOX_GUARD": "off"}).stdout.split()
    assert {name[2:] for name in stayed} == {name for kind in PLANTED.values() for name in kind}


@pytest.mark.vacuity
def test_git_runs_what_is_planted(own_subject: Subject) -> None:
    planted = f"{PROJECT}; {EVIL}"
    assert own_subject.run(planted, env={"SANDBOX_GUARD": "off"}).returncode == 0
    assert own_subject.run(VICTIM, env={"SANDBOX_GUARD": "off"}).returncode == 1


# What is usual: the agent does it all day, and a guard that tells of it is not read any more.
USUAL = {
    "a project is deleted": "rm -rf app",
    "a worktree": "cd app; git worktree add -q ../sub",
    "a project is copied": "cp -a app sub",
    "links between packages": "mkdir -p app/node_modules/.store/x app/packages/x; cd app/node_modules; "
    "ln -s .store/x x; ln -s ../packages/x y; ln -s ../packages/x ../x",
    "a link to a file": "cd app; echo >README; ln -s README LIESMICH",
    "a branch of a remote": "cd app; git config branch.new.remote origin; git switch -q -c new",
    "a clone": "git clone -q app sub; git -C sub switch -q -c new",
    "settings that name nothing": (
        """cd app; echo '{"compilerOptions": {"strict": true,},}' >tsconfig.json; """
        """echo '{"dependencies": {"x": "1"}}' >package.json; echo '{"imports": {}}' >deno.json; """
        """echo 'words: [x]' >cspell.yaml; mkdir tests; echo 'import x' >tests/conftest.py; """
        """printf '[mypy]\\nstrict = true\\n' >mypy.ini; echo '{"editor.tabSize": 2}' >x.json"""
    ),
    "a commit": "cd app; echo x >a; git add a; git commit -q -m a; git branch b; git gc -q",
}


@pytest.mark.parametrize("usual", USUAL)
def test_what_is_usual_is_not_told(own_subject: Subject, usual: str) -> None:
    own = f"{PROJECT}; git remote add origin https://example.org/x.git"
    assert own_subject.run(own, env={"SANDBOX_GUARD": "off"}).returncode == 0
    result = own_subject.run(f"cd {WORKSPACE}; {USUAL[usual]}", env={"SANDBOX_GUARD": "block"})
    assert (result.returncode, "machine may run" in result.stderr) == (0, False), result.stderr
