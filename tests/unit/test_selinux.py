"""Which contexts are a container's under SELinux."""

from pathlib import Path

import pytest

from init import selinux


@pytest.mark.parametrize(
    ("context", "confined"),
    [
        ("system_u:system_r:container_t:s0:c12,c34\0", True), ("a:b:svirt_lxc_net_t:s0", True),
        ("system_u:system_r:spc_t:s0", False), ("docker-default (enforce)\n", False),
        ("unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", False), ("", False), ("kernel", False),
    ],
)  # fmt: skip
def test_a_context_is_read(tmp_path: Path, context: str, confined: bool) -> None:
    (tmp_path / "current").write_text(context)
    assert selinux.confines(str(tmp_path / "current")) == confined


def test_without_a_security_module(tmp_path: Path) -> None:
    assert not selinux.confines(str(tmp_path / "none"))
