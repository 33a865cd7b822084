"""The detectors that a first pass asked for, and one hit for each value of what they find. Never raises."""

from __future__ import annotations

from collections.abc import Iterator

from hooks import engine, partly
from hooks.engine.found import CODE, DECODE, KEY, MANIFEST, PAIRS, Candidates
from hooks.finding import Hit, Value, shown, withheld
from hooks.rule import RULES, WARNING

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.structure import Pair
    from hooks.text import Text

_TELLING = 16
"""Characters of a value that a name may not have in it by chance."""
_MANIFESTS = (
    ".yaml",
    ".yml",
    ".json",
    ".tpl",
    ".tmpl",
    ".gotmpl",
    ".j2",
    ".jinja",
    ".jinja2",
    ".template",
    ".erb",
    ".jsonl",
)
_SCRIPTS = (".sh", ".bash", ".zsh", ".ksh", ".fish", ".ps1", ".bat", ".cmd", ".mk", ".groovy")


def hits(text: Text, found: Candidates) -> list[Hit]:
    """Every leak of a text, in order of lines."""
    partly.taken()
    tokens = engine.hits(text, found)
    whole = [*_manifest(text, found), *_environment(text)]
    # A private key inside of a value of a Secret is found once, as that value.
    keys = [hit for hit in _keys(text, found) if not any(one.line <= hit.line <= one.end for one in whole)]
    hidden = [_placed(hit, whole) for hit in _decoded(text, found)]
    named = list(_named(text, found))
    text.partly = text.partly or partly.taken()
    one = _unnamed(_once([*tokens, *whole, *keys, *hidden, *named]))
    return sorted(one, key=lambda hit: (hit.line, hit.rule.id, hit.key))


def _unnamed(hits: list[Hit]) -> list[Hit]:
    """The hits, without the name of a key that has the value of one of them in it: half of a line may be a key."""
    names = "\n".join({hit.key for hit in hits if len(hit.key) >= _TELLING})
    values = {hit.value for hit in hits if hit.value is not None} if names else set()

    def tells(key: str) -> bool:
        return any(value.satisfies(lambda text: len(text) >= _TELLING and text in key) for value in values)

    if not tells(names):
        return hits
    return [hit.but(key=withheld(hit.key)) if tells(hit.key) else hit for hit in hits]


def _placed(hit: Hit, whole: list[Hit]) -> Hit:
    """What stands in an item of a Secret is where the item is: base64 may begin some lines below its key."""
    for one in whole:
        if one.decoded and one.line < hit.line <= hit.end <= one.end:
            return hit.but(line=one.line, end=one.end)
    return hit


def _manifest(text: Text, found: Candidates) -> list[Hit]:
    if MANIFEST not in found:
        return []
    from hooks import manifest

    name = text.name
    return manifest.hits(
        text.text, manifest=is_manifest(name), json=name.endswith(".json"), script=name.endswith(_SCRIPTS)
    )


def _whole(text: Text) -> list[Hit]:
    """The Secrets of a manifest that was encoded as a whole."""
    from hooks import manifest

    begin = text.text.lstrip()[:1]
    return manifest.hits(text.text, manifest=True, json=begin in ("{", "["))


def is_manifest(name: str) -> bool:
    """Whether a file is a manifest or a template of one by its name; stdin and names without an ending may be."""
    return name.endswith(_MANIFESTS) or ".yaml." in name or ".yml." in name or "." not in name


def _environment(text: Text) -> list[Hit]:
    if ".env" not in text.name:
        return []
    from hooks import dotenv

    return dotenv.hits(text.text, text.path) if dotenv.is_env_file(text.path) else []


def _keys(text: Text, found: Candidates) -> list[Hit]:
    if KEY not in found:
        return []
    from hooks import privatekey

    return privatekey.hits(text.text)


