"""Opening: whole or not at all, every failure named, and no single changed byte goes by."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealer.documents import document, render
from sealer.documents.document import SealedSecret
from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, NoKey, SealerError, TemplateRefused
from sealer.formats import keys
from sealer.formats.binding import Binding, Scope
from sealer.sealing import seal, unseal
from sealer.sealing.seal import Recipients
from sealer.secret import Secret
from tests.sealer.controllers import rsa_key
from tests.sealer.shop import Cluster

KEM = keys.generate_kem()
HELD = Cluster("prod", [KEM, rsa_key()])
NOTHING = Cluster("dev", [])
STRICT = Binding(Scope.STRICT, "payments", "db")
V2 = Recipients("v2", (KEM.public,), ("prod",))
V1 = Recipients("v1", (rsa_key().public,), ("prod",))


def sealed(items: dict[str, str], bound: Binding = STRICT, template: dict[str, object] | None = None) -> SealedSecret:
    secret = Secret(bound.name, bound.namespace, type="kubernetes.io/tls", labels={"a": "b"}, immutable=True)
    body = render.sealed_body(bound, items, template, annotations={}, secret=secret)
    found = document.parse_strict(render.to_yaml(body), "f.yaml").documents[0]
    assert isinstance(found, SealedSecret)
    return found


def item(value: bytes, key: str, to: Recipients = V2, bound: Binding = STRICT) -> str:
    return seal.seal_item(value, bound, key, to)


@pytest.mark.parametrize("to", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize(
    "bound",
    [STRICT, Binding(Scope.NAMESPACE_WIDE, "payments", "db"), Binding(Scope.CLUSTER_WIDE, None, "db")],
    ids=lambda bound: bound.scope.value,
)
def test_a_secret_comes_back_with_its_template(to: Recipients, bound: Binding) -> None:
    template = {"data": {"conf": "clear", "hidden": None}}
    doc = sealed({key: item(b"\0" + key.encode(), key, to, bound) for key in ("a", "hidden")}, bound, template)
    secret, used = unseal.unseal(doc, HELD)
    assert dict(secret.items) == {"a": b"\0a", "conf": b"clear"}
    assert (secret.name, secret.namespace, secret.type) == ("db", bound.namespace, "kubernetes.io/tls")
    assert secret.immutable
    assert secret.labels == {"a": "b"}
    assert used == {to.keys[0].id}
    assert "clear" not in repr(secret)


def test_bound_elsewhere_is_said_before_a_key_is_asked_for() -> None:
    class Untouched:
        def get(self, key_id: str) -> keys.PrivateKey | None:
            raise AssertionError

        def rsa(self) -> list[keys.PrivateKey]:
            raise AssertionError

    doc = sealed({"b": item(b"x", "a")})
    with pytest.raises(BoundElsewhere):
        unseal.unseal(doc, Untouched())


def test_all_failures_are_named_sorted_and_the_gravest_counts() -> None:
    texts = {"good": item(b"x", "good"), "z": "v2:AA==", "pasted": item(b"x", "other"), "b": item(b"x", "other")}
    doc = sealed(texts)
    with pytest.raises(BoundElsewhere) as caught:
        unseal.unseal(doc, HELD)
    assert caught.value.what.startswith("b, pasted: was sealed for another")
    assert "z: sealed value is cut off" in caught.value.what
    assert "good" not in caught.value.what
    assert caught.value.where == f"f.yaml:{doc.lines['b']}"
    assert caught.value.way_out == "sealer set f.yaml b"


def test_no_key_and_cannot_open() -> None:
    doc = sealed({"a": item(b"x", "a")})
    with pytest.raises(NoKey, match=f"a: sealed to {KEM.id[:8]}"):
        unseal.unseal(doc, NOTHING)
    with pytest.raises(NoKey):
        unseal.unseal(sealed({"a": item(b"x", "a", V1)}), NOTHING)
    with pytest.raises(CannotOpen):
        unseal.unseal(sealed({"a": item(b"x", "a", V1)}), Cluster("dev", [rsa_key(1)]))


def test_a_template_is_refused_before_a_key_is_used() -> None:
    doc = sealed({"a": "v2:AA=="}, template={"data": {"conf": "{{ .a | uppest }}"}})
    with pytest.raises(TemplateRefused, match="function uppest") as caught:
        unseal.unseal(doc, NOTHING)
    assert caught.value.where == f"f.yaml:{doc.template.lines['conf']}"


@settings(max_examples=300)
@given(st.data())
def test_no_changed_byte_goes_by(data: st.DataObject) -> None:
    to = data.draw(st.sampled_from([V1, V2]))
    text = item(b"some value", "a", to)
    prefix = "v2:" if to is V2 else ""
    blob = bytearray(base64.b64decode(text[len(prefix) :]))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((BoundElsewhere, CannotOpen, EnvelopeError, NoKey)):
        unseal.open_item(prefix + base64.b64encode(blob).decode(), STRICT, "a", HELD)


@settings(max_examples=200)
@given(st.data())
def test_no_changed_character_goes_by(data: st.DataObject) -> None:
    text = item(b"some value", "a", data.draw(st.sampled_from([V1, V2])))
    at = data.draw(st.integers(0, len(text) - 1))
    # v1 passes over line breaks, as Go does.
    other = data.draw(st.characters(max_codepoint=0x2FF, exclude_characters="\r\n").filter(lambda c: c != text[at]))
    with pytest.raises(SealerError):
        unseal.open_item(text[:at] + other + text[at + 1 :], STRICT, "a", HELD)
