"""Fixtures: clusters for the whole folder, and a namespace for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import _peer
from tests.kube.audited import Audited, audited
from tests.kube.cluster import Cluster
from tests.kube.controllers import Objects, Running, ours
from tests.kube.faults import Account, Case
from tests.kube.rotating import Rotating
from tests.kube.tools import Kubectl
from tests.servers import peers

CRD = Path(__file__).with_name("crd.yaml")
OURS = Path(__file__).parents[2] / "controller/install/base/crd.yaml"


@pytest.fixture(scope="session")
def kube_programs() -> tuple[Path, Path]:
    """etcd and kube-apiserver."""
    return _peer(peers.ETCD), _peer(peers.KUBE_APISERVER)


@pytest.fixture(scope="session")
def bitnami_controller() -> Path:
    """Bitnami's real controller."""
    return _peer(peers.BITNAMI_CONTROLLER)


@pytest.fixture(scope="package")
def cluster(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster that all tests share, with the type SealedSecret: whoever stops a part of it starts that again.

    It ends with the tests of this folder: one that nobody uses costs 2 % of a processor for the rest of the run.
    """
    with Cluster(*kube_programs) as running:
        running.define(CRD)
        yield running


@pytest.fixture(scope="module")
def audit(kube_programs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """What is asked of a cluster of one file."""
    return audited(kube_programs[1], tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="module")
def audited_cluster(kube_programs: tuple[Path, Path], audit: Audited) -> Iterator[Rotating]:
    """That cluster, with the type SealedSecret as we install it."""
    with Rotating(kube_programs[0], audit.program) as running:
        running.define(OURS)
        yield running


@pytest.fixture
def case(audited_cluster: Cluster) -> Case:
    """Two new namespaces of that cluster."""
    return Case.of(audited_cluster)


@pytest.fixture
def account(case: Case, tmp_path: Path) -> Account:
    """Who may do all there."""
    made = Account(case, tmp_path)
    made.grant()
    return made


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """A new namespace of the shared cluster."""
    return cluster.namespace()


@pytest.fixture(scope="package")
def own_cluster(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster with the type SealedSecret as we install it, for controllers that serve all of its namespaces."""
    with Cluster(*kube_programs) as running:
        running.define(OURS)
        yield running


@pytest.fixture(scope="module")
def own(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster of one file: what it installs is there once in a cluster."""
    with Cluster(*kube_programs) as running:
        yield running


@pytest.fixture(scope="module")
def kubectl(own: Cluster) -> Kubectl:
    """kubectl, for that cluster."""
    return Kubectl(own)


@pytest.fixture(scope="module")
def controller(own_cluster: Cluster) -> Iterator[Running]:
    """Our controller, one for all tests of a file."""
    with ours(own_cluster, own_cluster.namespace()) as running:
        yield running


@pytest.fixture
def objects(own_cluster: Cluster) -> Iterator[Objects]:
    """A namespace of one's own, emptied in the end: each later controller would do again what is sealed there."""
    made = Objects(own_cluster, own_cluster.namespace())
    yield made
    made.clear("sealedsecrets")
