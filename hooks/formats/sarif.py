"""SARIF 2.1.0, as code scanning reads it: the static rules, where each leak is, and what could not be scanned.

The fingerprint says which finding it is from run to run: rule, path and key, and the how manieth of these it is in the
file. Neither a line, which moves, nor the value, of which a hash could be guessed.
"""

from __future__ import annotations

import hashlib
import json as encoder
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hooks.rule import ERROR
from sealer import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooks.finding import Finding
    from hooks.report import Report
    from hooks.rule import Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_BASE = "SRCROOT"
_URL = re.compile(r"https://[^\s<>\"')]+[^\s<>\"').,;]")


def sarif(report: Report) -> str:
    """One log with one run."""
    from importlib.metadata import version

    rules = list({one.rule.id: one.rule for one in report.findings}.values())
    places = {rule.id: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "sealer-scan",
                "semanticVersion": version("sealer"),
                "rules": list(map(_rule, rules)),
            }
        },
        "automationDetails": {"id": f"sealer-scan/{report.source.replace(' ', '-')}/"},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The folder from which was scanned."}}},
        "invocations": [
            {
                "executionSuccessful": not report.unread,
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": error.what},
                        "locations": [{"physicalLocation": {"artifactLocation": _artifact(error.where)}}],
                    }
                    for error in report.unread
                ],
            }
        ],
        "results": list(_results(report, places)),
    }
    return encoder.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def help_uri(rule: Rule) -> str:
    """Where a rule's provider says how to revoke; empty where there is no such page."""
    found = _URL.search(rule.remediation)
    return found[0] if found else ""


def fingerprints(report: Report) -> Iterator[tuple[Finding, str]]:
    """Each finding with what tells it from the others, the same in the next run: 64 bits, a colon, a number."""
    seen: Counter[str] = Counter()
    for one in report.findings:
        text = "\0".join((one.rule.id, one.path, one.key))
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        seen[digest] += 1
        yield one, f"{digest}:{seen[digest]}"


def _results(report: Report, places: dict[str, int]) -> Iterator[dict[str, Any]]:
    for one, fingerprint in fingerprints(report):
        where = f" ({one.key})" if one.key else ""
        since = f", since commit {one.commit[:12]}" if one.commit else ""
        place: dict[str, Any] = {
            "physicalLocation": {
                "artifactLocation": _artifact(one.path),
                "region": {"startLine": one.line, "endLine": one.end},
            }
        }
        if one.key:
            place["logicalLocations"] = [{"fullyQualifiedName": console.line(one.key), "kind": "member"}]
        yield {
            "ruleId": one.rule.id,
            "ruleIndex": places[one.rule.id],
            "level": _level(one.rule),
            "message": {"text": console.line(f"{one.rule.description}{where}{since}")},
            "locations": [place],
            "partialFingerprints": {"primaryLocationLineHash": fingerprint},
        }


def _rule(rule: Rule) -> dict[str, Any]:
    page = help_uri(rule)
    lines = [f"Found: {rule.description}. A value that was in Git has to be changed, wherever it is used."]
    if rule.remediation:
        lines.append(f"To revoke it: {rule.remediation}")
    lines.append(f"To accept it: sealer:allow {rule.id} REASON at the end of the line, or sealer scan baseline.")
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.description[:1].upper() + rule.description[1:]},
        "fullDescription": {"text": f"{rule.description[:1].upper()}{rule.description[1:]}, in plaintext."},
        "help": {"text": "\n".join(lines), "markdown": "\n\n".join(map(_markdown, lines))},
        **({"helpUri": page} if page else {}),
        "defaultConfiguration": {"level": _level(rule)},
        "properties": {
            "tags": ["security", "secret", "external/cwe/cwe-798"],
            "precision": "high" if rule.severity == ERROR else "medium",
            "security-severity": "8.0" if rule.severity == ERROR else "4.0",
        },
    }


def _markdown(text: str) -> str:
    from hooks.formats.github import markdown_text

    return markdown_text(text)


def _level(rule: Rule) -> str:
    return "error" if rule.severity == ERROR else "warning"


def _artifact(path: str) -> dict[str, str]:
    """A file as a relative URI; an absolute path has no base."""
    uri = quote(os.fsencode(os.path.normpath(path) if path else "."), safe="/-._~!")
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": _BASE}
