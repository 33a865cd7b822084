"""Escapes, hex in all its spellings, and numbers that are text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from hooks.decode import decoded
from hooks.decode.trigger import TRIGGER
from hooks.text import Text
from tests.hooks.decode.test_base64 import hits, secret, texts, wrapped


def dump(text: str, group: int, column: str) -> str:
    lines = []
    for at in range(0, len(text), 16):
        part = text.encode()[at : at + 16]
        lines.append(f"{at:08x}{column} {part.hex(' ', -group)}  {part.decode()}")
    return "\n".join(lines)


FORMS: dict[str, Callable[[str], str]] = {
    "percent": lambda text: "".join(f"%{ord(c):02X}" for c in text),
    "backslash x": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "joined": lambda text: '"' + wrapped("".join(f"\\x{ord(c):02x}" for c in text), 40, '"\n   "') + '"',
    "unicode": lambda text: "".join(f"\\u{ord(c):04X}" for c in text),
    "code points": lambda text: "".join(f"\\u{{{ord(c):x}}}" for c in text),
    "octal": lambda text: "".join(f"\\{ord(c):03o}" for c in text),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hex entities": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: "0x" + text.encode().hex().upper(),
    "hex in lines": lambda text: wrapped((text * 5).encode().hex(), 60, "\n"),
    "spaced": lambda text: text.encode().hex(" "),
    "colons": lambda text: text.encode().hex(":").upper(),
    "0x list": lambda text: "{ " + ", ".join(f"0x{ord(c):02X}" for c in text) + " }",
    "0x lines": lambda text: ",\n".join(", ".join(f"0x{ord(c):02x}" for c in text[at : at + 8]) for at in (0, 8, 16)),
    "decimal": lambda text: str(list(text.encode())),
    "xxd": lambda text: dump(text, 2, ":"),
    "hexdump": lambda text: dump(text, 1, " "),
}


def triggers(data: bytes) -> list[int]:
    """Where the engine would stop: its patterns are `re`'s, too."""
    return sorted({*hits(data), *(found.end() for one in TRIGGER for found in re.finditer(one, data))})


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_decoded(form: str) -> None:
    value = secret()
    if form == "0x lines":
        value = value[:15]
    data = f"first: line\nx = {FORMS[form](f'password={value}')}\nlast: line of words here\n".encode()
    if form in ("xxd", "hexdump"):
        data = data.replace(b"x = ", b"")
    want = f"password={value}".encode()
    assert any(want in one for one in texts(data))
    at = triggers(data)
    assert at
    found = [one for one in decoded(Text("x", data), at) if want in one.text.data]
    assert found
    assert (found[0].line, found[0].end) == (2, data.count(b"\n") - 1)


def test_the_name_beside_an_escaped_value_is_kept() -> None:
    value = secret()
    for form in ("percent", "backslash x", "unicode", "code points", "octal", "entities", "hex entities"):
        data = f'<add key="password" value="{FORMS[form](value)}"/>'.encode()
        assert f'key="password" value="{value}"'.encode() in b"".join(texts(data, triggers(data)))


def test_a_character_beyond_unicode_is_no_error() -> None:
    for text in ("\\u{ffffff}", "\\UFFFFFFFF", "\\ud800", "&#9999999;", "&#xFFFFFF;", "\\377", "%ff", "[999, 999]"):
        assert isinstance(texts((text * 20).encode()), list)


def test_numbers_that_are_no_text_are_none() -> None:
    assert texts(b"x = [" + b"10, 200, 31, 255, 0, 1, " * 30 + b"]") == []
    assert texts(b"fingerprint: " + b"AB:01:9C:D0:00:FF:" * 8 + b"AB") == []
    assert texts(b"sha256:" + b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08") == []
