"""What every store has to do (DELIVERY section 3). A store passes by subclassing `StoreContract` in its own test file.

    class TestMemory(StoreContract):
        @pytest.fixture
        def store(self) -> Store: ...

A second fixture, `second`, is another instance at the same place, where there can be one: what a store knows must come
from the place, not from what it wrote itself. Nothing here looks inside a store: all is said by what it answers.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from controller.model import Observed, Target
from controller.stores.base import Conflict, Delete, Mark, NotOurs, Put, Rejected, Store, StoreError
from sealer.secret import Ref, Secret
from tests.controller.samples import OWNER, secret

REF = Ref("payments", "db")
OTHER = Ref("payments", "stripe")
STRANGER = "prod/elsewhere"

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def mark(owner: str = OWNER, seq: int = 1) -> Mark:
    """A mark as the flow makes it for one intent: its token is new."""
    return Mark(owner, secrets.token_hex(16), f"01234567:{secrets.token_hex(16)}", seq)


def observe(store: Store, target: Target) -> Observed:
    seen = run(store.observe([target]))[target]
    assert isinstance(seen, Observed)
    return seen


def read(store: Store, ref: Ref = REF) -> Secret:
    return run(store.read(store.target(ref)))


def put(store: Store, ref: Ref = REF, value: Secret | None = None, **changes: Any) -> str | StoreError:
    """Put as the flow does: expecting what is observed, unless `expect` says otherwise."""
    target = store.target(ref)
    fields = {"expect": observe(store, target).version, "mark": mark(), "adopt": False, **changes}
    return run(store.put([Put(target, value or secret(ref), **fields)]))[target]


def delete(store: Store, ref: Ref = REF, *, expect: str = "", owner: str = OWNER) -> StoreError | None:
    target = store.target(ref)
    return run(store.delete([Delete(target, expect, owner)]))[target]


class StoreContract:
    """Subclass it with a fixture `store`, and one `second` if the place can be opened twice."""

    @pytest.fixture
    def second(self, store: Store) -> Store:
        return store

    def test_a_ref_has_one_target_in_this_store(self, store: Store) -> None:
        assert store.target(REF) == store.target(REF)
        assert store.target(REF) != store.target(OTHER)
        assert store.target(REF).store == store.uid

    def test_nothing_stands_at_first(self, store: Store) -> None:
        target = store.target(REF)
        assert observe(store, target) == Observed(target, "absent")
        with pytest.raises(Conflict):
            read(store)

    def test_what_was_put_is_observed_and_read(self, store: Store) -> None:
        value, its_mark = secret(REF), mark()
        version = put(store, value=value, mark=its_mark)
        target = store.target(REF)
        assert observe(store, target) == Observed(
            target, "present", str(version), OWNER, its_mark.token, its_mark.fingerprint
        )
        found = read(store)
        assert found.items == value.items
        if store.caps.metadata:
            assert found == value

    def test_an_empty_secret_is_one(self, store: Store) -> None:
        put(store, value=Secret(REF.name, REF.namespace))
        assert read(store).items == {}
        assert observe(store, store.target(REF)).presence == "present"

    def test_every_change_has_a_new_version_also_back_to_an_old_value(self, store: Store) -> None:
        a, b = secret(REF), secret(REF)
        versions = []
        for value in (a, b, a):
            versions.append(put(store, value=value))
            assert read(store).items == value.items
        assert len(set(versions)) == 3

    def test_the_same_token_and_value_again_writes_nothing(self, store: Store) -> None:
        value, its_mark = secret(REF), mark()
        version = put(store, value=value, mark=its_mark)
        seen = observe(store, store.target(REF))
        for expect in ("", seen.version):
            assert put(store, value=value, mark=its_mark, expect=expect) == version
        assert observe(store, store.target(REF)) == seen

    def test_another_token_with_the_same_value_is_another_version(self, store: Store) -> None:
        value, first = secret(REF), mark()
        again = Mark(OWNER, mark().token, first.fingerprint, 2)
        assert put(store, value=value, mark=first) != put(store, value=value, mark=again)
        assert observe(store, store.target(REF)).token == again.token

    def test_another_version_than_expected_is_a_conflict(self, store: Store) -> None:
        if not store.caps.cas:
            assert isinstance(put(store, expect="no-such-version"), str)
            return
        first = secret(REF)
        version = put(store, value=first)
        for expect in ("", "no-such-version"):
            assert isinstance(put(store, expect=expect), Conflict)
        assert observe(store, store.target(REF)).version == version
        assert read(store).items == first.items

    def test_nothing_where_something_was_expected_is_a_conflict(self, store: Store) -> None:
        if not store.caps.cas:
            assert isinstance(put(store, expect="1"), str)
            return
        assert isinstance(put(store, expect="1"), Conflict)
        assert observe(store, store.target(REF)).presence == "absent"

    def test_another_owners_secret_is_left_alone_unless_adopted(self, store: Store) -> None:
        theirs = secret(REF)
        put(store, value=theirs, mark=mark(STRANGER))
        assert isinstance(put(store), NotOurs)
        assert read(store).items == theirs.items
        mine = secret(REF)
        assert isinstance(put(store, value=mine, adopt=True), str)
        assert read(store).items == mine.items
        assert observe(store, store.target(REF)).owner == OWNER

    def test_a_mark_is_written_by_itself(self, store: Store) -> None:
        value, its_mark = secret(REF), mark(seq=2)
        version = put(store, value=value)
        for _ in range(2):
            assert put(store, value=value, mark=its_mark, mark_only=True) == version
            target = store.target(REF)
            assert observe(store, target) == Observed(
                target, "present", str(version), OWNER, its_mark.token, its_mark.fingerprint
            )
        assert read(store).items == value.items
        assert put(store, value=value, mark=its_mark) == version
        assert put(store) != version

    def test_a_mark_needs_the_secret_that_it_is_for(self, store: Store) -> None:
        assert isinstance(put(store, mark_only=True), Conflict)
        version, its_mark = put(store, mark=mark(STRANGER)), mark()
        assert isinstance(put(store, mark=its_mark, mark_only=True), NotOurs)
        if store.caps.cas:
            assert isinstance(put(store, mark=its_mark, mark_only=True, adopt=True, expect="none"), Conflict)
        assert observe(store, store.target(REF)).owner == STRANGER
        assert put(store, mark=its_mark, mark_only=True, adopt=True) == version
        assert observe(store, store.target(REF)).token == its_mark.token
        delete(store)
        assert isinstance(put(store, mark_only=True), Conflict)
        with pytest.raises(Conflict):
            read(store)

    def test_what_one_writes_the_other_sees_and_does_not_overwrite(self, store: Store, second: Store) -> None:
        assert store.uid == second.uid
        target, first, newer = store.target(REF), secret(REF), secret(REF)
        version = put(store, value=first)
        assert observe(second, target) == observe(store, target)
        later = put(second, value=newer)
        assert isinstance(later, str)
        assert later != version
        if store.caps.cas:
            assert isinstance(put(store, expect=str(version)), Conflict)
            assert isinstance(delete(store, expect=str(version)), Conflict)
        assert read(store).items == newer.items
        assert observe(store, target) == observe(second, target)
        assert delete(second) is None
        assert observe(store, target).presence != "present"
        again = put(store)
        assert again not in (version, later)
        assert observe(second, target).version == again

    def test_each_item_of_a_batch_has_its_own_result(self, store: Store) -> None:
        put(store, OTHER, mark=mark(STRANGER))
        third = Ref("web", "session")
        targets = [store.target(ref) for ref in (REF, OTHER, third)]
        batch = [Put(target, secret(ref), "", mark()) for target, ref in zip(targets, (REF, OTHER, third), strict=True)]
        results = run(store.put(batch))
        assert list(results) == targets
        assert [isinstance(results[target], str) for target in targets] == [True, False, True]
        assert isinstance(results[targets[1]], NotOurs)
        for each in (batch[0], batch[2]):
            assert run(store.read(each.target)).items == each.secret.items
        seen = run(store.observe([*targets, store.target(Ref("web", "none"))]))
        assert [getattr(each, "presence", None) for each in seen.values()] == ["present"] * 3 + ["absent"]
        gone = run(store.delete([Delete(target, "", OWNER) for target in targets]))
        assert [type(gone[target]) for target in targets] == [type(None), NotOurs, type(None)]

    def test_empty_batches_are_fine(self, store: Store) -> None:
        assert (run(store.observe([])), run(store.put([])), run(store.delete([]))) == ({}, {}, {})

    def test_more_than_one_batch_is_observed_at_once(self, store: Store) -> None:
        put(store)
        targets = [store.target(REF), *(store.target(Ref("many", f"n{number}")) for number in range(600))]
        seen = run(store.observe(targets))
        assert list(seen) == targets
        assert [each for each in targets if getattr(seen[each], "presence", None) == "present"] == targets[:1]

    def test_a_deleted_secret_can_not_be_read(self, store: Store) -> None:
        version = put(store)
        assert delete(store, expect=str(version)) is None
        seen = observe(store, store.target(REF))
        assert seen.presence == ("deleted" if store.caps.soft_delete else "absent")
        assert seen.owner == ""
        with pytest.raises(Conflict):
            read(store)

    def test_deleting_what_is_not_there_is_a_success(self, store: Store) -> None:
        assert delete(store) is None
        assert delete(store, expect="7") is None
        put(store)
        assert [delete(store), delete(store)] == [None, None]

    def test_another_owners_secret_is_not_deleted(self, store: Store) -> None:
        put(store, mark=mark(STRANGER))
        assert isinstance(delete(store), NotOurs)
        assert observe(store, store.target(REF)).presence == "present"

    def test_another_version_than_expected_is_not_deleted(self, store: Store) -> None:
        put(store)
        if not store.caps.cas:
            assert delete(store, expect="no-such-version") is None
            return
        assert isinstance(delete(store, expect="no-such-version"), Conflict)
        assert observe(store, store.target(REF)).presence == "present"

    @pytest.mark.parametrize("owner", [OWNER, STRANGER])
    def test_a_deleted_secret_is_recovered_by_a_put(self, store: Store, owner: str) -> None:
        old = put(store)
        delete(store)
        value = secret(REF)
        version = put(store, value=value, mark=mark(owner))
        assert isinstance(version, str)
        assert version != old
        assert read(store).items == value.items
        assert observe(store, store.target(REF)).owner == owner

    def test_the_same_token_again_after_a_delete_is_written(self, store: Store) -> None:
        value, its_mark = secret(REF), mark()
        put(store, value=value, mark=its_mark)
        delete(store)
        assert isinstance(put(store, value=value, mark=its_mark), str)
        assert read(store).items == value.items

    def test_what_is_too_large_is_told_offline_and_rejected(self, store: Store) -> None:
        target = store.target(REF)
        largest = Secret(REF.name, REF.namespace, {"a": bytes(store.caps.max_bytes)})
        larger = Secret(REF.name, REF.namespace, {"a": bytes(store.caps.max_bytes), "b": b"1"})
        assert store.lint(target, largest) == []
        assert [each.code for each in store.lint(target, larger)] == ["too-large"]
        assert isinstance(put(store, value=larger), Rejected)
        assert observe(store, target).presence == "absent"

    def test_nothing_shows_a_value_or_a_token(self, store: Store) -> None:
        planted = secrets.token_hex(16)
        value, its_mark = secret(REF, planted.encode()), mark()
        item = Put(store.target(REF), value, "", its_mark)
        run(store.put([item]))
        refused = Put(store.target(REF), value, "no-such-version", mark(STRANGER))
        error = run(store.put([refused]))[refused.target]
        shown = f"{store!r} {item!r} {observe(store, item.target)!r} {read(store)!r} {error!r} {error}"
        assert planted not in shown
        assert its_mark.token not in shown
        assert its_mark.fingerprint not in shown
