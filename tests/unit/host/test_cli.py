"""The command line of start.sh: what each asks for, and what is refused in which words."""

from pathlib import Path

import pytest

from host import cli
from host.cli import Accept, BuildVariables, Doctor, Print, Request, Reset, Verify, Version
from host.errors import USAGE, UsageError
from host.options.egress import Egress
from host.options.review import Review
from host.options.sessions import Attach, Enter, Logs, Ps, Stop
from host.options.start import Start

ASKED: dict[str, tuple[list[str], Request]] = {
    "nothing": ([], Start()),
    "tool": (["--tool", "omp"], Start(tool="omp")),
    "tool, one word": (["--tool=omp"], Start(tool="omp")),
    "shell": (["--shell"], Start(shell=True)),
    "demo": (["--demo", "--no-build"], Start(demo=True, build=False)),
    "arguments": (["--tool", "omp", "--", "-p", "--shell", "--", "x"], Start(
        tool="omp", arguments=("-p", "--shell", "--", "x"))),
    "no arguments": (["--"], Start()),
    "help of the tool": (["--", "--help"], Start(arguments=("--help",))),
    "an empty argument": (["--", ""], Start(arguments=("",))),
    "build options": (["--build-arg", "A=1", "--no-cache", "--build-arg=B=2", "--pull"], Start(
        build_options=("--no-cache", "--pull", "--build-arg", "A=1", "--build-arg", "B=2"))),
    "bootstrap": (["--bootstrap"], Start(bootstrap=True)),
    "version": (["--version"], Version()),
    "version of the tool": (["--", "--version"], Start(arguments=("--version",))),
    "a project": (["--workspace", "a b"], Start(workspace="a b")),
    "a copy": (["--copy", "/x"], Start(copy=True, workspace="/x")),
    "a project, by its folder alone": (["/x"], Start(workspace="/x")),
    "the folder one is in": ([".", "--tool", "omp", "--", ".."], Start(
        tool="omp", workspace=".", arguments=("..",))),
    "the folder above, behind an option": (["--shell", "..", "--no-build"], Start(
        shell=True, build=False, workspace="..")),
    "a folder that is here": (["here"], Start(workspace="here")),
    "a folder named as a verb": (["./doctor"], Start(workspace="./doctor")),
    "verbs of a project": (["accept", "--workspace", "..", "x"], Accept(("x",), workspace="..")),
    "the project's doctor": (["doctor", "--workspace=here"], Doctor(
        json=False, demo=False, build=True, workspace="here")),
    "what a project asks for": (["egress", "--workspace", "here"], Egress(workspace="here")),
    "exec": (["exec"], Enter(())),
    "exec, with options": (["exec", "ls", "-l", "--help"], Enter(("ls", "-l", "--help"))),
    "exec of an option": (["exec", "--", "x"], Enter(("--", "x"))),
    "accept": (["accept"], Accept(())),
    "accept one": (["accept", "2026-01-02"], Accept(("2026-01-02",))),
    "diff": (["diff"], Review("diff")),
    "diff of a copy, and of a folder": (["diff", "calm-otter", "--stat", "src", "--workspace", ".."], Review(
        "diff", ("calm-otter", "src"), "..", stat=True)),
    "apply": (["apply", "calm-otter"], Review("apply", ("calm-otter",))),
    "apply, all": (["apply", "--with-guarded"], Review("apply", with_guarded=True)),
    "discard": (["discard", "calm-otter", "--destroy"], Review("discard", ("calm-otter",), destroy=True)),
    "doctor": (["doctor"], Doctor(json=False, demo=False, build=True)),
    "doctor, all": (["doctor", "--json", "--no-build", "--demo"], Doctor(json=True, demo=True, build=False)),
    "verify": (["verify"], Verify(build=True, arguments=())),
    "verify, options": (["verify", "--no-build", "-k", "x", "--image", "y"], Verify(
        build=False, arguments=("-k", "x", "--image", "y"))),
    "verify, pytest's": (["verify", "-k", "--no-build"], Verify(build=True, arguments=("-k", "--no-build"))),
    "reset": (["reset"], Reset(destroy=False)),
    "reset, unasked": (["reset", "--destroy"], Reset(destroy=True)),
    "egress": (["egress"], Egress()),
    "egress, for programs": (["egress", "--json"], Egress(json=True)),
    "allow": (["egress", "allow", "a.example", "*.b.example"], Egress("allow", ("a.example", "*.b.example"))),
    "allow, options": (["egress", "allow", "--profile", "npm", "a.lan", "--private", "--no-tls"], Egress(
        "allow", ("a.lan",), ("npm",), private=True, tls=False)),
    "deny": (["egress", "deny", "a.example", "--profile=npm"], Egress("deny", ("a.example",), ("npm",))),
    "log": (["egress", "log", "--follow", "--json"], Egress("log", follow=True, json=True)),
    "list": (["ps"], Ps()),
    "list, for programs": (["ps", "--json"], Ps(json=True)),
    "come back": (["attach"], Attach()),
    "come back to one": (["attach", "calm-otter"], Attach("calm-otter")),
    "end one": (["stop", "one"], Stop("one")),
    "end all": (["stop", "--all"], Stop(all=True)),
    "print": (["logs", "--follow", "one"], Logs("one", follow=True)),
    "a name": (["--name", "one", "--detach", "--shell"], Start(name="one", detach=True, shell=True)),
    "exec in one": (["exec", "--name", "one", "ls", "--name", "x"], Enter(("ls", "--name", "x"), "one")),
    "exec in one, one word": (["exec", "--name=one"], Enter((), "one")),
    "for scripts": (["build-variables"], BuildVariables()),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "doctor").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("words", "request_"), ASKED.values(), ids=ASKED)
