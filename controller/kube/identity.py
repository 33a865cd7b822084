"""Who asks, and whether RBAC lets: a bearer token -> TokenReview -> SubjectAccessReview (`--require-identity`).

What is asked for is `create` on the subresource `verify` or `rotate` of `sealedsecrets` in group `bitnami.com`, in the
namespace of each document that is posted ("" if it has none). There is no such subresource in the API: it is a name to
grant, one namespace at a time, by an ordinary Role:

    - {apiGroups: [bitnami.com], resources: [sealedsecrets/verify, sealedsecrets/rotate], verbs: [create]}

`services/proxy`, which kubeseal's way needs anyway, knows neither the path nor the namespace of a document.

The API server takes Authorization away from what it passes on, hence through its proxy the token stands in
`Sealer-Authorization`, which it leaves alone; kubeseal can't set that. Answers are remembered for a few seconds. What
the API server can't be asked about is not answered.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from controller.kube import names
from sealer.errors import Refused, SourceError
from sealer.kube.client import ApiError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Verb = Literal["verify", "rotate"]

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105  # an address
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
HEADERS = ("authorization", "sealer-authorization")

REMEMBERED = 10.0
"""Seconds for which an answer holds: so long lives on what was taken away."""
MOST = 1024
"""Answers of each kind that are remembered."""
NAMESPACES = 16
"""Namespaces of one request: each is asked about."""

_LONGEST = 16 * 1024

V = TypeVar("V")


class Unknown(Refused):
    """No token, or one that the API server doesn't know."""


class Forbidden(Refused):
    """A token that may not do this."""


class CantAsk(SourceError):
    """The API server gave no answer."""


class Asks(Protocol):
    """What of `sealer.kube.client.Client` is used."""

    async def create(self, path: str, body: Any, **params: str) -> Any:
        """A new object; for a review, the answer."""


@dataclass(frozen=True, slots=True)
class User:
    """Whom the API server takes someone for. `spec` is the same in the form of a SubjectAccessReview."""

    name: str
    spec: Mapping[str, Any] = field(repr=False, compare=False)
    key: str = field(repr=False)


class Identity:
    """Who is let. `clock`: monotonic, in seconds. `audiences`: whom a token has to be for; empty: the API server."""

    def __init__(self, asks: Asks, clock: Callable[[], float], audiences: Sequence[str] = ()) -> None:
        self._asks = asks
        self._audiences = tuple(audiences)
        self._users: _Remembered[User | None] = _Remembered(clock)
        self._access: _Remembered[bool] = _Remembered(clock)

    async def who(self, headers: Mapping[str, str]) -> User:
        """Whose token the headers of a request hold. Raises Unknown, CantAsk."""
        token = _token(headers)
        key = hashlib.sha256(token.encode()).hexdigest()
        user = self._users.get(key)
        if user is None and key not in self._users:
            user = await self._review(token)
            self._users.put(key, user)
        if user is None:
            raise Unknown("the API server does not know this token")
        return user

    async def may(self, user: User, verb: Verb, namespaces: Iterable[str]) -> None:
        """Return if RBAC lets in each of these namespaces. Raises Forbidden, CantAsk."""
        asked = sorted(set(namespaces))
        if len(asked) > NAMESPACES:
            raise Forbidden("documents of too many namespaces at once")
        for namespace in asked:
            key = f"{user.key}/{verb}/{namespace}"
            allowed = self._access.get(key)
            if allowed is None:
                allowed = await self._allowed(user, verb, namespace)
                self._access.put(key, allowed)
            if not allowed:
                raise Forbidden("may not do this in the namespace of a document")

    async def _review(self, token: str) -> User | None:
        spec: dict[str, Any] = {"token": token}
        if self._audiences:
            spec["audiences"] = list(self._audiences)
        status = await self._ask(TOKEN_REVIEWS, "authentication.k8s.io/v1", "TokenReview", spec)
        if status.get("authenticated") is not True or status.get("error"):
            return None
        # An authenticator that knows no audiences answers without any: its token is for the API server.
        if self._audiences and not set(self._audiences) & set(status.get("audiences") or ()):
            return None
        found = _map(status.get("user"))
        name = found.get("username")
        if not isinstance(name, str) or not name:
            return None
        said = {"user": name, "uid": found.get("uid"), "groups": found.get("groups"), "extra": found.get("extra")}
        spec = {field: value for field, value in said.items() if value}
        return User(name, spec, hashlib.sha256(repr(sorted(spec.items())).encode()).hexdigest())

    async def _allowed(self, user: User, verb: Verb, namespace: str) -> bool:
        attributes = {
            "group": names.GROUP, "version": names.VERSION, "resource": names.PLURAL,
            "subresource": verb, "verb": "create", "namespace": namespace,
        }  # fmt: skip
        spec = {**user.spec, "resourceAttributes": attributes}
        status = await self._ask(ACCESS_REVIEWS, "authorization.k8s.io/v1", "SubjectAccessReview", spec)
        return status.get("allowed") is True and status.get("denied") is not True

    async def _ask(self, path: str, version: str, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._asks.create(path, {"apiVersion": version, "kind": kind, "spec": spec})
        except (ApiError, Unreachable) as error:
            why = f"the API server was asked who this is, and gave no answer ({error.what})"
            raise CantAsk(why, way_out="grant the controller create on tokenreviews and subjectaccessreviews") from None
        return _map(_map(answer).get("status"))


class _Remembered(Generic[V]):
    """Answers for a while: what was put in first goes first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, V]] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        found = self._known.get(key)
        return found is not None and found[0] > self._clock()

    def get(self, key: str) -> V | None:
        return self._known[key][1] if key in self else None

    def put(self, key: str, value: V) -> None:
        self._known[key] = (self._clock() + REMEMBERED, value)
        self._known.move_to_end(key)
        while len(self._known) > MOST:
            self._known.popitem(last=False)


def _token(headers: Mapping[str, str]) -> str:
    for name in HEADERS:
        scheme, _, token = headers.get(name, "").partition(" ")
        token = token.strip()
        if scheme.lower() == "bearer" and token and len(token) <= _LONGEST:
            return token
    raise Unknown("shows no bearer token")


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
