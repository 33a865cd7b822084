"""The functions of text/template itself (its funcs.go); `slice` is Sprig's, which takes its place.

`and` and `or` are evaluated where they stand, argument by argument (`sealer.template.language.expressions`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from sealer.template.functions.table import Table
from sealer.template.language.truth import is_true
from sealer.template.limits import Fault
from sealer.template.text.formats import sprintf
from sealer.template.text.printing import printed, printed_line
from sealer.template.text.quoting import printable
from sealer.template.text.runes import kept, mapped, raw
from sealer.template.values import (
    ANY,
    BOOL,
    INT,
    NO_VALUE,
    STRING,
    UINT8,
    VALUE,
    Kind,
    Map,
    Sized,
    Slice,
    type_of,
    zero,
)

TABLE = define = Table()

_INVALID = "invalid type for comparison"
_BASIC = {
    Kind.BOOL: "bool",
    Kind.FLOAT64: "float",
    Kind.COMPLEX128: "complex",
    Kind.STRING: "string",
    **{kind: "uint" if kind.startswith("u") else "int" for kind in Kind if kind.strip("u0123456789") == "int"},
}


@define("and", VALUE, variadic=VALUE, result=VALUE)
def _and(*_arguments: Any) -> Any:
    """The first argument that is false (as `not` has it), else the last; what stands behind it is not evaluated."""
    raise AssertionError("evaluated where it stands")


@define("or", VALUE, variadic=VALUE, result=VALUE)
def _or(*_arguments: Any) -> Any:
    """The first argument that is true (as `not` has it), else the last; what stands behind it is not evaluated."""
    raise AssertionError("evaluated where it stands")


@define("not", VALUE, result=BOOL)
def _not(value: Any) -> bool:
    """True for nil, false, 0, "", an empty list or dict; false for all else, the text "false" too."""
    return not is_true(value)


@define("call", VALUE, variadic=VALUE, result=VALUE)
def _call(value: Any, *_arguments: Any) -> Any:
    """No value of a template is a function, so that there is nothing to call."""
    if _is_nil(value):
        raise Fault("call of nil")
    raise Fault(f"non-function of type {type_of(value).name}")


@define("len", VALUE, result=INT)
def _len(value: Any) -> int:
    """Bytes of a string (not characters), or elements of a list or dict; refuses numbers and nil."""
    if _is_invalid(value):
        raise Fault("len of nil pointer")
    if isinstance(value, Slice | Map):
        return len(value.items)
    if isinstance(value, bytes):
        return len(value)
    raise Fault(f"len of type {type_of(value).name}")


@define("index", VALUE, variadic=VALUE, result=VALUE)
def _index(item: Any, *indexes: Any) -> Any:
    """The element at a place, or of a key, one argument for each level: `index LIST 0 "name"`.

    A key that isn't there gives the zero of the map's type, "" from a map of strings; of a string it is a byte, as a
    number. Refused: a place below 0 or behind the end, a key of another type.
    """
    if _is_nil(item):
        raise Fault("index of untyped nil")
    for index in indexes:
        if _is_nil(item):
            raise Fault("index of nil pointer")
        if isinstance(item, Map):
            item = item.items.get(_key(index, item), zero(item.type.element or ANY))
        elif isinstance(item, bytes):
            item = Sized(item[_number(index, len(item))], UINT8)
        elif isinstance(item, Slice):
            item = item.items[_number(index, len(item.items))]
        else:
            raise Fault(f"can't index item of type {type_of(item).name}")
    return item


def _key(index: Any, item: Map) -> Any:
    wanted = item.type.key or STRING
    if _is_nil(index):
        raise Fault(f"value is nil; should be of type {wanted.name}")
    if type_of(index) != wanted:
        raise Fault(f"value has type {type_of(index).name}; should be {wanted.name}")
    return index


def _number(index: Any, size: int) -> int:
    if _is_nil(index):
        raise Fault("cannot index slice/array with nil")
    if not isinstance(index, int) or isinstance(index, bool):
        raise Fault(f"cannot index slice/array with type {type_of(index).name}")
    # Go lets the length itself pass its own check, and fails behind it.
    if not 0 <= index < size:
        raise Fault("index out of range")
    return int(index)


@define("print", variadic=ANY, result=STRING)
def _print(*values: Any) -> bytes:
    """Arguments as %v; a space only between two of which neither is a string, unlike Python's print."""
    return printed(values)


@define("println", variadic=ANY, result=STRING)
def _println(*values: Any) -> bytes:
    """Arguments as %v, a space between each two, and a newline."""
    return printed_line(values)


@define("printf", STRING, variadic=ANY, result=STRING)
def _printf(form: bytes, *values: Any) -> bytes:
    """`printf FORMAT VALUE...` with Go's verbs; a wrong or missing argument is told in the text: `%!d(string=x)`."""
    return sprintf(form, values)


