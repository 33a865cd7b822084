"""What the detectors find together: one finding for each value, of the rule that says most, with its place."""

from __future__ import annotations

import base64
import random
import string

import pytest

from hooks import scanner
from hooks.blobs import Blob
from hooks.engine.template import expand

TOKEN = expand("{github:ghp_}", "detect")
OTHER = expand("{github:ghp_}", "another")
PASSWORD = expand("{alnum:20}", "detect")
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n"


def found(text: str, path: str = "config/app.yaml") -> list[tuple[int, str, str, bool, str]]:
    findings = scanner.scan(Blob(path, text.encode()))
    assert all(one.value is not None for one in findings)
    return [(one.line, one.rule.id, one.key, one.sealable, one.decoded) for one in findings]


def test_a_token_in_a_secret_is_the_providers_and_can_be_sealed() -> None:
    assert found(f"{SECRET}stringData:\n  token: {TOKEN}\n  password: {PASSWORD}\n") == [
        (5, "github-pat", "stringData.token", True, ""),
        (6, "kubernetes-secret", "stringData.password", True, ""),
    ]
    encoded = base64.b64encode(TOKEN.encode()).decode()
    ((line, rule, key, sealable, _),) = found(f"{SECRET}data:\n  token: {encoded}\n")
    assert (line, rule, key, sealable) == (5, "github-pat", "data.token", True)


def test_a_token_under_a_name_is_found_once() -> None:
    assert found(f"PORT=80\nGITHUB_TOKEN={TOKEN}\n", ".env") == [(2, "github-pat", "GITHUB_TOKEN", False, "")]
    assert found(f'github_token = "{TOKEN}"\n', "app.py") == [(1, "github-pat", "github_token", False, "")]
    assert found(f"see {TOKEN} there\n", "notes.txt") == [(1, "github-pat", "", False, "")]


def test_two_values_on_one_line_are_two() -> None:
    assert [rule for _, rule, *_ in found(f"{TOKEN} {OTHER}\n", "notes.txt")] == ["github-pat", "github-pat"]


def test_what_is_encoded_says_how() -> None:
    inner = base64.b64encode(f"export GITHUB_TOKEN={TOKEN}\n".encode()).decode()
    ((line, rule, _, sealable, how),) = found(f"first\nrun: echo {inner} | base64 -d\n", "ci.txt")
    assert (line, rule, sealable, how) == (2, "github-pat", False, "base64")


def test_a_mark_accepts_it() -> None:
    assert found(f"{TOKEN}  # sealer:allow github-pat revoked\n", "notes.txt") == []
    assert len(found(f"{TOKEN}  # sealer:allow gitlab-pat revoked\n", "notes.txt")) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encodings_of_windows(encoding: str) -> None:
    (finding,) = scanner.scan(Blob("x.txt", f"line\r\n{TOKEN}\r\n".encode(encoding)))
    assert finding.line == 2


def drawn(seed: int) -> bytes:
    """A value as chance draws it, the same in every run."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=20)).encode()


def test_a_thousand_values_on_one_line_are_a_thousand_findings() -> None:
    line = b",".join(b'password:"%s"' % drawn(number) for number in range(1000))
    assert len(scanner.scan(Blob("a.js", line))) == 1000


def test_the_end_of_a_long_line_is_looked_at_too() -> None:
    line = b"a=1;" * 500_000 + b'password="%s";' % drawn(0)
    (found,) = scanner.scan(Blob("min.js", line + b"\n"))
    assert found.line == 1


def test_a_url_is_judged_by_its_host_and_place_whatever_rule_sees_it() -> None:
    password = expand("{alnum:16}", "url")
    assert found(f"REDIS = 'redis://:{password}@cache.shop.dev:6379'\n", "app.py")
    assert found("REDIS = 'redis://:redis-pass" + "word@localhost'\n", "app.py") == []
    assert found(f"DB = 'postgres://bob:{password}#{password}@db.shop.dev/x'\n", "app.py")


@pytest.mark.parametrize("name", [".esmtprc", ".msmtprc", ".fetchmailrc", ".mbsyncrc"])
def test_what_programs_for_mail_sign_in_with(name: str) -> None:
    text = 'identity "a@shop.dev"\nuser "a@shop.dev"\npassword "pass' + 'word"\nstarttls required\n'
    assert [(line, rule) for line, rule, *_ in found(text, f"home/{name}")] == [(3, "generic-password")]


def test_a_url_that_git_was_given_by_hand() -> None:
    password = expand("{alnum:8}", "git")
    assert [
        line for line, *_ in found(f"https://a@shop.dev:{password}!#@{password}@github.com\n", ".git-credentials")
    ] == [1]


def test_capitals_are_read_beside_other_letters() -> None:
    assert [line for line, *_ in found(f"# Zugänge\nDB_PASSWORD: {PASSWORD}\nSENHA: {PASSWORD}\n")] == [2, 3]
