"""Our JSON Schemas: where they are, and validation that names a path and a line, never a value (DESIGN section 8).

In the wheel they stand in `sealer/schemas`, in a checkout beside the packages. jsonschema costs 0.3 s to import and
its messages quote what they refuse: it is imported here alone, and its errors are said again in our words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealer.errors import DocumentError, SourceError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from referencing import Registry, Resource

    from sealer.documents.node import Node

_NAME = re.compile(r"[a-z0-9][-a-z0-9]*", re.ASCII)
_KINDS = {"object": "an object", "array": "a list", "string": "text", "integer": "a whole number", "null": "null"}


def folder() -> Path:
    """The folder that holds the schemas."""
    package = Path(__file__).resolve().parent
    # The wheel's own folder first: beside an installed package `schemas` may be anybody's.
    shipped = package / "schemas"
    return shipped if shipped.is_dir() else package.parent / "schemas"


def path(name: str) -> Path:
    """The file of a schema, `sealer-config` say. Raises SourceError if there is none."""
    found = folder() / f"{name}.v1.json"
    if not _NAME.fullmatch(name) or not found.is_file():
        raise SourceError(f"no schema is called {name}", where=str(folder()))
    return found


def load(name: str) -> dict[str, Any]:
    """A schema as JSON values."""
    schema: dict[str, Any] = json.loads(path(name).read_bytes())
    return schema


def validate(value: Any, name: str, *, file: str, node: Node | None = None) -> None:
    """Raise DocumentError unless `value` (plain JSON values) is what a schema describes.

    `node` is the same value with its lines, for values that were read from a file.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    validator = Draft202012Validator(load(name), registry=_registry())
    error = best_match(validator.iter_errors(value))
    if error is not None:
        parts = list(error.absolute_path)
        raise DocumentError(_said(error), file=file, line=_line(node, parts), path=_joined(parts))


def _registry() -> Registry[Any]:
    """Schemas refer to each other by file name; nothing is ever fetched."""
    from referencing import Registry, Resource
    from referencing.exceptions import NoSuchResource

    def retrieve(uri: str) -> Resource[Any]:
        name = uri.rpartition("/")[2].removesuffix(".v1.json")
        try:
            return Resource.from_contents(load(name))
        except SourceError:
            raise NoSuchResource(ref=uri) from None  # type: ignore[call-arg]  # attrs, hidden by its own decorator

    return Registry(retrieve=retrieve)  # type: ignore[call-arg]  # attrs: the stubs don't show the private name


def _said(error: ValidationError) -> str:
    rule = str(error.validator)
    wanted: Any = error.validator_value
    found: Any = error.instance
    if rule == "required":
        return f"lacks {', '.join(name for name in wanted if name not in found)}"
    if rule in ("additionalProperties", "unevaluatedProperties"):
        # A key may be a value in the wrong place, so that unknown ones are counted, not named.
        return "has a field that is not part of the format"
    if rule == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        return f"is not {' or '.join(_KINDS.get(kind, f'a {kind}') for kind in kinds)}"
    if rule in ("enum", "const"):
        words = wanted if rule == "enum" else [wanted]
        return f"is not {' or '.join(json.dumps(word) for word in words)}"
    if rule in ("minItems", "minProperties", "minLength"):
        return "is empty or too short"
    if rule in ("maxItems", "maxProperties", "maxLength"):
        return "is too long"
    if rule == "pattern":
        return f"is not of the form {wanted}"
    return f"breaks the rule '{rule}' of its schema"


def _joined(parts: Sequence[str | int]) -> str:
    from sealer.documents.node import join

    return join(parts)


def _line(node: Node | None, parts: Sequence[str | int]) -> int:
    line = node.line if node else 0
    for part in parts:
        if node is None:
            break
        node = node.get(part) if isinstance(part, str) else node.children[part]
        line = node.line if node else line
    return line
