"""Values whose form alone says that they are no secret: envelopes of every size of key, times, Kubernetes' groups."""

from __future__ import annotations

import base64
import secrets

import pytest

from hooks import form
from tests.hooks.labelled import random_text


def _envelope(bits: int, more: int = 16) -> str:
    size = bits // 8
    return base64.b64encode(size.to_bytes(2, "big") + secrets.token_bytes(size + more)).decode()


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 8192])
def test_an_envelope_names_the_size_of_its_key(bits: int) -> None:
    text = _envelope(bits)
    assert form.is_sealed(text)
    for width in (64, 3):
        assert form.is_sealed("\n".join(text[at : at + width] for at in range(0, len(text), width)))


@pytest.mark.parametrize("bits", [2048, 3072, 8192])
def test_base64_that_is_shorter_than_it_says_is_none(bits: int) -> None:
    assert not form.is_sealed(_envelope(bits, more=15))


def test_other_base64_is_none() -> None:
    assert not form.is_sealed("AgA" + " " * 400)
    for start in (b"\x00\x00", b"\x01\x01", b"\x05\x00", b"\xff\xff"):
        assert not form.is_sealed(base64.b64encode(start + secrets.token_bytes(600)).decode())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("expiration", "2027-03-10T03:22:11Z"),
        ("auth-extra-groups", "system:bootstrappers:worker,system:bootstrappers:ingress"),
        ("description", "The token that 'kubeadm init' made; it expires."),
    ],
)
def test_settings_of_a_bootstrap_token(key: str, value: str) -> None:
    assert form.is_setting(key, value)
    assert not form.is_setting(key, random_text("alnum", 24))
