"""The memory store: the contract with and without compare-and-set and atomic marks, and answers through the port."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from controller.stores.base import Capabilities, OutcomeUnknown, Store, StoreError, Unavailable, uid_of
from controller.stores.memory import CAPS, MemoryStore
from tests.controller.samples import Port, secret
from tests.controller.stores.contract import REF, StoreContract, delete, mark, observe, put, read, run

KINDS = [replace(CAPS, cas=cas, atomic_mark=atomic) for cas, atomic in product((True, False), repeat=2)]


def named(caps: Capabilities) -> str:
    return f"cas={caps.cas},atomic_mark={caps.atomic_mark}"


class TestMemory(StoreContract):
    @pytest.fixture(params=KINDS, ids=named)
    def store(self, request: pytest.FixtureRequest) -> Store:
        return MemoryStore(caps=request.param)


@pytest.mark.parametrize("caps", KINDS, ids=named)
@pytest.mark.parametrize("first", [True, False], ids=["new", "changed"])
def test_a_fault_at_any_call_is_told_as_it_is_and_a_second_try_heals(caps: Capabilities, first: bool) -> None:
    """Unavailable: nothing happened. OutcomeUnknown: the same put again, marked or not, ends with the right value."""
    calls = 1 if caps.atomic_mark else 2
    for number, when in product(range(calls), ("before", "after")):
        port = Port()
        store = MemoryStore(caps=caps, effects=port)
        if not first:
            put(store)
        target, value, its_mark = store.target(REF), secret(REF), mark()
        before, made = observe(store, target), len(port.calls)

        def fail(call: str, number: int = number, made: int = made, port: Port = port) -> None:
            if len(port.calls) == made + number + 1:
                raise Unavailable("no answer") if when == "before" else OutcomeUnknown("no answer in time")  # noqa: B023

        setattr(port, when, fail)
        result = put(store, value=value, mark=its_mark)
        assert isinstance(result, StoreError)
        if isinstance(result, Unavailable):
            assert (number, observe(store, target)) == (0, before)
        else:
            assert observe(store, target).version != before.version
        setattr(port, when, lambda call: None)
        seen = observe(store, target)
        done = not isinstance(result, Unavailable)
        again = put(store, value=value, mark=its_mark, mark_only=done, adopt=done)
        assert again == observe(store, target).version
        assert (seen.version == again) == done
        assert observe(store, target).token == its_mark.token
        assert read(store) == value


def test_without_atomic_marks_an_old_mark_stands_beside_a_new_value() -> None:
    port = Port()
    store = MemoryStore(caps=replace(CAPS, atomic_mark=False), effects=port)
    old, value = mark(), secret(REF)
    put(store, mark=old)
    port.before = lambda call: _die() if call == "memory.mark" else None
    assert isinstance(put(store, value=value), OutcomeUnknown)
    seen = observe(store, store.target(REF))
    assert (seen.version, seen.token, read(store)) == ("2", old.token, value)
    assert [call for call, _ in port.calls] == ["memory.put", "memory.mark"] * 2


def _die() -> None:
    raise Unavailable("no answer")


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
