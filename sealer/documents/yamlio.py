"""YAML in and out; the only caller of PyYAML (DESIGN section 5).

libyaml composes documents, `compose` turns them into nodes and refuses what we don't read. PyYAML's errors quote source
lines: they become file and line. No Python object is ever constructed from a tag.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from sealer.documents.compose import Builder, Wanted, skim
from sealer.documents.node import MAX_DEPTH, Kind, Node, conflict, decode, resolve
from sealer.errors import DocumentError

_CORE = "tag:yaml.org,2002:"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# libyaml's own words, or better ones; whatever is not here could quote the document.
_PROBLEMS = {
    "mapping values are not allowed in this context": "': ' where no key can be (quote the value or check the indent)",
    "could not find expected ':'": "a key without ':'",
    "found character that cannot start any token": "a value can't begin with this character (a tab, '@', '`' or '%')",
    "found undefined alias": "an alias whose anchor isn't in this document",
    "did not find expected key": "wrong indent, or something behind a closed value",
    "did not find expected '-' indicator": "wrong indent in a list, or '-' is missing",
    "did not find expected ',' or '}'": "',' or '}' is missing",
    "did not find expected ',' or ']'": "',' or ']' is missing",
    "did not find expected node content": "a value is missing",
    "did not find expected <document start>": "a second document without '---' before it",
    "found unexpected end of stream": "a quote or bracket is never closed",
    "found unexpected document indicator": "'---' or '...' inside quotes",
    "found unknown escape character": "an unknown escape inside double quotes (use single quotes)",
    "found undefined tag handle": "an unknown tag",
    "found incompatible YAML document": "a %YAML directive of an unknown version",
    "block sequence entries are not allowed in this context": "'- ' where no list can begin",
    "mapping keys are not allowed in this context": "'? ' where no key can be",
    "found a tab character that violates indentation": "a tab as indentation",
    "found a tab character where an indentation space is expected": "a tab as indentation",
}


def parse_stream(text: str, file: str) -> Iterator[Node]:
    """The documents of a stream, empty ones too. Raises DocumentError at the first that is refused."""
    for document in documents(text, file):
        if isinstance(document, DocumentError):
            raise document
        yield document


def documents(text: str, file: str, wanted: Wanted | None = None) -> Iterator[Node | DocumentError]:
    """The documents of a stream, each as a node or as the reason why it is refused; a syntax error ends the stream.

    With `wanted`, a map whose apiVersion and kind it declines is only skimmed: its node holds apiVersion, kind and
    metadata.name, and what else it contains (custom tags, say) is nobody's business here.
    """
    import yaml

    # Looked for once: a file may hold a hundred thousand documents.
    aliases, properties = "*" in text, "&" in text or "!" in text
    try:
        parser = _parser()(text)
        while parser.check_node():
            raw = parser.get_node()
            try:
                builder = Builder(text, file, aliases=aliases, properties=properties)
                yield skim(builder, raw, wanted) or builder.build(raw)
            except DocumentError as error:
                yield error
    except yaml.YAMLError as error:
        yield _syntax(error, text, file)
    except (ValueError, OverflowError, RecursionError):  # the pure Python scanner, on numbers in escapes and directives
        yield DocumentError("is not YAML", file=file, line=1, way_out="look for long numbers in escapes and directives")


def load(data: bytes, file: str) -> Node | None:
    """The only document of a file as a node; None if the file is empty. Strict as all else; for lines in errors."""
    found = [node for node in parse_stream(decode(data, file)[0], file) if node.kind is not Kind.NULL]
    if len(found) > 1:
        raise DocumentError(
            "one document is expected here, not several", file=file, line=found[1].line, way_out="remove it"
        )
    return found[0] if found else None


def load_config(data: bytes, file: str) -> Any:
    """The only document of a file as plain values; None if the file is empty. Raises DocumentError."""
    node = load(data, file)
    return None if node is None else node.plain()


def dump(value: Any, *, sort_keys: bool = True) -> str:
    """Plain JSON values as one YAML document: block style, no line ever folded, long texts as literal blocks.

    Texts that any YAML 1.1 reader takes for something else are quoted, keys as well.
    """
    import yaml

    text: str = yaml.dump(
        value, Dumper=_dumper(), sort_keys=sort_keys, default_flow_style=False, allow_unicode=True, width=2**31 - 1
    )
    return text


@functools.cache
def _dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            return True

    def represent(dumper: Any, text: str) -> Any:
        lines = text.split("\n")
        literal = len(lines) > 1 and lines[0].strip() and "\r" not in text and not any(x != x.rstrip() for x in lines)
        style = "|" if literal else '"' if resolve(text) is not Kind.STR or len(lines) > 1 else None
        return dumper.represent_scalar(_CORE + "str", text, style=style)

    Dumper.add_representer(str, represent)
    return Dumper


@functools.cache
def _parser() -> Any:
    """A parser that composes nodes without PyYAML's resolver: libyaml's, or the pure Python one where it's missing."""
    import yaml

    base: tuple[type, ...]
    if hasattr(yaml, "CSafeLoader"):
        import yaml.cyaml

        base = (getattr(yaml.cyaml, "CParser"),)  # noqa: B009  # the stubs hide it
    else:
        from yaml.composer import Composer
        from yaml.parser import Parser as PureParser
        from yaml.reader import Reader
        from yaml.scanner import Scanner

        base = (Reader, Scanner, PureParser, Composer)

    class Parser(*base):  # type: ignore[misc]
        def __init__(self, text: str) -> None:
            self.depth = 0
            for part in base:
                part.__init__(self, *((text,) if part is base[0] else ()))  # type: ignore[misc]

        def descend_resolver(self, parent: Any, index: Any) -> None:  # noqa: ARG002
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=parent.start_mark)

        def ascend_resolver(self) -> None:
            self.depth -= 1

        def resolve(self, kind: Any, value: Any, implicit: Any) -> None:  # noqa: ARG002
            return None  # no tag: whatever has one was tagged by hand

    return Parser


_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_PROBLEMS[_TOO_DEEP] = _TOO_DEEP


def _syntax(error: Exception, text: str, file: str) -> DocumentError:
    if merging := conflict(text, file):
        return merging
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", ""))
    if mark is None:
        bad = _UNPRINTABLE.search(text)
        line = text.count("\n", 0, bad.start()) + 1 if bad else 1
        return DocumentError("a control character that YAML forbids", file=file, line=line, way_out="remove it")
    what = _PROBLEMS.get(problem, "is not YAML")
    return DocumentError(what, file=file, line=mark.line + 1, way_out=f"correct the lines at and above {mark.line + 1}")
