"""YAML in and out: what is refused, how scalars are read, and that what we write reads back."""

from __future__ import annotations

import json
import math
import secrets
import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sealer.documents import yamlio
from sealer.documents.node import Kind, resolve
from sealer.errors import DocumentError


def refused(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        list(yamlio.parse_stream(text, "f.yaml"))
    assert caught.value.way_out
    return caught.value


def load(text: str) -> object:
    return yamlio.load_config(text.encode(), "f.yaml")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.STR) for text in ("2001-12-14", "2001-12-14T21:59:43Z", "1:20", "190:20:30", "=", "<<", "AgA=")),
        *((text, Kind.STR) for text in ("Y3", "yEs", "0x", "0b2", "1e", "_1", ".", "-", "+", "v2:AAAA", "nullx")),
        *((text, Kind.BOOL) for text in ("y", "N", "yes", "No", "on", "OFF", "true", "False")),
        *((text, Kind.NULL) for text in ("", "~", "null", "Null", "NULL")),
        *((text, Kind.INT) for text in ("0", "0123", "-7", "+7", "0x1F", "0o17", "0b11", "1_000", "9" * 40)),
        *((text, Kind.FLOAT) for text in ("1.5", "1e3", "0128", ".5", "-1.", "1.5E-3", ".inf", "-.Inf", ".NaN")),
    ],
)
def test_plain_scalars_are_read_as_kubeseal_reads_them(text: str, kind: Kind) -> None:
    assert resolve(text) is kind


def test_numbers_have_the_value_that_kubeseal_gives_them() -> None:
    text = "a: 0123\nb: 0x1F\nc: 0o17\nd: -0b11\ne: 1_000\nf: 0128\ng: +5\nh: -0x10\ni: 1e3\nj: 0\n"
    expected = {"a": 83, "b": 31, "c": 15, "d": -3, "e": 1000, "f": 128.0, "g": 5, "h": -16, "i": 1000.0, "j": 0}
    assert load(text) == expected


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()))
def test_json_scalars_keep_their_value(value: object) -> None:
    assert load("a: " + json.dumps(value)) == {"a": value}


@pytest.mark.parametrize("text", ["a: .inf\n", "a: -.INF\n", "a: .nan\n", "a: 1e999\n", "a: " + "9" * 5000 + "\n"])
def test_numbers_that_json_cannot_hold_are_refused(text: str) -> None:
    assert refused(text).path == "a"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3),
        ("x:\n  a: 1\n  'a': 2\n", 3),
        ("{a: 1, a: 2}\n", 1),
        ("x: &x {}\n<<: *x\n<<: *x\n", 3),
    ],
)
def test_duplicate_keys_are_refused(text: str, line: int) -> None:
    error = refused(text)
    assert error.line == line
    assert "twice" in error.what


def test_a_merge_yields_to_explicit_keys_wherever_it_stands() -> None:
    text = "b: &b {x: 1, w: 2}\nc: &c {w: 3, z: 4}\nd:\n  w: 9\n  <<: [*b, *c]\ne:\n  <<: *c\n  w: 8\n"
    value = load(text)
    assert isinstance(value, dict)
    assert value["d"] == {"w": 9, "x": 1, "z": 4}
    assert value["e"] == {"w": 8, "z": 4}


def test_merged_pairs_come_behind_a_maps_own() -> None:
    (root,) = yamlio.parse_stream("b: &b {x: 1}\nd:\n  <<: *b\n  w: 9\n", "f")
    node = root.get("d")
    assert node is not None
    assert [key.text for key, _ in node.items] == ["w", "x"]
    assert node.own == 1


@pytest.mark.parametrize(
    "text", ["a: !x y\n", "a: !!python/object:os.x y\n", "!x {a: b}\n", "a: !!binary aGk=\n", "!!set {a}\n"]
)
def test_custom_tags_are_refused(text: str) -> None:
    assert "tag" in refused(text).what


def test_core_tags_are_read_where_they_say_what_is_there() -> None:
    assert load("a: !!str 5\nb: !!int 5\nc: !!float 5\nd: !!map {}\ne: !!seq []\nf: ! x\n") == {
        "a": "5", "b": 5, "c": 5.0, "d": {}, "e": [], "f": "x",
    }  # fmt: skip
    assert "tag" in refused("a: !!int x\n").what


@pytest.mark.parametrize("text", ["1: a\n", "true: a\n", "~: a\n", "on: a\n", "? [a]\n: b\n", "1.5: a\n"])
def test_keys_that_are_not_text_are_refused(text: str) -> None:
    assert "quote the key" in refused(text).way_out or "as text" in refused(text).way_out


def test_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [" + ",".join(["lol"] * 9) + "]"]
    lines += [f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
    assert "expand" in refused("\n".join(lines) + "\n").what
    wide = "a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 20 + "]\n"
    assert "expand" in refused(wide).what
    merges = "a0: &a0 {" + ", ".join(f"k{n}: {n}" for n in range(200)) + "}\n"
    merges += "".join(f"a{n}: &a{n} {{<<: *a{n - 1}, x{n}: y}}\n" for n in range(1, 5000))
    assert "expand" in refused(merges).what


