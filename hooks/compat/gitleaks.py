"""`.gitleaks.toml`: allowlists, disabled rules, and rules of a team's own (`own`).

Our rules stand in for those of gitleaks whether or not it `useDefault`s them. Files that it extends are read, URLs are
never fetched. As with gitleaks, the case of a field's name is no matter.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hooks import regular
from hooks.compat import allowlist, defaults, names
from hooks.compat.patterns import compiled
from hooks.compat.teamrule import Required, TeamRule
from hooks.randomness import entropy
from hooks.rule import Rule
from sealer.errors import DocumentError, SourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hooks.compat.allowlist import Allowlist
    from hooks.finding import Finding

NAME = ".gitleaks.toml"
_TOP = {"title", "description", "extend", "rules", "allowlist", "allowlists", "minversion"}
_EXTEND = {"path", "url", "usedefault", "disabledrules"}
_RULE = {
    "id", "description", "regex", "secretgroup", "entropy", "keywords", "path", "tags", "allowlist", "allowlists",
    "skipreport", "required",
}  # fmt: skip
_REQUIRED = {"id", "withinlines", "withincolumns"}
_DEPTH = 2
"""How many files deep gitleaks itself follows `extend`."""


class Gitleaks:
    """What a `.gitleaks.toml` says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.warnings: list[str] = []
        self.digest = ""
        self._rules: dict[str, TeamRule] = {}
        self._lists: list[Allowlist] = []
        self._default: list[Allowlist] = []
        self._disabled: list[str] = []
        self._entropy: dict[str, float] = {}

    @property
    def own(self) -> list[TeamRule]:
        """The rules that it brings."""
        return list(self._rules.values())

    def everywhere(self) -> tuple[Allowlist, ...]:
        """The allowlists that are about every rule."""
        return (*(one for one in self._lists if not one.rules), *self._default)

    @property
    def needs_lines(self) -> bool:
        """Whether an allowlist looks at lines."""
        return any(one.needs_lines for one in self._all())

    def accepts(self, one: Finding, path: str, line: str) -> bool:
        """Whether the finding's rule is disabled, its entropy too low, or an allowlist leaves it out.

        What a rule of its own found was judged there, but for the commit.
        """
        own = self._own(one)
        if own is not None and not one.decoded:
            lists = [found for found in (*self._lists, *own.allowlists) if found.commits]
            return any(found.allows(one, path, line) for found in lists if not found.rules or own.theirs in found.rules)
        if any(_is(theirs, one.rule.id) for theirs in self._disabled):
            return True
        least = max((bits for theirs, bits in self._entropy.items() if _is(theirs, one.rule.id)), default=0.0)
        if least and one.value is not None and one.value.satisfies(lambda value: entropy(value) <= least):
            return True
        return any(
            found.allows(one, path, line)
            for found in self._all()
            if not found.rules or any(_is(theirs, one.rule.id) for theirs in found.rules)
        )

    def _all(self) -> Iterator[Allowlist]:
        yield from self._lists
        for rule in self.own:
            yield from rule.allowlists

    def _own(self, one: Finding) -> TeamRule | None:
        return next((rule for rule in self.own if rule.rule == one.rule), None)

    def unused(self) -> list[str]:
        """It lists no findings."""
        return []

    def named(self) -> list[str]:
        """The rules of gitleaks that it disables, or has allowlists for."""
        about = (theirs for found in self._lists for theirs in found.rules)
        return [
            theirs for theirs in dict.fromkeys([*self._disabled, *about, *self._entropy]) if theirs not in self._rules
        ]

    def check(self, ours: Collection[str]) -> None:
        """Name the rules that none of ours stands for."""
        for theirs in self.named():
            if not any(names.equal(theirs, one) for one in ours):
                self.warnings.append(
                    f"{self.name}: no rule here is called {theirs}, so that what it says of it means nothing"
                    " (sealer scan explain lists the rules; scan.disable in .sealer.yaml takes them)"
                )

    def take(self, fields: dict[str, Any], top: Path, depth: int = 0) -> None:
        """Read a file's tables. Raises DocumentError."""
        self.digest = hashlib.sha256(f"{self.digest} {fields!r}".encode("utf-8", "replace")).hexdigest()
        self._unknown(fields, _TOP, self.name)
        for number, one in enumerate(_tables(fields, "allowlist", "allowlists"), 1):
            self._lists.append(allowlist.read(one, f"{self.name}: allowlist {number}", self.warnings.append))
        found: dict[str, TeamRule] = {}
        for number, table in enumerate(_tables(fields, "rules"), 1):
            if (read := self._rule(table, number)) is not None:
                found[read.theirs] = read
        for rule in found.values():
            for part in rule.required:
                if part.theirs not in found:
                    raise self._error(rule.theirs, f"requires {part.theirs}, which is no rule of this file")
        # Rules of a file that this one extends come in under those that it has itself.
        for theirs, base in found.items():
            above = self._rules.get(theirs)
            if above is not None or theirs not in self._disabled:
                self._rules[theirs] = above.over(base) if above else base
        self._extend(_table(fields.get("extend")), top, depth)
        if depth == 0:
            self._finish()

    def _extend(self, extend: dict[str, Any], top: Path, depth: int) -> None:
        self._unknown(extend, _EXTEND, f"{self.name}: extend")
        if extend.get("url"):
            self.warnings.append(f"{self.name}: extend.url is not fetched; nothing is sent over the network")
        if extend.get("usedefault") is True and not self._default:
            self._default.append(allowlist.read(defaults.FIELDS, self.name, self.warnings.append))
        self._disabled += allowlist.texts(extend, "disabledrules", f"{self.name}: extend", self.warnings.append)
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

    def _rule(self, fields: dict[str, Any], number: int) -> TeamRule | None:
        name = fields.get("id")
        where = f"{self.name}: rule {name if isinstance(name, str) and name else number}"
        self._unknown(fields, _RULE, where)
        if not isinstance(name, str) or not name.strip():
            self.warnings.append(f"{where} has no id, and is passed over")
            return None
        lists = [
            allowlist.read(one, f"{where}: allowlist", self.warnings.append, (name,))
            for one in _tables(fields, "allowlist", "allowlists")
        ]
        regex, path = _text(fields, "regex"), _text(fields, "path")
        if not regex and not path and name not in self._rules:
            # About a rule that gitleaks brings.
            self._lists += lists
            if bits := _number(fields, "entropy"):
                self._entropy[name] = bits
            return None
        return TeamRule(
            names.own(name),
            name,
            Rule(names.own(name), _text(fields, "description") or f"what the rule {name} of {self.name} looks for"),
            regex,
            self._compiled(name, regex) if regex else None,
            int(_number(fields, "secretgroup")),
            _number(fields, "entropy"),
            tuple(text.lower() for text in allowlist.texts(fields, "keywords", where, self.warnings.append) if text),
            allowlist.expression(path, f"{where}: its path") if path else None,
            tuple(lists),
            tuple(self._required(one, where) for one in _tables(fields, "required")),
            fields.get("skipreport") is True,
        )

    def _required(self, fields: dict[str, Any], where: str) -> Required:
        self._unknown(fields, _REQUIRED, f"{where}: required")
        lines, columns = fields.get("withinlines"), fields.get("withincolumns")
        return Required(
            _text(fields, "id"),
            lines if isinstance(lines, int) else None,
            columns if isinstance(columns, int) else None,
        )

    def _compiled(self, name: str, regex: str) -> Any:
        found = compiled(regex)
        if found is None:
            raise self._error(name, "its regex can't be read: RE2 lacks what it asks for")
        return found

    def _finish(self) -> None:
        """Hand allowlists with `targetRules` to its own rules, and look at their groups. Raises DocumentError."""
        for theirs, rule in list(self._rules.items()):
            about = tuple(one for one in self._lists if theirs in one.rules)
            self._rules[theirs] = rule.with_more(about, self._entropy.pop(theirs, 0.0))
            groups = rule.compiled.groups if rule.compiled else 0
            if rule.compiled and rule.group > groups:
                raise self._error(theirs, f"its secretGroup is {rule.group}, and its regex has {groups} groups")

    def _error(self, theirs: str, what: str) -> DocumentError:
        way_out = "correct the rule as gitleaks would take it, or remove it"
        return DocumentError(f"rule {theirs}: {what}", file=self.name, way_out=way_out)

    def _unknown(self, fields: dict[str, Any], known: set[str], where: str) -> None:
        unknown = sorted(fields.keys() - known)
        self.warnings += [f"{where} has the field {name}, which means nothing here" for name in unknown]


