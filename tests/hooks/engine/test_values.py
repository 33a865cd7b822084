"""Values with the form of a token that are none, and halves of a pair."""

from __future__ import annotations

import pytest

from hooks import scanner
from hooks.blobs import Blob
from hooks.engine.template import expand
from hooks.rule import WARNING


def _found(text: str) -> list[tuple[str, str]]:
    blob = Blob("deploy/settings.env", f"{expand(text, text)}\n".encode())
    return [(finding.rule.id, finding.rule.severity) for finding in scanner.scan(blob)]


@pytest.mark.parametrize(
    "text",
    [
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY{upper:10}",
        "AZURE_CLIENT_SECRET=00000000-0000-0000-0000-000000000000",
        "AZURE_CLIENT_SECRET=11111111-1111-1111-1111-111111111111",
        "NOMAD_TOKEN=00000000-0000-0000-0000-000000000001",
        "--set newrelic-pixie.apiKey=px-api-a1b2c3d4-e5f6-g7h8-i8j0-{lowernum:12}",
    ],
)
def test_values_of_documentation(text: str) -> None:
    assert _found(text) == []


def test_the_name_of_a_key_at_twilio_is_a_warning() -> None:
    """The SID is public, as a user's name is: alone it lets nobody in."""
    assert _found("client = Client('SK{hex:32}', secret)") == [("twilio-api-key", WARNING)]
