"""The fast encoder of the controller writes the bytes that FORMATS defines, for whatever a document can hold."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from controller import jsontext
from sealer.formats import wire

_TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)  # lone surrogates as well
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_TEXT, inner, max_size=5),
    max_leaves=20,
)


@given(_VALUES)
@example("\x7f")
@example("\ud800")
@example({"\x7f": "/\u2028<>&'"})
@example({"é": 1, "z": 2, "a": 3})
@example({"\U0001f511": 1, "\uffff": 2})
@example(2**64)
@example("".join(map(chr, range(0x80))))
def test_the_same_bytes_as_by_the_standard_library(value: object) -> None:
    assert jsontext.canonical(value) == wire.canonical_json(value)
    assert jsontext.compact(value) == json.dumps(value, separators=(",", ":")).encode()
