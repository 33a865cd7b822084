"""Plaintext `kind: Secret` manifests and kustomize's secretGenerator: which of their values leak. Pure.

In a manifest every literal value is a finding but those that `hooks.value` knows to be none: a Secret of certificates
only, or one that declares a repository by type and URL, leaks nothing; one with a weak password does, since it is what
gets deployed. In documentation and code, where examples live, a value has to look random as well.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from hooks import keyname, lazy, literal
from hooks.finding import Hit, Value, shown
from hooks.randomness import looks_random
from hooks.structure import diff, settings
from hooks.structure.item import Item
from hooks.structure.secrets import items
from hooks.structure.tree import TEXT, Node
from hooks.value import Verdict, decode, judge, judge_base64

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.structure.pair import Pair

_TOKEN = lazy.compile(r"[^\s\"'=:,;{}\[\]]{8,}")
_CALL = lazy.compile(r"[A-Za-z_][\w.]{2,40}\([^()]{0,200}\)")
_CERTIFICATE = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FUR"
_SHORT = lazy.compile(r"[A-Za-z0-9+/]{4,40}\.{3,}")
_NUMBERS = lazy.compile(r"\d+(?:[,;\s]+\d+)*\s*")
_UNTOLD = Verdict.WEAK


class Role(enum.Enum):
    """What a file is for. The less directly it gets used, the surer a value in it has to be."""

    MANIFEST = enum.auto()  # deployed as it stands
    SCRIPT = enum.auto()  # run as it stands
    TEXT = enum.auto()  # documentation and code


def hits(text: str, *, manifest: bool, json: bool, script: bool = False) -> list[Hit]:
    """Every value that leaks. The file's name says that it is a `manifest`, `json` or a shell's `script`; or none."""
    found: dict[tuple[int, str], Hit] = {}
    if not manifest and diff.is_patch(text):
        text, manifest = diff.plain(text), True
    role = Role.MANIFEST if manifest else Role.SCRIPT if script else Role.TEXT
    for item in _items(text, manifest=manifest, json=json):
        if _leaks(item, role):
            for hit in _inside(item, role) or [_hit(item)]:
                found.setdefault((hit.line, hit.key), hit)
    return list(found.values())


def _items(text: str, *, manifest: bool, json: bool) -> Iterator[Item]:
    from hooks.structure import kubectl

    yield from items(text, manifest=manifest, json=json)
    yield from kubectl.items(text)
    if not manifest:
        from hooks.structure import coded

        yield from coded.items(text)


def _hit(item: Item) -> Hit:
    key = (f"{item.path}." if item.path else "") + shown(item.key, item.text)
    how = "base64" if item.encoded and decode(item.text) is not None else ""
    return Hit(item.rule, item.line, item.end, key, item.sealable, Value(item.data), how)


def _inside(item: Item, role: Role) -> list[Hit]:
    """The lines that leak of a whole file that is one value in plain text; so nobody has to search it for them."""
    if not item.body or "-----BEGIN" in item.text or (item.encoded and decode(item.text) is not None):
        return []
    found = []
    whole = _hit(item)
    for pair in _read(item.key, item.text):
        node = Node(TEXT, item.body + pair.line - 1, item.body + pair.end - 1, pair.value)
        part = Item(item.rule, (), pair.key, node)
        if keyname.is_credential(pair.key) and node.end <= item.end and _leaks(part, role):
            found.append(Hit(whole.rule, part.line, part.end, whole.key, whole.sealable, Value(pair.value)))
    return found


def _read(key: str, text: str) -> Iterator[Pair]:
    """The keys and values of a file that is itself a value; none if the value has no format that we read."""
    from hooks.structure.formats import inner

    read = inner(key, text)
    return read(text, 1) if read else iter(())


def _leaks(item: Item, role: Role) -> bool:
    verdict = judge_base64(item.key, item.text) if item.encoded else judge(item.key, item.text)
    if verdict < _UNTOLD or _is_instead(item.text):
        return False
    decoded = item.data.decode("utf-8", "replace")
    if verdict is Verdict.SECRET and settings.are_all(item.key, decoded):
        return False
    if keyname.words(item.key)[-1:] in (("id",), ("ids",)) and _NUMBERS.fullmatch(decoded):
        return False
    named = keyname.is_credential(item.key)
    if role is Role.TEXT or ((item.beside or item.command) and not named):
        return verdict is Verdict.SECRET and any(map(_is_drawn, _TOKEN.findall(decoded[:20_000])))
    if item.command:
        sure = keyname.kind(item.key) not in ("key", "salt")
        return verdict is Verdict.SECRET and sure and not literal.has_filler(decoded)
    return role is Role.MANIFEST or verdict is Verdict.SECRET


def _is_drawn(token: str) -> bool:
    from hooks.letters import share

    return looks_random(token) or (len(token) >= 16 and share(token) >= 0.76)


def _is_instead(text: str) -> bool:
    """Whether a text is a call that makes the value, or a certificate that was cut short."""
    bare = text.strip()
    if _CALL.fullmatch(bare):
        return not any(map(looks_random, _TOKEN.findall(bare)))
    return "..." in bare and (bare.startswith(_CERTIFICATE) or _SHORT.fullmatch(bare) is not None)


__all__ = ("Item", "hits", "items")
