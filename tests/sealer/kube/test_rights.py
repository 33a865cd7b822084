"""For each request the command that asks whether one may make it."""

from __future__ import annotations

import pytest

from sealer.kube import rights
from sealer.kube.client import ApiError

NAMESPACED = "/api/v1/namespaces/shop"
OURS = "/apis/bitnami.com/v1alpha1"


@pytest.mark.parametrize(
    ("request_", "asks"),
    [
        (f"GET {NAMESPACED}/secrets/db", "get secrets/db -n shop"),
        (f"GET {NAMESPACED}/secrets", "list secrets -n shop"),
        ("GET /api/v1/secrets", "list secrets -A"),
        ("watch /api/v1/secrets", "watch secrets -A"),
        (f"POST {NAMESPACED}/secrets", "create secrets -n shop"),
        (f"PATCH {NAMESPACED}/secrets/db", "patch secrets/db -n shop"),
        (f"DELETE {NAMESPACED}/secrets/db", "delete secrets/db -n shop"),
        (
            f"PUT {OURS}/namespaces/shop/sealedsecrets/db/status",
            "update sealedsecrets.bitnami.com/db --subresource=status -n shop",
        ),
        (f"GET {OURS}/sealedsecrets", "list sealedsecrets.bitnami.com -A"),
        (
            f"GET {NAMESPACED}/services/http:x:http/proxy/v1/keys",
            "get services/http:x:http --subresource=proxy -n shop",
        ),
        ("GET /api/v1/namespaces/shop", "get namespaces/shop"),
        ("GET /version", "--list"),
        ("GET", "--list"),
        ("", "--list"),
        ("GET /api/v1/namespaces/shop/secrets/$(x)", "--list"),
    ],
)
def test_a_request_that_is_forbidden_has_the_command_that_asks_for_it(request_: str, asks: str) -> None:
    assert rights.command(request_) == f"kubectl auth can-i {asks}"
    assert ApiError(403, "Forbidden", where=request_).way_out == f"kubectl auth can-i {asks}"
