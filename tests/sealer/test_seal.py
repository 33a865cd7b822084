"""Which keys something is sealed to, and that it can be opened with just these."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sealer.errors import EnvelopeError, KeyFormatError, NameRefused, Refused, UsageError
from sealer.formats import keys
from sealer.formats.binding import Binding, Scope
from sealer.formats.envelope_v1 import EnvelopeV1
from sealer.formats.envelope_v2 import EnvelopeV2
from sealer.formats.keyrecord import Status
from sealer.sealing import seal
from sealer.sealing.seal import Holder, Recipients
from tests.sealer import rings
from tests.sealer.controllers import rsa_key
from tests.sealer.shop import Cluster

STRICT = Binding(Scope.STRICT, "payments", "db")


def now() -> datetime:
    """Not when the tests were collected: keys that a test makes begin five minutes before it runs."""
    return datetime.now(UTC)


def holder(name: str, *private: keys.PrivateKey, envelope: str | None = None, **changes: object) -> Holder:
    from sealer.formats import bundle

    cluster = Cluster(name, list(private), **changes)  # type: ignore[arg-type]
    return Holder(name, bundle.parse(cluster.bundle()), envelope)


def test_every_active_v2_key_of_each_cluster() -> None:
    one, two, three = (keys.generate_kem() for _ in range(3))
    found = seal.choose([holder("prod", one, two), holder("staging", three)], now())
    assert found.envelope == "v2"
    assert {key.id for key in found.keys} == {one.id, two.id, three.id}
    assert sorted(found.clusters) == ["prod", "prod", "staging"]


def test_never_to_a_key_that_is_retired_compromised_early_or_late() -> None:
    good, *bad = (keys.generate_kem() for _ in range(5))
    day = timedelta(days=1)
    found = seal.choose(
        [
            holder(
                "prod",
                good,
                *bad,
                status={bad[0].id: Status.RETIRED, bad[1].id: Status.COMPROMISED},
                dates={bad[2].id: (day, 2 * day), bad[3].id: (-2 * day, -day)},
            )
        ],
        now(),
    )
    assert [key.id for key in found.keys] == [good.id]


def test_v1_goes_to_the_newest_rsa_key() -> None:
    old, new = rsa_key(0), rsa_key(1)
    dates = {old.id: (timedelta(days=-9), timedelta(days=9)), new.id: (timedelta(days=-1), timedelta(days=9))}
    found = seal.choose([holder("prod", new, old, dates=dates)], now())
    assert (found.envelope, [key.id for key in found.keys]) == ("v1", [new.id])


def test_which_envelope() -> None:
    kem, rsa = keys.generate_kem(), rsa_key()
    assert seal.choose([holder("prod", kem, rsa)], now()).envelope == "v2"
    assert seal.choose([holder("prod", kem, rsa, envelope="v1")], now()).envelope == "v1"
    assert seal.choose([holder("prod", kem, rsa, envelope="v1")], now(), "v2").envelope == "v2"
    assert seal.choose([holder("prod", kem, rsa)], now(), "v1").keys[0].id == rsa.id
    assert seal.choose([holder("prod", rsa)], now()).envelope == "v1"


def test_a_lost_v2_key_is_an_error_and_never_a_step_back() -> None:
    kem, rsa = keys.generate_kem(), rsa_key()
    lost = holder("prod", kem, rsa, status={kem.id: Status.RETIRED})
    with pytest.raises(Refused, match="no active v2 key") as caught:
        seal.choose([lost], now())
    assert "--envelope v1" in caught.value.way_out
    assert seal.choose([lost], now(), "v1").envelope == "v1"
    with pytest.raises(Refused, match="no active RSA key"):
        seal.choose([holder("prod", kem)], now(), "v1")


def test_two_clusters_need_v2() -> None:
    kem, rsa = keys.generate_kem(), rsa_key()
    with pytest.raises(UsageError, match="old takes v1, and prod"):
        seal.choose([holder("prod", kem), holder("old", rsa)], now())
    with pytest.raises(UsageError, match="one recipient"):
        seal.choose([holder("prod", kem, rsa), holder("old", rsa)], now(), "v1")


def test_recipients_in_words() -> None:
    one, two = keys.generate_kem().public, keys.generate_kem().public
    named = Recipients("v2", (one, two, one), ("prod", "prod", "staging"))
    assert str(named) == f"prod {one.id[:8]} {two.id[:8]}, staging {one.id[:8]}"


def test_seal_item_in_both_envelopes() -> None:
    kem, rsa = keys.generate_kem(), rsa_key()
    v2 = seal.seal_item(b"x", STRICT, "a", Recipients("v2", (kem.public,), ("prod",)))
    v1 = seal.seal_item(b"x", STRICT, "a", Recipients("v1", (rsa.public,), ("prod",)))
    assert isinstance(seal.envelope_of(v2), EnvelopeV2)
    assert isinstance(seal.envelope_of(v1), EnvelopeV1)
    for envelope, key in (("v1", rsa), ("v2", kem)):
        with pytest.raises(NameRefused):
            seal.seal_item(b"x", STRICT, "..a", Recipients(envelope, (key.public,), ("prod",)))
    with pytest.raises(EnvelopeError):
        seal.envelope_of("v3:AAAA")


def test_a_bare_certificate() -> None:
    now = rings.NOW
    certificate = rings.rsa_key().public.certificate
    found = seal.certificate_recipients(certificate, now)
    assert (found.envelope, str(found)) == ("v1", f"certificate {rings.rsa_key().id[:8]}")
    with pytest.raises(Refused, match="expired on"):
        seal.certificate_recipients(certificate, now + timedelta(days=400))
    with pytest.raises(Refused, match="not valid before"):
        seal.certificate_recipients(certificate, now - timedelta(days=1))
    with pytest.raises(KeyFormatError):
        seal.certificate_recipients("no certificate", now)
