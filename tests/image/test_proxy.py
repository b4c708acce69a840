"""A proxy that Docker gives to every container: the user's own servers need none, and it is taken for none.

The proxies are scripted models: they answer to whole URLs as well, and so pass on what is asked for a name
that only they know.
"""

import json
from collections.abc import Callable

import pytest

from tests.harness.client import giving_a_proxy
from tests.harness.engine import logs
from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.tools import CONTENT, headless

Serve = Callable[..., Model]

# A name of no network: RFC 6761.
ELSEWHERE = "http://model.invalid:8000/v1"


def inject(sandbox: Sandbox, proxy: str, *, egress: str = "open", **more: str) -> None:
    """Have this user's Docker client give every container a proxy, which only a network leads to."""
    sandbox.environ |= {**giving_a_proxy(sandbox.folder / "docker", proxy, **more), "EGRESS": egress}


def of(model: Model) -> str:
    """Return a scripted model's address as that of a proxy."""
    return model.url.removesuffix("/v1")


@pytest.mark.parametrize("tool", ["omp", "opencode"])
@pytest.mark.parametrize("more", [{}, {"noProxy": "*.example.com"}], ids=["", "with others"])
def test_a_server_in_a_network_of_ones_own_is_asked_without_the_proxy(
    sandbox: Sandbox, serve: Serve, tool: str, more: dict[str, str]
) -> None:
    model, proxy = serve(), serve("--fault", "proxy403")
    inject(sandbox, of(proxy), **more)
    result = start(sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"))
    told = f"{result.stdout}\n{result.stderr}\n{logs(proxy.name)}"
    assert "done: wrote hello.txt" in result.stdout, told
    assert sandbox.as_root("cat", "workspace/hello.txt") == CONTENT.strip()
    assert not any(model.name in request["path"] for request in proxy.requests()), told


def test_the_gateway_asks_no_proxy(sandbox: Sandbox, serve: Serve) -> None:
    model, proxy = serve(), serve("--fault", "proxy403")
    inject(sandbox, of(proxy), egress="")
    script = "curl -sS -o /dev/null -w '%{http_code}\n' $SANDBOX_MODEL_URL/models"
    result = start(sandbox, "--no-build", "--shell", "--", "-c", script)
    assert result.stdout == "200\n", f"{result.stdout}{result.stderr}"
    assert proxy.requests() == []
    unknown = start(sandbox, "--no-build", "--tool", "opencode", MODEL_URL=ELSEWHERE)
    assert unknown.returncode == 78
    assert "the name model.invalid is not known" in unknown.stderr
    assert f"If only the proxy {of(proxy)} of http_proxy gets there" in unknown.stderr
    assert "EGRESS=open" in unknown.stderr
    assert (len(model.requests()), proxy.requests()) == (2, [])


def test_programs_of_the_session_are_told_whom_not_to_ask_a_proxy_for(sandbox: Sandbox, serve: Serve) -> None:
    model, proxy = serve(), serve("--fault", "proxy403")
    inject(sandbox, of(proxy), noProxy="a.example,b.example")
    ask = (
        "import os, urllib.request as u; print(u.urlopen(os.environ['SANDBOX_MODEL_URL'] + '/models').status)"
    )
    script = (
        f'curl -sS -o /dev/null -w "%{{http_code}}\\n" $SANDBOX_MODEL_URL/models; python3 -c "{ask}"; env'
    )
    result = start(sandbox, "--no-build", "--shell", "--", "-c", script)
    assert result.stdout.startswith("200\n200\n"), f"{result.stdout}{result.stderr}"
    for name in ("no_proxy", "NO_PROXY"):
        assert f"{name}=a.example,b.example,{model.name}" in result.stdout.splitlines()


@pytest.mark.parametrize("tool", ["omp", "opencode"])
def test_a_server_that_only_the_proxy_reaches_is_asked_through_it(
    sandbox: Sandbox, serve: Serve, tool: str
) -> None:
    proxy = serve()
    inject(sandbox, of(proxy))
    result = start(
        sandbox, "--no-build", "--tool", tool, "--", *headless(tool, "Write hello.txt"), MODEL_URL=ELSEWHERE
    )
    assert "done: wrote hello.txt" in result.stdout, f"{result.stdout}\n{result.stderr}\n{logs(proxy.name)}"


@pytest.mark.parametrize("status", [403, 407, 503])
def test_what_a_proxy_says_is_told_as_its_own(sandbox: Sandbox, serve: Serve, status: int) -> None:
    proxy = serve("--fault", f"proxy{status}")
    inject(sandbox, of(proxy))
    result = start(sandbox, "--no-build", "--tool", "opencode", MODEL_URL=ELSEWHERE)
    assert result.returncode == 78
    assert f"the proxy {of(proxy)} of http_proxy answers {status}" in result.stderr
    assert "add model.invalid to noProxy there" in result.stderr
    assert "MODEL_API_KEY" not in result.stderr
    doctor = start(sandbox, "doctor", "--no-build", "--json", MODEL_URL=ELSEWHERE, TOOLS="python")
    (failure,) = (entry for entry in json.loads(doctor.stdout)["findings"] if entry["status"] == "fail")
    assert f"the proxy {of(proxy)} of http_proxy answers {status}" in failure["detail"]


def test_a_proxy_that_is_not_there_is_told_as_that(sandbox: Sandbox) -> None:
    inject(sandbox, "http://user:s3cret@127.0.0.1:9")
    for address in (ELSEWHERE, ELSEWHERE.replace("http", "https")):
        result = start(sandbox, "--no-build", "--tool", "opencode", MODEL_URL=address)
        assert result.returncode == 78
        assert "the proxy http://127.0.0.1:9 of http" in result.stderr
        assert "cannot be used for" in result.stderr
        assert "s3cret" not in result.stderr


def test_the_doctor_says_that_a_proxy_is_not_asked(sandbox: Sandbox, serve: Serve) -> None:
    serve()
    inject(sandbox, "http://127.0.0.1:9")
    doctor = start(sandbox, "doctor", "--no-build", "--json", TOOLS="python")
    assert doctor.returncode == 0, f"{doctor.stdout}{doctor.stderr}"
    said = {entry["name"]: entry["detail"] for entry in json.loads(doctor.stdout)["findings"]}
    assert said["proxy"] == "http://127.0.0.1:9, of http_proxy, is not asked for it"
