"""A token whose checksum is wrong was not issued as it stands: that is told, and stops nobody."""

from __future__ import annotations

import pytest

from hooks import scanner
from hooks.blobs import Blob
from hooks.engine.template import expand
from hooks.rule import ERROR, WARNING

_TOKENS = {
    "{github:ghp_}": "github-pat",
    "{cloudflare:cfut_}": "cloudflare-token",
    "{packagist:packagist_ort_}": "packagist-token",
    "{atlassian:ATATT3xFfGF0}": "atlassian-api-token",
    "{atlassian:ATCTT3xFfGN0}": "bitbucket-access-token",
    "{yandex:ysc2_}": "yandex-captcha-key",
}


def _said(token: str) -> tuple[str, str]:
    (found,) = scanner.scan(Blob("src/app.py", f'token = "{token}"\n'.encode()))
    return found.rule.id, found.rule.severity


@pytest.mark.parametrize(("template", "rule"), _TOKENS.items(), ids=_TOKENS.values())
def test_a_wrong_checksum_is_a_warning(template: str, rule: str) -> None:
    token = expand(template, template)
    assert _said(token) == (rule, ERROR)
    # A digit of the body: what the checksum is of.
    at = next(at for at in range(len(token) - 10, 0, -1) if token[at].isdigit())
    wrong = token[:at] + ("8" if token[at] != "8" else "3") + token[at + 1 :]
    assert _said(wrong) == (rule, WARNING)


def test_the_checksum_of_a_token_that_a_url_holds() -> None:
    token = expand("{atlassian:ATATT3xFfGF0}", "url")
    assert _said(token.replace("=", "%3D")) == ("atlassian-api-token", ERROR)