def find(top: Path) -> Gitleaks | None:
    """The settings where gitleaks looks for them: named by the environment, in it, or at the top of the repository.

    Raises SourceError or DocumentError.
    """
    if named := os.environ.get("GITLEAKS_CONFIG"):
        return load(Path(named), named, top)
    if text := os.environ.get("GITLEAKS_CONFIG_TOML"):
        made = Gitleaks("GITLEAKS_CONFIG_TOML")
        made.take(_read(text, made.name), top)
        return made
    # Whatever else is no file, as a named pipe, is refused when it is read: rules are never passed over in silence.
    there = os.path.exists(top / NAME) and not os.path.isdir(top / NAME)
    return load(top / NAME, NAME, top) if there else None


def load(path: Path, name: str, top: Path) -> Gitleaks:
    """The settings in a file. Raises SourceError or DocumentError."""
    made = Gitleaks(name)
    made.take(_load(path, name), top)
    return made


def _is(theirs: str, ours: str) -> bool:
    return names.equal(theirs, ours) or names.own(theirs) == ours


def _load(path: Path, name: str) -> dict[str, Any]:
    return _read(regular.read(path).decode("utf-8", "replace"), name)


def _read(text: str, name: str) -> dict[str, Any]:
    try:
        return _table(_lowered(tomllib.loads(text)))
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


def _lowered(value: object) -> object:
    """Tables with the names of their fields in lower case."""
    if isinstance(value, dict):
        return {name.lower(): _lowered(one) for name, one in value.items()}
    return [_lowered(one) for one in value] if isinstance(value, list) else value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: dict[str, Any], name: str) -> float:
    """A number, or a text that is one; 0 for anything else."""
    try:
        return float(fields.get(name) or 0)
    except (TypeError, ValueError):
        return 0.0
