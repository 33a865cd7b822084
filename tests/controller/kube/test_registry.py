"""What keys there are, whatever happens to their Secrets; which is the newest; and in which order they are tried."""

from __future__ import annotations

import itertools
import os
import secrets as randomness
import threading
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from controller import fingerprint
from controller.kube import names, newkey
from controller.kube.registry import KeyRegistry
from sealer import schema
from sealer.errors import NoKey, SealerError
from sealer.formats import bundle, envelope_v1, envelope_v2, keys
from sealer.formats.binding import Binding, Scope
from sealer.formats.keyid import KEM, RSA
from sealer.formats.keyrecord import Status, state_key_id
from sealer.formats.strictjson import format_time
from sealer.formats.wire import b64encode, canonical_json
from sealer.sealing.unseal import PrivateKeys, open_item
from tests.controller.kube.keys import NAMESPACE, PREFIX, Secrets, bitnami, identity, sealing, secret, state
from tests.sealer.rings import NOW, rsa_key

HOUR = timedelta(hours=1)


def _registry(*items: dict[str, Any], **more: Any) -> tuple[Secrets, KeyRegistry]:
    api = Secrets(*items)
    return api, api.attach(KeyRegistry(NAMESPACE, cluster="prod", **more))


def _ids(registry: KeyRegistry) -> list[str]:
    return [key.id for key in registry.rsa()]


def test_an_empty_registry() -> None:  # C11 to C13
    _, registry = _registry()
    assert registry.ready
    assert len(registry) == 0
    assert list(registry.rsa()) == []
    for algorithm in (RSA, KEM):
        with pytest.raises(NoKey):
            registry.newest(algorithm)
    with pytest.raises(NoKey):
        registry.certificate  # noqa: B018
    with pytest.raises(NoKey):
        registry.bundle(NOW)
    assert registry.fingerprint_key is None
    assert registry.keys().fingerprint_key == ""


def test_ready_after_all_lists() -> None:
    registry = KeyRegistry(NAMESPACE)
    calls: list[int] = []
    registry.on_change(lambda: calls.append(len(registry)))
    *first, last = registry.sources
    for source in first:
        source.handler.complete()
    ready = registry.ready
    assert (ready, calls) == (False, [])
    last.handler.complete()
    ready = registry.ready
    assert (ready, calls) == (True, [0]), "whoever waits for keys hears that there are none"


def test_each_key_is_in_one_of_the_lists() -> None:
    api, registry = _registry(bitnami(0), bitnami(1, label="", name=PREFIX), sealing(keys.generate_kem(), "a"))
    assert [source.select for source in registry.sources] == [
        {"fieldSelector": f"metadata.name={PREFIX}"},
        {"labelSelector": names.KEY_LABEL},
        {"labelSelector": names.OUR_KEY},
    ]
    assert len(registry) == 3
    assert registry.current.names == frozenset(api.items)
    assert set(registry.status) == {rsa_key(0).id, rsa_key(1).id, registry.newest(KEM).key.id}  # C14
    for key_id in registry.status:
        found = registry.get(key_id)
        assert found is not None
        assert found.id == key_id


def test_newest_by_certificate() -> None:  # C10, C15
    api, registry = _registry()
    seen = []
    for number in (1, 2, 0):
        api.put(bitnami(number))
        seen.append(registry.newest(RSA).not_before)
    first, second = (keys.validity(rsa_key(number).public.certificate)[0] for number in (1, 2))
    assert seen == [first, second, second]
    assert registry.certificate == rsa_key(2).public.certificate
    assert _ids(registry) == [rsa_key(number).id for number in (2, 1, 0)]


def test_newest_by_the_secrets_age() -> None:
    _, registry = _registry(bitnami(2, created=NOW - HOUR), bitnami(1), order="SecretCreationTimestamp")
    assert registry.newest(RSA).key.id == rsa_key(1).id
    assert _ids(registry) == [rsa_key(1).id, rsa_key(2).id]


def test_of_one_time_the_first_stays_whatever_the_order_of_seeing() -> None:
    first = sealing(keys.generate_kem(), "b", created=NOW - HOUR)
    later = [sealing(keys.generate_kem(), "a"), sealing(keys.generate_kem(), "c")]
    for items in ([first, *later], [*later, first], [later[1], first, later[0]]):
        api, registry = _registry()
        for item in items:
            api.put(item)
        assert registry.newest(KEM).place.name == "b"


