"""The memory store: the contract, and answers that come through the port."""

from __future__ import annotations

import pytest

from controller.stores.base import OutcomeUnknown, Store, Unavailable, uid_of
from controller.stores.memory import MemoryStore
from tests.controller.samples import Port, secret
from tests.controller.stores.contract import REF, StoreContract, delete, mark, observe, put, read, run


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


def test_a_fault_before_the_effect_is_a_failure() -> None:
    port = Port()

    def fail(call: str) -> None:
        raise Unavailable("no answer", retry_after=2.0)

    store = MemoryStore(effects=port)
    port.before = fail
    error = put(store)
    assert isinstance(error, Unavailable)
    assert error.retry_after == 2.0
    assert observe(store, store.target(REF)).presence == "absent"


def test_a_fault_after_the_effect_is_an_unknown_outcome() -> None:
    port = Port()

    def fail(call: str) -> None:
        raise OutcomeUnknown("no answer in time")

    store = MemoryStore(effects=port)
    value, its_mark = secret(REF), mark()
    port.after = fail
    assert isinstance(put(store, value=value, mark=its_mark), OutcomeUnknown)
    assert observe(store, store.target(REF)).token == its_mark.token
    assert isinstance(delete(store), OutcomeUnknown)
    assert observe(store, store.target(REF)).presence == "deleted"
    port.after = lambda call: None
    put(store, value=value, mark=its_mark)
    assert read(store) == value


def test_only_writes_pass_the_port() -> None:
    port = Port()
    store = MemoryStore(effects=port)
    value, its_mark = secret(REF), mark()
    put(store, value=value, mark=its_mark)
    put(store, value=value, mark=its_mark)
    put(store, expect="no-such-version")
    run(store.read(store.target(REF)))
    delete(store)
    delete(store)
    assert port.calls == [("memory.put", "memory:payments/db"), ("memory.delete", "memory:payments/db")]


def test_the_uid_of_a_store_says_where_it_writes() -> None:
    place = {"address": "https://vault.example.invalid", "mount": "kv", "prefix": "a"}
    one = uid_of("vault", **place)
    assert len(one) == 16
    assert uid_of("vault", **place) == one
    others = {uid_of("vault", **{**place, name: "b"}) for name in place} | {uid_of("kubernetes", **place)}
    assert len(others | {one}) == 5
    assert uid_of("vault", address="ab", mount="c") != uid_of("vault", address="a", mount="bc")
    assert uid_of("local", address="") == "local"
