"""Go's values in Python: what a template sees, and the type that Go would give it.

| Go | Python |
|---|---|
| string | bytes: a Go string is bytes, and `len`, `trunc` and `substr` count them |
| bool, int, float64, complex128 | bool, int, float, complex |
| int64, int32, uint8, ... | `Sized`, an int that knows its type |
| []T, map[K]V | `Slice`, `Map`: lists and dicts that know their type; maps are shared, as in Go |
| nil in an interface | None |
| no value at all (reflect's invalid Value, a missing key) | NO_VALUE |
| time.Time, *semver.Version, ... | an `Opaque` subclass, whose methods templates may call |

Integers wrap at 64 bits as Go's do; `wrap` does that.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar, Final, NamedTuple, Self


class Kind(StrEnum):
    """reflect.Kind, by the names that `kindOf` prints."""

    INVALID = "invalid"
    BOOL = "bool"
    INT = "int"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT = "uint"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    FLOAT64 = "float64"
    COMPLEX128 = "complex128"
    STRING = "string"
    SLICE = "slice"
    MAP = "map"
    INTERFACE = "interface"
    STRUCT = "struct"
    POINTER = "ptr"
    FUNC = "func"


class Type(NamedTuple):
    """reflect.Type: `name` as Go prints it with %T; `element` and `key` of slices and maps."""

    name: str
    kind: Kind
    element: Type | None = None
    key: Type | None = None


BOOL = Type("bool", Kind.BOOL)
INT = Type("int", Kind.INT)
INT32 = Type("int32", Kind.INT32)
INT64 = Type("int64", Kind.INT64)
UINT8 = Type("uint8", Kind.UINT8)
UINT32 = Type("uint32", Kind.UINT32)
UINT64 = Type("uint64", Kind.UINT64)
FLOAT64 = Type("float64", Kind.FLOAT64)
COMPLEX128 = Type("complex128", Kind.COMPLEX128)
STRING = Type("string", Kind.STRING)
ANY = Type("interface {}", Kind.INTERFACE)
ERROR = Type("error", Kind.INTERFACE)
VALUE = Type("reflect.Value", Kind.STRUCT)
"""What a function asks for that tells NO_VALUE from nil; everything else has to become None before it is called."""


def slice_of(element: Type) -> Type:
    """The type of []element."""
    return Type(f"[]{element.name}", Kind.SLICE, element)


def map_of(key: Type, element: Type) -> Type:
    """The type of map[key]element."""
    return Type(f"map[{key.name}]{element.name}", Kind.MAP, element, key)


ANYS = slice_of(ANY)
STRINGS = slice_of(STRING)
INTS = slice_of(INT)
BYTES = slice_of(UINT8)
DICT = map_of(STRING, ANY)
DICTS = slice_of(DICT)
STRING_MAP = map_of(STRING, STRING)


class NoValue:
    """The type of NO_VALUE."""

    def __repr__(self) -> str:
        return "NO_VALUE"


NO_VALUE: Final = NoValue()


class Sized(int):
    """An integer of another type than int."""

    methods: ClassVar[dict[str, Function]] = {}
    type: Type

    def __new__(cls, value: int, type_: Type) -> Self:
        """`value`, which must be in the range of `type_`."""
        self = super().__new__(cls, value)
        self.type = type_
        return self

    def text(self) -> bytes:
        """What %v prints: digits, unless the type has a String() of its own."""
        return b"%d" % int(self)


class Slice:
    """A slice. A nil one is empty and prints as such, but its JSON is null. Shows no item in its repr."""

    __slots__ = ("items", "nil", "type")

    def __init__(self, items: list[Any], type_: Type = ANYS, *, nil: bool = False) -> None:
        self.items = items
        self.type = type_
        self.nil = nil

    def __repr__(self) -> str:
        return f"Slice({self.type.name})"


class Map:
    """A map, shared by all who hold it; its keys are values of the key's type. Shows no item in its repr."""

    __slots__ = ("items", "nil", "type")

    def __init__(self, items: dict[Any, Any], type_: Type = DICT, *, nil: bool = False) -> None:
        self.items = items
        self.type = type_
        self.nil = nil

    def __repr__(self) -> str:
        return f"Map({self.type.name})"


class Opaque:
    """A struct or pointer of Go that templates use by its methods and fields.

    `methods` are called with the value and the arguments; `fields` read it.
    """

    __slots__ = ()
    type: ClassVar[Type]
    methods: ClassVar[dict[str, Function]] = {}
    fields: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def text(self) -> bytes:
        """What String() or Error() gives: what %v prints."""
        raise NotImplementedError

    def json(self) -> Any:
        """The value that is written as JSON; None if there is none."""
        return None


class Function(NamedTuple):
    """A function of the template language, with the Go types that its arguments must have.

    `call` gets values of `parameters`, then those of `variadic`; before them the `Run` if `with_run`: what draws random
    numbers, the clock, or makes large results asks it. `result` is the type that the caller sees (ANY: what is inside).
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[Type, ...]
    variadic: Type | None = None
    result: Type = ANY
    with_run: bool = False
    draws: bool = False


def type_of(value: Any) -> Type:
    """The Go type of a value that is neither None nor NO_VALUE."""
    found = _TYPES.get(type(value))
    return found if found is not None else value.type


_TYPES: dict[type, Type] = {bool: BOOL, int: INT, float: FLOAT64, complex: COMPLEX128, bytes: STRING}


def wrap(value: int, type_: Type = INT64) -> int:
    """An integer of a type, wrapped as Go's arithmetic wraps; a plain int for `int`."""
    kind = type_.kind
    unsigned = kind.startswith("u")
    bits = int(kind[4 if unsigned else 3 :] or 64)
    value &= (1 << bits) - 1
    if not unsigned and value >> (bits - 1):
        value -= 1 << bits
    return value if type_ is INT else Sized(value, type_)


def zero(type_: Type) -> Any:
    """The zero of a type: "" and 0, nil of lists and maps, None of interfaces."""
    if type_ is VALUE:
        return NO_VALUE
    match type_.kind:
        case Kind.STRING:
            return b""
        case Kind.BOOL:
            return False
        case Kind.FLOAT64:
            return 0.0
        case Kind.COMPLEX128:
            return 0j
        case Kind.SLICE:
            return Slice([], type_, nil=True)
        case Kind.MAP:
            return Map({}, type_, nil=True)
        case Kind.INTERFACE | Kind.POINTER | Kind.FUNC | Kind.STRUCT:
            return None
    return wrap(0, type_)