def test_of_one_second_bitnamis_order_after_a_start_counts() -> None:
    """What 0.40.0 does: sort.Sort by creationTimestamp in seconds, the key without a label appended before; then a key
    replaces the newest only if its time is strictly later. All keys of a backup are made anew in one second."""
    later = format_time(NOW + timedelta(seconds=1))
    found = [
        bitnami(0, label="", name=PREFIX),
        bitnami(1, name=f"{PREFIX}bbbbb"),
        bitnami(2, name=f"{PREFIX}ccccc"),
        bitnami(3, name=f"{PREFIX}ddddd", creationTimestamp=later),
    ]

    def newest(*items: dict[str, Any]) -> set[str]:
        """By whatever order they are seen in."""
        seen = set()
        for order in itertools.permutations(items):
            _, registry = _registry(*order, order="SecretCreationTimestamp")
            seen.add(registry.newest(RSA).place.name.removeprefix(PREFIX))
        return seen

    assert newest(*found) == {"ddddd"}
    assert newest(*found[:3]) == {"bbbbb"}
    assert newest(found[0], found[2]) == {"ccccc"}
    assert newest(found[0]) == {""}


def test_of_one_certificate_time_the_secret_that_was_made_first_is_the_newest() -> None:
    earlier = format_time(NOW - timedelta(seconds=1))
    one = sealing(keys.generate_kem(), "sealer-sealing-bbbbb")
    two = sealing(keys.generate_kem(), "sealer-sealing-ccccc", creationTimestamp=earlier)
    for order in ((one, two), (two, one)):
        _, registry = _registry(*order)
        assert registry.newest(KEM).place.name == "sealer-sealing-ccccc"


def test_of_one_key_in_two_secrets_the_later_time_counts() -> None:
    """As with Bitnami's, which registers it twice."""
    later = format_time(NOW + timedelta(seconds=9))
    found = [bitnami(0, name="a"), bitnami(1, name="b", creationTimestamp=format_time(NOW + timedelta(seconds=5)))]
    for order in itertools.permutations([*found, bitnami(0, name="c", creationTimestamp=later)]):
        _, registry = _registry(*order, order="SecretCreationTimestamp")
        assert registry.newest(RSA).key.id == rsa_key(0).id


def test_added_changed_relabelled_deleted_at_run_time() -> None:  # C17, 42
    api, registry = _registry(bitnami(0))
    digests = [registry.digest]
    calls: list[str] = []
    registry.on_change(lambda: calls.append(registry.digest))
    api.put(bitnami(1))
    digests.append(registry.digest)
    assert _ids(registry) == [rsa_key(1).id, rsa_key(0).id]
    api.put(bitnami(2, name=f"{PREFIX}00001"))
    digests.append(registry.digest)
    assert _ids(registry) == [rsa_key(2).id, rsa_key(0).id], "the Secret holds another key now"
    api.label(f"{PREFIX}00001", theirs="compromised")
    digests.append(registry.digest)
    assert _ids(registry) == [rsa_key(0).id]
    assert registry.get(rsa_key(2).id) is None
    assert registry.status[rsa_key(2).id] is Status.COMPROMISED
    assert registry.newest(RSA).key.id == rsa_key(0).id
    api.label(f"{PREFIX}00001", theirs="disabled")
    digests.append(registry.digest)
    assert rsa_key(2).id not in registry.status
    api.label(f"{PREFIX}00001", theirs="active")
    digests.append(registry.digest)
    assert registry.newest(RSA).key.id == rsa_key(2).id
    api.label(f"{PREFIX}00001", theirs=None)
    digests.append(registry.digest)
    api.delete(f"{PREFIX}00000")
    digests.append(registry.digest)
    assert len(registry) == 0
    assert calls == digests[1:]
    assert all(before != after for before, after in itertools.pairwise(digests))
    assert digests[2] == digests[5], "the same keys, the same digest"


def test_a_label_that_the_old_key_gets_and_loses() -> None:  # C9
    api, registry = _registry(bitnami(0, label="", name=PREFIX))
    assert _ids(registry) == [rsa_key(0).id]
    for label in ("active", None, "compromised"):
        api.label(PREFIX, theirs=label)
        assert len(registry) == 1
    assert _ids(registry) == []
    assert registry.status == {rsa_key(0).id: Status.COMPROMISED}


