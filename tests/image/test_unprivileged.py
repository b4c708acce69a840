"""A start without root, an agent that the account files do not know, and who enters a sandbox that runs."""

import json
import os
from collections.abc import Callable

import pytest

from tests.harness.engine import docker
from tests.harness.sandbox import Sandbox
from tests.harness.waiting import wait_for

# What Kubernetes' restricted Pod Security profile asks for, and a read-only root besides.
RESTRICTED = (
    "--read-only", "--tmpfs=/tmp:exec,mode=1777", "--cap-drop=ALL", "--security-opt=no-new-privileges",
)  # fmt: skip

# Each asks the C library who runs it, and ssh goes no further without an answer.
WHO = """
set -e
whoami
{ git var GIT_COMMITTER_IDENT 2>&1 || true; } | grep -o 'agent@'
ssh -G host | grep '^user '
node -p 'os.userInfo().username'
/usr/bin/python3 -c 'import pwd, os; print(pwd.getpwuid(os.getuid()).pw_dir == os.environ["HOME"])'
cd ~ && git init -q project && cd project
git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
touch /home/agent/workspace/kept
"""


@pytest.mark.parametrize("uid", ["1000:1000", "1234:0", "33:33", "1000660000:0"])
def test_any_user_may_start_it_under_the_restricted_profile(sandbox: Sandbox, uid: str) -> None:
    sandbox.own(uid)
    result = sandbox.plain(*RESTRICTED, "--user", uid, arguments=("-c", WHO), env={"SANDBOX_SHELL": "1"})
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    assert result.stdout.splitlines() == ["agent", "agent@", "user agent", "agent", "True"]
    assert sandbox.owner("workspace/kept") == uid


@pytest.mark.parametrize("uid", ["1000", "1234", "33"])
def test_any_puid_has_a_name_on_a_read_only_root(sandbox: Sandbox, uid: str) -> None:
    result = sandbox.run("-c", WHO, env={"SANDBOX_SHELL": "1", "PUID": uid, "PGID": "100"})
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    assert result.stdout.splitlines() == ["agent", "agent@", "user agent", "agent", "True"]
    assert sandbox.owner("workspace/kept") == f"{uid}:100"


FIELDS = "Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp_filters|SigBlk|SigIgn"
STATUS = f"grep -E '^({FIELDS}):' /proc/self/status"


def test_who_enters_a_running_sandbox_is_no_more_than_the_tool(
    container: Callable[..., str],
) -> None:
    running = container("-c", f"{STATUS}; exec sleep 1000", env={"SANDBOX_SHELL": "1", "PUID": "1234"})
    wait_for(lambda: "Seccomp_filters" in docker("logs", running), "the tool's status")
    inside = docker("exec", running, "sandbox-enter", "sh", "-c", STATUS)
    tools, filters = docker("logs", running), "Seccomp_filters:\t"
    # It has the filter once more: as root, and as the agent.
    assert inside.partition(filters)[0] == tools.partition(filters)[0]
    assert int(inside.partition(filters)[2][0]) >= int(tools.partition(filters)[2][0]) > 0
    assert "Uid:\t1234\t1234\t1234\t1234" in inside


# Tells how far behind PID 1 those are who enter, as soon as it may write into their memory.
WATCH = """
import os
print('watching', flush=True)
while True:
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if '/usr/local/bin/sandbox-enter' in open(f'/proc/{pid}/cmdline').read().split(chr(0)):
                os.close(os.open(f'/proc/{pid}/mem', os.O_RDWR))
                print('nice', os.getpriority(os.PRIO_PROCESS, int(pid)), flush=True)
        except OSError:
            continue
"""


def test_who_enters_is_behind_pid_1_before_the_agent_can_reach_it(container: Callable[..., str]) -> None:
    running = container("-c", f'exec python3 -c "{WATCH}"', env={"SANDBOX_SHELL": "1"})
    wait_for(lambda: "watching" in docker("logs", running), "the agent to watch")

    def is_seen() -> bool:
        docker("exec", running, "sandbox-enter", "true")
        return "nice" in docker("logs", running)

    wait_for(is_seen, "the agent to see who enters")
    assert "nice 0" not in docker("logs", running)


VARIABLES = r"PATH=/home/agent/workspace\0BASH_ENV=/home/agent/workspace/x\0SANDBOX_MODEL_ID=m\0"
HOSTILE = f"mkdir -p ~/.sandbox/models; printf '{VARIABLES}' >~/.sandbox/models/variables"


@pytest.mark.parametrize(
    ("way", "found"),
    [
        (HOSTILE, "m"),
        ("rm -rf ~/.sandbox; : >~/.sandbox", ""),
        ("rm -rf ~/.sandbox; mkdir -p ~/.sandbox/passwd/x", ""),
    ],
)
def test_who_enters_gets_no_variables_of_the_agents_choice(
    container: Callable[..., str], way: str, found: str
) -> None:
    script = f"{way}; echo done; exec sleep 1000"
    running = container("-c", script, env={"SANDBOX_SHELL": "1", "PUID": "1234"})
    wait_for(lambda: "done" in docker("logs", running), "the tool to have done it")
    words = "whoami; echo $PATH; echo +$BASH_ENV; echo $SANDBOX_MODEL_ID"
    name, path, more, *model = docker("exec", running, "sandbox-enter", "bash", "-c", words).splitlines()
    assert (name, more, "".join(model)) == ("agent", "+", found)
    assert "workspace" not in path


def test_what_cannot_be_entered_is_said(container: Callable[..., str]) -> None:
    running = container("-c", "echo up; exec sleep 1000", env={"SANDBOX_SHELL": "1"})
    wait_for(lambda: "up" in docker("logs", running), "the tool")
    docker("exec", running, "test", "-x", "/usr/local/bin/sandbox-enter")
    for words in (["nope"], ["/nope"], ["/etc/passwd"]):
        with pytest.raises(AssertionError, match=words[0]):
            docker("exec", running, "sandbox-enter", *words)


def test_under_gvisor_the_tools_run_and_the_kernel_is_another(sandbox: Sandbox) -> None:
    if "runsc" not in json.loads(docker("info", "--format", "{{json .Runtimes}}")):
        pytest.skip("the engine knows no runtime runsc (SECURITY.md tells how)")
    sandbox.environ["SANDBOX_RUNTIME"] = "runsc"
    script = f"uname -r; opencode --version; touch kept; {STATUS.replace('|Seccomp_filters', '')}"
    result = sandbox.run("-c", script, env={"SANDBOX_SHELL": "1"})
    assert result.returncode == 0, result.stderr
    assert not result.stdout.startswith(f"{os.uname().release}\n")
    assert "CapEff:\t0000000000000000" in result.stdout
    assert sandbox.owner("workspace/kept") == "1000:1000"
