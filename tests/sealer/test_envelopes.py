"""Properties of both envelopes: round trip, binding, and that any change is refused."""

from __future__ import annotations

import contextlib
import datetime
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, NoKey
from sealer.formats import envelope_v1, envelope_v2, keys
from sealer.formats.binding import Binding, Scope

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
PLACE = Binding(Scope.STRICT, "payments", "db")
CONTEXT = PLACE.context("password")


@functools.cache
def rsa() -> keys.PrivateKey:
    return keys.generate_rsa(now=NOW, bits=2048)


@functools.cache
def kem(number: int = 0) -> keys.PrivateKey:
    return keys.generate_kem()


def open_v1(text: str, binding: Binding = PLACE) -> bytes:
    return envelope_v1.open_envelope(envelope_v1.parse(text), binding.label(), [rsa()])[0]


def open_v2(text: str, context: bytes = CONTEXT, key: keys.PrivateKey | None = None) -> bytes:
    return envelope_v2.open_envelope(envelope_v2.parse(text), context, key or kem())


@given(st.binary(max_size=300))
def test_v1_round_trip(value: bytes) -> None:
    assert open_v1(envelope_v1.seal(value, PLACE.label(), rsa().public)) == value


@given(st.binary(max_size=300), st.integers(1, 4))
def test_v2_round_trip_for_each_recipient(value: bytes, count: int) -> None:
    group = [kem(n) for n in range(count)]
    text = envelope_v2.seal(value, CONTEXT, [key.public for key in group])
    assert envelope_v2.parse(text).recipients == tuple(sorted(key.id for key in group))
    for key in group:
        assert open_v2(text, key=key) == value


@pytest.mark.parametrize("size", [0, 1, 59, 60, 61, 124, 125, envelope_v2.MAX_VALUE])
def test_v2_hides_the_length_up_to_a_block(size: int) -> None:
    text = envelope_v2.seal(bytes(size), CONTEXT, [kem().public])
    assert len(envelope_v2.parse(text).body) == (size + 4 + 63) // 64 * 64 + 16
    assert open_v2(text) == bytes(size)


def test_v2_refuses_what_it_can_not_hold() -> None:
    with pytest.raises(EnvelopeError, match="1 MiB"):
        envelope_v2.seal(bytes(envelope_v2.MAX_VALUE + 1), CONTEXT, [kem().public])
    with pytest.raises(EnvelopeError, match="recipients"):
        envelope_v2.seal(b"", CONTEXT, [])
    with pytest.raises(EnvelopeError, match="recipients"):
        envelope_v2.seal(b"", CONTEXT, [keys.generate_kem().public for _ in range(33)])
    with pytest.raises(EnvelopeError, match="MLKEM768-X25519"):
        envelope_v2.seal(b"", CONTEXT, [rsa().public])
    with pytest.raises(EnvelopeError, match="RSA"):
        envelope_v1.seal(b"", b"", kem().public)


def test_v1_seals_nothing_that_it_would_not_read() -> None:
    room = envelope_v1.MAX_TEXT // 4 * 3 - 2 - 256 - 16
    assert open_v1(envelope_v1.seal(bytes(room), PLACE.label(), rsa().public)) == bytes(room)
    with pytest.raises(EnvelopeError, match="too long"):
        envelope_v1.seal(bytes(room + 1), PLACE.label(), rsa().public)


def test_flipping_any_single_byte_of_a_v2_text_is_refused() -> None:
    text = envelope_v2.seal(b"value", CONTEXT, [kem().public, kem(1).public])
    for position in range(len(text)):
        for changed in {chr(ord(text[position]) ^ bit) for bit in (1, 2, 0x20)} - {text[position]}:
            with pytest.raises((EnvelopeError, BoundElsewhere, NoKey, CannotOpen)):
                open_v2(text[:position] + changed + text[position + 1 :])


def test_flipping_any_single_byte_of_a_v1_text_is_refused() -> None:
    # 5 bytes leave base64 with padding and spare bits, where a lenient decoder would read the same value.
    text = envelope_v1.seal(b"value", PLACE.label(), rsa().public)
    for position in range(len(text)):
        changed = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
        with pytest.raises((EnvelopeError, NoKey, CannotOpen)):
            open_v1(changed)


@given(st.integers(0, 255), st.data())
def test_any_changed_byte_of_a_v2_blob_is_refused(new: int, data: st.DataObject) -> None:
    from sealer.formats.wire import b64decode, b64encode

    blob = bytearray(b64decode(envelope_v2.seal(b"value", CONTEXT, [kem().public])[3:]))
    position = data.draw(st.integers(0, len(blob) - 1))
    if blob[position] == new:
        return
    blob[position] = new
    with pytest.raises((EnvelopeError, BoundElsewhere, NoKey, CannotOpen)):
        open_v2("v2:" + b64encode(bytes(blob)))


@given(st.text(max_size=200))
@settings(max_examples=300)
def test_parsing_any_text_raises_nothing_but_its_own_error(text: str) -> None:
    for parse in (envelope_v1.parse, envelope_v2.parse):
        for candidate in (text, "v2:" + text):
            with contextlib.suppress(EnvelopeError):
                parse(candidate)


def test_two_sealings_of_one_value_share_nothing_recognisable() -> None:
    first, second = (envelope_v2.parse(envelope_v2.seal(b"same", CONTEXT, [kem().public])) for _ in range(2))
    assert first.mac != second.mac
    assert first.body != second.body


def test_nothing_printable_holds_key_or_value() -> None:
    text = envelope_v2.seal(b"value", CONTEXT, [kem().public])
    for thing in (kem(), rsa(), envelope_v2.parse(text)):
        shown = repr(thing)
        assert "PRIVATE" not in shown
        assert len(shown) < 400
