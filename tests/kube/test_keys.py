"""Keys beside a real API server: made, listed, followed, taken out of use; by one replica and by two; and Bitnami's."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import secrets as randomness
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.kube import names, newkey
from controller.kube.flags import KeyFlags
from controller.kube.lease import Election, Times
from controller.kube.registry import PREFIX, KeyRegistry
from controller.kube.renewal import Renewal
from sealer.formats import bundle, envelope_v1, keys
from sealer.formats.binding import Binding, Scope
from sealer.formats.keyid import KEM, RSA
from sealer.formats.keyrecord import Status
from sealer.kube import kubeconfig
from sealer.kube.client import Client
from sealer.sealing.unseal import open_item
from tests.kube.bitnami import theirs
from tests.sealer.rings import rsa_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kube.cluster import Cluster
    from tests.kube.controllers import Running

PATIENCE = 60.0
FLAGS = KeyFlags(size=2048, renew_period=0)
ALL = ["identity", "rsa", "sealing", "state"]
_MERGE = "application/merge-patch+json"


class Replica:
    """A registry that follows a namespace, and what makes keys there."""

    def __init__(self, client: Client, namespace: str, flags: KeyFlags) -> None:
        self.leads = True
        self.failures: list[Exception] = []
        self.registry = KeyRegistry(namespace, cluster="prod", prefix=flags.prefix, order=flags.order)
        self.renewal = Renewal(client, self.registry, flags, lambda: self.leads, failed=self.failures.append)
        self._moved = asyncio.Event()
        self.registry.on_change(self._moved.set)

    async def until(self, wanted: Callable[[], object]) -> None:
        """Wait for what the watches tell; fails only if it never comes."""
        async with asyncio.timeout(PATIENCE):
            while not wanted():
                self._moved.clear()
                if not wanted():
                    await self._moved.wait()

    def ids(self) -> list[str]:
        return [key.id for key in self.registry.rsa()]


@asynccontextmanager
async def following(cluster: Cluster, namespace: str, flags: KeyFlags = FLAGS) -> AsyncIterator[Replica]:
    """A replica that knows all that there is, and makes nothing by itself."""
    async with Client(lambda: kubeconfig.find(kubeconfig=str(cluster.kubeconfig))) as client:
        replica = Replica(client, namespace, flags)
        tasks = [asyncio.create_task(each.run()) for each in replica.registry.reflectors(client)]
        try:
            await replica.until(lambda: replica.registry.ready)
            yield replica
        finally:
            await _end(tasks)


@asynccontextmanager
async def making(replica: Replica) -> AsyncIterator[None]:
    """While it makes keys."""
    task = asyncio.create_task(replica.renewal.run())
    try:
        yield
    finally:
        await _end([task])


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Api:
    """A namespace's Secrets, as somebody with kubectl sees them; beside the loop, which goes on meanwhile."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._path = cluster, names.secrets(namespace)

    async def put(self, body: dict[str, Any], name: str, **metadata: Any) -> dict[str, Any]:
        labels = {**body["metadata"]["labels"], **metadata.pop("labels", {})}
        found = {**body, "metadata": {"name": name, "labels": {k: v for k, v in labels.items() if v}, **metadata}}
        return await self._call(201, "POST", self._path, found)

    async def label(self, name: str, label: str, value: str | None) -> None:
        await self._call(200, "PATCH", f"{self._path}/{name}", {"metadata": {"labels": {label: value}}}, _MERGE)

    async def data(self, name: str, data: dict[str, str]) -> None:
        await self._call(200, "PATCH", f"{self._path}/{name}", {"data": data}, _MERGE)

    async def delete(self, name: str) -> None:
        await self._call(200, "DELETE", f"{self._path}/{name}")

    async def all(self) -> list[dict[str, Any]]:
        return list((await self._call(200, "GET", self._path))["items"])

    async def kinds(self) -> list[str]:
        """Which keys there are."""
        labels = [item["metadata"]["labels"] for item in await self.all()]
        return sorted(each.get(names.OUR_KEY) or "rsa" for each in labels)

    async def _call(self, wanted: int, *arguments: Any) -> dict[str, Any]:
        status, answer = await asyncio.to_thread(self._cluster.call, *arguments)
        assert status == wanted, answer
        return dict(answer)


def test_a_prefix_may_end_in_a_dash(cluster: Cluster, namespace: str) -> None:
    """The API server takes it for a beginning of names, and for the whole name of a Secret that can't be there."""
    flags = replace(FLAGS, prefix="own-")

    async def main() -> None:
        async with following(cluster, namespace, flags) as replica, making(replica):
            await replica.until(lambda: len(replica.registry) == 2)
            assert re.fullmatch("own-[a-z0-9]{5}", replica.registry.newest(RSA).place.name)
            assert replica.failures == []

    asyncio.run(main())


