"""Who may write what where: Bitnami's rules of ownership (4.5, D5 to D16); and what the one write does."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube import document, names, standing, wanted
from controller.kube.wanted import MOST, NotWritten, Owner
from sealer import schema
from sealer.kube.client import ApiError
from tests.controller.kube.objects import (
    APPLIED,
    DB,
    INPUT,
    LATER,
    OTHER,
    OWNER,
    UID,
    made,
    merged,
    plain,
    reference,
    right,
    sealed,
    secret,
    values,
    want,
)

MANAGED, PATCH = {names.MANAGED: "true"}, {names.PATCH: "true"}
UNMANAGED = 'Resource "db" already exists and is not managed by SealedSecret'


def _owners(stands: dict[str, Any]) -> list[str]:
    return [each["uid"] for each in stands["metadata"].get("ownerReferences") or ()]


def _said(stands: dict[str, Any], name: str) -> dict[str, str]:
    """Labels or annotations, but for the mark."""
    return {k: v for k, v in stands["metadata"].get(name, {}).items() if k != names.DELIVERED}


def _written(want: wanted.Wanted, stands: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What stands after the write, which then asks for no other."""
    right = wanted.hold(stands, want.owner)
    wanted.check(want, stands)
    found = merged(stands, wanted.patched(want, stands, right, **more))
    assert not wanted.differs(want, found, wanted.hold(found, want.owner))
    return found


# Creation.


def test_a_secret_is_created_as_its_template_says() -> None:
    it = want(
        {"foo": b"bar", "raw": b"\xff\x00"}, type="example/kind", immutable=True,
        labels={"app": "shop"}, annotations={"note": "n"}, finalizers=("a.example/x",),
    )  # fmt: skip
    body = wanted.created(it)
    mark = body["metadata"]["annotations"].pop(names.DELIVERED)
    assert body == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "db",
            "namespace": "shop",
            "labels": {"app": "shop"},
            "annotations": {"note": "n"},
            "ownerReferences": [reference()],
            "finalizers": ["a.example/x"],
        },
        "type": "example/kind",
        "data": {"foo": "YmFy", "raw": "/wA="},
        "immutable": True,
    }
    schema.validate(json.loads(mark), "delivered-mark", file="mark")


def test_the_least_that_can_be_created() -> None:
    body = wanted.created(want())
    assert body["metadata"].keys() == {"name", "namespace", "annotations", "ownerReferences"}
    assert (body["type"], body["data"], "immutable" in body) == ("Opaque", {}, False)


@pytest.mark.parametrize(
    ("annotations", "owned"),
    [
        ({}, True),
        ({names.SKIP_OWNER: "true"}, False),
        ({names.SKIP_OWNER: "TRUE"}, True),
        ({names.SKIP_OWNER: ""}, True),
    ],
)
def test_whether_an_owner_reference_is_set_says_the_template(annotations: dict[str, str], owned: bool) -> None:
    item = sealed({"encryptedData": {}, "template": {"metadata": {"annotations": annotations}}})
    assert wanted.owned(document.read(item)[0]) is owned
    # That of the SealedSecret itself says nothing.
    assert wanted.owned(document.read(sealed(annotations=annotations))[0])
    assert _owners(wanted.created(want(owned=owned))) == ([UID] if owned else [])


def test_copies_of_whole_objects_and_marks_of_a_template_are_left_out() -> None:
    kubecfg = "kubecfg.ksonnet.io/last-applied-configuration"
    kept = {"foo": "1", "foo.bar.io/foo-bar-baz": "2", "sealedsecrets.bitnami.com/cluster-wide": "true"}
    given = {**kept, APPLIED: "{}", kubecfg: "{}", names.DELIVERED: "{}"}
    assert wanted.of(plain(annotations=given)).annotations == kept


# By what right.


