"""What stands under a name: the mark in both directions, and whether what was delivered is still there."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.fingerprint import derive
from controller.kube import names, standing
from controller.kube.cache import Delivered
from controller.kube.standing import Mark, Standing
from sealer import schema
from sealer.secret import Ref
from tests.controller.kube.objects import (
    DB,
    INPUT,
    KEY,
    LATER,
    OTHER,
    UID,
    made,
    reference,
    right,
    sealed,
    secret,
    want,
)
from tests.controller.samples import state_key

PRINT = f"01234567:{'ef' * 16}"
MARK = Mark(str(DB), UID, INPUT, PRINT, (), ("app",), ("note",))

_NAMES = st.lists(st.text(max_size=20), unique=True, max_size=4).map(tuple)
_MARKS = st.builds(
    Mark,
    secret=st.from_regex(r"\A[-a-z0-9]{1,63}/[-.a-z0-9]{1,253}\Z"),
    uid=st.from_regex(r"\A[-0-9A-Za-z]{1,64}\Z"),
    input=st.from_regex(r"\A[0-9a-f]{64}\Z"),
    fingerprint=st.just("") | st.from_regex(r"\A[0-9a-f]{8}:[0-9a-f]{32}\Z"),
    items=_NAMES,
    labels=_NAMES,
    annotations=_NAMES,
    patch=st.booleans(),
    owned=st.booleans(),
)


@given(_MARKS)
def test_a_mark_is_read_as_it_was_written(mark: Mark) -> None:
    assert standing.mark_of(mark.text()) == mark
    assert mark.text().isascii()


@given(_MARKS)
@settings(max_examples=20)
def test_a_mark_is_what_its_schema_says(mark: Mark) -> None:
    schema.validate(json.loads(mark.text()), "delivered-mark", file="mark")


def _text(**changes: Any) -> str:
    value = {**json.loads(MARK.text()), **changes}
    return json.dumps({name: each for name, each in value.items() if each is not ...})


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2}, {"version": True}, {"version": "1"}, {"version": ...}, {"more": 1}, {"uid": ...},
        {"uid": ""}, {"uid": "a b"}, {"uid": 7}, {"secret": "db"}, {"secret": "a/b/c"}, {"input": "ab"},
        {"input": INPUT.upper()}, {"input": f"{INPUT}\n"}, {"fingerprint": "x"}, {"fingerprint": None},
        {"items": "abc"}, {"items": ["a", "a"]}, {"labels": [1]}, {"annotations": {}}, {"patch": 1}, {"owned": "true"},
    ],
    ids=str,
)  # fmt: skip
def test_a_mark_of_any_other_form_says_nothing(changes: dict[str, Any]) -> None:
    assert standing.mark_of(_text()) == MARK
    assert standing.mark_of(_text(**changes)) is None


@pytest.mark.parametrize("text", ["", "x", "[]", "null", "1", "{", "ü", "[" * 5000, '{"version":1,"version":1}', "NaN"])
def test_what_is_no_mark_at_all(text: str) -> None:
    assert standing.mark_of(text) is None
    assert standing.marked(secret(annotations={names.DELIVERED: text})) is None


def test_a_secret_without_annotations_has_no_mark() -> None:
    assert standing.marked(secret()) is None
    assert standing.marked(secret(annotations=None)) is None


def test_a_mark_shows_no_fingerprint() -> None:
    assert PRINT not in repr(MARK)


def test_what_stands_is_its_uid_and_version() -> None:
    whole = secret({"foo": b"bar"})
    partial = {"kind": "PartialObjectMetadata", "metadata": whole["metadata"]}
    assert standing.of(whole) == standing.of(partial) == Standing("99999999-cccc", "41")


# Whether what was delivered is still there, by the mark.


def test_what_was_created_is_right() -> None:
    for each in (
        want({"foo": b"bar"}),
        want({}),
        want({"foo": b"\x00\xff"}, type="example/kind", labels={"app": "x"}, annotations={"a": "b"}, immutable=True),
        want({"foo": b"bar"}, owned=False),
    ):
        assert right(made(each))


def _drifted(**changes: Any) -> dict[str, Any]:
    stands = made(want({"foo": b"bar", "baz": b""}, labels={"app": "x"}, annotations={"note": "n"}))
    for name, each in changes.items():
        (stands if name in ("data", "type") else stands["metadata"])[name] = each
    return stands


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"foo": "YmFy"}},
        {"data": {"foo": "YmF6", "baz": ""}},
        {"data": {"foo": "YmFy", "baz": "", "more": ""}},
        {"data": None},
        {"data": {"foo": "not base64!", "baz": ""}},
        {"type": "example/kind"},
        {"labels": {"app": "y"}},
        {"labels": {}},
        {"ownerReferences": []},
        {"ownerReferences": [reference(OTHER)]},
        {"ownerReferences": [reference(controller=False)]},
    ],
    ids=str,
)
def test_drift_shows(changes: dict[str, Any]) -> None:
    assert right(_drifted())
    assert not right(_drifted(**changes))


def test_an_annotation_of_ours_that_was_changed_is_drift() -> None:
    stands = _drifted()
    stands["metadata"]["annotations"]["note"] = "other"
    assert not right(stands)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {"app": "x", "argocd.argoproj.io/instance": "shop"}},
        {"resourceVersion": "99", "managedFields": [{}], "finalizers": ["a.example/x"]},
        {"ownerReferences": [reference(), reference(OTHER, "web", kind="Deployment", controller=False)]},
    ],
    ids=str,
)
def test_what_others_add_beside_ours_is_no_drift(changes: dict[str, Any]) -> None:
    assert right(_drifted(**changes))


def test_that_it_was_made_immutable_by_hand_is_no_drift() -> None:
    assert right({**_drifted(), "immutable": True})


def test_a_copy_under_another_name_is_not_what_was_delivered() -> None:
    stands = _drifted()
    mark = standing.marked(stands)
    assert mark is not None
    for ref in (Ref("shop", "other"), Ref("other", "db")):
        assert standing.print_of_standing(KEY, ref, stands, mark) == ""
        # Not even where the mark was made to fit.
        forged = replace(mark, secret=str(ref))
        assert standing.print_of_standing(KEY, ref, stands, forged) != mark.fingerprint


def test_of_a_secret_that_was_merged_into_only_what_is_ours_counts() -> None:
    mark = Mark(str(DB), UID, INPUT, "", ("foo",), ("app",), (), patch=True, owned=False)
    ours = secret({"foo": b"bar"}, labels={"app": "x"})
    theirs = secret({"foo": b"bar", "more": b"theirs"}, labels={"app": "x", "other": "y"})
    changed = secret({"foo": b"baz", "more": b"theirs"}, labels={"app": "x", "other": "y"})
    prints = [standing.print_of_standing(KEY, DB, each, mark) for each in (ours, theirs, changed)]
    assert prints[0] == prints[1] != prints[2]


def test_fingerprints_of_another_key_are_others() -> None:
    stands = _drifted()
    mark = standing.marked(stands)
    assert mark is not None
    other = derive(*state_key())
    assert standing.print_of_standing(other, DB, stands, mark) not in ("", mark.fingerprint)


def test_a_fingerprint_tells_nothing_of_a_value() -> None:
    value = secrets.token_hex(12)
    assert value not in standing.print_of(KEY, DB, want({"foo": value.encode()}).secret)


# Whether there is anything to do, by the status alone.

_REF = {"name": "db", "uid": "99999999-cccc", "resourceVersion": "41"}
_GOOD = {
    "observedGeneration": 1, "input": INPUT, "secretRef": _REF, "conditions": [{"type": "Synced", "status": "True"}],
}  # fmt: skip
_SEEN = Standing("99999999-cccc", "41")
_DELIVERED = Delivered("99999999-cccc", "41")


def _settled(status: object, *, wanted: str = INPUT, seen: Standing | None = _SEEN, watched: bool = True) -> object:
    return standing.settled({**sealed(), "status": status}, wanted, seen, watched=watched)


def test_what_the_status_says_of_this_input_and_that_secret_is_settled() -> None:
    assert _settled(_GOOD) == _DELIVERED


@pytest.mark.parametrize(
    "status",
    [
        None, "x", {}, {**_GOOD, "observedGeneration": 0}, {**_GOOD, "observedGeneration": -1},
        {**_GOOD, "input": LATER},
        {**_GOOD, "input": ""}, {**_GOOD, "secretRef": None}, {**_GOOD, "secretRef": {}}, {**_GOOD, "conditions": None},
        {**_GOOD, "conditions": [{"type": "Synced", "status": "False"}]},
        {**_GOOD, "conditions": [{"type": "Ready", "status": "True"}]},
        {**_GOOD, "conditions": ["Synced"]},
    ],
)  # fmt: skip
def test_any_other_status_is_not(status: object) -> None:
    assert _settled(status) is None


def test_another_secret_than_the_status_names_is_not_settled() -> None:
    assert _settled(_GOOD, seen=None) is None
    assert _settled(_GOOD, seen=Standing("99999999-cccc", "42")) is None
    assert _settled(_GOOD, seen=Standing("other", "41")) is None
    assert _settled({**_GOOD, "input": ""}, wanted="") is None  # a document that can't be read is never settled


def test_where_secrets_are_not_watched_the_status_is_believed() -> None:
    assert _settled(_GOOD, seen=None, watched=False) == _DELIVERED
    assert _settled({**_GOOD, "input": LATER}, seen=None, watched=False) is None


@pytest.mark.parametrize(
    ("asked", "handled", "settled"),
    [
        ({}, None, True), ({}, "t1", True),
        ({"requestedAt": "t1"}, "t1", True), ({"requestedAt": "t1"}, None, False), ({"requestedAt": "t2"}, "t1", False),
        ({"requestedAt": ""}, "t1", True), ({"requestedAt": "x" * 128}, None, False),
        ({"requestedAt": "x" * 129}, None, True),
    ],
)  # fmt: skip
def test_what_asks_for_a_look_that_the_status_does_not_answer(
    asked: dict[str, str], handled: str | None, settled: bool
) -> None:
    """A value that is longer than a status may have it asks for nothing."""
    annotations = {f"reconcile.fluxcd.io/{name}": text for name, text in asked.items()}
    status = _GOOD if handled is None else {**_GOOD, "lastHandledReconcileAt": handled}
    item = {**sealed(annotations=annotations), "status": status}
    assert (standing.settled(item, INPUT, _SEEN, watched=True) == _DELIVERED) is settled
    assert standing.answered(item) is settled


def test_annotations_that_delivery_depends_on() -> None:
    theirs = "sealedsecrets.bitnami.com"
    for name in (f"{theirs}/cluster-wide", f"{theirs}/namespace-wide", "sealer.dev/on-delete", "sealer.dev/stores"):
        assert standing.counts(name)
    assert not any(standing.counts(name) for name in (f"{theirs}/managed", "note", names.DELIVERED))
