"""Template values: what is copied, what wins, what is refused and how; Go's answers stand in test_go.py."""

from __future__ import annotations

import contextlib
import secrets
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealer import template
from sealer.documents.document import Template
from sealer.errors import TemplateRefused
from sealer.template import functions, rendering


def rendered(text: str, **values: bytes) -> bytes:
    return rendering.render("conf", text, values, rendering.run())


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


def test_items_and_the_texts_beside_them_are_seen() -> None:
    data = {
        "a": "{{ .password }}:{{ .plain }}:{{ .b }}:{{ .dropped }}",
        "plain": "text",
        "b": "{{ 1 }}",
        "dropped": None,
    }
    items = {"password": b"\xffp", "dropped": b"still seen"}
    made = template.render(Template(data=data), items)
    assert made == {"password": b"\xffp", "a": b"\xffp:text:{{ 1 }}:still seen", "plain": b"text", "b": b"1"}


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("a\nbc {{ toJsn .password }}", 2, 7, "function toJsn is not defined"),
        ('{{- if eq .a "upper" }}', 1, 24, "unexpected end of text"),
        ("é{{ end }}", 1, 9, "unexpected end"),
        ("{{", 1, 1, "unclosed action"),
        ("{{ $x }}", 1, 4, "undefined variable $x"),
        ("{{ .with-dash }}", 1, 9, "bad character after name"),
        ("x\n{{ upper 1 }}", 2, 10, "expected string"),
        ('{{ fail "m" }}', 1, 4, "error calling fail"),
        ("{{ .a.b }}", 1, 6, "can't evaluate field b in type string"),
    ],
)
def test_refused(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(TemplateRefused) as caught:
        template.render(Template(data={"conf": text}), {"a": b""}, "f.yaml")
    assert f"item conf, line {line}, column {column}: " in str(caught.value)
    assert said in str(caught.value)
    assert caught.value.way_out


@pytest.mark.parametrize(
    "text",
    [
        '@ {{ fail "@" }}',
        "{{ fail .v }}",
        '{{ "@" | nofunction }}',
        "{{ index .v 100 }}",
        "{{ mustFromJson .v }}",
        "{{ mustRegexFind .v .v }}",
        "{{ semver .v }}",
        "{{ mustToDate `2006` .v }}",
        "{{ .v.x }}",
        "{{ add1 .v | repeat 2 }}",
        "{{ genSelfSignedCert .v (list .v) nil 1 }}",
        "{{ decryptAES .v .v }}",
        "{{ range .v }}{{ end }}",
        "{{ urlJoin (dict `host` (list .v)) }}",
    ],
)
def test_no_error_repeats_a_value_or_the_text(text: str) -> None:
    planted = "%(["[len(text) % 3] + secrets.token_hex(8)
    with pytest.raises(TemplateRefused) as caught:
        rendered(text.replace("@", planted), v=planted.encode())
    error = caught.value
    told = "".join(traceback.format_exception(error))  # as Python would print it, with all that led to it
    assert planted[1:] not in f"{told} {error!r} {error.way_out} {error.args!r}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ range 1000000000 }}{{ end }}",
        '{{ $x := list "a" }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ $x }}',
        '{{ $x := list "a" }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}',
        '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ $d }}',
        '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ deepCopy $d | toJson }}',
        '{{ repeat 100000000 "abc" }}',
        '{{ range 100000 }}{{ printf "%1000000d" 1 }}{{ end }}',
        "{{ range 10000 }}{{ $x := until 200000 }}{{ end }}",
        "{{ until 2000000000 }}",
        '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
        '{{ $s := repeat 2000000 "a" }}{{ range 100000 }}{{ $x := contains "b" $s }}{{ end }}',
        '{{ regexReplaceAll "" (repeat 1000000 "a") "bbbbbbbbbbbbb" }}',
        "{{ range 1000000 }}{{ bcrypt `x` }}{{ end }}",
        "{{ range 1000000 }}{{ genPrivateKey `rsa` }}{{ end }}",
        "{{" + "(" * 5000 + "1" + ")" * 5000 + "}}",
        "{{ if 1 }}" * 5000 + "{{ end }}" * 5000,
        '{{ indent 1000000 (repeat 1000 "\\n") }}',
        '{{ join (repeat 1000000 "x") (until 1000) }}',
    ],
)
def test_what_grows_without_end_is_refused(text: str) -> None:
    with pytest.raises(TemplateRefused):
        rendered(text)


def test_sources_are_parameters() -> None:
    text = '{{ randAlphaNum 8 }} {{ uuidv4 }} {{ date "2006-01-02" now }} {{ shuffle "abcdef" }} {{ bcrypt "x" }}'

    def once() -> bytes:
        return rendering.render("c", text, {}, rendering.run(lambda: 1_700_000_000 * 10**9, lambda count: bytes(count)))

    assert once() == once()
    assert b" 2023-11-14 " in once()
    assert rendered(text) != rendered(text)


def test_what_draws_is_told() -> None:
    drawing = {name for name in functions.MODULES if functions.find(name).draws}
    said = (
        "ago bcrypt date dateInZone date_in_zone durationRound encryptAES genCA genCAWithKey genPrivateKey"
        " genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey htmlDate htmlDateInZone"
        " htpasswd now randAlpha randAlphaNum randAscii randBytes randInt randNumeric shuffle uuidv4"
    )
    assert drawing == set(said.split())
    assert template.draws(Template(data={"a": "{{ if false }}{{ uuidv4 }}{{ end }}"}))
    assert not template.draws(Template(data={"a": "{{ upper .x }}", "b": "text"}))


WORDS = (
    *[
        "{{",
        "}}",
        "{{-",
        "-}}",
        ".x",
        "$",
        "$v",
        ":=",
        "=",
        "|",
        "(",
        ")",
        "1",
        "if",
        "range",
        "end",
        "else",
        "with",
        "upper",
        "list",
        "dict",
        "printf",
        "index",
        "nil",
        "define",
    ],
    *["template", "/*", "*/", "'", "`", "é"],
    '"a"',
)


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*WORDS, " ", "\n"]) | st.text(max_size=4), max_size=30), st.binary(max_size=20))
def test_nothing_but_a_refusal_is_raised(parts: list[str], value: bytes) -> None:
    with contextlib.suppress(TemplateRefused):
        rendered("".join(parts), x=value)
