"""The detectors that a first pass asked for, and one hit for each value of what they find. Never raises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hooks import engine, partly
from hooks.engine.found import CODE, DECODE, KEY, MANIFEST, PAIRS, Candidates
from hooks.finding import Hit, Value, shown, withheld
from hooks.once import once

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
    one = _unnamed(once([*tokens, *whole, *keys, *hidden, *named]))
    return sorted(one, key=lambda hit: (hit.line, hit.rule.id, hit.key))


def _unnamed(hits: list[Hit]) -> list[Hit]:
    """The hits, without the name of a key that has the value of one of them in it: half of a line may be a key."""
    keys = {hit.key for hit in hits if len(hit.key) >= _TELLING}
    begins: dict[str, list[Value]] = {}
    for value in {hit.value for hit in hits if hit.value is not None} if keys else ():
        value.satisfies(lambda text, value=value: begins.setdefault(text[:_TELLING], []).append(value))  # type: ignore[misc]
    # There may be as many values as keys: a key is gone through once, not once for each value.
    telling = {key for key in keys if _tells(key, begins)}
    return [hit.but(key=withheld(hit.key)) if hit.key in telling else hit for hit in hits] if telling else hits


def _tells(key: str, begins: Mapping[str, Iterable[Value]]) -> bool:
    """Whether a key has a long value in it; these are listed by what they begin with."""
    near = (begins.get(key[at : at + _TELLING], ()) for at in range(len(key) - _TELLING + 1))
    return any(value.satisfies(lambda text: len(text) >= _TELLING and text in key) for some in near for value in some)


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
    from hooks import place
    from hooks.scanner import NAMES, is_bare

    if place.of(text.path) in place.UNNAMED:
        return
    pairs = PAIRS in found or text.name in NAMES
    if pairs or CODE in found:
        known: set[tuple[int, int, str]] = set()
        for pair in _pairs(text, found, pairs=pairs):
            # What a format shows, its line shows again as code: told twice, it would be one hit all the same.
            if (told := (pair.line, pair.end, pair.value)) not in known:
                for hit in _judged(pair, text.path):
                    known.add(told)
                    yield hit
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