@pytest.mark.parametrize(
    ("stands", "expected"),
    [
        (secret(ownerReferences=[reference()]), "ours"),
        (secret(ownerReferences=[reference(OTHER, "web", kind="Deployment", controller=False), reference()]), "ours"),
        (secret(annotations=MANAGED), "managed"),
        (secret(annotations=MANAGED, ownerReferences=[reference(OTHER, "web", kind="Deployment")]), "managed"),
        (secret(annotations=MANAGED, ownerReferences=[reference()]), "ours"),
        (secret(annotations=PATCH), "patch"),
        (secret(annotations=PATCH, ownerReferences=[reference()]), "patch"),
        (secret(annotations={**MANAGED, **PATCH}), "both"),
        (secret(annotations={**MANAGED, **PATCH}, ownerReferences=[reference()]), "both"),
        (secret(ownerReferences=[reference(OTHER)]), "ours"),
        (secret(annotations=PATCH, ownerReferences=[reference(OTHER)]), "both"),
        (made(want({"foo": b"bar"}, owned=False)), "ours"),
        (made(want({"foo": b"bar"}, owned=False, uid=OTHER)), "ours"),
    ],
    ids=[
        "owned", "owned among others", "managed", "managed, of another controller", "managed and owned", "patch",
        "patch and owned", "both", "both and owned", "of a SealedSecret made again", "the same, merged into",
        "without an owner, ours by its mark", "the same, of a SealedSecret made again",
    ],
)  # fmt: skip
def test_by_what_right_a_secret_is_written_to(stands: dict[str, Any], expected: str) -> None:
    """E1, E7 among them: managed, and patch, are exactly `true`."""
    assert wanted.hold(stands, OWNER) == expected


def _orphan(**more: Any) -> dict[str, Any]:
    stands = made(want({"foo": b"bar"}, **more))
    stands["metadata"].pop("ownerReferences", None)
    return stands


def _patched_by_us() -> dict[str, Any]:
    """A Secret that we merged into, whose leave was withdrawn since."""
    stands = _written(want({"foo": b"bar"}), secret({"foo2": b"theirs"}, annotations=PATCH))
    del stands["metadata"]["annotations"][names.PATCH]
    return stands


def _copy() -> dict[str, Any]:
    stands = made(want({"foo": b"bar"}, owned=False))
    mark = stands["metadata"]["annotations"][names.DELIVERED]
    stands["metadata"]["annotations"][names.DELIVERED] = mark.replace("shop/db", "shop/original")
    return stands


@pytest.mark.parametrize(
    "stands",
    [
        secret(),
        secret({"foo": b"bar"}),
        secret(ownerReferences=[reference(OTHER, "other")]),
        secret(ownerReferences=[reference(OTHER, kind="Deployment", apiVersion="apps/v1")]),
        secret(ownerReferences=[reference(OTHER, apiVersion="example.com/v1")]),
        secret(ownerReferences=[reference(controller=False)]),
        secret(ownerReferences=[reference(controller="true")]),
        _orphan(uid=OTHER),
        _patched_by_us(),
        _copy(),
        {**made(want(owned=False)), "metadata": {**made(want(owned=False))["metadata"],
            "ownerReferences": [reference(OTHER, "web", kind="Deployment")]}},
        *(
            secret(annotations={name: text})
            for name in (names.MANAGED, names.PATCH)
            for text in ("TRUE", "True", "false", "1", "")
        ),
        secret(annotations={"managed": "true", "example.com/patch": "true"}),
        secret(labels={names.MANAGED: "true", names.PATCH: "true"}),
    ],
)  # fmt: skip
def test_what_is_somebody_elses_is_refused_in_their_words(stands: dict[str, Any]) -> None:
    """E2 to E6 and E8 to E12 among them: `TRUE`, `false`, nothing, another name, and no annotation at all."""
    with pytest.raises(NotWritten) as caught:
        wanted.hold(stands, OWNER)
    assert (caught.value.reason, str(caught.value)) == ("Unmanaged", UNMANAGED)
    command = f"kubectl annotate secret db -n shop {names.MANAGED}=true"
    assert caught.value.way_out == f"to hand it over: {command} ({names.PATCH}=true merges into it)"


def test_a_secret_whose_owner_reference_was_taken_away_gets_it_back() -> None:
    stands = _orphan()
    assert not right(stands)
    assert wanted.hold(stands, OWNER) == "ours"
    assert wanted.differs(want({"foo": b"bar"}), stands, "ours")
    assert _owners(_written(want({"foo": b"bar"}), stands)) == [UID]


# Writes.


def test_d2_d3_d4_a_secret_of_ours_is_replaced() -> None:
    stands = made(want({"foo": b"bar"}))
    for items in ({"foo": b"baz"}, {"xyzzy": b"bar"}, {"foo": b"bar", "foo2": b"2"}, {}):
        after = _written(want(items, input=LATER), stands)
        assert values(after) == items
        assert right(after)


