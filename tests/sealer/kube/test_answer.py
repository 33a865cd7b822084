"""Answers of an API server are read however deep they are."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.kube import answer
from sealer.kube.answer import DEEPEST

_LEAF = st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[]é', max_size=6)
_VALUES = st.recursive(_LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def _nested(depth: int, inside: bytes = b"1") -> bytes:
    return b'{"a":' * depth + inside + b"}" * depth


def _depth(value: Any) -> int:
    deep = 0
    while isinstance(value, dict | list):
        deep, value = deep + 1, value["a"] if isinstance(value, dict) else value[0]
    return deep


@given(_VALUES)
def test_what_is_not_too_deep_is_read_as_it_is(value: Any) -> None:
    text = json.dumps({"first": value, "deep": None, "last": value}).encode()
    assert answer.decode(text) == {"first": value, "deep": None, "last": value}
    deep = text.replace(b'"deep": null', b'"deep": ' + _nested(3000))
    found = answer.decode(deep)
    assert (found["first"], found["last"]) == (value, value)
    assert _depth(found["deep"]) == DEEPEST - 1


@pytest.mark.parametrize("depth", [2_000, 9_999, 100_000])
@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_what_is_too_deep_is_null(depth: int, opening: bytes) -> None:
    text = opening * depth + b'"}]"' + {b"[": b"]"}.get(opening, b"}") * depth
    found = answer.decode(text)
    assert _depth(found) == DEEPEST
    assert b"null" in msgspec.json.encode(found)


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 5000, b"]" * 5000, b'"', _nested(3000, b"}")])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        answer.decode(text)


def test_of_a_page_each_object_is_read_alone() -> None:
    page = b'{"metadata":{},"items":[{"a":1},' + _nested(3000) + b"]}"
    found = answer.decode(page, dict[str, msgspec.Raw])
    assert [_depth(each) for each in answer.decode(found["items"])] == [1, DEEPEST - 2]
