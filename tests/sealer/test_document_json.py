"""JSON with offsets: grammar, refusals, and that it agrees with `json`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.documents import jsonio
from sealer.documents.node import Kind
from sealer.errors import DocumentError

values = st.recursive(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers(-(10**30), 10**30),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.none(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.lists(values, max_size=3), st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_it_reads_what_json_writes(found: list[object], indent: int | str | None, ascii_only: bool) -> None:
    text = "\n".join(json.dumps(value, indent=indent, ensure_ascii=ascii_only) for value in found)
    nodes = list(jsonio.parse_stream(text, "f"))
    assert [node.plain() for node in nodes] == found
    for node, value in zip(nodes, found, strict=True):
        assert json.loads(text[node.start : node.end]) == value


@given(st.text(st.sampled_from('{}[]",:0123456789.eE+-truefalsn \n\\u')))
def test_it_accepts_exactly_what_json_accepts(text: str) -> None:
    try:
        expected: object = json.loads(text, parse_constant=lambda _: pytest.fail("not reached"))
    except ValueError:
        expected = ValueError
    nodes, problem = [], None
    try:
        nodes = list(jsonio.parse_stream(text, "f"))
    except DocumentError as error:
        problem = error
    if problem is None:
        assert (nodes[0].plain() if len(nodes) == 1 else ValueError) == expected
    elif expected is not ValueError:
        assert any(word in problem.what for word in ("twice", "surrogate", "hold"))


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": %s}' % ("9" * 5000)]
)
def test_numbers_that_json_cannot_hold_are_refused(text: str) -> None:
    with pytest.raises(DocumentError, match="hold") as caught:
        list(jsonio.parse_stream(text, "f"))
    assert caught.value.path == "a"
    assert not isinstance(caught.value, jsonio.NotJSON)


@pytest.mark.parametrize(
    ("text", "line", "path"),
    [
        ('{"a": 1,\n"a": 2}', 2, ""),
        ('{"a": [{"b": 1,\n"b": 2}]}', 2, "a[0]"),
        ('{"a":\n"\\ud800"}', 2, "a"),
        ('[[[\n"\\q"]]]', 2, "[0][0][0]"),
        ('{"a": "b\n"}', 1, "a"),
        ('{"a" 1}', 1, ""),
        ('{"a": 1 "b": 2}', 1, ""),
        ("{'a': 1}", 1, ""),
        ("[01]", 1, ""),
        ('{"a": tru}', 1, "a"),
        ("{", 1, ""),
        ('{"a": 1,}', 1, ""),
        ("[" * 5000, 1, ""),
    ],
)
def test_refusals_name_line_and_path(text: str, line: int, path: str) -> None:
    with pytest.raises(DocumentError) as caught:
        list(jsonio.parse_stream(text, "f"))
    assert (caught.value.line, caught.value.path) == (line, path)
    assert caught.value.way_out


def test_values_may_follow_each_other() -> None:
    nodes = list(jsonio.parse_stream('{"a": 1}{"b": 2}\n\n[3]', "f"))
    assert [node.plain() for node in nodes] == [{"a": 1}, {"b": 2}, [3]]
    assert [node.line for node in nodes] == [1, 1, 3]
    assert [node.kind for node in nodes] == [Kind.MAP, Kind.MAP, Kind.SEQ]
    assert list(jsonio.parse_stream(" \n", "f")) == []
