"""A namespace that can't be read is told of, and holds up no other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.kube import standing
from controller.kube.cache import Standings
from controller.kube.queue import Queue
from controller.kube.sealed import SealedSecrets
from controller.kube.troubles import Troubles
from controller.kube.watching import Watching
from sealer.errors import SealerError
from sealer.kube.client import ApiError
from tests.controller.kube import memory
from tests.controller.kube.memory import Api, Asked, Client
from tests.controller.kube.objects import sealed


def _item(namespace: str) -> dict[str, Any]:
    item = sealed()
    return {**item, "metadata": {**item["metadata"], "namespace": namespace}}


def _refusing(*namespaces: str) -> Any:
    def fault(number: int, asked: Asked) -> ApiError | None:
        return ApiError(403, "Forbidden", where=asked.plural) if asked.key.partition("/")[0] in namespaces else None

    return fault


class _World:
    def __init__(self, *refused: str, namespaces: tuple[str, ...] = ("a", "b")) -> None:
        self.api = Api()
        for each in namespaces:
            self.api.put("sealedsecrets", _item(each))
        self.known, self.listed, self.failed = 0, list[str](), set[str]()
        standings = Standings(lambda key: self.sealed.stirred(key), standing.of)
        self.sealed = SealedSecrets(standings, Queue(), lambda: True)
        self.watching = Watching(
            Client(self.api, _refusing(*refused)), namespaces, standings, self.sealed,
            listed=self.listed.append, known=self._known, failed=lambda path, _: self.failed.add(path),
        )  # fmt: skip

    def _known(self) -> None:
        self.known += 1

    async def run(self) -> None:
        task = asyncio.create_task(self.watching.run())
        await asyncio.sleep(5)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])


def test_all_are_known_once_each_was_listed() -> None:
    world = _World()
    memory.run(world.run())
    assert {key.partition("/")[0] for key in world.sealed.known} == {"a", "b"}
    assert (world.known, world.failed) == (1, set())
    assert sorted(world.listed) == ["sealedsecrets"] * 2 + ["secrets"] * 2


def test_one_that_is_refused_holds_up_no_other() -> None:
    world = _World("b")
    memory.run(world.run())
    assert [key.partition("/")[0] for key in world.sealed.known] == ["a"]
    assert (world.known, world.watching.known) == (1, True)
    assert world.failed == {"/api/v1/namespaces/b/secrets"}


def test_who_may_read_nothing_knows_nothing() -> None:
    world = _World("a", "b")
    memory.run(world.run())
    assert (world.known, world.watching.known) == (0, False)


def test_a_trouble_is_told_once_a_minute_and_when_it_is_another() -> None:
    told, now = list[str](), [0.0]
    troubles = Troubles(lambda level, event, **fields: told.append(fields["reason"]), lambda: now[0])
    for seconds, what in ((0, "one"), (1, "one"), (2, "two"), (3, "two"), (59, "two"), (62, "two")):
        now[0] = float(seconds)
        troubles.tell("/path", SealerError(what))
    troubles.tell("/other", SealerError("two"))
    assert told == ["one", "two", "two", "two"]


@pytest.mark.parametrize(
    ("path", "error", "way_out"),
    [
        (
            "/apis/bitnami.com/v1alpha1/sealedsecrets",
            ApiError(404, "", where=""),
            "sealer-controller manifests --crd-only | kubectl apply --server-side -f -",
        ),
        (
            "/apis/coordination.k8s.io/v1/namespaces/absent/leases/sealed-secrets-controller",
            ApiError(404, "NotFound", where=""),
            "kubectl create namespace absent, or another --namespace",
        ),
        (
            "/api/v1/namespaces/vault/secrets",
            ApiError(403, "Forbidden", where="watch /api/v1/namespaces/vault/secrets"),
            "kubectl auth can-i watch secrets -n vault",
        ),
        ("/api/v1/secrets", ApiError(500, "InternalError", where=""), None),
    ],
)
def test_a_trouble_is_told_with_the_way_out(path: str, error: ApiError, way_out: str | None) -> None:
    told = list[dict[str, Any]]()
    Troubles(lambda level, event, **fields: told.append(fields)).tell(path, error)
    assert [each.get("try") for each in told] == [way_out]
