"""Random values: their form, their sizes, and that none comes twice."""

from __future__ import annotations

import base64
import re
import uuid

import pytest

from sealer.errors import UsageError
from sealer.sealing import generate

FORMS = {
    "password": rb"[-_.~A-Za-z0-9]{32}",
    "password:12": rb"[-_.~A-Za-z0-9]{12}",
    "alphanumeric": rb"[A-Za-z0-9]{32}",
    "alphanumeric:20": rb"[A-Za-z0-9]{20}",
    "hex": rb"[0-9a-f]{64}",
    "hex:16": rb"[0-9a-f]{32}",
    "base64": rb"[A-Za-z0-9+/]{43}=",
    "base64url": rb"[-_A-Za-z0-9]{43}",
    "uuid": rb"[0-9a-f-]{36}",
    "ssh-key": rb"(?s)-----BEGIN OPENSSH PRIVATE KEY-----\n.*-----END OPENSSH PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("kind", FORMS)
def test_form(kind: str) -> None:
    make = generate.check(kind)
    values = {make() for _ in range(20)}
    assert len(values) == 20
    assert all(re.fullmatch(FORMS[kind], value) for value in values)


def test_sizes_count_what_they_say() -> None:
    assert len(generate.check("bytes:48")()) == 48
    assert len(base64.b64decode(generate.check("base64:21")())) == 21
    assert uuid.UUID(generate.check("uuid")().decode()).version == 4


def test_every_password_has_each_class() -> None:
    for _ in range(50):
        value = generate.check("password:12")().decode()
        assert all(re.search(each, value) for each in ("[a-z]", "[A-Z]", "[0-9]", "[-_.~]"))


def test_ssh_key_has_a_public_half() -> None:
    assert generate.public_half(generate.check("ssh-key")()).startswith("ssh-ed25519 AAAA")


@pytest.mark.parametrize(
    "kind",
    ["", "pin", "hex:", "hex:0", "hex:7", "hex:x", "hex:1e3", "hex:99999", "hex:999999999", "uuid:3", "password:11"],
)
def test_refuses(kind: str) -> None:
    with pytest.raises(UsageError):
        generate.check(kind)