@define("html", variadic=ANY, result=STRING)
def _html(*values: Any) -> bytes:
    """Arguments as print has them, with & < > and both quotes as HTML entities, NUL as U+FFFD."""
    data = _escaped(values)
    for plain, shown in _HTML:
        data = data.replace(plain, shown)
    return data


_HTML = (
    (b"&", b"&amp;"),
    (b'"', b"&#34;"),
    (b"'", b"&#39;"),
    (b"<", b"&lt;"),
    (b">", b"&gt;"),
    (b"\0", "\ufffd".encode()),
)


@define("js", variadic=ANY, result=STRING)
def _js(*values: Any) -> bytes:
    r"""Arguments as print has them, escaped for a string of JavaScript, without its quotes; = & < > as `\u003D`."""
    return raw(mapped(kept(_escaped(values)), _js_shown))


def _js_shown(character: str) -> str:
    if character in "\\'\"":
        return "\\" + character
    if character in "<>&=" or character < " ":
        return f"\\u{ord(character):04X}"
    if character < "\x80":
        return character
    # A byte that is no UTF-8 is U+FFFD to Go, which counts as printable: the byte stands as it is.
    return character if printable(character) or "\udc80" <= character <= "\udcff" else f"\\u{ord(character):04X}"


@define("urlquery", variadic=ANY, result=STRING)
def _urlquery(*values: Any) -> bytes:
    """Arguments as print has them, escaped for a query: a space is `+`, a slash `%2F`."""
    return quote_plus(_escaped(values), safe="").encode()


def _escaped(values: tuple[Any, ...]) -> bytes:
    return printed([b"<no value>" if value is None else value for value in values])


@define("eq", VALUE, variadic=VALUE, result=BOOL)
def _eq(first: Any, *others: Any) -> bool:
    """Whether the first equals any of the others. Refused: an integer beside a float or a string, lists, dicts."""
    if not others:
        raise Fault("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(first: Any, other: Any) -> bool:
    left, right = _basic(first), _basic(other)
    if left and right and (left == right or {left, right} == {"int", "uint"}):
        return bool(first == other)
    if _is_invalid(first) or _is_invalid(other):
        return _is_nil(first) and _is_nil(other)
    if left != right:
        raise Fault(f"incompatible types for comparison: {type_of(first).name} and {type_of(other).name}")
    if type_of(first).kind is not type_of(other).kind:
        raise Fault(f"non-comparable types: {type_of(first).name}, {type_of(other).name}")
    if _is_nil(first) or _is_nil(other):
        return _is_nil(first) and _is_nil(other)
    if isinstance(other, Slice | Map):
        raise Fault(f"non-comparable type: {type_of(other).name}")
    return type_of(first) == type_of(other) and bool(first == other)


@define("ne", VALUE, VALUE, result=BOOL)
def _ne(first: Any, other: Any) -> bool:
    """Whether two differ; refuses what eq refuses, and more than two."""
    return not _equal(first, other)


@define("lt", VALUE, VALUE, result=BOOL)
def _lt(first: Any, other: Any) -> bool:
    """Whether the first of two is less: numbers of one kind, strings by bytes. Refused: 1 beside 1.5, booleans, nil."""
    left, right = _basic(first), _basic(other)
    if not left or not right:
        raise Fault(_INVALID)
    if left != right and {left, right} != {"int", "uint"}:
        raise Fault(f"incompatible types for comparison: {type_of(first).name} and {type_of(other).name}")
    if left in ("bool", "complex"):
        raise Fault(_INVALID)
    return bool(first < other)


@define("le", VALUE, VALUE, result=BOOL)
def _le(first: Any, other: Any) -> bool:
    """Whether the first of two is less, or equal; refuses what lt refuses."""
    return _lt(first, other) or _equal(first, other)


@define("gt", VALUE, VALUE, result=BOOL)
def _gt(first: Any, other: Any) -> bool:
    """Whether the first of two is greater; refuses what lt refuses. `5 | gt 3` is false."""
    return not _le(first, other)


@define("ge", VALUE, VALUE, result=BOOL)
def _ge(first: Any, other: Any) -> bool:
    """Whether the first of two is greater, or equal; refuses what lt refuses."""
    return not _lt(first, other)


def _basic(value: Any) -> str:
    """The kind that comparisons know, or ""."""
    return "" if _is_invalid(value) else _BASIC.get(type_of(value).kind, "")


def _is_invalid(value: Any) -> bool:
    return value is None or value is NO_VALUE


def _is_nil(value: Any) -> bool:
    return _is_invalid(value) or (isinstance(value, Slice | Map) and value.nil)
