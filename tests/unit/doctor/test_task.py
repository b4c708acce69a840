"""init/doctor/task.py: whether a tool is tried at all."""

import io

from init.doctor import task
from init.doctor.model import Examined
from init.doctor.report import Report
from init.model.catalogue import Catalogue, Model, Provider
from init.model.servers import Origin, Server
from init.tools import Tool


def test_nobody_waits_for_a_tool_whose_prompt_takes_too_long_to_read() -> None:
    server = Server("local", "http://h/v1", "", "MODEL_API_KEY", "", Origin(), ())
    entry = Model("m", 32768, 8192, tools=True, vision=False)
    catalogue = Catalogue((Provider(server, "vLLM", server.url, (entry,)),), {"main": ("local", "m")})
    tool = Tool("omp", "OMP", ("omp",), ("-p", "{prompt}"), {}, (), (), "omp")
    report = Report(None, io.StringIO())
    task.try_each(report, [tool], Examined(catalogue, task.TOO_LONG + 1))
    (finding,) = report.findings
    assert (finding.name, finding.status) == ("omp", "skip")
    assert "too long" in finding.detail