def test_d5_a_managed_secret_is_taken_over_wholesale() -> None:
    before = {**MANAGED, "another": "annotation"}
    stands = secret({"foo": b"bar1", "foo2": b"bar2"}, annotations=before, labels={"anotherlabel": "x"})
    after = _written(want({"foo": b"bar"}, labels={"mylabel": "myvalue"}), stands)
    assert values(after) == {"foo": b"bar"}
    assert (_said(after, "labels"), _said(after, "annotations")) == ({"mylabel": "myvalue"}, {})
    assert after["metadata"]["ownerReferences"] == [reference()]
    assert right(after)


def test_a_managed_secret_is_taken_over_wholesale_also_where_it_bears_an_old_mark() -> None:
    stands = _orphan(uid=OTHER)
    stands["metadata"]["labels"] = {"anotherlabel": "x"}
    stands["metadata"]["annotations"] |= {**MANAGED, "another": "annotation"}
    assert wanted.hold(stands, OWNER) == "managed"
    after = _written(want({"foo": b"bar"}), stands)
    assert (_said(after, "labels"), _said(after, "annotations")) == ({}, {})


def test_a_managed_secret_of_another_controller_becomes_ours_alone() -> None:
    stands = secret(annotations=MANAGED, ownerReferences=[reference(OTHER, "web", kind="Deployment")])
    assert _owners(_written(want({"foo": b"bar"}), stands)) == [UID]


def test_d6_managed_and_patch_merges_and_owns() -> None:
    stands = secret({"foo": b"bar1", "foo2": b"bar2"}, annotations={**MANAGED, **PATCH}, labels={"anotherlabel": "x"})
    after = _written(want({"foo": b"bar"}, labels={"mylabel": "y"}, annotations={"note": "n"}), stands)
    assert values(after) == {"foo": b"bar", "foo2": b"bar2"}
    assert _said(after, "labels") == {"anotherlabel": "x", "mylabel": "y"}
    assert _said(after, "annotations") == {**MANAGED, **PATCH, "note": "n"}
    assert _owners(after) == [UID]
    assert right(after)


@pytest.mark.parametrize("before", [{"foo": b"bar1", "foo2": b"bar2"}, {}, None], ids=["data", "none", "no field"])
def test_d7_d8_patch_alone_merges_and_does_not_own(before: dict[str, bytes] | None) -> None:
    stands = secret(before, annotations=PATCH)
    after = _written(want({"foo": b"bar"}, labels={"mylabel": "y"}), stands)
    assert values(after) == {**(before or {}), "foo": b"bar"}
    assert (_said(after, "labels"), _said(after, "annotations")) == ({"mylabel": "y"}, PATCH)
    assert _owners(after) == []
    assert right(after)


def test_what_was_merged_in_is_never_taken_out_again() -> None:
    stands = secret({"foo": b"theirs", "foo2": b"theirs"}, annotations=PATCH)
    once = _written(want({"foo": b"bar", "more": b"x"}, labels={"a": "1"}, annotations={"b": "2"}), stands)
    after = _written(want({"more": b"y"}, input=LATER), once)
    assert values(after) == {"foo": b"bar", "foo2": b"theirs", "more": b"y"}
    assert (_said(after, "labels"), _said(after, "annotations")) == ({"a": "1"}, {**PATCH, "b": "2"})


def test_patch_leaves_the_owner_as_it_is() -> None:
    foreign = reference(OTHER, "web", kind="Deployment")
    for owners in ([], [foreign], [reference()]):
        stands = secret({"foo": b"x"}, annotations=PATCH, ownerReferences=owners)
        assert _written(want({"foo": b"bar"}), stands)["metadata"]["ownerReferences"] == owners


def test_a_secret_of_a_sealed_secret_that_was_made_again_passes_to_the_new_one() -> None:
    """Else the cluster collects it, with what others merged into it (operators.md 4, case 39)."""
    for flags, kept in ({}, {}), (PATCH, {"theirs": b"x"}):
        stands = secret({"foo": b"bar", "theirs": b"x"}, annotations=flags, ownerReferences=[reference(OTHER)])
        after = _written(want({"foo": b"bar"}), stands)
        assert (_owners(after), values(after)) == ([UID], {"foo": b"bar", **kept})


def test_without_an_owner_reference_a_secret_of_ours_stays_ours() -> None:
    first = want({"foo": b"bar"}, owned=False)
    stands = made(first)
    assert not wanted.differs(first, stands, "ours")
    after = _written(want({"foo": b"baz"}, owned=False, input=LATER), stands)
    assert (_owners(after), values(after)) == ([], {"foo": b"baz"})
    again = _written(want({"foo": b"2"}, owned=False, uid=OTHER), after)  # its SealedSecret was deleted and made again
    assert (standing.marked(again) or stands).uid == OTHER  # type: ignore[union-attr]


