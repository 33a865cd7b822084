"""What is remembered of objects that are watched: that it stands, and what waits, up to a limit in bytes."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube import standing
from controller.kube.cache import Delivered, Sealed, Standings, Waiting
from controller.kube.standing import Standing
from tests.controller.kube.objects import APPLIED, DB, OTHER, UID, sealed, secret

KEY = str(DB)


# What stands.


def _standings() -> tuple[Standings, list[str]]:
    told: list[str] = []
    return Standings(told.append, standing.of), told


def test_what_stands_is_known_by_uid_and_version_alone() -> None:
    found, _ = _standings()
    assert found.get(KEY) is None
    value = secrets.token_hex(12)
    found.seen(KEY, secret({"foo": value.encode()}, annotations={"note": value}), listed=True)
    assert found.get(KEY) == Standing("99999999-cccc", "41")
    assert value not in repr(vars(found))


def test_the_first_list_is_no_news_and_all_later_ones_are() -> None:
    found, told = _standings()
    found.seen(KEY, secret(), listed=True)
    assert told == []
    found.complete()
    found.seen(KEY, secret(resourceVersion="42"), listed=True)  # a list after the watch broke shows what was missed
    assert (told, found.completed) == ([KEY], 1)


def test_what_the_watch_shows_is_news_also_before_the_list_is_complete() -> None:
    found, told = _standings()
    found.seen(KEY, secret(), listed=False)
    assert told == [KEY]


def test_what_is_gone_stands_no_more() -> None:
    found, told = _standings()
    found.seen(KEY, secret(), listed=True)
    found.gone(KEY, "99999999-cccc")
    assert (found.get(KEY), told) == (None, [KEY])
    found.gone(KEY, "99999999-cccc")
    assert told == [KEY]


def test_that_a_former_one_of_the_name_is_gone_says_nothing_of_the_present_one() -> None:
    found, told = _standings()
    found.seen(KEY, secret(), listed=True)
    found.gone(KEY, OTHER)
    assert (found.get(KEY), told) == (Standing("99999999-cccc", "41"), [])


# What waits.


def _size(item: dict[str, Any]) -> int:
    return len(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode())


def test_what_waits_is_taken_once_and_whole() -> None:
    waiting, item = Waiting(), sealed({"encryptedData": {"foo": "AgA="}})
    waiting.put(KEY, item)
    assert len(waiting) == 1
    assert waiting.take(KEY) == item
    assert (waiting.take(KEY), len(waiting)) == (None, 0)


def test_the_last_one_put_is_the_one_that_is_taken() -> None:
    waiting, last = Waiting(), sealed(generation=2)
    waiting.put(KEY, sealed())
    waiting.put(KEY, last)
    assert len(waiting) == 1
    assert waiting.take(KEY) == last


def test_one_that_finds_no_room_leaves_no_older_one_behind() -> None:
    waiting = Waiting(10_000)
    waiting.put(KEY, sealed())
    waiting.put(KEY, sealed({"encryptedData": {"foo": "A" * 20_000}}, generation=2))
    assert waiting.take(KEY) is None  # it is asked for again: the older one would be delivered


def test_what_waits_is_renewed_and_what_does_not_stays_away() -> None:
    waiting, renewed = Waiting(), {**sealed(), "status": {"observedGeneration": 1}}
    waiting.renew(KEY, renewed)
    assert len(waiting) == 0
    waiting.put(KEY, sealed())
    waiting.renew(KEY, renewed)
    assert waiting.take(KEY) == renewed


def test_room_comes_back_with_what_is_taken_or_dropped() -> None:
    waiting, large = Waiting(10_000), sealed({"encryptedData": {"foo": "A" * 5_000}})
    for key in ("a/a", "a/b", "a/c"):
        waiting.put(key, large)
        assert len(waiting) == 1
        waiting.put("a/more", large)
        assert len(waiting) == 1
        waiting.drop("a/more")  # which never had room
        assert (waiting.take if key < "a/c" else waiting.drop)(key) in (large, None)
        assert len(waiting) == 0


def test_who_manages_which_field_is_nobodys_business_here() -> None:
    waiting = Waiting(10_000)
    waiting.put(KEY, sealed(managedFields=[{"fieldsV1": {f"f:{number}": {} for number in range(9_999)}}]))
    assert waiting.take(KEY) == sealed()


def test_one_too_deep_to_be_written_is_asked_for() -> None:
    deep: dict[str, Any] = {}
    for _ in range(3_000):
        deep = {"a": deep}
    waiting = Waiting()
    waiting.put(KEY, sealed({"encryptedData": {}, "template": {"metadata": {"x": deep}}}))
    assert (waiting.take(KEY), len(waiting)) == (None, 0)


@pytest.mark.parametrize(
    "item",
    [
        sealed({"encryptedData": {"foo": "A" * 50_000}}),
        sealed({"data": "A" * 50_000}),
        sealed({"encryptedData": {"A" * 50_000: ""}}),
        sealed({"encryptedData": {}, "template": {"data": {"conf": "A" * 50_000}}}),
        sealed({"encryptedData": {}, "template": {"metadata": {"annotations": {"a": "A" * 50_000}}}}),
        sealed(annotations={APPLIED: "A" * 50_000}),
        {**sealed(), "status": {"conditions": [{"message": "A" * 50_000}]}},
    ],
    ids=["items", "old format", "names", "template", "template's annotations", "annotations", "status"],
)
def test_all_that_makes_an_object_large_counts(item: dict[str, Any]) -> None:
    waiting = Waiting(40_000)
    waiting.put(KEY, item)
    assert len(waiting) == 0


_TEXT = st.integers(0, 4_000).map("A".__mul__)
_ITEMS = st.builds(
    lambda text, old, template, note: sealed(
        {"encryptedData": {"foo": text}, "data": old, "template": {"data": {"conf": template}}},
        annotations={"note": note},
    ),
    _TEXT, st.none() | _TEXT, _TEXT, _TEXT,
)  # fmt: skip
_STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "renew", "take", "drop"]), st.sampled_from(["a/a", "a/b", "a/c", "a/d"]), _ITEMS),
    max_size=20,
)


@given(_STEPS, st.integers(0, 20_000))
def test_never_more_than_the_limit_waits_and_what_waits_is_the_latest(
    steps: list[tuple[str, str, dict[str, Any]]], limit: int
) -> None:
    waiting = Waiting(limit)
    latest: dict[str, dict[str, Any]] = {}
    for verb, key, item in steps:
        if verb == "put":
            waiting.put(key, item)
            latest[key] = item
        elif verb == "renew":
            waiting.renew(key, item)
            latest[key] = item
        elif verb == "take":
            assert waiting.take(key) in (None, latest.get(key))
        else:
            waiting.drop(key)
        held = {each: found for each in latest if (found := waiting.take(each)) is not None}
        assert sum(map(_size, held.values())) <= limit
        assert len(waiting) == 0
        for each, found in held.items():
            assert found == latest[each]
            waiting.put(each, found)  # all of it has room again
        assert len(waiting) == len(held)


@pytest.mark.parametrize("spec", [None, "x", 7, [], {"encryptedData": "x"}, {"encryptedData": {"foo": 7, "bar": None}}])
def test_whatever_its_form_it_can_wait(spec: object) -> None:
    waiting, item = Waiting(), {**sealed(), "spec": spec}
    waiting.put(KEY, item)
    assert waiting.take(KEY) == item


def test_an_object_however_deep_can_wait() -> None:
    """The CRD keeps unknown fields in a template's metadata, nested as deep as JSON may be."""
    deep: Any = "A" * 50_000
    for _ in range(5_000):
        deep = {"x": [deep]}
    waiting = Waiting(40_000)
    waiting.put(KEY, sealed({"encryptedData": {}, "template": {"metadata": deep}}))
    assert len(waiting) == 0


def test_what_is_remembered_shows_no_value() -> None:
    assert repr(Sealed(UID, 1, (), Delivered("u", "1"))) == (
        f"Sealed(uid='{UID}', generation=1, scope=(), delivered=Delivered(uid='u', version='1'))"
    )
