"""One SealedSecret opened: what comes of it, and the words of the status where nothing does (section 5.1 and 5.4)."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube import document, opening
from controller.kube.keyhints import Opening
from controller.kube.opening import NotOpened, Opened, Opener
from sealer.formats import envelope_v1
from sealer.formats.binding import Binding, Scope
from sealer.formats.keys import PrivateKey, generate_kem
from tests.controller.kube.endpoints import old, sealed
from tests.sealer.rings import rsa_key

RSA, KEM = rsa_key(0), generate_kem()
WORD = secrets.token_hex(8)
FORMATS = pytest.mark.parametrize("key", [RSA, KEM], ids=["v1", "v2"])
V1_FAILED = "no key could decrypt secret"


def opened(item: dict[str, Any], *keys: PrivateKey) -> Opened:
    """What comes of a SealedSecret as the API gives it."""
    found, legacy = document.read(item)
    return opening.opened(found, legacy, held(*keys))


def held(*keys: PrivateKey) -> Opening:
    return Opening({key.id: key for key in keys or (RSA, KEM)}, ())


def refused(item: dict[str, Any], *keys: PrivateKey) -> tuple[str, str]:
    """Reason and message of one that is not opened; no message has a value in it."""
    with pytest.raises(NotOpened) as caught:
        opened(item, *keys)
    assert WORD not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    return caught.value.reason, str(caught.value)


def both(items: Mapping[str, bytes], **more: Any) -> dict[str, Any]:
    """Items of one document sealed in turn as v1 and v2."""
    document = sealed({}, RSA, **more)
    for number, (item, value) in enumerate(items.items()):
        part = sealed({item: value}, (RSA, KEM)[number % 2], **{k: v for k, v in more.items() if k == "scope"})
        document["spec"]["encryptedData"] |= part["spec"]["encryptedData"]
    return document


def moved(item: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**item, "metadata": {**item["metadata"], **metadata}}


# What opens.


@FORMATS
def test_all_that_a_secret_gets(key: PrivateKey) -> None:
    template = {
        "metadata": {"labels": {"mylabel": "myvalue"}, "annotations": {"note": "kept"}},
        "type": "example.com/x",
        "immutable": True,
    }
    found = opened(sealed({"foo": WORD.encode(), "empty": b"", "binary": b"\x00\xff"}, key, template=template))
    secret = found.secret
    assert secret.items == {"foo": WORD.encode(), "empty": b"", "binary": b"\x00\xff"}
    assert (secret.namespace, secret.name, secret.type, secret.immutable) == ("shop", "db", "example.com/x", True)
    assert (secret.labels, secret.annotations) == ({"mylabel": "myvalue"}, {"note": "kept"})
    assert (found.keys, found.v1, found.v2) == ((key.id,), 3 * (key is RSA), 3 * (key is KEM))


def test_without_a_template_it_is_opaque_and_bare() -> None:
    secret = opened(sealed({"foo": b"bar"}, KEM)).secret
    assert (secret.type, secret.immutable, secret.labels, secret.annotations) == ("Opaque", False, {}, {})


def test_name_and_namespace_are_its_own_whatever_a_template_says() -> None:
    template = {"metadata": {"name": "other", "namespace": "kube-system"}}
    secret = opened(sealed({"foo": b"bar"}, RSA, template=template)).secret
    assert (secret.namespace, secret.name) == ("shop", "db")


def test_a32_a33_copies_of_the_whole_object_are_left_out() -> None:
    """They would have all values of the Secret that was sealed."""
    copies = {
        name: json.dumps({"data": WORD})
        for name in (
            "kubectl.kubernetes.io/last-applied-configuration",
            "kubecfg.ksonnet.io/last-applied-configuration",
        )
    }
    template = {"metadata": {"annotations": {**copies, "foo.bar.io/foo-bar-baz": "x"}}}
    assert opened(sealed({"foo": b"bar"}, KEM, template=template)).secret.annotations == {"foo.bar.io/foo-bar-baz": "x"}


def test_both_formats_in_one_document() -> None:
    found = opened(both({"a": b"1", "b": b"2", "c": b"3"}))
    assert found.secret.items == {"a": b"1", "b": b"2", "c": b"3"}
    assert (set(found.keys), found.v1, found.v2) == ({RSA.id, KEM.id}, 2, 1)


def test_keys_of_several_ages_in_the_order_of_their_ids() -> None:
    """A status names them: in another order it would be written anew."""
    keys = [KEM, *map(rsa_key, range(4))]
    item = sealed({}, RSA)
    for number, key in enumerate(keys):
        item["spec"]["encryptedData"] |= sealed({f"i{number}": b"x"}, key)["spec"]["encryptedData"]
    assert opened(item, *keys).keys == tuple(sorted(key.id for key in keys))


@given(items=st.dictionaries(st.from_regex(r"[a-z0-9_-]{1,9}", fullmatch=True), st.binary(max_size=99), max_size=4))
def test_whatever_the_items_are(items: dict[str, bytes]) -> None:
    for scope in Scope:
        assert opened(both(items, scope=scope)).secret.items == items


def test_nothing_sealed_needs_no_key() -> None:
    found = opened(sealed({}, RSA, template={"data": {"foo": "bar"}}), rsa_key(1))
    assert (found.secret.items, found.keys, found.v1, found.v2) == ({"foo": b"bar"}, (), 0, 0)


def test_d3_a_v1_item_may_be_renamed_and_a_v2_item_may_not() -> None:
    """v1 doesn't bind the name of an item, so that whoever writes to Git may swap two. v2 does."""
    for key in (RSA, KEM):
        item = sealed({"foo": WORD.encode()}, key)
        item["spec"]["encryptedData"] = {"xyzzy": item["spec"]["encryptedData"]["foo"]}
        if key is RSA:
            assert opened(item).secret.items == {"xyzzy": WORD.encode()}
        else:
            assert refused(item)[0] == "ScopeMismatch"