def test_an_owner_reference_comes_and_goes_with_the_template() -> None:
    stands = made(want({"foo": b"bar"}))
    without = want({"foo": b"bar"}, owned=False, input=LATER)
    assert wanted.differs(without, stands, "ours")
    after = _written(without, stands)
    assert _owners(after) == []
    assert _owners(_written(want({"foo": b"bar"}), after)) == [UID]


def test_labels_and_annotations_that_a_template_drops_go_and_those_of_others_stay() -> None:
    stands = made(want({"foo": b"bar"}, labels={"a": "1", "b": "2"}, annotations={"c": "3"}))
    stands["metadata"]["labels"]["theirs"] = "x"
    stands["metadata"]["annotations"]["theirs"] = "x"
    after = _written(want({"foo": b"bar"}, labels={"b": "2"}, input=LATER), stands)
    assert _said(after, "labels") == {"b": "2", "theirs": "x"}
    assert _said(after, "annotations") == {"theirs": "x"}


def test_neither_immutable_nor_finalizers_are_given_to_what_stands() -> None:
    stands = made(want({"foo": b"bar"}))
    it = want({"foo": b"bar"}, immutable=True, finalizers=("a.example/x",))
    assert not wanted.differs(it, stands, "ours")
    after = _written(want({"foo": b"baz"}, immutable=True, finalizers=("a.example/x",), input=LATER), stands)
    assert ("immutable" in after, "finalizers" in after["metadata"]) == (False, False)
    assert right(after)


def test_a_write_names_what_it_expects_to_stand_and_no_other_field() -> None:
    patch = wanted.patched(want({"foo": b"baz"}), made(want({"foo": b"bar"})), "ours")
    assert patch.keys() == {"metadata", "data"}
    assert patch["metadata"].keys() == {"uid", "resourceVersion", "labels", "annotations", "ownerReferences"}


# No write where nothing differs.


def _theirs(items: dict[str, bytes], **more: Any) -> dict[str, Any]:
    """A Secret as Bitnami's controller makes it."""
    return secret(items, ownerReferences=[reference()], **more)


def test_what_their_controller_made_is_left_alone() -> None:
    annotations = {"sealedsecrets.bitnami.com/cluster-wide": "true"}
    stands = _theirs({"foo": b"bar"}, labels={"a": "1"}, annotations=annotations, type="example/kind")
    it = want({"foo": b"bar"}, labels={"a": "1"}, annotations=annotations, type="example/kind")
    for changed in (True, False):
        assert not wanted.differs(it, stands, "ours", changed=changed)
    assert wanted.created(want({"foo": b"bar"}))["metadata"]["ownerReferences"] == [reference()]


def test_labels_of_others_on_what_their_controller_made_stay_until_the_document_changes() -> None:
    stands = _theirs({"foo": b"bar"}, labels={"a": "1", "theirs": "x"})
    it = want({"foo": b"bar"}, labels={"a": "1"})
    assert not wanted.differs(it, stands, "ours", changed=False)
    # Which of them is of an older template can't be told: theirs would take all others away.
    assert wanted.differs(it, stands, "ours", changed=True)
    assert _said(_written(it, stands), "labels") == {"a": "1"}


@pytest.mark.parametrize(
    "stands",
    [
        _theirs({"foo": b"baz"}),
        _theirs({}),
        _theirs({"foo": b"bar", "more": b""}),
        _theirs({"foo": b"bar"}, labels={"app": "y"}),
        _theirs({"foo": b"bar"}, labels={}, annotations={"note": "n"}),
        secret({"foo": b"bar"}, labels={"app": "x"}, annotations={"note": "n"}),
        secret({"foo": b"bar"}, labels={"app": "x"}, annotations={"note": "n"}, ownerReferences=[reference(OTHER)]),
    ],
)
def test_what_differs_is_written(stands: dict[str, Any]) -> None:
    it = want({"foo": b"bar"}, labels={"app": "x"}, annotations={"note": "n"})
    assert wanted.differs(it, stands, "ours", changed=False)


def test_another_mark_alone_is_no_reason_to_write() -> None:
    stands = made(want({"foo": b"bar"}))
    assert not wanted.differs(want({"foo": b"bar"}, input=LATER), stands, "ours")