def test_a_secret_that_was_made_anew_under_its_name() -> None:
    api, registry = _registry(bitnami(0))
    again = bitnami(1, name=f"{PREFIX}00000")
    again["metadata"]["uid"] = "another"
    api.put(again)
    for source in registry.sources:
        source.handler.gone(f"{NAMESPACE}/{PREFIX}00000", f"uid-{PREFIX}00000")
    assert _ids(registry) == [rsa_key(1).id]


def test_one_key_in_two_secrets_is_one_and_the_graver_label_counts() -> None:
    api, registry = _registry(bitnami(0), bitnami(0, name="copy"))
    assert _ids(registry) == [rsa_key(0).id]
    api.label("copy", theirs="compromised")
    assert _ids(registry) == []
    api.delete("copy")
    assert _ids(registry) == [rsa_key(0).id]


def test_older_keys_of_an_algorithm_are_retired() -> None:
    old, new, out = (keys.generate_kem() for _ in range(3))
    _, registry = _registry(
        bitnami(0),
        bitnami(1),
        sealing(old, "a", NOW - HOUR),
        sealing(new, "b", NOW),
        sealing(out, "c", NOW + HOUR, "retired"),
    )
    assert registry.keys().status == {
        rsa_key(0).id: "retired",
        rsa_key(1).id: "active",
        old.id: "retired",
        new.id: "active",
        out.id: "retired",
    }
    assert registry.keys().digest == registry.digest
    assert all(registry.get(key.id) for key in (old, new, out)), "what is retired opens"


def test_a_bad_secret_is_named_and_the_others_work() -> None:  # C18, 44
    api, registry = _registry(bitnami(0), bitnami(1))
    heard: list[int] = []
    registry.on_change(lambda: heard.append(len(registry.problems)))
    bad = bitnami(2)
    bad["data"]["tls.key"] = b64encode(randomness.token_bytes(40))
    api.put(bad)
    owned = bitnami(3, ownerReferences=[{"kind": "SealedSecret", "apiVersion": names.API_VERSION}])
    api.put(owned)
    assert [problem.path for problem in registry.problems] == [
        f"Secret {NAMESPACE}/{PREFIX}0000{number}" for number in (2, 3)
    ]
    assert _ids(registry) == [rsa_key(1).id, rsa_key(0).id]
    api.put(bitnami(2))
    api.delete(f"{PREFIX}00003")
    assert registry.problems == ()
    assert heard == [1, 2, 1, 0]


def test_a_secret_with_both_labels_is_one_problem() -> None:
    _, registry = _registry(bitnami(0, labels={names.KEY_LABEL: "active", names.OUR_KEY: "sealing"}))
    assert len(registry.problems) == 1
    assert len(registry) == 0


def test_of_two_identities_the_oldest_and_of_two_state_keys_the_newest() -> None:
    old, new = os.urandom(32), os.urandom(32)
    _, registry = _registry(
        identity("z", NOW - HOUR),
        identity("a", NOW),
        state(old, "y", NOW),
        state(new, "b", NOW + HOUR),
    )
    assert registry.current.identity is not None
    assert registry.current.identity.place.name == "z"
    assert registry.fingerprint_key == fingerprint.derive(state_key_id(new), new)
    assert registry.keys().fingerprint_key == state_key_id(new)[:8]
    (problem,) = registry.problems
    assert problem.path == f"Secret {NAMESPACE}/a"


