"""Events about a SealedSecret: Bitnami's words, ways to find them, names that the API server takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube import events
from tests.controller.kube.objects import UID, sealed

NOW = "2026-01-01T00:00:00Z"
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@pytest.mark.parametrize(
    ("reason", "message", "kind", "said"),
    [
        ("Unsealed", "", "Normal", "SealedSecret unsealed successfully"),
        ("Unsealed", "whatever", "Normal", "SealedSecret unsealed successfully"),
        (
            "ErrUnsealFailed",
            "no key could decrypt secret (a, b)",
            "Warning",
            "Failed to unseal: no key could decrypt secret (a, b)",
        ),
        (
            "ErrUpdateFailed",
            'Resource "db" already exists and is not managed by SealedSecret',
            "Warning",
            'Resource "db" already exists and is not managed by SealedSecret',
        ),
    ],
)
def test_their_words(reason: str, message: str, kind: str, said: str) -> None:
    event = events.event(sealed(), reason, message, NOW, "17f")
    assert (event["reason"], event["type"], event["message"]) == (reason, kind, said)


def test_how_an_event_is_found() -> None:
    event = events.event(sealed(), events.UNSEALED, "", NOW, "17f")
    assert event["involvedObject"] == {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "namespace": "shop",
        "name": "db",
        "uid": UID,
        "resourceVersion": "7",
    }
    assert event["metadata"] == {"namespace": "shop", "name": "db.17f"}
    assert event["source"] == {"component": "sealed-secrets"}
    assert event["reportingComponent"] == "sealed-secrets"
    assert (event["firstTimestamp"], event["lastTimestamp"], event["count"]) == (NOW, NOW, 1)


def test_a_message_is_never_longer_than_a_kilobyte() -> None:
    assert len(events.event(sealed(), events.UNSEAL_FAILED, "x" * 5000, NOW, "17f")["message"]) == 1024


@given(st.from_regex(_SUBDOMAIN, fullmatch=True), st.integers(-9, 9), st.from_regex(r"[0-9a-f]{1,16}", fullmatch=True))
def test_the_name_is_one_that_the_api_server_takes_and_ends_as_asked(base: str, more: int, suffix: str) -> None:
    name = (base * 253)[: 240 + more].rstrip("-.")
    for each in (base[:253].rstrip("-."), name):
        made = events.event(sealed(name=each), events.UNSEALED, "", NOW, suffix)["metadata"]["name"]
        assert len(made) <= 253
        assert _SUBDOMAIN.fullmatch(made)
        assert made.endswith(f".{suffix}")


@pytest.mark.parametrize("cut", ["-", ".", "--"])
def test_a_long_name_is_not_cut_where_no_name_may_end(cut: str) -> None:
    long = ("a" * (249 - len(cut)) + cut + "bbbbb")[:253]
    made = events.event(sealed(name=long), events.UNSEALED, "", NOW, "17f")["metadata"]["name"]
    assert _SUBDOMAIN.fullmatch(made)
