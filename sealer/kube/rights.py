"""What asks whether one may make a request: `kubectl auth can-i` with the verb and the resource of that. Pure."""

from __future__ import annotations

import re

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "watch": "watch"}
_PATH = re.compile(
    r"""/(?: api | apis/(?P<group>[-.a-z0-9]+) )/v[a-z0-9]+
        (?: /namespaces/(?P<namespace>[-a-z0-9]+)(?=/) )?
        /(?P<resource>[a-z]+) (?: /(?P<name>[-.:a-z0-9]+) (?: /(?P<sub>[a-z]+) (?: (?<=/proxy)/.* )? )? )?""",
    re.ASCII | re.VERBOSE | re.DOTALL,
)
_ANY = "kubectl auth can-i --list"


def command(request: str) -> str:
    """The command for `METHOD PATH`, or `watch PATH`; for what is no resource the one that lists all rights.

    `PATCH /api/v1/namespaces/shop/secrets/db` is `kubectl auth can-i patch secrets/db -n shop`.
    """
    method, _, path = request.partition(" ")
    found = _PATH.fullmatch(path)
    if found is None:
        return _ANY
    name, sub = found["name"], found["sub"]
    verb = _VERBS.get(method) or ("get" if name else "list")
    resource = found["resource"] + (f".{found['group']}" if found["group"] else "") + (f"/{name}" if name else "")
    subresource = f" --subresource={sub}" if sub else ""
    where = f" -n {found['namespace']}" if found["namespace"] else "" if name else " -A"
    return f"kubectl auth can-i {verb} {resource}{subresource}{where}"