def test_an_alias_of_what_is_around_it_is_refused() -> None:
    assert "around it" in refused("a: &a [b, *a]\n").what
    assert "around it" in refused("a: &a\n  <<: *a\n").what


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000, "? " * 100_000, "&a " + "[" * 5000])
def test_depth_is_bounded(text: str) -> None:
    assert refused(text).line == 1


BROKEN = [
    "a: b: c\n",
    "a:\n\tb: c\n",
    "a: 'x\n",
    "[a, b\n",
    "a: *x\n",
    "- a\nb\n",
    "%YAML 3.0\n---\na\n",
    "a: @x\n",
    "a: \x01\n",
    'a: "\\q"\n',
]


@pytest.mark.parametrize("text", BROKEN)
def test_syntax_errors_name_the_line_and_quote_nothing(text: str) -> None:
    planted = "v" + secrets.token_hex(8)  # digits and an e alone would be a number
    error = refused(f"first: {planted}\n---\nx: {planted}\n{text}")
    assert error.line >= 4
    assert planted not in f"{error} {error.way_out}"
    assert error.__cause__ is None


def test_documents_after_a_refused_one_are_still_read() -> None:
    found = list(yamlio.documents("a: 1\na: 2\n---\nb: 1\n--- !x\nc: 1\n---\nd: 1\n", "f"))
    assert [isinstance(node, DocumentError) for node in found] == [True, False, True, False]


def test_lines_count_from_one_with_any_line_ending() -> None:
    for newline in ("\n", "\r\n", "\r"):
        (root,) = yamlio.parse_stream(f"# c{newline}a: 1{newline}b:{newline}  c: 2{newline}", "f")
        b = root.get("b")
        assert b is not None
        assert [key.line for key, _ in (*root.items, *b.items)] == [2, 3, 4]


def test_offsets_point_into_the_text() -> None:
    text = "é: &x 'ä😀'\nb: plain text # c\nc: {d: \"q\"}\ne: *x\n"
    (root,) = yamlio.parse_stream(text, "f")
    found = {key.text: (text[value.start : value.end], value.anchor, value.alias) for key, value in root.items}
    assert found == {
        "é": ("&x 'ä😀'", True, False),
        "b": ("plain text", False, False),
        "c": ('{d: "q"}', False, False),
        "e": ("&x 'ä😀'", True, True),
    }


def test_config_is_one_document() -> None:
    assert load("") is None
    assert load("# nothing\n---\n") is None
    assert load("\ufeffa: 2001-01-01\n") == {"a": "2001-01-01"}
    with pytest.raises(DocumentError, match="several"):
        load("a: 1\n---\nb: 2\n")
    with pytest.raises(DocumentError, match="UTF-8"):
        yamlio.load_config(b"a: \xff\n", "f")


json_values = st.recursive(
    st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@given(json_values)
def test_what_we_write_reads_back(value: object) -> None:
    text = yamlio.dump({"a": value})
    assert load(text) == {"a": value}
    assert text.endswith("\n")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_yaml_1_1_reader_takes_what_we_write_as_text_too(text: str) -> None:
    # PyYAML's own loader knows more types (dates, base 60) than we read.
    assert yaml.load(yamlio.dump({text: text}), yaml.CSafeLoader) == {text: text}


def test_keys_and_values_of_another_type_are_quoted_and_long_lines_stay_whole() -> None:
    long = "word " * 500 + "end"
    text = yamlio.dump({"y": "n", "1": "0123", "k": long, "d": "2001-01-01", "m": "one\ntwo\n"})
    assert '"y": "n"' in text
    assert '"1": "0123"' in text
    assert f"k: {long}\n" in text
    assert "m: |\n  one\n  two\n" in text


def test_infinity_never_hides_in_a_number() -> None:
    assert math.isinf(float("1e999"))
    assert load('a: "1e999"') == {"a": "1e999"}


def test_it_works_without_libyaml() -> None:
    # As on a platform without PyYAML's C extension: the pure Python classes have to give the same nodes.
    program = (
        "import sys; sys.modules['yaml._yaml'] = None\n"
        "from sealer.documents import yamlio\n"
        "from sealer.errors import DocumentError\n"
        "import yaml; assert not yaml.__with_libyaml__\n"
        "for text in sys.stdin.read().split('\\0'):\n"
        "    for node in yamlio.documents(text, 'f'):\n"
        "        print(repr(node.where if isinstance(node, DocumentError) else node.plain()))\n"
        "print(yamlio.dump({'y': 'a\\nb\\n', 'k': 'x ' * 100}))\n"
    )
    texts = [
        "a: &x 1\nb: *x\nc: |\n  q\n",
        "a: 1\na: 2\n",
        "a: b: c\n",
        "[" * 500,
        "a: \x01\n",
        'a: "\\UFFFFFFFF"\n',
        "",
    ]
    run = subprocess.run(
        [sys.executable, "-c", program], input="\0".join(texts), capture_output=True, text=True, check=True
    )
    nodes = [node for text in texts for node in yamlio.documents(text, "f")]
    expected = [repr(node.where if isinstance(node, DocumentError) else node.plain()) for node in nodes]
    dumped = yamlio.dump({"y": "a\nb\n", "k": "x " * 100})
    assert run.stdout == "".join(line + "\n" for line in expected) + dumped + "\n"