def test_first_keys_are_made_and_known_to_another_replica(cluster: Cluster, namespace: str) -> None:
    api = Api(cluster, namespace)

    async def main() -> None:
        async with following(cluster, namespace) as first, following(cluster, namespace) as second:
            async with making(first):
                await second.until(lambda: _published(second) and len(second.registry) == 2)
                await first.until(lambda: _published(first))
            assert await api.kinds() == ALL
            assert first.failures == []
            assert first.registry.digest == second.registry.digest
            assert first.registry.certificate == second.registry.certificate
            assert first.registry.fingerprint_key == second.registry.fingerprint_key is not None
            now = datetime.now(UTC)
            shown = [bundle.parse(each.registry.bundle(now), cluster="prod") for each in (first, second)]
            assert shown[0] == shown[1]
            assert [each.id for each in shown[0].usable(now, KEM)] == [first.registry.newest(KEM).key.id]

    asyncio.run(main())


def _published(replica: Replica) -> bool:
    return bool(replica.registry._settled and len(replica.registry._settled.shown) == 2)


def test_secrets_stand_there_as_bitnamis_controller_makes_them(cluster: Cluster, namespace: str) -> None:
    api = Api(cluster, namespace)
    flags = replace(FLAGS, labels=(("testLabel1", "additional.label"),), annotations=(("note", "a=b"),))

    async def main() -> None:
        async with following(cluster, namespace, flags) as replica, making(replica):
            await replica.until(lambda: replica.registry.current.newest(RSA))
            items = {item["metadata"]["name"]: item for item in await api.all()}
        made = items[replica.registry.newest(RSA).place.name]
        metadata = made["metadata"]
        assert metadata["generateName"] == PREFIX
        assert metadata["name"].startswith(PREFIX)
        assert len(metadata["name"]) == len(PREFIX) + 5
        assert metadata["labels"] == {names.KEY_LABEL: "active", "testLabel1": "additional.label"}
        assert metadata["annotations"] == {"note": "a=b"}
        assert metadata["managedFields"][0]["manager"] == names.MANAGER
        assert made["type"] == "kubernetes.io/tls"
        assert base64.b64decode(made["data"]["tls.crt"]).decode() == replica.registry.certificate
        assert [item["immutable"] for item in items.values() if names.OUR_KEY in item["metadata"]["labels"]] == [
            True
        ] * 3

    asyncio.run(main())


def test_added_changed_relabelled_and_deleted_at_run_time(cluster: Cluster, namespace: str) -> None:  # C17
    api = Api(cluster, namespace)

    async def main() -> None:
        async with following(cluster, namespace) as replica:
            assert replica.ids() == []
            await api.put(newkey.bitnami(rsa_key(0)), "a")
            await api.put(newkey.bitnami(rsa_key(1)), "b")
            await replica.until(lambda: replica.ids() == [rsa_key(1).id, rsa_key(0).id])
            await api.data("a", newkey.bitnami(rsa_key(2))["data"])
            await replica.until(lambda: replica.ids() == [rsa_key(2).id, rsa_key(1).id])
            await api.label("a", names.KEY_LABEL, "compromised")
            await replica.until(lambda: replica.ids() == [rsa_key(1).id])
            assert replica.registry.status[rsa_key(2).id] is Status.COMPROMISED
            await api.label("a", names.KEY_LABEL, "other")
            await replica.until(lambda: rsa_key(2).id not in replica.registry.status)
            await api.label("a", names.KEY_LABEL, "active")
            await replica.until(lambda: replica.ids() == [rsa_key(2).id, rsa_key(1).id])
            await api.label("a", names.KEY_LABEL, None)
            await replica.until(lambda: replica.ids() == [rsa_key(1).id])
            await api.delete("b")
            await replica.until(lambda: replica.ids() == [])

    asyncio.run(main())


def test_a_key_that_comes_after_the_value_opens_it(cluster: Cluster, namespace: str) -> None:  # 40
    api = Api(cluster, namespace)
    binding, value = Binding(Scope.STRICT, "shop", "db"), randomness.token_bytes(12)
    sealed = envelope_v1.seal(value, binding.label(), rsa_key(0).public)

    async def main() -> None:
        async with following(cluster, namespace) as replica:
            before = replica.registry.digest
            await api.put(newkey.bitnami(rsa_key(0)), "a")
            await replica.until(lambda: replica.registry.digest != before)
            assert open_item(sealed, binding, "item", replica.registry.opening("shop")) == (value, rsa_key(0).id)

    asyncio.run(main())


def test_the_old_key_without_a_label_is_reused(cluster: Cluster, namespace: str) -> None:  # C9
    api = Api(cluster, namespace)

    async def main() -> None:
        body = newkey.bitnami(rsa_key(0))
        await api.put(body, PREFIX, labels={names.KEY_LABEL: ""})
        await api.put(body, f"{PREFIX}-other", labels={names.KEY_LABEL: ""})
        async with following(cluster, namespace) as replica:
            assert replica.ids() == [rsa_key(0).id]
            async with making(replica):
                await replica.until(lambda: _published(replica))
            assert replica.ids() == [rsa_key(0).id]
            await api.label(PREFIX, names.KEY_LABEL, "compromised")
            # Two watches tell of it, one that it is no old key any more, and one that it is compromised.
            await replica.until(lambda: (replica.ids(), len(replica.registry.current.names)) == ([], 4))

    asyncio.run(main())


