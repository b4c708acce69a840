"""What a cluster tells a pod is not for the agent."""

import pytest

from init.cluster import without_services

LINKS = {
    "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    "KUBERNETES_PORT": "tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1", "GATEWAY_SERVICE_HOST": "10.96.0.7",
    "GATEWAY_SERVICE_PORT": "21001",
    "GATEWAY_SERVICE_PORT_MODEL": "21001", "GATEWAY_PORT": "tcp://10.96.0.7:21001",
    "GATEWAY_PORT_21001_TCP": "x",
    "MODEL_URL_SERVICE_HOST": "10.96.0.8", "MODEL_URL_PORT": "tcp://x",
}  # fmt: skip
OWN = {
    "PORT": "8000",
    "MY_PORT": "1",
    "MY_SERVICE_PORT": "1",
    "_SERVICE_HOST": "x",
    "MODEL_URL": "http://m",
    "HOME": "/",
}


def test_the_agent_is_not_told_of_services() -> None:
    assert without_services({**LINKS, **OWN}) == OWN


@pytest.mark.parametrize("environ", [OWN, {"DB_SERVICE_HOST": "x", "DB_PORT": "1"}])
def test_elsewhere_all_variables_are_the_users(environ: dict[str, str]) -> None:
    assert without_services(environ) == environ