# Keys and scopes.


@FORMATS
def test_d13_a_foreign_key_in_bitnamis_words(key: PrivateKey) -> None:
    item = sealed({"foo": WORD.encode(), "bar": WORD.encode()}, key)
    assert refused(item, rsa_key(1), generate_kem()) == ("NoMatchingKey", f"{V1_FAILED} (bar, foo)")


@FORMATS
def test_without_any_key_the_words_are_the_same(key: PrivateKey) -> None:
    found, legacy = document.read(sealed({"foo": b"bar"}, key))
    with pytest.raises(NotOpened, match=r"^no key could decrypt secret \(foo\)$"):
        opening.opened(found, legacy, Opening({}, ()))


@pytest.mark.parametrize(
    ("scope", "where", "opens"),
    [
        (Scope.STRICT, {"name": "other"}, False),
        (Scope.STRICT, {"namespace": "other"}, False),
        (Scope.CLUSTER_WIDE, {"name": "other"}, True),
        (Scope.CLUSTER_WIDE, {"namespace": "other"}, True),
        (Scope.NAMESPACE_WIDE, {"name": "other"}, True),
        (Scope.NAMESPACE_WIDE, {"namespace": "other"}, False),
    ],
    ids=["D17", "D18", "D19", "D20", "D21", "D22"],
)
def test_renamed_and_moved(scope: Scope, where: dict[str, str], opens: bool) -> None:
    """v2 says that it was sealed for another place; v1 can't tell that from a wrong key."""
    for key in (RSA, KEM):
        item = moved(sealed({"foo": WORD.encode()}, key, scope=scope), **where)
        if opens:
            secret = opened(item).secret
            assert secret.items == {"foo": WORD.encode()}
            assert {"name": secret.name, "namespace": secret.namespace}.items() >= where.items()
        elif key is RSA:
            assert refused(item) == ("NoMatchingKey", f"{V1_FAILED} (foo)")
        else:
            said = "was sealed for another scope, namespace, name or item (foo)"
            assert refused(item) == ("ScopeMismatch", said)


@FORMATS
@pytest.mark.parametrize("scope", [Scope.CLUSTER_WIDE, Scope.NAMESPACE_WIDE], ids=["A17", "A19"])
def test_an_annotation_that_was_changed_after_sealing(key: PrivateKey, scope: Scope) -> None:
    item = sealed({"foo": WORD.encode()}, key, scope=scope)
    item = moved(item, annotations=dict.fromkeys(item["metadata"]["annotations"], "false"))
    assert refused(item)[0] == ("NoMatchingKey" if key is RSA else "ScopeMismatch")


