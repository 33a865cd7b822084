"""Semantic versions, as Sprig has them."""

from __future__ import annotations

from typing import Any

from sealer.template import semantic
from sealer.template.functions.table import Table
from sealer.template.limits import Fault
from sealer.template.values import BOOL, INT, STRING, UINT64, Function, Kind, Opaque, Sized, Type

TABLE = define = Table()

_POINTER = Type("*semver.Version", Kind.POINTER)
_STRUCT = Type("semver.Version", Kind.STRUCT)


class Version(Opaque):
    """semver.Version: what `IncMajor` and its like give."""

    __slots__ = ("version",)
    type = _STRUCT

    def __init__(self, version: semantic.Version) -> None:
        self.version = version

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]

    def text(self) -> bytes:
        """The version in full."""
        return self.version.text().encode()

    def json(self) -> Any:
        """The same text."""
        return self.text()


class VersionPointer(Version):
    """*semver.Version: what `semver` gives."""

    __slots__ = ()
    type = _POINTER


def _parsed(data: bytes) -> semantic.Version:
    found = semantic.version(data.decode("latin-1"))
    if found is None:
        raise Fault("invalid semantic version")
    return found


@define("semver", STRING)
def _semver(data: bytes) -> VersionPointer:
    """A version with its methods: .Major, .IncPatch, .Compare ...; takes `v1.2` too, and refuses what is none."""
    return VersionPointer(_parsed(data))


@define("semverCompare", STRING, STRING, result=BOOL)
def _semver_compare(constraint: bytes, data: bytes) -> bool:
    """`semverCompare CONSTRAINT VERSION`: `>=1.2`, `^1.2, <1.5 || 2.x`; a prerelease only fits one that names one."""
    alternatives = semantic.constraints(constraint.decode("latin-1"))
    if alternatives is None:
        raise Fault("improper constraint")
    return semantic.satisfies(_parsed(data), alternatives)


def _raised(version: semantic.Version, part: str) -> Version:
    major, minor, patch = version[:3]
    if part == "IncMajor":
        major, minor, patch = major + 1, 0, 0
    elif part == "IncMinor":
        minor, patch = minor + 1, 0
    elif not version.pre:
        patch += 1
    raised = semantic.Version(major, minor, patch, "", "", "")
    prefix = "v" if version.original.startswith("v") else ""
    return Version(raised._replace(original=prefix + raised.text()))


def _method(name: str, call: Any, result: Type, *parameters: Type) -> tuple[str, Function]:
    return name, Function(name, call, parameters, None, result)


def _number(part: int) -> Any:
    return lambda each: Sized(each.version[part], UINT64)


def _comparing(holds: Any) -> Any:
    return lambda each, other: holds(each.version.compare(other.version))


Version.methods = dict(
    (
        _method("Major", _number(0), UINT64),
        _method("Minor", _number(1), UINT64),
        _method("Patch", _number(2), UINT64),
        _method("Prerelease", lambda each: each.version.pre.encode(), STRING),
        _method("Metadata", lambda each: each.version.metadata.encode(), STRING),
        _method("String", lambda each: each.text(), STRING),
        _method("IncMajor", lambda each: _raised(each.version, "IncMajor"), _STRUCT),
        _method("IncMinor", lambda each: _raised(each.version, "IncMinor"), _STRUCT),
        _method("IncPatch", lambda each: _raised(each.version, "IncPatch"), _STRUCT),
    )
)
VersionPointer.methods = Version.methods | dict(
    (
        _method("Original", lambda each: each.version.original.encode("latin-1"), STRING),
        _method("Compare", lambda each, other: each.version.compare(other.version), INT, _POINTER),
        _method("Equal", _comparing(lambda sign: sign == 0), BOOL, _POINTER),
        _method("LessThan", _comparing(lambda sign: sign < 0), BOOL, _POINTER),
        _method("LessThanEqual", _comparing(lambda sign: sign <= 0), BOOL, _POINTER),
        _method("GreaterThan", _comparing(lambda sign: sign > 0), BOOL, _POINTER),
        _method("GreaterThanEqual", _comparing(lambda sign: sign >= 0), BOOL, _POINTER),
    )
)
