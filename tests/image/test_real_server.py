"""The real llama.cpp with a template as strict as those of today's models: it takes what each tool sends.

It is the server that says most of what it does not like, and the demo brings it. tests/probes/strict_llama.py
has the template.
"""

import json
import re
from collections.abc import Callable

import pytest

from init.model.apis import PATHS
from tests.harness.engine import docker, logs
from tests.harness.sandbox import Sandbox, start
from tests.harness.scripted_model import Model
from tests.harness.tools import TOOLS, headless

Serve = Callable[..., Model]

# One build of its image.
pytestmark = pytest.mark.xdist_group("demo")
ASK = """
import sys, urllib.error, urllib.request
request = urllib.request.Request(
    "http://127.0.0.1:8000/v1/" + sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"}
)
try:
    print(urllib.request.urlopen(request, timeout=60).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


@pytest.fixture
def llama(serve: Serve, sandbox: Sandbox, demo_image: str) -> Model:
    sandbox.environ["DEMO_IMAGE"] = demo_image
    return serve(service="llama")


def ask(llama: Model, path: str, body: object) -> str:
    return docker("exec", llama.name, "/opt/model/bin/python", "-c", ASK, path, json.dumps(body))


def test_its_template_is_strict(llama: Model) -> None:
    user, system = {"role": "user", "content": "Hello"}, {"role": "system", "content": "Be brief."}
    assert ask(llama, "chat/completions", {"messages": [system, user]}) == "200"
    for path, body in {
        "chat/completions": {"messages": [user, system]},
        "messages": {"system": "Help.", "messages": [user, system], "max_tokens": 1},
        "responses": {"instructions": "Help.", "input": [user, {**system, "role": "developer"}]},
    }.items():
        answer = ask(llama, path, body)
        assert answer.startswith("400 "), (path, answer)
        assert "System message must be at the beginning" in answer, (path, answer)


@pytest.mark.parametrize("tool", TOOLS)
def test_it_takes_what_each_tool_sends(outfitted: Sandbox, llama: Model, tool: str) -> None:
    result = start(outfitted, "--no-build", "--tool", tool, "--", *headless(tool, "Say hello"))
    told = f"{result.stdout}\n{result.stderr}\n{logs(llama.name)}"
    api = TOOLS[tool].get("api", "chat")
    answers = re.findall(rf"POST /v1/{PATHS[api]}\S* (\d+)", logs(llama.name))
    # Whether it has another API than chat completions it is asked with a request of nothing.
    asked = answers if api == "chat" else answers[1:]
    # The tool may say that the answer was cut short.
    assert set(asked) == {"200"}, told
