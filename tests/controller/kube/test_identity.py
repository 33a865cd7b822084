"""Who is let, with an API server that answers as told. The real one: tests/kube/test_identity.py."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from controller.kube.identity import (
    ACCESS_REVIEWS,
    MOST,
    NAMESPACES,
    REMEMBERED,
    TOKEN_REVIEWS,
    CantAsk,
    Forbidden,
    Identity,
    Unknown,
    User,
)
from sealer.kube.client import ApiError, Unreachable
from tests.controller.kube.endpoints import running, sealed
from tests.controller.running.test_notify import Clock
from tests.sealer.rings import rsa_key

TOKEN = secrets.token_hex(16)
ALICE = {"username": "alice", "uid": "7", "groups": ["dev"], "extra": {"a": ["b"]}}
T = TypeVar("T")


class Api:
    """An API server: `tokens` it knows, and who may what where."""

    def __init__(self) -> None:
        self.tokens: dict[str, dict[str, Any]] = {TOKEN: {"authenticated": True, "user": ALICE}}
        self.allowed: set[tuple[str, str]] = {("verify", "shop")}
        self.asked: list[str] = []
        self.fault: Exception | None = None
        self.answer: Any = None

    async def create(self, path: str, body: Any, **_: str) -> Any:
        self.asked.append(path)
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        if self.answer is not None:
            return self.answer
        spec = body["spec"]
        if path == TOKEN_REVIEWS:
            assert body["kind"] == "TokenReview"
            return {"status": self.tokens.get(spec["token"], {"authenticated": False, "error": "no"})}
        assert (path, body["kind"]) == (ACCESS_REVIEWS, "SubjectAccessReview")
        assert {name: spec[name] for name in ("user", "uid", "groups", "extra")} == {
            "user": "alice", "uid": "7", "groups": ["dev"], "extra": {"a": ["b"]},
        }  # fmt: skip
        at = spec["resourceAttributes"]
        assert (at["group"], at["resource"], at["verb"]) == ("bitnami.com", "sealedsecrets", "create")
        return {"status": {"allowed": (at["subresource"], at["namespace"]) in self.allowed}}


def made(api: Api, clock: Clock | None = None, audiences: tuple[str, ...] = ()) -> Identity:
    return Identity(api, clock or Clock(), audiences)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def bearer(token: str = TOKEN, header: str = "authorization") -> dict[str, str]:
    return {header: f"Bearer {token}"}


def who(identity: Identity, headers: dict[str, str] | None = None) -> User:
    return run(identity.who(headers or bearer()))


def test_a_known_token_that_may() -> None:
    identity = made(Api())
    user = who(identity)
    assert user.name == "alice"
    run(identity.may(user, "verify", ["shop", "shop"]))
    assert TOKEN not in repr(user)


@pytest.mark.parametrize("header", ["authorization", "sealer-authorization"])
def test_the_token_stands_in_either_header(header: str) -> None:
    assert who(made(Api()), {header: f"bearer  {TOKEN} "}).name == "alice"


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": ""}, {"authorization": TOKEN}, {"authorization": f"Basic {TOKEN}"},
     {"authorization": "Bearer "},
     {"authorization": "Bearer " + "x" * 20_000}, {"x-remote-user": "alice"}],
)  # fmt: skip
def test_without_a_token_nobody_is_asked(headers: dict[str, str]) -> None:
    api = Api()
    with pytest.raises(Unknown):
        run(made(api).who(headers))
    assert not api.asked


def test_an_unknown_token_and_what_may_not() -> None:
    identity = made(Api())
    with pytest.raises(Unknown):
        who(identity, bearer("other"))
    user = who(identity)
    for verb, namespaces in (("rotate", ["shop"]), ("verify", ["pay"]), ("verify", ["shop", "pay"]), ("verify", [""])):
        with pytest.raises(Forbidden):
            run(identity.may(user, verb, namespaces))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "status",
    [
        {}, {"authenticated": "true", "user": ALICE}, {"authenticated": True}, {"authenticated": True, "user": {}},
        {"authenticated": True, "user": {"username": ""}}, {"authenticated": True, "user": ALICE, "error": "x"},
        {"authenticated": True, "user": [1]},
    ],
)  # fmt: skip
def test_half_an_answer_is_no(status: dict[str, Any]) -> None:
    api = Api()
    api.tokens[TOKEN] = status
    with pytest.raises(Unknown):
        who(made(api))


@pytest.mark.parametrize("answer", [[], "x", {"status": None}, {"status": {"allowed": "true"}}, {"status": {}},
                                    {"status": {"allowed": True, "denied": True}}])  # fmt: skip
def test_half_an_access_is_none(answer: Any) -> None:
    api = Api()
    identity = made(api)
    user = who(identity)
    api.answer = answer
    with pytest.raises(Forbidden):
        run(identity.may(user, "verify", ["shop"]))


def test_a_token_has_to_be_for_the_audience_that_was_asked_for() -> None:
    api = Api()
    identity = made(api, audiences=("sealed-secrets",))
    with pytest.raises(Unknown):  # from an authenticator that knows of none
        who(identity)
    api.tokens["for-us"] = {"authenticated": True, "user": ALICE, "audiences": ["sealed-secrets"]}
    api.tokens["for-others"] = {"authenticated": True, "user": ALICE, "audiences": ["vault"]}
    assert who(identity, bearer("for-us")).name == "alice"
    with pytest.raises(Unknown):
        who(identity, bearer("for-others"))


@pytest.mark.parametrize(
    "fault", [Unreachable("gave no answer"), ApiError(403, "Forbidden", where="POST /x"), ApiError(500, "", where="x")]
)
def test_what_can_not_be_asked_is_not_let_and_not_remembered(fault: Exception) -> None:
    api = Api()
    identity = made(api)
    api.fault = fault
    with pytest.raises(CantAsk) as found:
        who(identity)
    assert TOKEN not in f"{found.value} {found.value.way_out}"
    api.fault = None
    user = who(identity)
    api.fault = fault
    with pytest.raises(CantAsk):
        run(identity.may(user, "verify", ["shop"]))
    api.fault = None
    run(identity.may(user, "verify", ["shop"]))


def test_answers_are_remembered_for_a_while() -> None:
    api, clock = Api(), Clock()
    identity = made(api, clock)
    for _ in range(3):
        run(identity.may(who(identity), "verify", ["shop"]))
        with pytest.raises(Unknown):
            who(identity, bearer("other"))
    assert api.asked == [TOKEN_REVIEWS, ACCESS_REVIEWS, TOKEN_REVIEWS]
    api.allowed.clear()
    api.tokens.clear()
    run(identity.may(who(identity), "verify", ["shop"]))
    clock.now += REMEMBERED
    with pytest.raises(Unknown):
        who(identity)


def test_what_is_remembered_of_one_is_not_of_another() -> None:
    api = Api()
    identity = made(api)
    run(identity.may(who(identity), "verify", ["shop"]))
    bob = User("alice", {"user": "alice"}, "another key")
    api.answer = {"status": {"allowed": False}}
    with pytest.raises(Forbidden):
        run(identity.may(bob, "verify", ["shop"]))


def test_memory_is_bounded() -> None:
    api = Api()
    identity = made(api)

    async def flood() -> None:
        for number in range(MOST + 50):
            with pytest.raises(Unknown):
                await identity.who(bearer(f"t{number}"))

    run(flood())
    assert len(identity._users._known) == MOST


def test_one_request_asks_about_few_namespaces() -> None:
    api = Api()
    identity = made(api)
    user = who(identity)
    with pytest.raises(Forbidden, match="too many"):
        run(identity.may(user, "verify", [f"n{number}" for number in range(NAMESPACES + 1)]))
    assert api.asked == [TOKEN_REVIEWS]


def test_over_http() -> None:
    api = Api()
    with running(rsa_key(0), identity=made(api)) as site:
        document = sealed({"a": b"b"}, rsa_key(0))
        code, headers, body = site.ask("POST", "/v1/verify", b"{}")
        assert (code, headers["www-authenticate"], body) == (401, "Bearer", b"unauthorized\n")
        assert site.post("/v1/verify", document, authorization="Bearer other") == (401, b"unauthorized\n")
        assert site.post("/v1/verify", document, authorization=f"Bearer {TOKEN}") == (200, b"")
        assert site.post("/v1/verify", document, sealer_authorization=f"Bearer {TOKEN}") == (200, b"")
        assert site.post("/v1/rotate", document, authorization=f"Bearer {TOKEN}") == (403, b"forbidden\n")
        elsewhere = sealed({"a": b"b"}, rsa_key(0), namespace="pay")
        assert site.post("/v1/verify", document, elsewhere, authorization=f"Bearer {TOKEN}") == (403, b"forbidden\n")
        api.fault = Unreachable("gave no answer")
        said = b"the API server can't be asked who this is\n"
        assert site.post("/v1/rotate", document, authorization="Bearer new") == (503, said)
        assert site.get("/v1/cert.pem")[0] == site.get("/healthz")[0] == 200
        told = [(each.code, each.user) for each in site.told]
        assert told == [(401, ""), (401, ""), (200, "alice"), (200, "alice"), (403, "alice"), (403, "alice"), (503, "")]


def test_who_is_unknown_sends_no_body() -> None:
    """Nothing is read, parsed or opened for them."""
    from tests.controller.kube.endpoints import raw, until_closed

    with running(rsa_key(0), identity=made(Api())) as site, raw(site) as connection:
        connection.sendall(b"POST /v1/rotate HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        assert until_closed(connection).startswith(b"HTTP/1.1 401 ")
