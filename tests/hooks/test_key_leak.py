"""A value that stands in the name of a key as well is not shown by that name."""

from __future__ import annotations

from hooks import scanner
from hooks.blobs import Blob
from tests.hooks import planted

VALUE = "q7Zt1Xw9Kd3V" + "n5Rb8Ym2Lc4H"
TOKEN = "sk_" + "live_" + VALUE


def test_a_key_with_a_token_in_it_is_told_by_its_length() -> None:
    """Found by atheris: half of a line with `=` in it counts as a key, and the token there was no token any more."""
    findings = scanner.scan(Blob(".env", f"{TOKEN}{'R' * 43}Z.S=?{TOKEN}&={TOKEN}\n".encode()))
    assert [each.rule.id for each in findings] == ["stripe-secret-key"]
    assert findings[0].key == "<key of 78 characters>"
    assert planted.leaks(VALUE, planted.shown(findings)) == []


def test_other_keys_of_the_file_keep_their_names() -> None:
    findings = scanner.scan(Blob(".env", f"STRIPE_SECRET_KEY_OF_PAYMENTS={TOKEN}\n".encode()))
    assert [each.key for each in findings] == ["STRIPE_SECRET_KEY_OF_PAYMENTS"]
