"""A token whose checksum is wrong was not issued as it stands: that is told, and stops nobody."""

from __future__ import annotations

import secrets
import string

import pytest

from hooks import scanner
from hooks.blobs import Blob
from hooks.engine.checksum import base62_crc
from hooks.rule import ERROR, WARNING

_ALPHABET = string.ascii_letters + string.digits


@pytest.mark.parametrize(("right", "severity"), [(True, ERROR), (False, WARNING)])
def test_a_wrong_checksum_is_a_warning(right: bool, severity: str) -> None:
    body = "".join(secrets.choice(_ALPHABET) for _ in range(30)).encode()
    good = base62_crc(body)
    check = good if right else good[::-1] if good[::-1] != good else b"000001"
    text = b'token = "' + b"gh" + b"p_" + body + check + b'"\n'
    (found,) = scanner.scan(Blob("src/app.py", text))
    assert (found.rule.id, found.rule.severity) == ("github-pat", severity)