@FORMATS
def test_the_scope_is_never_that_of_the_template(key: PrivateKey) -> None:
    wide = {"metadata": {"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}}}
    item = sealed({"foo": WORD.encode()}, key, template=wide)
    assert opened(item).secret.items == {"foo": WORD.encode()}
    refused(moved(item, name="other"))


# What can't be opened.


@pytest.mark.parametrize("text", ["NOTVALIDBASE64!", "", "AAAA", "v2:", "v2:!", "v2:AAAA", "v3:AAAA"])
def test_a39_what_is_no_envelope_is_malformed_by_name(text: str) -> None:
    """The message has the item, and does not speak of keys."""
    item = sealed({"good": WORD.encode()}, RSA)
    item["spec"]["encryptedData"]["foo"] = text
    reason, said = refused(item)
    assert reason == "Malformed"
    assert said.endswith(" (foo)")
    assert "decrypt" not in said
    assert "good" not in said


@FORMATS
def test_a_byte_that_was_changed(key: PrivateKey) -> None:
    item = sealed({"foo": WORD.encode()}, key)
    item["spec"]["encryptedData"]["foo"] = _changed(item["spec"]["encryptedData"]["foo"])
    expected = ("NoMatchingKey", f"{V1_FAILED} (foo)") if key is RSA else ("CannotOpen", "cannot be opened (foo)")
    assert refused(item) == expected


def _changed(text: str) -> str:
    prefix = "v2:" if text.startswith("v2:") else ""
    raw = bytearray(base64.b64decode(text.removeprefix(prefix)))
    raw[-1] ^= 1
    return prefix + base64.b64encode(raw).decode()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b"])
def test_an_item_that_no_secret_may_have(name: str) -> None:
    item = sealed({"foo": WORD.encode()}, KEM)
    item["spec"]["encryptedData"] = {name: item["spec"]["encryptedData"]["foo"]}
    assert refused(item)[0] == "Malformed"
    with pytest.raises(NotOpened) as caught:
        opened(item)
    assert caught.value.way_out.startswith("give the item a name")  # this cluster's keys are not what is amiss


def test_an_answer_of_a_key_outweighs_what_is_no_envelope() -> None:
    """Of several causes the gravest is the word in the status."""
    item = sealed({"foo": WORD.encode()}, KEM)
    item["spec"]["encryptedData"] |= {"foo": _changed(item["spec"]["encryptedData"]["foo"]), "broken": "AAAA!"}
    assert refused(item)[0] == "CannotOpen"


def test_one_that_fails_is_all_that_fail() -> None:
    """No part of a Secret is delivered, and only the items that failed are named, once for each cause."""
    item = both({"a": WORD.encode(), "b": WORD.encode()})
    foreign = sealed({"z": b"x", "y": b"x"}, rsa_key(1))["spec"]["encryptedData"]
    item["spec"]["encryptedData"] |= {**foreign, "broken": "AAAA!"}
    reason, said = refused(item)
    assert reason == "Malformed"
    assert f"{V1_FAILED} (y, z)" in said.split("; ")
    assert len(said.split("; ")) == 2
    elsewhere = sealed({"else": b"x"}, KEM, name="other")["spec"]["encryptedData"]
    item["spec"]["encryptedData"] |= elsewhere
    reason, again = refused(item)
    assert reason == "ScopeMismatch"
    assert set(again.split("; ")) > set(said.split("; "))


def test_the_same_failures_are_said_in_the_same_words_whatever_their_order() -> None:
    """Bitnami's names them in the order of a map, which is another one each time."""
    item = sealed(dict.fromkeys(("c", "a", "b"), b"x"), rsa_key(1))
    turned = {**item, "spec": {"encryptedData": dict(reversed(item["spec"]["encryptedData"].items()))}}
    assert refused(item, RSA) == refused(turned, RSA) == ("NoMatchingKey", f"{V1_FAILED} (a, b, c)")


# The way out.

AGAIN = "seal it again with this cluster's keys: sealer keys fetch --from-cluster, or kubeseal --fetch-cert"


def way_out(item: dict[str, Any], *keys: PrivateKey) -> str:
    with pytest.raises(NotOpened) as caught:
        opened(item, *keys)
    return caught.value.way_out


@pytest.mark.parametrize("scope", Scope)
def test_a_v1_item_that_no_key_opens_may_be_of_another_place_or_key(scope: Scope) -> None:
    """What the place is that it was read as, its author must know: an annotation may be missing."""
    item = sealed({"foo": WORD.encode()}, rsa_key(1), scope=scope)
    here = f"it was sealed for another namespace, name or scope (here it is shop/db, {scope.value})"
    assert way_out(item, RSA) == f"{here}, or with a key that this controller doesn't have; {AGAIN}"
    assert way_out(old(rsa_key(1), data={"foo": b"x"}), RSA).endswith(AGAIN)


def test_whether_place_or_key_is_wrong_a_v1_item_does_not_say() -> None:
    """Else whoever has an envelope could ask a controller which of its keys made it."""
    foreign, elsewhere = sealed({"foo": b"x"}, rsa_key(1)), moved(sealed({"foo": b"x"}, RSA, name="other"), name="db")
    assert way_out(foreign, RSA) == way_out(elsewhere, RSA)


def test_a_v2_item_says_which_it_is() -> None:
    assert (
        way_out(sealed({"foo": b"x"}, KEM), RSA)
        == f"it was sealed with a key that this controller doesn't have; {AGAIN}"
    )
    renamed = moved(sealed({"foo": b"x"}, KEM), name="other")
    assert way_out(renamed) == f"here it is shop/other, strict; {AGAIN}"


def test_what_is_damaged_is_sealed_again() -> None:
    item = sealed({"foo": b"x"}, KEM)
    item["spec"]["encryptedData"]["foo"] = _changed(item["spec"]["encryptedData"]["foo"])
    assert way_out(item) == AGAIN
    item["spec"]["encryptedData"]["foo"] = "AAAA!"
    assert way_out(item) == AGAIN


# Templates.


class Untouched:
    """Keys that nobody may ask for."""

    def get(self, key_id: str) -> PrivateKey | None:
        raise AssertionError(key_id)

    def rsa(self) -> Sequence[PrivateKey]:
        raise AssertionError("rsa")


@FORMATS
@pytest.mark.parametrize("text", ["{{ .foo", "{{ nothing .foo }}", "{{ .with-dash }}"])
def test_a_template_that_is_none_is_refused_before_a_key_is_used(key: PrivateKey, text: str) -> None:
    found, legacy = document.read(sealed({"foo": b"bar"}, key, template={"data": {"url": text}}))
    with pytest.raises(NotOpened) as caught:
        opening.opened(found, legacy, Untouched())
    assert caught.value.reason == "TemplateError"


@pytest.mark.parametrize(
    "text",
    ["{{ fail .foo }}", '{{ index (fromJson .foo) "a" }}', '{{ mustToDate "2006-01-02" .foo }}', "{{ div 1 0 }}"],
)
def test_a_template_that_fails_says_nothing_of_a_value(text: str) -> None:
    item = sealed({"foo": WORD.encode()}, KEM, template={"data": {"url": text}})
    assert refused(item)[0] == "TemplateError"


@pytest.mark.parametrize(
    ("items", "data", "expected"),
    [
        (
            {"foo": b"bar", "password": b"hunter2'\"="},
            {"bar": 'secret {{ index . "foo" }} !', "password-json": "{{ toJson .password }}"},
            {"foo": b"bar", "password": b"hunter2'\"=", "bar": b"secret bar !", "password-json": b'"hunter2\'\\"="'},
        ),
        (
            {},
            {"username": "me", "settings.xml": "<u>{{ .username }}</u>"},
            {"username": b"me", "settings.xml": b"<u>me</u>"},
        ),
        (
            {"password": b"pw"},
            {"username": "me", "settings.xml": "{{ .username }}:{{ .password }}"},
            {"password": b"pw", "username": b"me", "settings.xml": b"me:pw"},
        ),
        (
            {"shared": b"from-encrypted"},
            {"shared": "other", "out.txt": "{{ .shared }}"},
            {"shared": b"from-encrypted", "out.txt": b"from-encrypted"},
        ),
        ({}, {"foo": "bar"}, {"foo": b"bar"}),
        (
            {"foo": b"bar"},
            {"foo": None, "bar": "qux {{ .foo }} qux", "baz": "qux"},
            {"bar": b"qux bar qux", "baz": b"qux"},
        ),
    ],
    ids=["A20", "A21", "A22", "A23", "A24", "A25"],
)
def test_what_templates_give(items: dict[str, bytes], data: dict[str, str | None], expected: dict[str, bytes]) -> None:
    for key in (RSA, KEM):
        assert opened(sealed(items, key, template={"data": data})).secret.items == expected


def test_what_another_render_would_draw_anew_is_known() -> None:
    template = {
        "data": {
            "drawn": "{{ randAlphaNum 8 }}{{ .foo }}",
            "sealed": "{{ randAlphaNum 8 }}",
            "plain": "{{ .foo }}",
            "text": "randAlphaNum",
            "foo": None,
        }
    }
    assert opened(sealed({"foo": b"x", "sealed": b"y"}, KEM, template=template)).drew == {"drawn"}
    assert opened(sealed({"foo": b"x"}, KEM, template={"data": {"plain": "{{ .foo }}"}})).drew == frozenset()


# The old form: all of a Secret in one envelope.


def test_a35_the_old_form_opens() -> None:
    item = old(
        RSA,
        data={"foo": WORD.encode()},
        stringData={"fss": "brr"},
        type="example.com/old",
        immutable=True,
        metadata={"name": "no", "namespace": "matter", "labels": {"a": "sealed"}, "annotations": {"b": "sealed"}},
    )
    found = opened(item)
    secret = found.secret
    assert secret.items == {"foo": WORD.encode(), "fss": b"brr"}
    assert (secret.namespace, secret.name, secret.type, secret.immutable) == ("shop", "db", "example.com/old", True)
    assert (secret.labels, secret.annotations) == ({"a": "sealed"}, {"b": "sealed"})
    assert (found.keys, found.v1, found.v2, found.drew) == ((RSA.id,), 1, 0, frozenset())


@pytest.mark.parametrize("where", [{"name": "other"}, {"namespace": "other"}])
def test_the_old_form_is_bound_to_its_place(where: dict[str, str]) -> None:
    assert refused(moved(old(RSA, data={"foo": WORD.encode()}), **where)) == ("NoMatchingKey", V1_FAILED)


def test_the_old_form_and_a_foreign_key() -> None:
    assert refused(old(RSA, data={"foo": WORD.encode()}), rsa_key(1), KEM) == ("NoMatchingKey", V1_FAILED)


@pytest.mark.parametrize(
    "plain",
    ["[1]", WORD, "{", '{"data": {"a": "!"}}', '{"data": {"a": 1}}', '{"metadata": {"labels": {"a": 1}}}'],
    ids=range(6),
)
def test_the_old_form_with_no_secret_in_it(plain: str) -> None:
    item = sealed({}, RSA)
    item["spec"] = {"data": envelope_v1.seal(plain.encode(), Binding(Scope.STRICT, "shop", "db").label(), RSA.public)}
    assert refused(item) == ("NoMatchingKey", V1_FAILED)


@pytest.mark.parametrize("text", ["", "!", "AAAA"])
def test_a37_the_old_form_that_is_no_envelope(text: str) -> None:
    item = sealed({}, RSA)
    item["spec"] = {"data": text}
    assert refused(item) == ("Malformed", V1_FAILED)


# Where it is done.


class Watched(Opening):
    """Keys that know which threads asked for them."""

    def __init__(self, *keys: PrivateKey) -> None:
        super().__init__({key.id: key for key in keys}, ())
        self.threads: set[threading.Thread] = set()

    def get(self, key_id: str) -> PrivateKey | None:
        self.threads.add(threading.current_thread())
        return super().get(key_id)

    def rsa(self) -> Sequence[PrivateKey]:
        self.threads.add(threading.current_thread())
        return super().rsa()


def _opened_by(item: dict[str, Any]) -> tuple[Opened, bool]:
    """What came of it, and whether all of it was done by the thread of the loop."""
    keys = Watched(RSA, KEM)

    async def main() -> Opened:
        opener = Opener()
        try:
            return await opener.open(*document.read(item), keys)
        finally:
            opener.close()

    found = asyncio.run(main())
    return found, keys.threads == {threading.current_thread()}


def test_v1_is_opened_beside_the_loop_and_v2_in_it() -> None:
    for item, here in (
        (sealed({"foo": b"bar"}, KEM), True),
        (sealed({"foo": b"bar"}, RSA), False),
        (both({"foo": b"bar", "more": b"x"}), False),
        (old(RSA, data={"foo": b"bar"}), False),
    ):
        found, was_here = _opened_by(item)
        assert (found.secret.items["foo"], was_here) == (b"bar", here)


@FORMATS
def test_many_at_a_time_each_get_their_own(key: PrivateKey) -> None:
    items = [sealed({"foo": str(number).encode()}, key) for number in range(32)]
    items[7] = sealed({"foo": WORD.encode()}, rsa_key(1))

    async def main() -> list[Opened | BaseException]:
        opener = Opener()
        try:
            each = (opener.open(*document.read(item), held()) for item in items)
            return await asyncio.gather(*each, return_exceptions=True)
        finally:
            opener.close()

    found = asyncio.run(main())
    assert isinstance(found.pop(7), NotOpened)
    values = [each.secret.items["foo"] for each in found if isinstance(each, Opened)]
    assert values == [str(number).encode() for number in range(32) if number != 7]


class Together(Opening):
    """Keys that are given out as soon as two ask for them."""

    def __init__(self, met: threading.Barrier) -> None:
        super().__init__({RSA.id: RSA}, ())
        self._met = met

    def rsa(self) -> Sequence[PrivateKey]:
        self._met.wait()
        return super().rsa()


def test_one_that_takes_long_holds_up_no_other() -> None:
    item, met = sealed({"foo": b"bar"}, RSA), threading.Barrier(2, timeout=60)

    async def main() -> list[Opened]:
        opener = Opener()
        try:
            return await asyncio.gather(*(opener.open(*document.read(item), Together(met)) for _ in range(2)))
        finally:
            opener.close()

    assert [each.secret.items for each in asyncio.run(main())] == [{"foo": b"bar"}] * 2


def test_after_its_end_no_work_begins() -> None:
    async def main() -> None:
        opener = Opener()
        opener.close()
        await opener.open(*document.read(sealed({"foo": b"bar"}, RSA)), held())

    with pytest.raises(RuntimeError, match="shutdown"):
        asyncio.run(main())


def test_nothing_that_is_printed_holds_a_value() -> None:
    template = {"metadata": {"annotations": {"note": WORD}}, "data": {"url": f"x{WORD}", "more": "{{ .foo }}"}}
    for item in (sealed({"foo": WORD.encode()}, KEM, template=template), old(RSA, data={"foo": WORD.encode()})):
        assert WORD not in repr(opened(item))
        assert WORD not in repr(document.read(item))


def test_a_template_beside_the_old_form_counts_for_nothing() -> None:
    """As with Bitnami's controller 0.40: what was sealed says type, labels and whether it may change."""
    outer = {"type": "kubernetes.io/tls", "immutable": True, "metadata": {"labels": {"x": "outer"}}}
    item = old(RSA, data={"foo": WORD.encode()}, type="my/type", metadata={"labels": {"x": "inside"}})
    item["spec"]["template"] = outer
    found = opened(item, RSA)
    assert (found.secret.type, found.secret.labels, found.secret.immutable) == ("my/type", {"x": "inside"}, False)


def test_what_items_cost_that_no_key_opens_is_bounded() -> None:
    """Each costs one operation of each key, and a document may hold a thousand."""
    keys = [rsa_key(number) for number in range(1, 4)]
    used: list[str] = []

    class Counting(list[PrivateKey]):
        def __iter__(self) -> Iterator[PrivateKey]:
            for key in super().__iter__():
                used.append(key.id)
                yield key

    class Keys:
        def rsa(self) -> Sequence[PrivateKey]:
            return Counting(keys)

        def get(self, key_id: str) -> PrivateKey | None:
            return None

    found, legacy = document.read(sealed({f"item-{number:02}": b"x" for number in range(100)}, RSA))
    with pytest.raises(NotOpened, match="more than 16 items") as caught:
        opening.opened(found, legacy, Keys())
    assert caught.value.reason == opening.NO_KEY
    assert len(used) <= 16 * len(keys) + 2 * 100 + 1  # the last one was asked for in vain


@pytest.mark.parametrize("text", ["{{ 1 }}", '{{ regexMatch "a" "b" }}', "{{ 1 }}" * 3_000])
def test_no_template_is_rendered_on_the_loop(text: str) -> None:
    async def main() -> set[str]:
        found, legacy = document.read(sealed({}, KEM, template={"data": {"a": text}}))
        with closing(Opener()) as opener:
            done = await opener.open(found, legacy, held())
            assert done.secret.items
            return {each.name for each in threading.enumerate()}

    names = asyncio.run(main())
    assert any(each.startswith("open" if text == "{{ 1 }}" else "large") for each in names)
