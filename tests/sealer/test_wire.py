"""Length prefixes, strict base64, canonical JSON, HKDF, PEM."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.errors import FormatError
from sealer.formats import wire

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.binary())
def test_base64_round_trip(value: bytes) -> None:
    assert wire.b64decode(wire.b64encode(value)) == value == base64.b64decode(wire.b64encode(value))


@pytest.mark.parametrize(
    "text", ["QUJD=", "QR==", "QQ", "QQ=", "Q", "QQ==\n", " QQ==", "Q Q==", "-_==", "QQ==QQ==", "é"]
)
def test_base64_that_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        wire.b64decode(text)


@given(json_values)
def test_canonical_json_is_ascii_sorted_and_means_the_same(value: object) -> None:
    encoded = wire.canonical_json(value)
    assert json.loads(encoded) == value
    assert encoded.isascii()
    assert wire.canonical_json(json.loads(encoded)) == encoded


def test_canonical_json_to_the_byte() -> None:
    value = {"b": [1, None, True], "a": "\u00e9\U0001f511\n", "A": {}}
    assert wire.canonical_json(value) == b'{"A":{},"a":"\\u00e9\\ud83d\\udd11\\n","b":[1,null,true]}'


@pytest.mark.parametrize("value", [1.0, [float("nan")], {"a": {"b": 0.5}}, {1: "a"}])
def test_canonical_json_refuses_what_has_no_one_form(value: object) -> None:
    with pytest.raises(FormatError):
        wire.canonical_json(value)


def test_hkdf_as_rfc_5869_case_1() -> None:
    salt, info = bytes.fromhex("000102030405060708090a0b0c"), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    assert wire.hkdf(b"\x0b" * 22, salt=salt, info=info, length=42).hex() == expected


@given(st.binary(max_size=300))
def test_pem_round_trip_and_openssl_reads_it(value: bytes) -> None:
    text = wire.pem_encode("SEALER TEST", value)
    assert wire.pem_decode("SEALER TEST", text) == value
    assert all(len(line) <= 64 for line in text.splitlines())


def test_pem_is_what_openssl_writes() -> None:
    body = subprocess.run(["openssl", "base64"], input=bytes(range(200)), capture_output=True, check=True).stdout
    assert wire.pem_encode("X", bytes(range(200))) == f"-----BEGIN X-----\n{body.decode()}-----END X-----\n"


@pytest.mark.parametrize("change", [("BEGIN X", "BEGIN Y"), ("END X", "END Y"), ("-----BEGIN", "text\n-----BEGIN")])
def test_pem_decode_takes_exactly_one_block(change: tuple[str, str]) -> None:
    text = wire.pem_encode("X", b"value")
    for wrong in (text.replace(*change), text + text, "", text.rstrip("-\n")):
        with pytest.raises(FormatError):
            wire.pem_decode("X", wrong)


def test_length_prefix() -> None:
    assert wire.lp(b"") == b"\0\0"
    assert wire.lp(b"ab") == b"\0\2ab"
    assert wire.lp(bytes(65_535))[:2] == b"\xff\xff"
    with pytest.raises(FormatError):
        wire.lp(bytes(65_536))
