"""Key Secrets as an API server shows them, and a namespace of them in memory that is listed, watched and written to."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from controller.kube import names, newkey
from sealer.formats.strictjson import format_time
from sealer.kube.client import ApiError
from tests.sealer.rings import NOW, rsa_key

if TYPE_CHECKING:
    from controller.kube.registry import KeyRegistry
    from sealer.formats import keys

NAMESPACE = "vault"
PREFIX = "sealed-secrets-key"


def secret(
    body: dict[str, Any], name: str, labels: dict[str, str] | None = None, created: datetime = NOW, **metadata: Any
) -> dict[str, Any]:
    """A Secret that was made of `body`; `labels` are put over its own, "" takes one away."""
    merged = {**body["metadata"]["labels"], **(labels or {})}
    return {
        **body,
        "metadata": {
            "namespace": NAMESPACE,
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "creationTimestamp": format_time(created),
            "labels": {key: value for key, value in merged.items() if value},
            **metadata,
        },
    }


def bitnami(number: int = 0, label: str = "active", name: str = "", **more: Any) -> dict[str, Any]:
    """The key Secret of `rsa_key(number)`: the higher the number, the later notBefore."""
    body = newkey.bitnami(rsa_key(number))
    labels = {names.KEY_LABEL: label, **more.pop("labels", {})}
    return secret(body, name or f"{PREFIX}{number:05}", labels, **more)


def sealing(key: keys.PrivateKey, name: str, made: datetime = NOW, status: str = "", **more: Any) -> dict[str, Any]:
    """The Secret of a v2 key that was made then."""
    body = newkey.sealing(key, made - timedelta(minutes=5), made + timedelta(days=365), made)
    labels = {names.KEY_STATUS: status, **more.pop("labels", {})}
    return secret(body, name, labels, **more)


def identity(name: str = "sealer-identity-bbbbb", made: datetime = NOW, **more: Any) -> dict[str, Any]:
    return secret(newkey.identity(Ed25519PrivateKey.generate(), made), name, **more)


def state(key: bytes, name: str = "sealer-state-bbbbb", made: datetime = NOW, **more: Any) -> dict[str, Any]:
    return secret(newkey.state(key, made), name, **more)


class Secrets:
    """The Secrets of one namespace, with what of `Client` makes and lists them.

    Registries that are attached are told of each change at once, unless `quiet`. `before` is called before each write.
    """

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = {item["metadata"]["name"]: item for item in items}
        self.registries: list[KeyRegistry] = []
        self.quiet = False
        self.before: Callable[[str, dict[str, Any]], None] = lambda verb, body: None
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.created: list[str] = []
        self.lists = 0
        self._version = 1

    def attach(self, registry: KeyRegistry) -> KeyRegistry:
        """Show all that there is, as a list does, and from now on each change."""
        for source in registry.sources:
            for item in self._fit(source.select):
                source.handler.seen(_key(item), item, listed=True)
            source.handler.complete()
        self.registries.append(registry)
        return registry

    def put(self, item: dict[str, Any]) -> None:
        """There is this Secret now."""
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        before = self.items.get(item["metadata"]["name"])
        self.items[item["metadata"]["name"]] = item
        self._tell(before, item)

    def delete(self, name: str) -> None:
        """It is there no more."""
        self._tell(self.items.pop(name), None)

    def label(self, name: str, **labels: str | None) -> None:
        """Change labels: `theirs`, `status`."""
        item = copy.deepcopy(self.items[name])
        for word, value in labels.items():
            label = {"theirs": names.KEY_LABEL, "status": names.KEY_STATUS}[word]
            item["metadata"]["labels"].pop(label, None)
            if value is not None:
                item["metadata"]["labels"][label] = value
        self.put(item)

    def show(self) -> None:
        """Tell registries all that they missed while it was quiet."""
        for registry in self.registries:
            for source in registry.sources:
                for item in self._fit(source.select):
                    source.handler.seen(_key(item), item, listed=True)
                source.handler.complete()

    async def get(self, path: str, **select: str) -> dict[str, Any]:
        assert path == names.secrets(NAMESPACE)
        self.lists += 1
        return {"metadata": {}, "items": copy.deepcopy(self._fit(select))}

    async def create(self, path: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
        assert (path, params) == (names.secrets(NAMESPACE), {"fieldManager": names.MANAGER})
        name = body["metadata"]["name"]
        self.before("create", body)
        if name in self.items:
            raise ApiError(409, "AlreadyExists", where=path)
        item = copy.deepcopy(body)
        created = format_time(self.now())
        item["metadata"] |= {"namespace": NAMESPACE, "uid": f"uid-{name}", "creationTimestamp": created}
        self.created.append(name)
        self.put(item)
        return item

    async def patch(self, path: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
        item = copy.deepcopy(self.items[path.rpartition("/")[2]])
        self.before("patch", body)
        wanted, metadata = body["metadata"], item["metadata"]
        if (wanted["uid"], wanted["resourceVersion"]) != (metadata["uid"], metadata["resourceVersion"]):
            raise ApiError(409, "Conflict", where=path)
        metadata["annotations"] = {**metadata.get("annotations", {}), **wanted["annotations"]}
        self.put(item)
        return item

    def _fit(self, select: dict[str, str]) -> list[dict[str, Any]]:
        return [item for _, item in sorted(self.items.items()) if _fits(item, select)]

    def _tell(self, before: dict[str, Any] | None, now: dict[str, Any] | None) -> None:
        for registry in () if self.quiet else self.registries:
            for source in registry.sources:
                if now is not None and _fits(now, source.select):
                    source.handler.seen(_key(now), now, listed=False)
                elif before is not None and _fits(before, source.select):
                    source.handler.gone(_key(before), before["metadata"]["uid"])


def _fits(item: dict[str, Any], select: dict[str, str]) -> bool:
    if "labelSelector" in select:
        return select["labelSelector"] in item["metadata"].get("labels", {})
    return select["fieldSelector"] == f"metadata.name={item['metadata']['name']}"


def _key(item: dict[str, Any]) -> str:
    return f"{NAMESPACE}/{item['metadata']['name']}"