_ITEM = st.text("ab.", min_size=1, max_size=2)
_ITEMS = st.dictionaries(_ITEM, st.binary(max_size=4), max_size=3)
_TEXTS = st.dictionaries(_ITEM, st.text(max_size=2), max_size=2)
_FLAGS = st.sampled_from([{}, MANAGED, PATCH, {**MANAGED, **PATCH}])


@given(_ITEMS, _TEXTS, _TEXTS, _FLAGS, _ITEMS, _TEXTS, _TEXTS, st.booleans(), st.booleans())
def test_after_one_write_nothing_differs_and_the_mark_shows_it(
    items: dict[str, bytes],
    labels: dict[str, str],
    annotations: dict[str, str],
    flags: dict[str, str],
    standing_items: dict[str, bytes],
    standing_labels: dict[str, str],
    standing_annotations: dict[str, str],
    ours: bool,
    owned: bool,
) -> None:
    owners = [reference()] if ours or not flags else []
    stands = secret(
        standing_items, labels=standing_labels, annotations={**standing_annotations, **flags}, ownerReferences=owners
    )
    it = want(items, labels=labels, annotations=annotations, owned=owned)
    after = _written(it, stands)
    assert right(after)
    assert items.items() <= values(after).items()
    assert labels.items() <= _said(after, "labels").items()
    assert annotations.items() <= _said(after, "annotations").items()
    if names.PATCH in flags:
        assert values(after) == {**standing_items, **items}
        assert _said(after, "labels") == {**standing_labels, **labels}
        assert _said(after, "annotations") == {**standing_annotations, **flags, **annotations}
    else:
        assert values(after) == items
        assert _owners(after) == ([UID] if owned else [])
    # And what comes next of another template leaves nothing of this one behind, where it is not merged.
    last = _written(want({"z": b""}, owned=owned, input=LATER), after)
    if names.PATCH not in flags:
        assert values(last) == {"z": b""}
        assert not labels.keys() & _said(last, "labels").keys()


# What can't be, found before anything is sent.


@pytest.mark.parametrize(
    ("stands", "it"),
    [
        (secret({"foo": b"bar"}, immutable=True), want({"foo": b"baz"}, immutable=True)),
        (secret({"foo": b"bar"}, immutable=True), want({"foo": b"bar", "more": b""})),
        (secret({"foo": b"bar", "more": b""}, immutable=True), want({"foo": b"bar"}, immutable=True)),
        (secret({"foo": b"bar"}, immutable=True, annotations=PATCH), want({"foo": b"baz"})),
    ],
)
def test_d16_an_immutable_secret_keeps_its_data(stands: dict[str, Any], it: wanted.Wanted) -> None:
    with pytest.raises(NotWritten) as caught:
        wanted.check(it, stands)
    assert caught.value.reason == "Immutable"
    assert str(caught.value).startswith("Error updating shop/db: the target Secret is immutable.")
    assert str(caught.value).endswith("Delete it, or give the SealedSecret another name")
    assert caught.value.way_out.endswith(": kubectl delete secret db -n shop")


@pytest.mark.parametrize(
    ("type_", "needs"),
    [
        ("kubernetes.io/tls", "the items tls.crt and tls.key"),
        ("kubernetes.io/dockerconfigjson", "the item .dockerconfigjson, in JSON"),
        ("kubernetes.io/ssh-auth", "the item ssh-privatekey, not empty"),
        ("kubernetes.io/basic-auth", "the item username, or password, or both"),
        ("example/kind", ""),
    ],
)
def test_what_the_api_server_calls_invalid_is_told_what_its_type_needs(type_: str, needs: str) -> None:
    error = ApiError(422, "Invalid", where="POST", fields=("data[x]",))
    found = wanted.refused(plain({"foo": secrets.token_bytes(9)}, type=type_), error)
    assert (found.reason, found.what) == ("Invalid", "the API server answered 422 Invalid (data[x])")
    assert found.way_out == (f"type {type_} needs {needs}" if needs else "")


@pytest.mark.parametrize(
    ("stands", "it"),
    [
        (secret({"foo": b"bar"}, immutable=True), want({"foo": b"bar"}, immutable=True, labels={"new": "x"})),
        (secret({"foo": b"bar"}, immutable=True), want({"foo": b"bar"})),
        (secret({"foo": b"bar", "more": b""}, immutable=True, annotations=PATCH), want({"foo": b"bar"})),
    ],
)
def test_what_leaves_its_data_alone_is_no_change_of_an_immutable_secret(
    stands: dict[str, Any], it: wanted.Wanted
) -> None:
    wanted.check(it, stands)


