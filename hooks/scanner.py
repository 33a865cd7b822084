"""Blob in, findings out; no I/O (DESIGN section 3).

Cheap questions first: a blob with none of the marks below costs a few searches of its bytes, and neither a parser nor
a detector is imported. The engine for token rules takes its place in `_detect`, beside the structure pass.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hooks.blobs import Blob
    from hooks.finding import Finding, Hit

# Where a Secret or a private key stands, one of these does. The last three are `-----BEGIN` in base64, as it begins
# at each of three offsets.
_SECRET = (b"Secret", b"secretGenerator")
_KEY = (
    b"PRIVATE KEY",
    b"STATE KEY-----",
    b"PuTTY-User-Key-File-",
    b"AGE-SECRET-KEY-",
    b"LS0tLS1CRUdJTi",
    b"0tLS0tQkVHSU4",
    b"tLS0tLUJFR0lO",
)
_KIND = rb"""kind["'\\]*\s*:\s*(?:[&!]\S+\s+)*["'\\]*Secret(?:List)?(?![-\w.])"""
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
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def scan(blob: Blob) -> list[Finding]:
    """Every leak in a blob, in order of lines. Never raises, whatever the bytes are."""
    data = blob.data
    if not data:
        return []
    if data[:2] in _WIDE:
        data = data[2:].decode(_WIDE[data[:2]], "replace").encode("utf-8", "replace")
    name = blob.path.rpartition("/")[2].lower()
    secret = any(mark in data for mark in _SECRET) and bool(b"secretGenerator" in data or re.search(_KIND, data))
    key = any(mark in data for mark in _KEY)
    env = ".env" in name
    if not (secret or key or env):
        return []
    return _findings(blob, _detect(blob.path, _text(data), secret=secret, key=key, env=env), _text(data))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").removeprefix("\ufeff")


def _detect(path: str, text: str, *, secret: bool, key: bool, env: bool) -> list[Hit]:
    """What each detector finds; a private key inside a Secret's value is found once, as the item."""
    hits: list[Hit] = []
    if secret:
        from hooks import manifest

        hits += manifest.hits(text, manifest=_is_manifest(path), json=path.lower().endswith(".json"))
    if env:
        from hooks import dotenv

        hits += dotenv.hits(text, path) if dotenv.is_env_file(path) else []
    if key:
        from hooks import privatekey

        known = [(hit.line, hit.end) for hit in hits]
        hits += [hit for hit in privatekey.hits(text) if not any(a <= hit.line <= b for a, b in known)]
    return sorted(hits, key=lambda hit: (hit.line, hit.rule.id, hit.key))


def _is_manifest(path: str) -> bool:
    """Whether a file is a manifest or a template of one by its name; stdin and names without an ending may be."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(_MANIFESTS) or ".yaml." in name or ".yml." in name or "." not in name


def _findings(blob: Blob, hits: list[Hit], text: str) -> list[Finding]:
    """Hits with their place, less those that a `sealer:allow RULE REASON` accepts on their line or on one above."""
    from hooks.allow import allowed
    from hooks.finding import Finding

    lines = text.split("\n") if "sealer:allow" in text else []
    found = []
    for hit in hits:
        mark = allowed(lines, hit.line, hit.rule.id)
        if mark != "yes":
            place = (blob.path, hit.line, hit.rule, hit.key, hit.sealable, blob.commit)
            found.append(Finding(*place, unreasoned=mark == "no reason"))
    return found
