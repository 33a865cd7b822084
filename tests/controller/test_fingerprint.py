"""Fingerprints: FORMATS section 8, by an independent computation and by what must differ."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from controller import fingerprint
from sealer.secret import Ref, Secret
from tests.controller.samples import state_key

REF = Ref("payments", "db")


def test_it_is_what_the_format_says() -> None:
    key_id, key = state_key()
    extracted = hmac.new(bytes(32), key, hashlib.sha256).digest()
    derived = hmac.new(extracted, b"sealer/state fp\x01", hashlib.sha256).digest()
    message = b"\0\x04mark\0\x05local\0\x08payments\0\x02db\0\x01a\0\0\0\x02\xff\0\0\x01b\0\0\0\0"
    expected = key_id[:8] + ":" + hmac.new(derived, message, hashlib.sha256).hexdigest()[:32]
    made = fingerprint.derive(key_id, key)
    value = Secret("other", "names", {"b": b"", "a": b"\xff\0"})
    assert fingerprint.fingerprint(made, "mark", "local", REF, value) == expected
    around = b'{"annotations":{},"immutable":false,"labels":{"app":"\\u00f6"},"type":"Opaque"}'
    message += b"\0\0" + len(around).to_bytes(4, "big") + around
    expected = key_id[:8] + ":" + hmac.new(derived, message, hashlib.sha256).hexdigest()[:32]
    assert fingerprint.fingerprint(made, "mark", "local", REF, replace(value, labels={"app": "ö"})) == expected


def test_all_that_delivery_writes_changes_it() -> None:
    made = fingerprint.derive(*state_key())
    base = Secret("db", "payments", {"a": b"1", "b": b"2"})
    found = {
        fingerprint.fingerprint(key, purpose, store, ref, value)  # type: ignore[arg-type]
        for key, purpose, store, ref, value in (
            (made, "mark", "local", REF, base),
            (fingerprint.derive(*state_key()), "mark", "local", REF, base),
            (made, "delivered", "local", REF, base),
            (made, "mark", "locall", Ref("ocal", "db"), base),
            (made, "mark", "local", Ref("payments", "db2"), base),
            (made, "mark", "local", Ref("paymentsd", "b"), base),
            (made, "mark", "local", REF, replace(base, items={"a": b"1"})),
            (made, "mark", "local", REF, replace(base, items={"a": b"2", "b": b"1"})),
            (made, "mark", "local", REF, replace(base, items={"a": b"12", "b": b""})),
            (made, "mark", "local", REF, replace(base, type="kubernetes.io/tls")),
            (made, "mark", "local", REF, replace(base, immutable=True)),
            (made, "mark", "local", REF, replace(base, labels={"a": "b"})),
            (made, "mark", "local", REF, replace(base, annotations={"a": "b"})),
        )
    }
    assert len(found) == 13


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.binary(max_size=9)), min_size=2, max_size=6))
def test_equal_exactly_for_equal_items(values: list[dict[str, bytes]]) -> None:
    made = fingerprint.derive(*state_key())
    prints = [fingerprint.fingerprint(made, "mark", "local", REF, Secret("db", "payments", each)) for each in values]
    for (left, one), (right, two) in itertools.combinations(zip(values, prints, strict=True), 2):
        assert fingerprint.same(one, two) is (left == right)


def test_unknown_is_the_same_as_nothing() -> None:
    made = fingerprint.derive(*state_key())
    one = fingerprint.fingerprint(made, "mark", "local", REF, Secret("db"))
    assert not fingerprint.same("", "")
    assert not fingerprint.same("", one)
    assert not fingerprint.same(one, "")
    assert made.made(one)
    assert not made.made("")
    assert not fingerprint.derive(*state_key()).made(one)


def test_the_key_does_not_show() -> None:
    key = secrets.token_bytes(32)
    made = fingerprint.derive("0123456789abcdef", key)
    assert repr(made) == "FingerprintKey(prefix='01234567')"