def test_bad_and_owned_secrets_are_named_and_passed_over(cluster: Cluster, namespace: str) -> None:  # C18, 44
    api = Api(cluster, namespace)
    owner = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "db", "uid": "0"}

    async def main() -> None:
        async with following(cluster, namespace) as replica:
            await api.put(newkey.bitnami(rsa_key(0)), "good")
            nonsense = {name: base64.b64encode(randomness.token_bytes(30)).decode() for name in ("tls.key", "tls.crt")}
            await api.put({**newkey.bitnami(rsa_key(1)), "data": nonsense}, "bad")
            await api.put(newkey.bitnami(rsa_key(2)), "owned", ownerReferences=[owner])
            body = newkey.sealing(keys.generate_kem(), *(datetime.now(UTC),) * 3)
            await api.put(body, "ours")
            await replica.until(lambda: len(replica.registry.problems) == 3)
            assert [each.path.rpartition("/")[2] for each in replica.registry.problems] == ["bad", "ours", "owned"]
            assert replica.ids() == [rsa_key(0).id]
            for name in ("bad", "ours", "owned"):
                await api.delete(name)
            await replica.until(lambda: replica.registry.problems == ())

    asyncio.run(main())


def test_two_that_both_believe_to_lead_make_no_two_first_keys(cluster: Cluster, namespace: str) -> None:  # 45
    api = Api(cluster, namespace)

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            replicas = [await stack.enter_async_context(following(cluster, namespace)) for _ in range(3)]
            for replica in replicas:
                await stack.enter_async_context(making(replica))
            for replica in replicas:
                await replica.until(lambda each=replica: _published(each))  # type: ignore[misc]
            assert await api.kinds() == ALL
            assert len({replica.registry.certificate for replica in replicas}) == 1
            assert [replica.failures for replica in replicas] == [[], [], []]

    asyncio.run(main())


def test_replicas_that_are_elected_make_each_key_once(cluster: Cluster, namespace: str) -> None:  # 45
    api = Api(cluster, namespace)

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            replicas = {name: await stack.enter_async_context(following(cluster, namespace)) for name in ("a", "b")}
            clients = [
                await stack.enter_async_context(Client(lambda: kubeconfig.find(kubeconfig=str(cluster.kubeconfig))))
                for _ in replicas
            ]
            tasks = {}
            for client, (name, replica) in zip(clients, replicas.items(), strict=True):
                election = Election(client, namespace, "keys", name, times=Times(6.0, 5.0, 0.2))
                replica.renewal._leads = lambda election=election: election.leads  # type: ignore[misc]
                tasks[name] = asyncio.create_task(election.lead(replica.renewal.run))
            try:
                for replica in replicas.values():
                    await replica.until(lambda each=replica: _published(each))  # type: ignore[misc]
                assert await api.kinds() == ALL
                leader = next(name for name, replica in replicas.items() if replica.renewal._leads())
                (other,) = set(replicas) - {leader}
                assert not replicas[other].renewal.renew()
                await _end([tasks[leader]])
                newest = replicas[other].registry.newest(RSA).key.id
                async with asyncio.timeout(PATIENCE):
                    while not replicas[other].renewal.renew():
                        await asyncio.sleep(0.02)
                await replicas[other].until(lambda: len(replicas[other].registry) == 4)
                assert await api.kinds() == sorted([*ALL, "rsa", "sealing"])
                assert newest in replicas[other].registry.status
            finally:
                await _end(list(tasks.values()))

    asyncio.run(main())


def test_a_key_that_bitnamis_controller_made_is_used(
    cluster: Cluster, namespace: str, bitnami_controller: Path, tmp_path: Path
) -> None:
    """It makes a key; ours takes it, makes no second one, and serves the certificate that theirs does."""
    api = Api(cluster, namespace)

    async def main(running: Running) -> None:
        async with following(cluster, namespace) as replica:
            await replica.until(lambda: len(replica.registry) == 1)
            assert replica.registry.problems == ()
            assert running.certificate() == replica.registry.certificate
            async with making(replica):
                await replica.until(lambda: _published(replica))
            assert await api.kinds() == ALL

    with theirs(cluster, bitnami_controller, namespace, tmp_path, "--all-namespaces=false") as running:
        asyncio.run(main(running))


def test_a_key_that_we_made_is_used_by_bitnamis_controller(
    cluster: Cluster, namespace: str, bitnami_controller: Path, tmp_path: Path
) -> None:
    async def made() -> str:
        async with following(cluster, namespace) as replica, making(replica):
            await replica.until(lambda: _published(replica))
            return replica.registry.certificate

    certificate = asyncio.run(made())
    with theirs(cluster, bitnami_controller, namespace, tmp_path, "--all-namespaces=false") as running:
        assert running.certificate() == certificate
        assert asyncio.run(Api(cluster, namespace).kinds()) == ALL
