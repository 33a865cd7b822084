"""Which program a test is given: one of $KUBEBUILDER_ASSETS, one from the cache, or a reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.servers import peers


def _program(path: Path) -> Path:
    path.touch(mode=0o755)
    return path


def test_servers_of_kubebuilder_assets_are_used_and_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [_program(tmp_path / name) for name in ("etcd", "kube-apiserver")]
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    monkeypatch.setenv("SEALER_TEST_CACHE", str(tmp_path / "cache"))
    assert [peers.ETCD.path(), peers.KUBE_APISERVER.path()] == given
    assert not (tmp_path / "cache").exists()


def test_kubebuilder_assets_without_the_program_say_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(peers.Missing, match=r"KUBEBUILDER_ASSETS=.* holds no program etcd: unset it"):
        peers.ETCD.path()


def test_without_go_the_reason_names_go_and_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("SEALER_TEST_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(peers.Missing, match=r"^go is not installed: .*kube-apiserver"):
        peers.KUBE_APISERVER.path()


def test_other_flags_are_another_program() -> None:
    other = dataclasses.replace(peers.KUBE_APISERVER, flags="-X version=2")
    assert other.folder() != peers.KUBE_APISERVER.folder()


def test_the_version_in_the_program_is_the_one_that_is_built() -> None:
    required = (peers.HERE / "kube-apiserver" / "go.mod").read_text()
    assert f"\tk8s.io/kubernetes v{peers.KUBERNETES} " in required
    assert f"gitVersion=v{peers.KUBERNETES} " in peers.KUBE_APISERVER.flags
