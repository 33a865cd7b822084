"""`.secrets.baseline` of detect-secrets: SHA-1 of accepted values by file, and its filters.

Its hash has no key and stands there already; we only compare with it. Where the value that it took from a line is cut
otherwise than ours, the parts of the line are hashed as well.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from hooks.compat.patterns import Search, search

if TYPE_CHECKING:
    from hooks.finding import Finding

_FILTERS = "detect_secrets.filters."
# What these leave out, our rules leave out in their own way, or it is no question of which findings count.
_OURS = (
    "allowlist.is_line_allowlisted",
    "common.is_baseline_file",
    "common.is_ignored_due_to_verification_policies",
    "common.is_invalid_file",
    "gibberish.should_exclude_secret",
)
_REGEX = {
    "regex.should_exclude_file": "file",
    "regex.should_exclude_line": "line",
    "regex.should_exclude_secret": "secret",
}
# What its plugin for keywords finds, these of ours do. The limits of its plugins for entropy are about those alone.
_BY_NAME = ("generic-", "env-file")
_PRIVATE_KEY = "Private Key"
_KEYS = ("private-key", "encrypted-private-key")
# Its plugin for these ends before the signature, of which it takes as little as there can be.
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\.?")
_LONG = 1 << 16
_PARTS = re.compile(r"[^\s\"'`,;=:<>(){}\[\]]+|\"([^\"]*)\"|'([^']*)'|`([^`]*)`")


class Secrets:
    """What detect-secrets was told to accept."""

    needs_lines = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.warnings: list[str] = []
        self._hashes: dict[str, set[str]] = {}
        self._keys: set[str] = set()
        self._excluded: dict[str, list[Search]] = {"file": [], "line": [], "secret": [], "keyword": []}
        self.used: set[tuple[str, str]] = set()

    def accepts(self, one: Finding, path: str, line: str) -> bool:
        """Whether its baseline holds this file's value, or a filter leaves it out."""
        if any(found(path) for found in self._excluded["file"]):
            return True
        if line and any(found(line) for found in self._excluded["line"]):
            return True
        if one.value is not None and any(one.value.satisfies(found) for found in self._excluded["secret"]):
            return True
        if line and one.rule.id.startswith(_BY_NAME) and any(found(line) for found in self._excluded["keyword"]):
            return True
        hashes = self._hashes.get(path, set())
        if one.value is not None and (digest := one.value.sha1()) in hashes:
            self.used.add((path, digest))
            return True
        if one.rule.id in _KEYS and path in self._keys:
            return True
        return bool(hashes) and self._on_line(one, path, line, hashes)

    def unused(self) -> list[str]:
        """Files with entries that no finding had."""
        return [
            f"{path}, {len(gone):,} of {len(hashes):,}"
            for path, hashes in self._hashes.items()
            if (gone := {digest for digest in hashes if (path, digest) not in self.used})
        ]

    def _on_line(self, one: Finding, path: str, line: str, hashes: set[str]) -> bool:
        """Whether a part of the line that overlaps the value is one that was accepted."""
        for part in _parts(line):
            digest = hashlib.sha1(part.encode(), usedforsecurity=False).hexdigest()
            if digest in hashes and (one.value is None or one.value.satisfies(partial(_overlap, part))):
                self.used.add((path, digest))
                return True
        return False

    def add_results(self, results: object) -> None:
        """Take the accepted values of each file."""
        for path, found in results.items() if isinstance(results, dict) else ():
            for one in found if isinstance(found, list) else ():
                self._add(str(path).replace("\\", "/").removeprefix("./"), one)

    def _add(self, path: str, one: object) -> None:
        fields = one if isinstance(one, dict) else {}
        digest = fields.get("hashed_secret")
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{40}", digest):
            self.warnings.append(f"{self.name}: an entry of {path} has no hashed_secret, and means nothing here")
        elif fields.get("type") == _PRIVATE_KEY:
            self._keys.add(path)
        else:
            self._hashes.setdefault(path, set()).add(digest)

    def exclude(self, what: str, pattern: object) -> None:
        """Leave out files, lines, lines with names, or values that a pattern matches."""
        for text in pattern if isinstance(pattern, list) else [pattern]:
            found = search(text, python=True) if isinstance(text, str) else None
            if found is None:
                self.warnings.append(
                    f"{self.name}: a pattern of should_exclude_{what} can't be read, and is passed over"
                )
            else:
                self._excluded[what].append(found)


def read(value: dict[str, Any], name: str) -> Secrets:
    """The baseline that a JSON object holds, of detect-secrets 0.12 to 1.5."""
    made = Secrets(name)
    made.add_results(value.get("results"))
    for one in _maps(value.get("filters_used")):
        path = str(one.get("path", ""))
        short = path.removeprefix(_FILTERS)
        if short in _REGEX:
            made.exclude(_REGEX[short], one.get("pattern", []))
        elif short not in _OURS and not short.startswith("heuristic."):
            made.warnings.append(f"{name}: the filter {path} is not applied here")
    for one in _maps(value.get("plugins_used")):
        if isinstance(skipped := one.get("keyword_exclude"), str) and skipped:
            made.exclude("keyword", f"(?i){skipped}")
        if "path" in one:
            made.warnings.append(f"{name}: the plugin {one.get('name', '')} of your own is not run here")
    older = value.get("exclude")
    for what, field in (("file", "files"), ("line", "lines")):
        if isinstance(older, dict) and older.get(field):
            made.exclude(what, older[field])
    if isinstance(words := value.get("word_list"), dict) and words.get("file"):
        made.warnings.append(f"{name}: its word list {words['file']} is not read here")
    return made


def _overlap(part: str, value: str) -> bool:
    return part in value or value in part


def _maps(value: object) -> Iterator[dict[str, Any]]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _parts(line: str) -> Iterator[str]:
    """Texts of a line that a tool may have taken for a value: words, and what stands in quotes."""
    for found in _PARTS.finditer(line[:4096]):
        yield next((text for text in found.groups() if text), found[0])
    yield from (found[0] for found in _TOKEN.finditer(line[:_LONG]))
    for piece in re.split(r"[=:]", line[:4096], maxsplit=1)[1:]:
        yield piece.strip()
        yield piece.strip().strip("\"'`,;")
