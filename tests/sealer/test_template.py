"""Template values: what is copied, what wins, and what is refused by item, line, column and function."""

from __future__ import annotations

import secrets

import pytest

from sealer import template
from sealer.documents.document import Template
from sealer.errors import TemplateRefused


def test_values_are_copied_and_null_leaves_an_item_out() -> None:
    data = {"config": "user=app\n", "password": None, "token": "clear", "absent": None}
    items = {"password": b"p", "token": b"sealed", "other": b"\xff"}
    assert template.render(Template(data=data), items) == {
        "token": b"sealed",
        "other": b"\xff",
        "config": b"user=app\n",
    }


def test_only_double_braces_are_templates() -> None:
    assert template.render(Template(data={"a": "{ x } ${{"[:-1], "b": "}}"}), {}) == {"a": b"{ x } ${", "b": b"}}"}


@pytest.mark.parametrize(
    ("text", "line", "column", "function"),
    [
        ("{{ .password }}", 1, 1, ""),
        ("a\nbc {{ toJson .password }}", 2, 4, "toJson"),
        ('{{- if eq .a "upper" }}', 1, 1, "eq"),
        ("{{ .a | b64enc }}", 1, 1, "b64enc"),
        ("{{ $x := .a }}", 1, 1, ""),
        ("{{/* upper */}}", 1, 1, ""),
        ('{{ "upper" | quote }}', 1, 1, "quote"),
        ('{{ `x` }}\n{{ index . "k" }}', 1, 1, "index"),
        ("{{", 1, 1, ""),
        ("é{{ end }}", 1, 2, ""),
    ],
)
def test_refused(text: str, line: int, column: int, function: str) -> None:
    with pytest.raises(TemplateRefused) as caught:
        template.check(Template(data={"ok": "plain", "conf": text}))
    said = str(caught.value)
    assert f"item conf, line {line}, column {column}" in said
    assert (f"function {function})" in said) == bool(function)


def test_the_text_of_a_template_is_not_repeated() -> None:
    planted = secrets.token_hex(8)
    with pytest.raises(TemplateRefused) as caught:
        template.check(Template(data={"conf": f'{planted} {{{{ fail "{planted}" }}}} {planted}'}))
    assert planted not in str(caught.value) + caught.value.way_out
    assert "function fail" in str(caught.value)
