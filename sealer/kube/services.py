"""Keys from a controller in a Kubernetes cluster, through the API server's proxy, as kubeseal asks for them.

The controller's Service is found by the labels that its manifests and charts give it, or by its usual names where one
may not list: kubeseal's own default fits only one of the ways to install it. Nothing is guessed between two.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sealer.errors import SourceError
from sealer.kube import kubeconfig
from sealer.kube import where as places
from sealer.kube.client import Client
from sealer.kube.errors import ApiError

if TYPE_CHECKING:
    from sealer.kube.where import Where

_LABELS = ("app.kubernetes.io/name=sealed-secrets", "name=sealed-secrets-controller")
_NAMES = ("sealed-secrets-controller", "sealed-secrets")
_NAMESPACES = ("kube-system", "sealed-secrets", "flux-system", "argocd")
_METRICS = "-metrics"
_BUNDLE, _CERTIFICATE = "/v1/keys", "/v1/cert.pem"
_FORBIDDEN, _NOT_FOUND, _UNAVAILABLE = 403, 404, 503


@dataclass(frozen=True, order=True, slots=True)
class Service:
    """A controller's Service; `port` is the name of its first port, often empty."""

    namespace: str
    name: str
    port: str = ""

    @property
    def proxy(self) -> str:
        """Where the API server passes requests on to it."""
        return f"/api/v1/namespaces/{self.namespace}/services/http:{self.name}:{self.port}/proxy"


def load(src: str, *, limit: int, seconds: float) -> bytes:
    """The key bundle of a controller, or of Bitnami's its certificate. Raises UsageError, SourceError, ApiError."""
    where = places.parse(src)

    def access() -> kubeconfig.Access:
        return kubeconfig.find(kubeconfig=where.kubeconfig, context=where.context)

    async def ask() -> bytes:
        async with Client(access, agent="sealer") as client, asyncio.timeout(seconds):
            return await _keys(client, await find(client, where), limit)

    try:
        return asyncio.run(ask())
    except TimeoutError:
        raise SourceError(f"no complete answer within {seconds:g} seconds", where="the cluster") from None


async def find(client: Client, where: Where) -> Service:
    """The controller's Service. Raises SourceError if there is none, or more than one."""
    found = sorted(await _named(client, where) if where.name and where.namespace else await _listed(client, where))
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(f"{each.namespace}/{each.name}" for each in found)
        first = found[0]
        way_out = f"--controller-namespace {first.namespace} --controller-name {first.name}"
        raise SourceError(f"there are several controllers: {named}", where="the cluster", way_out=way_out)
    raise SourceError(
        "no Service of a sealed-secrets controller is found",
        where="the cluster",
        way_out="name it: --controller-namespace NAMESPACE --controller-name NAME",
    )


async def _keys(client: Client, service: Service, limit: int) -> bytes:
    for page in (_BUNDLE, _CERTIFICATE):
        try:
            return await client.raw(service.proxy + page, limit=limit)
        except ApiError as error:
            if error.status == _NOT_FOUND and page != _CERTIFICATE:
                continue
            if error.status not in (_NOT_FOUND, _UNAVAILABLE):
                raise
            what = f"no pod of it answers (the API server says {error.status})"
            way_out = f"kubectl get pods --namespace {service.namespace}"
            raise SourceError(what, where=f"{service.namespace}/{service.name}", way_out=way_out) from None
    raise AssertionError  # the second page returns or raises


async def _listed(client: Client, where: Where) -> set[Service]:
    """Services with one of the labels; where they may not be listed, those that have a usual name."""
    base = f"/api/v1/namespaces/{where.namespace}/services" if where.namespace else "/api/v1/services"
    found: set[Service] = set()
    try:
        for label in _LABELS:
            page = await client.get(base, labelSelector=label)
            found.update(_service(each) for each in page["items"] or ())
    except ApiError as error:
        if error.status != _FORBIDDEN:
            raise
        return await _named(client, where)
    fitting = {each for each in found if not each.name.endswith(_METRICS) and where.name in ("", each.name)}
    return fitting or await _named(client, where)


async def _named(client: Client, where: Where) -> set[Service]:
    found = set()
    for namespace in [where.namespace] if where.namespace else _NAMESPACES:
        for name in [where.name] if where.name else _NAMES:
            try:
                found.add(_service(await client.get(f"/api/v1/namespaces/{namespace}/services/{name}")))
            except ApiError as error:
                if error.status not in (_FORBIDDEN, _NOT_FOUND):
                    raise
    return found


def _service(item: dict[str, Any]) -> Service:
    ports = item["spec"].get("ports") or [{}]
    return Service(item["metadata"]["namespace"], item["metadata"]["name"], ports[0].get("name", ""))
