"""Strong values in the signs of a placeholder: these make none of them, and a placeholder stays one."""

from __future__ import annotations

import pytest

from hooks import manifest
from tests.hooks.labelled import random_text

FORMS = ("{S}", "[S]", "<S>", "S...", "xxxxxxS", "Sxxxxxx", "S<a>")


def found(value: str) -> int:
    text = f"kind: Secret\napiVersion: v1\nstringData:\n  password: '{value}'\n"
    return len(manifest.hits(text, manifest=True, json=False))


@pytest.mark.parametrize("form", FORMS)
def test_a_strong_value_is_found_whatever_stands_around_it(form: str) -> None:
    # Short runs between signs, as people are told to make passwords: no run of it looks random by itself.
    strong = f"Tr4{random_text('lower', 2)}-x7Kq{random_text('digits', 1)}a!9Zp"
    assert found(form.replace("S", strong)) == 1


@pytest.mark.parametrize("word", ["YourPassword2024", "Your-Password-123", "password"])
@pytest.mark.parametrize("form", ["<S>", "S...", "xxxxxxS"])
def test_words_in_them_stay_a_placeholder(form: str, word: str) -> None:
    assert found(form.replace("S", word)) == 0
