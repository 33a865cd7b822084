"""YAML in and out; the only caller of PyYAML (DESIGN section 5).

Documents are composed by libyaml and walked here, so that duplicate keys and custom tags are refused, aliases are
bounded, and scalars are read as kubeseal reads them. PyYAML's errors quote source lines: they become file and line.
It does not construct Python objects from tags.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from sealer.errors import DocumentError
from sealer.node import MAX_DEPTH, Kind, Node, decode, join, number, resolve, shown

MAX_EXPANDED = 1024 * 1024
"""How much the aliases of one document may add to it, in characters and nodes."""

Wanted = Callable[[str, str], bool]

_CORE = "tag:yaml.org,2002:"
_TAGGED = {"bool": Kind.BOOL, "int": Kind.INT, "float": Kind.FLOAT, "null": Kind.NULL}
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

    try:
        parser = _parser()(text)
        while parser.check_node():
            raw = parser.get_node()
            try:
                builder = _Builder(text, file)
                yield _skim(builder, raw, wanted) or builder.build(raw)
            except DocumentError as error:
                yield error
    except yaml.YAMLError as error:
        yield _syntax(error, text, file)
    except (ValueError, OverflowError, RecursionError):  # the pure Python scanner, on numbers in escapes and directives
        yield DocumentError("is not YAML", file=file, line=1)


def load(data: bytes, file: str) -> Node | None:
    """The only document of a file as a node; None if the file is empty. Strict as all else; for lines in errors."""
    found = [node for node in parse_stream(decode(data, file)[0], file) if node.kind is not Kind.NULL]
    if len(found) > 1:
        raise DocumentError("one document is expected here, not several", file=file, line=found[1].line)
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
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", ""))
    if mark is None:
        bad = _UNPRINTABLE.search(text)
        line = text.count("\n", 0, bad.start()) + 1 if bad else 1
        return DocumentError("a control character that YAML forbids", file=file, line=line, way_out="remove it")
    return DocumentError(_PROBLEMS.get(problem, "is not YAML"), file=file, line=mark.line + 1)


def _skim(builder: _Builder, raw: Any, wanted: Wanted | None) -> Node | None:
    """A node with only the identity of a document that nobody wants; None if it has to be built."""
    if wanted is None:
        return None
    if raw.id != "mapping":
        empty = raw.id == "scalar" and not raw.tag and not raw.style and resolve(raw.value) is Kind.NULL
        return Node(Kind.NULL if empty else Kind.STR, raw.start_mark.index, raw.end_mark.index, raw.start_mark.line + 1)
    pairs: list[tuple[Node, Node]] = []
    for raw_key, raw_value in raw.value:
        name = raw_key.value
        if raw_key.id != "scalar" or (name == "<<" and not raw_key.style):
            return None
        if name in ("apiVersion", "kind"):
            if raw_value.id != "scalar" or any(name == key.text for key, _ in pairs):
                return None
            pairs.append((builder.scalar(raw_key), builder.scalar(raw_value)))
    identity = {key.text: value.text for key, value in pairs}
    if wanted(identity.get("apiVersion", ""), identity.get("kind", "")):
        return None
    for raw_key, raw_value in raw.value:
        if raw_key.value == "metadata" and raw_value.id == "mapping":
            named = [(k, v) for k, v in raw_value.value if k.value == "name" and v.id == "scalar" and not v.tag]
            inner = [(builder.scalar(k), builder.scalar(v)) for k, v in named]
            pairs.append((builder.scalar(raw_key), builder.node(Kind.MAP, raw_value, items=inner)))
    return builder.node(Kind.MAP, raw, items=pairs)


class _Builder:
    """Turns the composed nodes of one document into ours, and refuses what we don't read."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.trail: list[str | int] = []
        # Only a document with a '*' can have aliases; base64 has none, so the hot path remembers nothing.
        self.seen: dict[int, tuple[Node, int] | None] | None = {} if "*" in text else None
        self.weight = 0
        self.expanded = 0

    def build(self, raw: Any) -> Node:
        """The node of a composed node, which may be shared by aliases."""
        if self.seen is None:
            return self.fresh(raw)
        if id(raw) in self.seen:
            return self.again(raw)
        self.seen[id(raw)] = None
        before = self.weight
        node = self.fresh(raw)
        self.weight += 1 + len(node.text)
        self.seen[id(raw)] = (node, self.weight - before)
        return node

    def fresh(self, raw: Any) -> Node:
        if raw.id == "scalar":
            return self.scalar(raw)
        if raw.tag and raw.tag != _CORE + ("map" if raw.id == "mapping" else "seq"):
            raise self.refused("has a tag", raw, "remove the tag")
        if raw.id == "mapping":
            return self.mapping(raw)
        children = []
        for index, raw_child in enumerate(raw.value):
            self.trail.append(index)
            children.append(self.build(raw_child))
            self.trail.pop()
        return self.node(Kind.SEQ, raw, children=children)

    def mapping(self, raw: Any) -> Node:
        pairs: list[tuple[Node, Node]] = []
        merges: list[Node] = []
        sources: list[Node] = []
        keys = set()
        for raw_key, raw_value in raw.value:
            if raw_key.id != "scalar":
                raise self.refused("has a key that is not text", raw_key, "write the key as text")
            key = self.build(raw_key)
            text = key.text
            if text in keys:
                raise self.refused(f"the key {shown(text)} stands here twice", raw_key, "keep one of the two")
            keys.add(text)
            self.trail.append(text)
            value = self.build(raw_value)
            if value.alias:
                value.line = key.line
            if text == "<<" and key.style == "":
                merges.append(key)
                sources += self.sources(value, raw_key)
            elif key.kind is not Kind.STR:
                self.trail.pop()
                raise self.refused(f"the key {shown(text)} is read as {key.kind.value}", raw_key, "quote the key")
            else:
                pairs.append((key, value))
            self.trail.pop()
        own = len(pairs)
        for source in sources:
            for key, value in source.items:
                if key.text not in keys:
                    keys.add(key.text)
                    pairs.append((key, value))
        return self.node(Kind.MAP, raw, items=pairs, own=own, merges=tuple(merges))

    def sources(self, value: Node, raw_key: Any) -> list[Node]:
        found = list(value.children) if value.kind is Kind.SEQ else [value]
        if any(source.kind is not Kind.MAP for source in found):
            raise self.refused("merges what is not a map", raw_key, "write the keys out")
        return found

    def scalar(self, raw: Any) -> Node:
        text, style, tag = raw.value, raw.style or "", raw.tag
        kind = Kind.STR if style else resolve(text)
        if tag:
            kind = self.tagged(tag, kind, raw)
        if kind is Kind.FLOAT and not math.isfinite(number(text)):
            raise self.refused("is a number that JSON can't hold", raw, "quote it, if text is meant")
        mark = raw.start_mark
        start = mark.index
        return Node(kind, start, raw.end_mark.index, mark.line + 1, text, style, self.anchored(start))

    def tagged(self, tag: str, kind: Kind, raw: Any) -> Kind:
        name = tag.removeprefix(_CORE)
        if tag == _CORE + "str":
            return Kind.STR
        if tag != _CORE + name or _TAGGED.get(name) is not (
            Kind.FLOAT if name == "float" and kind is Kind.INT else kind
        ):
            raise self.refused("has a tag that is not read here", raw, "remove the tag, or quote the value")
        return _TAGGED[name]

    def node(self, kind: Kind, raw: Any, **parts: Any) -> Node:
        start = raw.start_mark.index
        style = ("{" if kind is Kind.MAP else "[") if raw.flow_style else ""
        return Node(kind, start, raw.end_mark.index, raw.start_mark.line + 1, "", style, self.anchored(start), **parts)

    def anchored(self, start: int) -> bool:
        first = self.text[start : start + 1]
        return first == "&" or (first == "!" and re.compile(r"!\S*\s+&").match(self.text, start) is not None)

    def again(self, raw: Any) -> Node:
        assert self.seen is not None  # noqa: S101  # only called with a memory
        known = self.seen[id(raw)]
        if known is None:
            raise self.refused("is an alias of something around it", raw, "write it out")
        node, weight = known
        self.weight += weight
        self.expanded += weight
        if self.expanded > MAX_EXPANDED:
            raise self.refused("aliases expand to more than 1 MiB", raw, "write out what is meant")
        own = {name: getattr(node, name) for name in ("text", "style", "items", "children", "own", "merges")}
        return Node(node.kind, node.start, node.end, node.line, anchor=node.anchor, alias=True, **own)

    def refused(self, what: str, raw: Any, way_out: str) -> DocumentError:
        line = raw.start_mark.line + 1
        return DocumentError(what, file=self.file, line=line, path=join(self.trail), way_out=way_out)
