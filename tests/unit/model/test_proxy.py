"""init/model/proxy.py: which servers are asked through a proxy that the environment names."""

import pytest

from init.model import proxy

NAMED = "http://user:s3cret@proxy.example:3128/"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*proxy.EXCEPTIONS, "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("http://10.0.0.13:8000/v1", False),
        ("http://172.17.0.1:8000", False),
        ("http://127.0.0.1", False),
        ("http://169.254.1.1", False),
        ("http://100.64.0.7:8000", False),  # RFC 6598: also what overlay networks give to their members
        ("http://[fd00::1]:8000", False),
        ("http://[fe80::1]:8000", False),
        ("http://localhost:1234", False),
        ("http://model:8080", False),
        ("http://host.docker.internal:8000", False),
        ("http://gpu.local:8000", False),
        ("http://8.8.8.8:8000", True),
        ("http://[2606:4700::1111]/v1", True),
        ("http://model.invalid/v1", True),
        ("https://8.8.8.8", False),  # no proxy is named for it
    ],
)
def test_only_a_public_server_is_asked_through_it(
    monkeypatch: pytest.MonkeyPatch, url: str, through: bool
) -> None:
    assert proxy.between(url) is None
    monkeypatch.setenv("http_proxy", NAMED)
    way = proxy.between(url)
    assert (way is not None) == through
    if way:
        assert (way.variable, way.address, way.shown) == ("http_proxy", NAMED, "http://proxy.example:3128")


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY"])
def test_the_variable_is_named_as_it_is_set(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "proxy.example:3128")
    way = proxy.between("https://8.8.8.8/v1")
    assert way
    assert (way.variable, way.shown) == (variable, "proxy.example:3128")


@pytest.mark.parametrize("known", ["8.8.8.8", "8.8.8.8:8000", "*"])
def test_an_exception_that_is_set_holds(monkeypatch: pytest.MonkeyPatch, known: str) -> None:
    monkeypatch.setenv("http_proxy", NAMED)
    monkeypatch.setenv("no_proxy", known)
    assert proxy.between("http://8.8.8.8:8000/v1") is None


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, None),
        ({"no_proxy": "a"}, None),
        ({"http_proxy": NAMED}, "10.0.0.13,fd00::1"),
        ({"ALL_PROXY": NAMED}, "10.0.0.13,fd00::1"),
        ({"HTTP_PROXY": NAMED, "no_proxy": "a, 10.0.0.13", "NO_PROXY": "b"}, "a,10.0.0.13,b,fd00::1"),
        ({"http_proxy": NAMED, "NO_PROXY": "*"}, None),
    ],
)
def test_programs_are_told_whom_no_proxy_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], told: str | None
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    urls = ("http://10.0.0.13:8000/v1", "http://[fd00::1]:8000/v1", "http://10.0.0.13:8001/v1")
    assert proxy.exceptions(urls, environ) == (dict.fromkeys(proxy.EXCEPTIONS, told) if told else {})


def test_a_server_that_the_proxy_reaches_is_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", NAMED)
    assert proxy.exceptions(["http://8.8.8.8/v1"], {"http_proxy": NAMED}) == {}
