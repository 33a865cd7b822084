"""A cluster that writes down who asked for what: kube-apiserver with an audit log, by a script that adds its flags.

Nothing of admins is in it, so none of what tests ask themselves; requests that were refused as nobody's are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

WRITES = frozenset(("create", "update", "patch", "delete", "deletecollection"))
_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "None", "userGroups": ["system:masters"]}, {"level": "Metadata"}],
}


@dataclass(frozen=True)
class Request:
    """One request: when it came, of whom, what for, and the status that it was answered with."""

    at: float
    user: str
    verb: str
    resource: str
    name: str
    code: int

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.verb in WRITES


@dataclass(frozen=True)
class Audited:
    """A program to start as the API server, and what it wrote down; nothing is put off until later."""

    program: Path
    log: Path

    def requests(self, user: str = "", since: float = 0.0) -> list[Request]:
        """Those of a user, or of all, that came after a time."""
        return [each for each in self._all(user) if (not user or each.user == user) and each.at > since]

    def changes(self, user: str, since: float = 0.0) -> list[Request]:
        """What a user wrote after a time, leases aside."""
        return [each for each in self.requests(user, since) if each.writes and each.resource != "leases"]

    def _all(self, user: str) -> Iterator[Request]:
        seen = set()
        for line in self.log.read_text().splitlines() if self.log.exists() else ():
            if user not in line:  # reading thousands of others' takes longer than the question
                continue
            event: dict[str, Any] = json.loads(line)
            if event["auditID"] in seen:  # a watch is told of when it begins and when it ends
                continue
            seen.add(event["auditID"])
            about = event.get("objectRef") or {}
            resource = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
            yield Request(
                datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
                event["user"].get("username", ""),
                event["verb"],
                resource,
                about.get("name", ""),
                (event.get("responseStatus") or {}).get("code", 0),
            )


def audited(apiserver: Path, folder: Path) -> Audited:
    """The API server with an audit log in this folder."""
    policy, log, program = folder / "policy.yaml", folder / "audit.log", folder / apiserver.name
    policy.write_text(yaml.safe_dump(_POLICY))
    flags = f"--audit-policy-file={policy} --audit-log-path={log} --audit-log-mode=blocking-strict"
    program.write_text(f'#!/bin/sh\nexec "{apiserver}" "$@" {flags}\n')
    program.chmod(0o700)
    return Audited(program, log)
