"""Linting whatever bytes come along: it never raises, and never repeats a value."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sealer.checking import lint
from sealer.checking.moved import Origins
from sealer.documents.document import parse
from sealer.formats import keys
from tests.sealer.sealedfiles import sealed

KEY = keys.generate_kem()
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DOCUMENT = sealed("a/b", ["k", "l"], KEY)


def _problems(data: bytes) -> list[str]:
    file = parse(data, "f.yaml")
    setting = lint.Setting(NOW, origins=Origins([("a", "b")]))
    return [each.code for each in lint.check_file(file, data, setting, lint.Seen())]


def test_the_document_as_it_is_has_no_problem() -> None:
    assert _problems(DOCUMENT) == []


@given(st.binary(max_size=200), st.sampled_from([b"SealedSecret", b"kind: Secret\n", b"{{ .Values.a }}", b"[{"]))
def test_any_bytes(data: bytes, word: bytes) -> None:
    _problems(data + word)
    _problems(word + data)


@given(st.integers(0, len(DOCUMENT) - 1), st.binary(min_size=1, max_size=3))
def test_any_change_of_a_document(at: int, put: bytes) -> None:
    _problems(DOCUMENT[:at] + put + DOCUMENT[at + 1 :])


@given(st.integers(0, 2**16))
def test_any_changed_character_of_the_header_is_noticed(seed: int) -> None:
    # Version, suite, digest of the context: the first 13 characters after `v2:` that hold nothing else.
    text = DOCUMENT.decode()
    start = text.index("k: v2:") + len("k: v2:")
    at = start + seed % 13
    other = "A" if text[at] != "A" else "B"
    assert _problems((text[:at] + other + text[at + 1 :]).encode()) != []


def test_what_only_a_template_fills_is_no_plaintext_and_is_told_in_no_time() -> None:
    def codes(text: str) -> list[str]:
        return _problems(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{k: '{text}'}}\n".encode())

    assert codes("{{ .a }} {{ } }}") == []
    assert codes("{{ .a }}x") == ["plaintext"]
    assert codes("{{ }} " * 20_000 + "x") == ["plaintext"]


def test_no_problem_repeats_a_value() -> None:
    value = secrets.token_hex(8)
    data = sealed(
        "a/b", ["k"], KEY, template={"data": {"password": value, "t": "{{ nofunction .x }} " + value}}, bound="a/c"
    )
    data += f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{k: {value}}}\n".encode()
    file = parse(data, "f.yaml")
    found = lint.check_file(file, data, lint.Setting(NOW), lint.Seen())
    assert {each.code for each in found} == {"bound-elsewhere", "plaintext", "plaintext-template", "template"}
    assert value not in "".join(f"{each}" for each in found)