def test_what_is_asked_for(words: list[str], request_: Request) -> None:
    assert cli.parse(words) == request_


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nope"], "unknown option: --nope"),
        (["--name", "No"], "--name 'No' is no name for a session"),
        (["--name="], "--name '' is no name for a session"),
        (["exec", "--name"], "--name needs a value"),
        (["stop", "one", "--all"], "stop takes a NAME or --all"),
        (["attach", "one", "two"], "attach does not know two"),
        (["ps", "one"], "ps does not know one"),
        (["run"], "'run' is no verb, and no folder that is here"),
        (["run", "doctor"], "'run' is no verb, and no folder that is here"),
        ([""], "'' is no verb, and no folder that is here"),
        (["--nope=/x"], "unknown option: --nope=/x"),
        ([".", "-x"], "unknown option: -x"),
        (["-x", "."], "unknown option: -x"),
        ([".", "a/b"], "there is one workspace: . or a/b"),
        (["--workspace", "/x", "."], "there is one workspace: /x or ."),
        ([".", "run"], "'run' is no verb, and no folder that is here"),
        ([".", "doctor"], "doctor comes first, and has options of its own"),
        (["--workspace"], "--workspace needs a value"),
        (["--workspace", ""], "--workspace needs a value"),
        (["accept", "--workspace="], "--workspace needs a value"),
        (["-x"], "unknown option: -x"),
        (["--to", "omp"], "unknown option: --to"),
        (["--tool"], "--tool needs a value"),
        (["--tool="], "--tool needs a value"),
        (["--tool", ""], "--tool needs a value"),
        (["--tool", "--", "x"], "--tool needs a value"),
        (["--build-arg", ""], "--build-arg needs a value"),
        (["--shell", "--tool", "omp"], "--shell and --tool exclude each other"),
        (["--copy", "--with-repository"], "--copy and --with-repository exclude each other"),
        (["--no-build", "--pull"], "--no-build and --pull exclude each other"),
        (["--no-build", "--build-arg", "A=1"], "--no-build and --build-arg exclude each other"),
        (["--demo", "doctor"], "doctor comes first, and has options of its own"),
        (["doctor", "model"], "doctor does not know model"),
        (["doctor", "--tool", "omp"], "doctor does not know --tool"),
        (["doctor", "--", "x"], "doctor does not know --"),
        (["accept", "--all"], "accept does not know --all"),
        (["diff", "--with-guarded"], "diff does not know --with-guarded"),
        (["discard", "one", "two"], "discard does not know two"),
        (["apply", ""], "apply: a name is empty"),
        (["egress", "allow"], "egress allow needs a HOST, or --profile NAME"),
        (["egress", "deny", "--private", "a.lan"], "egress deny does not know --private"),
        (["egress", "--follow"], "egress does not know --follow"),
        (["egress", "log", "a.lan"], "egress log does not know a.lan"),
        (["egress", "show"], "invalid choice: 'show'"),
        (["reset", "--destroy", ""], "unknown option ''"),
        (["reset", "--", "workspace"], "unknown option 'workspace'"),
        (["completion", "fish"], "invalid choice: 'fish'"),
        (["completion"], "bash|zsh"),
    ],
    ids=str,
)
def test_what_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        cli.parse(words)
    assert message in refused.value.what
    assert refused.value.code == USAGE
    assert refused.value.todo


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_verb_has_its_own_help(option: str) -> None:
    _, verbs = cli.parsers()
    assert set(verbs) == set(cli.VERBS)
    for verb, parser in verbs.items():
        told = cli.parse([verb, option])
        assert isinstance(told, Print)
        assert told.text == parser.format_help()
        assert told.text.startswith(f"Usage: ./start.sh {verb} ")
    everything = cli.parse([option])
    assert isinstance(everything, Print)
    assert [verb for verb in verbs if f"\n    {verb} " not in everything.text] == []
    assert max(map(len, everything.text.splitlines())) < 120
