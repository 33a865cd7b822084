"""`.gitleaks.toml`: allowlists, disabled rules, and rules of a team's own (`own`).

Our rules stand in for those of gitleaks whether or not it `useDefault`s them. Files that it extends are read, URLs are
never fetched.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hooks.compat import allowlist, names
from hooks.compat.patterns import Search, search
from sealer import files
from sealer.errors import DocumentError, SourceError

if TYPE_CHECKING:
    from collections.abc import Collection

    from hooks.compat.allowlist import Allowlist
    from hooks.finding import Finding

NAME = ".gitleaks.toml"
_TOP = {"title", "description", "extend", "rules", "allowlist", "allowlists", "minVersion"}
_EXTEND = {"path", "url", "useDefault", "disabledRules"}
_RULE = {
    "id", "description", "regex", "secretGroup", "entropy", "keywords", "path", "tags", "allowlist", "allowlists",
    "skipReport", "required",
}  # fmt: skip
_DEPTH = 2
"""How many files deep gitleaks itself follows `extend`."""


@dataclass(frozen=True, slots=True)
class Own:
    """A rule that a team wrote; `name` is its id with us."""

    name: str
    description: str
    regex: str
    group: int
    entropy: float
    keywords: tuple[str, ...]
    path: Search | None


class Gitleaks:
    """What a `.gitleaks.toml` says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.warnings: list[str] = []
        self.own: list[Own] = []
        self._lists: list[Allowlist] = []
        self._disabled: list[str] = []

    @property
    def needs_lines(self) -> bool:
        """Whether an allowlist looks at lines."""
        return any(one.needs_lines for one in self._lists)

    def accepts(self, one: Finding, path: str, line: str) -> bool:
        """Whether the finding's rule is disabled, or an allowlist leaves it out."""
        if any(_is(theirs, one.rule.id) for theirs in self._disabled):
            return True
        return any(
            found.allows(one, path, line)
            for found in self._lists
            if not found.rules or any(_is(theirs, one.rule.id) for theirs in found.rules)
        )

    def drops(self, one: Finding, path: str, data: bytes) -> bool:
        """Whether a rule of the team's own does not count here: its path is another, or no keyword is in the file."""
        for rule in self.own:
            if rule.name == one.rule.id:
                low = data.lower() if rule.keywords else b""
                wanted = rule.path is None or bool(rule.path(path))
                return not (wanted and (not rule.keywords or any(word.encode() in low for word in rule.keywords)))
        return False

    def unused(self) -> list[str]:
        """It lists no findings."""
        return []

    def named(self) -> list[str]:
        """The rules of gitleaks that it disables, or has allowlists for."""
        own = {rule.name for rule in self.own}
        about = (theirs for found in self._lists for theirs in found.rules)
        return [theirs for theirs in dict.fromkeys([*self._disabled, *about]) if own_name(theirs) not in own]

    def check(self, ours: Collection[str]) -> None:
        """Name the rules that none of ours stands for."""
        for theirs in self.named():
            if not any(names.equal(theirs, one) for one in ours):
                self.warnings.append(
                    f"{self.name}: no rule here is called {theirs}, so that what it says of it means nothing"
                    " (sealer scan explain lists the rules; scan.disable in .sealer.yaml takes them)"
                )

    def take(self, fields: dict[str, Any], top: Path, depth: int = 0) -> None:
        """Read a file's tables."""
        self._unknown(fields, _TOP, self.name)
        self._extend(_table(fields.get("extend")), top, depth)
        for number, one in enumerate(_tables(fields, "allowlist", "allowlists"), 1):
            self._lists.append(allowlist.read(one, f"{self.name}: allowlist {number}", self.warnings.append))
        for number, rule in enumerate(_tables(fields, "rules"), 1):
            self._rule(rule, number)

    def _extend(self, extend: dict[str, Any], top: Path, depth: int) -> None:
        self._unknown(extend, _EXTEND, f"{self.name}: extend")
        if extend.get("url"):
            self.warnings.append(f"{self.name}: extend.url is not fetched; nothing is sent over the network")
        self._disabled += allowlist.texts(extend, "disabledRules", f"{self.name}: extend", self.warnings.append)
        path = extend.get("path")
        if not isinstance(path, str) or not path:
            return
        if depth >= _DEPTH:
            self.warnings.append(f"{self.name}: {path} extends too deep, and is not read")
            return
        try:
            self.take(_load(top / path, path), top, depth + 1)
        except SourceError as error:
            self.warnings.append(f"{self.name}: extends {path}, which {error.what}")

    def _rule(self, fields: dict[str, Any], number: int) -> None:
        name = fields.get("id")
        where = f"{self.name}: rule {name if isinstance(name, str) and name else number}"
        self._unknown(fields, _RULE, where)
        if not isinstance(name, str) or not name:
            self.warnings.append(f"{where} has no id, and is passed over")
            return
        for one in _tables(fields, "allowlist", "allowlists"):
            self._lists.append(allowlist.read(one, f"{where}: allowlist", self.warnings.append, (name,)))
        if fields.get("required"):
            self.warnings.append(f"{where} requires others beside it, which is not looked at here")
        regex, path = fields.get("regex"), fields.get("path")
        if not isinstance(regex, str) or not regex:
            if path:
                self.warnings.append(f"{where} looks for files by their name alone, and is passed over")
            return
        if fields.get("skipReport"):
            return
        paths = search(path) if isinstance(path, str) and path else None
        if path and paths is None:
            self.warnings.append(f"{where}: its path can't be read, so that it counts everywhere")
        if search(regex) is None:
            self.warnings.append(f"{where}: its regex can't be read, and is passed over")
            return
        group, entropy = fields.get("secretGroup", 0), fields.get("entropy", 0)
        self.own.append(
            Own(
                own_name(name),
                str(fields.get("description") or f"what the rule {name} of {self.name} looks for"),
                regex,
                group if isinstance(group, int) else 0,
                float(entropy) if isinstance(entropy, (int, float)) else 0.0,
                tuple(text.lower() for text in allowlist.texts(fields, "keywords", where, self.warnings.append)),
                paths,
            )
        )

    def _unknown(self, fields: dict[str, Any], known: set[str], where: str) -> None:
        self.warnings += [f"{where} has the field {name}, which means nothing here" for name in fields.keys() - known]


def load(path: Path, name: str, top: Path) -> Gitleaks:
    """The settings in a file. Raises SourceError or DocumentError."""
    made = Gitleaks(name)
    made.take(_load(path, name), top)
    return made


def own_name(theirs: str) -> str:
    """The id that a rule of a team's own has with us."""
    words = "".join(char if char.isalnum() and char.isascii() else "-" for char in theirs.lower())
    return "-".join(filter(None, words.split("-")))[:63] or "unnamed"


def _is(theirs: str, ours: str) -> bool:
    return names.equal(theirs, ours) or own_name(theirs) == ours


def _load(path: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(files.read(path).decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError as error:
        # Its text ends with the place, and may quote what stands there.
        line = "".join(filter(str.isdigit, str(error).rpartition("(at line ")[2].partition(",")[0]))
        raise DocumentError("is not TOML", file=name, line=int(line or 0)) from None
    except RecursionError:
        raise DocumentError("is nested too deep", file=name) from None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(fields: dict[str, Any], *keys: str) -> list[dict[str, Any]]:
    """Tables under any of these names: one table, or a list of them."""
    found: list[dict[str, Any]] = []
    for key in keys:
        value = fields.get(key)
        found += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    return found