def test_several_threads_register_while_others_read() -> None:  # C16
    registry = KeyRegistry(NAMESPACE)
    _, theirs, _ = registry.sources
    items = [bitnami(number) for number in range(5)]
    start, failures = threading.Barrier(10), []

    def register(item: dict[str, Any]) -> None:
        start.wait()
        theirs.handler.seen(f"{NAMESPACE}/{item['metadata']['name']}", item, listed=False)

    def look() -> None:
        start.wait()
        while len(registry) < 5:
            try:
                assert all(registry.get(key.id) is key for key in registry.rsa())
                now = registry.current
                assert set(now.status) == set(now.opens)
            except Exception as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=register, args=(item,)) for item in items]
    threads += [threading.Thread(target=look) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _ids(registry) == [rsa_key(number).id for number in (4, 3, 2, 1, 0)]


class Operations:
    """Private operations of RSA keys that opening asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried: list[str] = []

        def counted(envelope: Any, label: bytes, private: Any) -> Any:
            return opened(envelope, label, self._watched(private))

        opened = envelope_v1.open_envelope
        monkeypatch.setattr(envelope_v1, "open_envelope", counted)

    def _watched(self, private: Any) -> Any:
        for key in private:
            assert isinstance(key.key, RSAPrivateKey)
            self.tried.append(key.id)
            yield key

    def taken(self) -> int:
        count = len(self.tried)
        self.tried.clear()
        return count


def _value(key: keys.PrivateKey, binding: Binding, value: bytes) -> str:
    return envelope_v1.seal(value, binding.label(), key.public)


def test_an_old_key_is_found_at_once_when_it_was_found_before(monkeypatch: pytest.MonkeyPatch) -> None:  # 43
    _, registry = _registry(*(bitnami(number) for number in range(6)))
    operations = Operations(monkeypatch)
    oldest = rsa_key(0)

    def open_items(namespace: str, name: str, count: int, prefer: tuple[str, ...] = ()) -> list[int]:
        binding = Binding(Scope.STRICT, namespace, name)
        opening, costs, ids = registry.opening(namespace, prefer), [], set()
        for number in range(count):
            value = randomness.token_bytes(8)
            found, key_id = open_item(_value(oldest, binding, value), binding, f"item{number}", opening)
            assert found == value
            ids.add(key_id)
            costs.append(operations.taken())
        registry.opened(namespace, ids)
        return costs

    assert open_items("shop", "db", 3) == [6, 1, 1], "within one document the key that opened the item before"
    assert open_items("shop", "db", 2) == [1, 1]
    assert open_items("shop", "other", 2) == [1, 1], "the same namespace"
    assert open_items("pay", "db", 1) == [6]
    assert open_items("web", "db", 1, prefer=("f" * 16, oldest.id)) == [1], "as the mark of what stands says"


def test_hints_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    _, registry = _registry(bitnami(0), bitnami(1), bitnami(2))
    operations = Operations(monkeypatch)
    binding = Binding(Scope.STRICT, "shop", "db")
    opening = registry.opening("shop")
    assert len(opening.rsa()) == 3
    assert [opening.rsa()[0].id, opening.rsa()[-1].id] == [rsa_key(2).id, rsa_key(0).id]
    for key in (rsa_key(0), rsa_key(2), rsa_key(1)):
        assert open_item(_value(key, binding, b"x"), binding, "a", opening)[1] == key.id
    operations.taken()
    with pytest.raises(SealerError):
        open_item(_value(rsa_key(3), binding, b"x"), binding, "a", opening)
    assert operations.taken() == 3, "each key once"
    assert opening.rsa()[0].id == rsa_key(2).id, "none fitted: the newest first again"
    registry.opened("shop", [rsa_key(3).id])
    assert [key.id for key in registry.opening("shop").rsa()] == [rsa_key(number).id for number in (2, 1, 0)]


def test_a_compromised_key_opens_only_where_it_is_asked_for() -> None:
    key = keys.generate_kem()
    _, registry = _registry(bitnami(0, label="compromised"), sealing(key, "a", status="compromised"))
    binding = Binding(Scope.STRICT, "shop", "db")
    v1 = _value(rsa_key(0), binding, b"x")
    v2 = envelope_v2.seal(b"x", binding.context("a"), [key.public])
    keys_: PrivateKeys
    for keys_ in (registry, registry.opening("shop")):
        for text in (v1, v2):
            with pytest.raises(NoKey):
                open_item(text, binding, "a", keys_)
    for text, key_id in ((v1, rsa_key(0).id), (v2, key.id)):
        assert open_item(text, binding, "a", registry.opening("shop", compromised=True)) == (b"x", key_id)
    with pytest.raises(NoKey):
        registry.newest(KEM)


def _numbered(item: dict[str, Any], registry: KeyRegistry, number: int) -> dict[str, Any]:
    """The identity's Secret with the number of the keys that a registry has."""
    from controller.kube import keybundle

    digest = keybundle.digest(keybundle.published(registry.current))
    said = {"version": 1, "sequence": number, "keys": digest}
    schema.validate(said, "key-sequence", file="annotation")
    text = canonical_json(said).decode()
    return {**item, "metadata": {**item["metadata"], "annotations": {names.KEY_SEQUENCE: text}}}


def test_the_bundle_shows_all_keys_under_their_number() -> None:
    old, new, bad = (keys.generate_kem() for _ in range(3))
    who = identity()
    api, registry = _registry(
        who,
        bitnami(0),
        bitnami(1),
        sealing(old, "a", NOW - HOUR),
        sealing(new, "b"),
        sealing(bad, "c", NOW - 2 * HOUR, "compromised"),
        bitnami(2, label="disabled"),
    )
    with pytest.raises(NoKey):
        registry.bundle(NOW)
    api.put(_numbered(who, registry, 7))
    found = bundle.parse(registry.bundle(NOW + HOUR), cluster="prod")
    assert (found.sequence, found.issued, found.expires) == (7, NOW + HOUR, NOW + HOUR + timedelta(days=90))
    assert registry.current.identity is not None
    assert found.identity == registry.current.identity.line
    assert {key.id: key.status for key in found.keys} == dict(registry.status)
    now = NOW + timedelta(days=2)
    assert [key.id for key in found.usable(now, RSA)] == [rsa_key(1).id]
    assert [key.id for key in found.usable(now, KEM)] == [new.id]
    assert found.get(rsa_key(1).id).public.certificate == rsa_key(1).public.certificate  # type: ignore[union-attr]


def test_the_bundle_is_the_former_one_until_the_keys_have_a_number() -> None:
    who = identity()
    api, registry = _registry(who, bitnami(0))
    api.put(_numbered(who, registry, 1))
    api.put(bitnami(1))
    former = bundle.parse(registry.bundle(NOW))
    assert (former.sequence, [key.id for key in former.keys]) == (1, [rsa_key(0).id])
    api.put(_numbered(who, registry, 2))
    assert len(bundle.parse(registry.bundle(NOW)).keys) == 2
    api.put(secret(newkey.identity(_other(), NOW), who["metadata"]["name"]))
    with pytest.raises(NoKey):
        registry.bundle(NOW)
    api.delete(who["metadata"]["name"])
    with pytest.raises(NoKey):
        registry.bundle(NOW)


def _other() -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


@pytest.mark.parametrize("text", ["", "7", "{}", '{"version":2,"sequence":1,"keys":"' + "0" * 64 + '"}', "größer"])
def test_a_number_that_is_none_publishes_nothing(text: str) -> None:
    who = identity(annotations={names.KEY_SEQUENCE: text})
    _, registry = _registry(who, bitnami(0))
    assert registry.problems == ()
    with pytest.raises(NoKey):
        registry.bundle(NOW)


def test_a_certificate_that_ends_before_it_begins_opens_and_is_not_published() -> None:
    key = keys.generate_rsa(now=NOW, bits=2048, valid=timedelta(0))
    who = identity()
    api, registry = _registry(who, secret(newkey.bitnami(key), "odd"), sealing(keys.generate_kem(), "a"))
    assert _ids(registry) == [key.id]
    api.put(_numbered(who, registry, 1))
    assert [each.public.algorithm for each in bundle.parse(registry.bundle(NOW)).keys] == [KEM]


def test_nothing_printable_holds_a_key() -> None:
    raw = os.urandom(32)
    _, registry = _registry(bitnami(0), sealing(keys.generate_kem(), "a"), identity(), state(raw))
    shown = repr(registry.current) + repr(registry.keys()) + repr(registry.fingerprint_key) + repr(registry)
    assert "PRIVATE" not in shown
    assert rsa_key(0).pem.splitlines()[1] not in shown
    assert repr(raw)[2:-1] not in shown


def test_ids_that_are_of_no_key_cost_no_item_anything() -> None:
    """Whoever may write a status can name as many as an object holds."""
    looks: list[str] = []

    class Named(str):
        __slots__ = ()

        def __hash__(self) -> int:
            looks.append(self)
            return super().__hash__()

    _, registry = _registry(*(bitnami(number) for number in range(2)))
    opening = registry.opening("shop", [*(Named(f"{number:016x}") for number in range(9)), rsa_key(0).id])
    before = len(looks)
    for _ in range(3):
        assert [key.id for key in opening.rsa()] == [rsa_key(0).id, rsa_key(1).id]
    assert len(looks) == before
