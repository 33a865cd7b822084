"""Who is let, as the real API server says: tokens of service accounts, and RBAC, one namespace at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controller.kube.http import Endpoints, serving
from controller.kube.identity import CantAsk, Identity, Unknown
from controller.kube.metrics import Metrics
from sealer.kube import kubeconfig
from sealer.kube.client import Client
from tests.controller.kube import endpoints
from tests.controller.kube.endpoints import Held, encoded, sealed
from tests.kube import controllers, services
from tests.kube.servers import free_ports
from tests.sealer.rings import rsa_key

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = Path(__file__).parents[2] / "controller/install/identity/rbac.yaml"


@dataclass(frozen=True)
class People:
    """Service accounts of a namespace, and what they are let."""

    cluster: Cluster
    namespace: str

    def token(self, name: str, *audiences: str) -> str:
        """A token of an account, which is made if need be."""
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts"
        assert self.cluster.call("POST", path, {"metadata": {"name": name}})[0] in (201, 409)
        spec = {"audiences": list(audiences)} if audiences else {}
        status, made = self.cluster.call("POST", f"{path}/{name}/token", {"spec": spec})
        assert status == 201, made
        return str(made["status"]["token"])

    def grant(self, name: str, *subresources: str, namespace: str = "") -> None:
        """Let an account do this in a namespace (default: its own)."""
        at = f"{RBAC}/namespaces/{namespace or self.namespace}"
        role = f"{name}-{'-'.join(subresources)}"
        rule = {"apiGroups": ["bitnami.com"], "verbs": ["create"]}
        rules = [rule | {"resources": [f"sealedsecrets/{each}" for each in subresources]}]
        self._put(f"{at}/roles", {"metadata": {"name": role}, "rules": rules})
        self._put(f"{at}/rolebindings", self._binding("Role", role, name))

    def grant_reviews(self, name: str) -> None:
        """Let an account do what our own manifests let a controller that requires an identity."""
        found = yaml.safe_load_all(REVIEWS.read_text())
        role = next(each for each in found if each["rules"][0]["resources"] == ["tokenreviews"])
        role["metadata"] = {"name": f"{self.namespace}-{name}"}
        self._put(f"{RBAC}/clusterroles", role)
        binding = self._binding("ClusterRole", role["metadata"]["name"], name)
        self._put(f"{RBAC}/clusterrolebindings", binding)

    def _binding(self, kind: str, role: str, account: str) -> dict[str, Any]:
        subject = {"kind": "ServiceAccount", "name": account, "namespace": self.namespace}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
        return {"metadata": {"name": role}, "roleRef": reference, "subjects": [subject]}

    def _put(self, path: str, body: dict[str, Any]) -> None:
        status, made = self.cluster.call("POST", path, body)
        assert status == 201, made

    def access(self, token: str, server: str = "") -> kubeconfig.Access:
        """What a program with this token has."""
        path = Path.home() / "kubeconfig"
        cluster = {"server": server or self.cluster.url, "certificate-authority": str(self.cluster.ca)}
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }  # fmt: skip
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        return kubeconfig.find(kubeconfig=str(path))


@pytest.fixture
def people(cluster: Cluster, namespace: str) -> People:
    return People(cluster, namespace)


@asynccontextmanager
async def asking(people: People, *audiences: str) -> AsyncIterator[Identity]:
    """Asks with no more rights than our manifests give."""
    people.grant_reviews("controller")
    access = people.access(people.token("controller"))
    async with Client(lambda: access) as client:
        yield Identity(client, time.monotonic, audiences)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_who_a_token_is(people: People) -> None:
    token = people.token("alice")

    async def main() -> None:
        async with asking(people) as identity:
            assert (await identity.who(bearer(token))).name == f"system:serviceaccount:{people.namespace}:alice"
            for bad in ("nonsense", token[:-4], token + "x"):
                with pytest.raises(Unknown):
                    await identity.who(bearer(bad))

    asyncio.run(main())


def test_a_token_for_another_audience(people: People) -> None:
    plain, ours, other = people.token("a"), people.token("a", "sealed-secrets"), people.token("a", "vault")

    async def main() -> None:
        async with asking(people, "sealed-secrets") as identity:
            assert (await identity.who(bearer(ours))).name.endswith(":a")
            for bad in (plain, other):
                with pytest.raises(Unknown):
                    await identity.who(bearer(bad))

    asyncio.run(main())


def test_a_controller_takes_tokens_for_the_audiences_that_it_is_told(people: People, cluster: Cluster) -> None:
    people.grant("a", "verify")
    plain, ours, other = people.token("a"), people.token("a", "sealed-secrets"), people.token("a", "vault")
    document = sealed({"a": b"b"}, rsa_key(0), namespace=people.namespace)  # to a key that is not there: 409
    flags = ("--require-identity", "--token-audiences=sealed-secrets,other")
    for more, codes in ((flags, [401, 409, 401]), (flags[:1], [409, 401, 401])):
        with controllers.ours(cluster, people.namespace, *more) as running:
            host, _, port = running.address.rpartition(":")
            at = endpoints.Client(host, int(port))
            asked = [
                at.post("/v1/verify", document, authorization=f"Bearer {each}")[0] for each in (plain, ours, other)
            ]
            assert asked == codes
            assert running.end() == 0  # and gives the lease to the next


def test_verify_and_rotate_are_for_whom_rbac_lets(people: People, cluster: Cluster) -> None:
    """One namespace at a time, each of the two by itself, at the address itself and through the API server."""
    other = cluster.namespace()
    people.grant("reader", "verify")
    people.grant("writer", "verify", "rotate")
    reader, writer, nobody = (people.token(name) for name in ("reader", "writer", "nobody"))
    mine = sealed({"a": b"b"}, rsa_key(0), namespace=people.namespace)
    theirs = sealed({"a": b"b"}, rsa_key(0), namespace=other)

    def direct(at: endpoints.Client, path: str, token: str, *documents: Any) -> int:
        return at.post(path, *documents, authorization=f"Bearer {token}")[0]

    def ask(at: endpoints.Client) -> None:
        assert at.post("/v1/verify", mine)[0] == 401
        assert direct(at, "/v1/verify", "nonsense", mine) == 401
        assert direct(at, "/v1/verify", nobody, mine) == 403
        assert [direct(at, path, reader, mine) for path in ("/v1/verify", "/v1/rotate")] == [200, 403]
        assert [direct(at, path, writer, mine) for path in ("/v1/verify", "/v1/rotate")] == [200, 200]
        assert [direct(at, "/v1/verify", writer, theirs), direct(at, "/v1/verify", writer, mine, theirs)] == [403, 403]
        people.grant("writer", "rotate", namespace=other)
        assert direct(at, "/v1/rotate", writer, mine, theirs) in (200, 403)  # a moment may pass until it holds
        assert at.get("/v1/cert.pem")[0] == 200
        # The API server takes its own header away, whoever it lets through.
        services.publish(cluster, people.namespace, at.port)
        assert through("/v1/verify", {}) == 401
        assert through("/v1/verify", {"Authorization": f"Bearer {reader}"}) in (401, 403)
        assert through("/v1/verify", {"Sealer-Authorization": f"Bearer {reader}"}) == 200
        assert through("/v1/rotate", {"Sealer-Authorization": f"Bearer {reader}"}) == 403

    def through(path: str, headers: dict[str, str]) -> int:
        connection = cluster.connect()
        connection.request("POST", services.proxied(people.namespace, path), encoded(mine), headers)
        status = connection.getresponse().status
        connection.close()
        return status

    async def main() -> None:
        async with asking(people) as identity:
            bound = services.listen()
            at = endpoints.Client(*bound.getsockname())
            wanted = Endpoints(Held([rsa_key(0)]), lambda: True, Metrics("1"), identity=identity)
            async with serving(wanted, bound, None):
                await asyncio.to_thread(ask, at)

    asyncio.run(main())


def test_a_client_certificate_is_no_bearer_token(people: People) -> None:
    """What kubectl shows the API server stays there: nothing of it comes here to be asked about."""

    async def main() -> None:
        async with asking(people) as identity:
            with pytest.raises(Unknown):
                await identity.who({"x-remote-user": "admin", "x-remote-group": "system:masters"})

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["no right to ask", "nobody there"])
def test_what_can_not_be_asked_is_not_let(people: People, fault: str) -> None:
    token = people.token("alice")
    server = f"https://127.0.0.1:{free_ports(1)[0]}" if fault == "nobody there" else ""
    access = people.access(people.token("powerless"), server)

    async def main() -> None:
        async with Client(lambda: access) as client:
            with pytest.raises(CantAsk) as found:
                await Identity(client, time.monotonic).who(bearer(token))
            assert token not in str(found.value)

    asyncio.run(main())