def _decoded(text: Text, found: Candidates) -> Iterator[Hit]:
    """What stands behind base64, hex and escapes, on the lines of what was undone."""
    if DECODE not in found:
        return
    from hooks.decode import decoded

    for inner in decoded(text, found.at(DECODE)):
        candidates = engine.candidates(inner.text)
        if candidates:
            single = [*engine.hits(inner.text, candidates), *_keys(inner.text, candidates)]
            if MANIFEST in candidates:
                single += _whole(inner.text)
            named = list(_named(inner.text, candidates))
            text.partly = text.partly or inner.text.partly
            for hit in (*single, *named):
                yield hit.but(line=inner.line, end=inner.end, sealable=False, decoded=inner.how)


def _named(text: Text, found: Candidates) -> Iterator[Hit]:
    """Credentials that their names give away, in files of known formats, in code and prose."""
    from hooks.scanner import NAMES, is_bare

    pairs = PAIRS in found or text.name in NAMES
    if pairs or CODE in found:
        for pair in _pairs(text, found, pairs=pairs):
            yield from _judged(pair, text.path)
    if is_bare(text):
        from hooks import bare

        if (one := bare.pair(text.path, text.text)) is not None:
            yield from _judged(one, "")  # `password.txt` is no document


def _judged(pair: Pair, path: str) -> Iterator[Hit]:
    from hooks.credential import judge

    rule = judge(pair, path)
    if rule is not None:
        yield Hit(rule, pair.line, pair.end, shown(pair.path or pair.key, pair.value), value=Value(pair.value))


def _pairs(text: Text, found: Candidates, *, pairs: bool) -> Iterator[Pair]:
    from hooks.scanner import NAMES

    if pairs:
        from hooks import structure

        # A file that is read for its name is read whole.
        yield from structure.pairs(text, found.at(PAIRS) if text.name not in NAMES else None)
    if CODE in found:
        from hooks import code, table

        if table.is_table(text.name):
            yield from table.pairs(text.text, [text.line(max(end - 1, 0)) for end in found.at(CODE) or ()])

        yield from code.pairs(text, found.at(CODE))


def _once(found: list[Hit]) -> list[Hit]:
    """One hit for each value: of the rule that says most, with what the others know of its place."""
    kept: list[Hit] = []
    by_line: dict[int, list[int]] = {}
    by_value: dict[tuple[int, Value | None], int] = {}
    for hit in sorted(found, key=_rank, reverse=True):
        lines = range(hit.line, min(hit.end, hit.line + _MOST_LINES) + 1)
        same = {by_value[line, hit.value] for line in lines if (line, hit.value) in by_value}
        if not same:
            near = {number for line in lines for number in by_line.get(line, ())[:_MOST_NEAR]}
            same = {number for number in near if _is_same(kept[number], hit)}
        for number in same:
            one = kept[number]
            kept[number] = one.but(key=one.key or hit.key, sealable=one.sealable or hit.sealable)
        if not same:
            for line in lines:
                by_line.setdefault(line, []).append(len(kept))
                by_value.setdefault((line, hit.value), len(kept))
            kept.append(hit)
    return kept


_MOST_LINES = 10_000
_MOST_NEAR = 100
# With so many hits on one line it is asked whether one is a part of another; of more it is only told if they are equal.
_NAMED = ("generic-", "basic-auth-", "connection-string-", "authorization-")


def _rank(hit: Hit) -> int:
    """Rules of providers say most, then what is a leak by its form, then environments, then names."""
    if hit.rule.id in RULES:
        return 1 if hit.rule.id == "env-file" else 2
    if hit.rule.id.startswith(_NAMED):
        return 0
    return 3 if hit.rule.severity != WARNING else 2


def _is_same(one: Hit, other: Hit) -> bool:
    """Whether two hits on one line are of one value: one of a part of it, of its base64, or as it is escaped."""
    if one.value is None or other.value is None:
        return True
    for this, that in ((one.value, other.value), (other.value, one.value)):
        if this == that or this.holds(that):
            return True
        for inner in (this.decoded(), this.written()):
            if inner is not None and (inner == that or inner.holds(that)):
                return True
    return False