def test_a_type_can_not_be_changed() -> None:
    for stands, it in (
        (secret(type="kubernetes.io/tls"), want()),
        (secret(), want(type="kubernetes.io/tls")),
    ):
        with pytest.raises(
            NotWritten, match=r"^Error updating shop/db: the type of a Secret can't be changed"
        ) as caught:
            wanted.check(it, stands)
        assert caught.value.reason == "TypeChanged"
        assert caught.value.way_out.endswith(": kubectl delete secret db -n shop")
    wanted.check(want(), {**secret(), "type": ""})


def test_more_than_a_secret_holds_is_refused_before_it_is_sent() -> None:
    whole = {"a": bytes(MOST - 1), "b": b"x"}
    wanted.check(want(whole), None)
    wanted.check(want(whole), secret({"old": bytes(99)}))
    for it, stands in (
        (want({**whole, "c": b"x"}), None),
        (want(whole), secret({"old": b"x"}, annotations=PATCH)),
    ):
        with pytest.raises(NotWritten) as caught:
            wanted.check(it, stands)
        assert caught.value.reason == "TooLarge"
        assert str(caught.value) == "the items take 1,048,577 bytes, and a Secret holds 1,048,576"
    wanted.check(want(whole), secret({"b": b"yz"}, annotations=PATCH))


@pytest.mark.parametrize(
    "it",
    [
        want(labels={names.KEY_LABEL: "active"}),
        want(annotations={names.KEY_LABEL: "x"}),
        want(labels={names.OUR_KEY: "sealing"}),
        want(annotations={"sealer.dev/key-sequence": "9"}),
        want(type="kubernetes.io/service-account-token"),
        want(type="bootstrap.kubernetes.io/token"),
    ],
)
def test_what_is_never_delivered_is_not_delivered_out_of_the_old_format_either(it: wanted.Wanted) -> None:
    """Labels and type of `spec.data` are sealed: that they plant a key shows only once it was opened."""
    for stands in (None, secret(annotations=MANAGED)):
        with pytest.raises(NotWritten) as caught:
            wanted.check(it, stands)
        assert caught.value.reason == "Refused"
        assert "never delivered" in str(caught.value)


# What a template drew.


def _drawn(stands: dict[str, Any], input_: str = INPUT, **more: Any) -> dict[str, bytes]:
    drew = frozenset({"password", "absent"})
    return dict(wanted.keeping(plain({"password": b"new", "url": b"new"}), drew, stands, input_, **more).items)


def test_what_was_drawn_stays_while_the_document_is_the_same() -> None:
    stands = made(want({"password": b"old", "url": b"old"}))
    assert _drawn(stands) == {"password": b"old", "url": b"new"}
    assert _drawn(stands, LATER) == {"password": b"new", "url": b"new"}
    assert _drawn(stands, LATER, unchanged=True) == {"password": b"new", "url": b"new"}


def test_what_their_controller_drew_stays_where_their_status_says_it_is_of_this_document() -> None:
    stands = _theirs({"password": b"old"})
    assert _drawn(stands) == {"password": b"new", "url": b"new"}
    assert _drawn(stands, unchanged=True) == {"password": b"old", "url": b"new"}


def test_nothing_that_is_printed_holds_a_value() -> None:
    value = secrets.token_hex(12)
    it = want({"foo": value.encode()}, annotations={"note": value})
    stands = secret({"foo": value.encode()}, immutable=True, type="example/kind")
    shown = [repr(it)]
    for each in (secret(), stands, {**stands, "type": "Opaque"}):
        for ask in (lambda s: wanted.hold(s, Owner("db", OTHER)), lambda s: wanted.check(want({"foo": b"x"}), s)):
            try:
                ask(each)
            except NotWritten as error:
                shown += [str(error), repr(error)]
    assert len(shown) > 5
    for text in shown:
        assert value not in text
        assert base64.b64encode(value.encode()).decode() not in text


def test_a_mark_is_of_the_secret_that_it_is_on() -> None:
    mark = standing.marked(made(want({"foo": b"bar"})))
    assert mark is not None
    assert (mark.secret, mark.uid, mark.input, mark.items, mark.owned) == (str(DB), UID, INPUT, (), True)
