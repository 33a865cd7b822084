"""Rows at rest: FORMATS section 7, by fixed rows and by properties."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.statecrypt import key_of, open_row, seal_row
from sealer.errors import CannotOpen, NoKey, SealerError
from sealer.formats.keyrecord import state_key_id
from sealer.secret import Ref, Secret
from tests.controller.samples import secret, state_key

REF = Ref("payments", "db")

# Made by a separate program, written from FORMATS section 7 alone: state key 00 01 .. 1f, salt 32 bytes of aa.
VECTOR_KEY = bytes(range(32))
VECTOR_REF = Ref("payments", "db")
VECTOR_VERSION = 7
VECTOR_ROW = (
    "012dd2c8d902abe725aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaadaa1ab5b62360bbcbc"
    "84e512518c8d14855dec1a5c5b9f14b0b03517ed89bfb744cfc2dff7f544a00c468cde56e06f2645e2c8ac7bac3b7e893ab6"
    "e9239fd8027bfa36a012a27c777b0c36dc191e713958991daade222ca95360280f32a68c57d993cf88b66325d16e4c4b655b"
    "3b0159416dc38960b52110a20af3cf38a6d2a3852a6fb27d0ff591233b5f637e145fe8"
)
VECTOR_SECRET = Secret(
    name="db",
    namespace="payments",
    items={"empty": b"", "user": b"\xff\x00app"},
    type="Opaque",
    labels={"app": "shop"},
    annotations={},
    immutable=False,
)


def test_a_fixed_row_opens() -> None:
    key_id = state_key_id(VECTOR_KEY)
    row = bytes.fromhex(VECTOR_ROW)
    assert key_of(row) == key_id
    assert open_row({key_id: VECTOR_KEY}, VECTOR_REF, VECTOR_VERSION, row) == VECTOR_SECRET


def test_each_row_has_a_salt_of_its_own() -> None:
    key = state_key()
    value = secret(REF)
    first, second = (seal_row(*key, REF, 1, value) for _ in range(2))
    assert first[9:41] != second[9:41]
    assert first[41:] != second[41:]


_NAME = st.from_regex(r"[-_A-Za-z0-9][-._A-Za-z0-9]{0,20}", fullmatch=True)
_TEXTS = st.dictionaries(st.text(max_size=9), st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=3)
_SECRETS = st.builds(
    Secret,
    name=st.just(REF.name),
    namespace=st.just(REF.namespace),
    items=st.dictionaries(_NAME, st.binary(max_size=200), max_size=4),
    type=st.text(max_size=9),
    labels=_TEXTS,
    annotations=_TEXTS,
    immutable=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(value=_SECRETS, version=st.integers(1, 2**63 - 1))
def test_any_secret_comes_back(value: Secret, version: int) -> None:
    key_id, key = state_key()
    row = seal_row(key_id, key, REF, version, value)
    assert open_row({key_id: key}, REF, version, row) == value
    assert (len(row) - 41 - 16) % 64 == 0


@settings(max_examples=20, deadline=None)
@given(bit=st.integers(0, 7), length=st.integers(0, 80))
def test_any_changed_byte_fails(bit: int, length: int) -> None:
    key_id, key = state_key()
    value = secrets.token_hex(length).encode()
    row = seal_row(key_id, key, REF, 1, Secret("db", "payments", {"password": value}))
    for position in range(len(row)):
        changed = bytearray(row)
        changed[position] ^= 1 << bit
        with pytest.raises(NoKey if 1 <= position < 9 else CannotOpen):
            open_row({key_id: key}, REF, 1, bytes(changed))


def test_any_cut_or_longer_row_fails() -> None:
    key_id, key = state_key()
    row = seal_row(key_id, key, REF, 1, secret(REF))
    for size in range(len(row)):
        with pytest.raises(CannotOpen):
            open_row({key_id: key}, REF, 1, row[:size])
    with pytest.raises(CannotOpen):
        open_row({key_id: key}, REF, 1, row + b"\0")


@pytest.mark.parametrize(
    ("ref", "version"),
    [(Ref("payments", "db2"), 1), (Ref("payment", "sdb"), 1), (Ref("web", "db"), 1), (REF, 2), (REF, 0)],
)
def test_a_row_opens_only_where_it_was_written(ref: Ref, version: int) -> None:
    key_id, key = state_key()
    row = seal_row(key_id, key, REF, 1, secret(REF))
    with pytest.raises(CannotOpen) as caught:
        open_row({key_id: key}, ref, version, row)
    assert caught.value.where == str(ref)


def test_an_older_state_key_still_opens_its_rows() -> None:
    old, new = state_key(), state_key()
    value = secret(REF)
    assert open_row(dict([new, old]), REF, 1, seal_row(*old, REF, 1, value)) == value


def test_another_key_under_the_same_id_fails() -> None:
    key_id, key = state_key()
    row = seal_row(key_id, key, REF, 1, secret(REF))
    with pytest.raises(CannotOpen):
        open_row({key_id: secrets.token_bytes(32)}, REF, 1, row)


def test_a_missing_key_is_named() -> None:
    key_id, key = state_key()
    row = seal_row(key_id, key, REF, 1, secret(REF))
    with pytest.raises(NoKey, match=key_id[:8]) as caught:
        open_row(dict([state_key()]), REF, 1, row)
    assert caught.value.where == "payments/db"


def test_no_failure_and_no_row_shows_the_value() -> None:
    key_id, key = state_key()
    value = secrets.token_hex(16).encode()
    row = seal_row(key_id, key, REF, 1, secret(REF, value))
    assert value not in row
    assert value.hex().encode() not in row
    with pytest.raises(SealerError) as caught:
        open_row({key_id: key}, REF, 2, row)
    assert caught.value.__cause__ is None
    assert value.decode() not in f"{caught.value!r} {caught.value}"
