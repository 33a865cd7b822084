"""One secret is one finding, however it is written; and what is encoded or joined is found at all."""

from __future__ import annotations

import base64
import json
import string

import pytest

from hooks import credential, scanner
from hooks.blobs import Blob
from hooks.finding import Finding, Value
from tests.hooks.labelled import pem, random_text


def found(path: str, text: str) -> list[Finding]:
    return scanner.scan(Blob(path, text.encode()))


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _entities(text: str) -> str:
    return "".join(f"&#{ord(c)};" for c in text)


def _escapes(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


DRAWN = random_text("alnum", 16)
LOGIN = _b64(f"svc:{DRAWN}")
KEY = "\n".join(pem("PRIVATE KEY")) + "\n"
TOKEN = "glpat-" + random_text("alnum", 20)
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData:\n  mine: {DRAWN}\n"

FILES = {
    "key in base64": ("a.txt", f"key: {_b64(KEY)}\n"),
    "key in base64 in code": ("a.py", f'KEY = "{_b64(KEY)}"\n'),
    "docker's auth": (".docker/config.json", json.dumps({"auths": {"ghcr.io": {"auth": LOGIN}}})),
    "npm's auth": (".npmrc", f"//registry.npmjs.org/:_auth={LOGIN}\n"),
    "entities": ("a.xml", f"<c><password>{_entities(DRAWN)}</password></c>\n"),
    "an entity": ("a.xml", f"<c><password>{DRAWN}&amp;{DRAWN}</password></c>\n"),
    "an entity in an attribute": ("a.config", f'<add key="password" value="{DRAWN}&amp;{DRAWN}"/>\n'),
    "escapes": ("a.json", f'{{"password": "{_escapes(DRAWN)}"}}\n'),
    "an escape": ("a.json", f'{{"password": "{DRAWN}\\u0026{DRAWN}"}}\n'),
    "joined by +": ("a.js", f'const t = "{TOKEN[:6]}" + "{TOKEN[6:]}";\n'),
    "joined by a dot": ("a.php", f"$t = '{TOKEN[:6]}' . '{TOKEN[6:15]}' . '{TOKEN[15:]}';\n"),
    "hex of a token": ("a.py", f'x = "{TOKEN.encode().hex()}"\n'),
    "base64 of a manifest": ("boot.txt", f"data: {_b64(SECRET)}\n"),
    "a key pair of Solana": ("id.json", json.dumps(list(random_text("base64", 48).encode()))),
}


@pytest.mark.parametrize("name", FILES)
def test_one_secret_is_found_once(name: str) -> None:
    path, text = FILES[name]
    assert len(found(path, text)) == 1


def test_two_secrets_on_one_line_are_two() -> None:
    other = random_text("alnum", 16)
    assert len(found("a.json", f'{{"password": "{DRAWN}", "api_key": "{other}"}}\n')) == 2


@pytest.mark.parametrize("text", ["", "\n", '"\\0",password\n"\\0"x,"y"z,\n', 'a,password\n"1"2"3",\x000\x00,\n'])
def test_odd_tables_raise_nothing(text: str) -> None:
    assert found("a.csv", text) == []


@pytest.mark.parametrize(
    "value", [string.ascii_lowercase[:16], "a" * 40, "12345678901234567890", "abcabcabcabc", "correct-horse-battery"]
)
def test_what_people_write_can_be_guessed(value: str) -> None:
    assert Value(value).bits < 64


@pytest.mark.parametrize(
    "value", [random_text("alnum", 20), random_text("hex", 32), random_text("base64", 24)], ids=range(3)
)
def test_what_was_drawn_can_not(value: str) -> None:
    assert Value(value).bits >= 64


class Counted:
    """How often a function is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.calls = 0
        function = getattr(owner, name)

        def counting(*given: object) -> object:
            self.calls += 1
            return function(*given)

        monkeypatch.setattr(owner, name, counting)


def _dense(count: int) -> str:
    return ",".join(f'password:"{random_text("alnum", 12)}"' for _ in range(count))


def test_how_a_value_may_be_written_is_worked_out_once_on_a_line_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each was compared anew with a hundred others of its line: a bundle of 8 MB took minutes."""
    decoded = Counted(monkeypatch, Value, "decoded")
    written = Counted(monkeypatch, Value, "written")
    findings = found("a.js", _dense(300))
    assert len(findings) == 300
    assert decoded.calls <= len(findings)
    assert written.calls <= len(findings)


def test_what_a_format_shows_is_not_judged_again_as_code(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Counted(monkeypatch, credential, "judge")
    findings = found("a.json", json.dumps([{"password": random_text("alnum", 12)} for _ in range(100)]))
    assert len(findings) == 100
    assert judged.calls < 1.5 * len(findings)


def test_a_part_of_a_value_is_no_second_finding_on_a_line_of_many() -> None:
    line = _dense(50) + f',token:"{LOGIN}",auth:"svc:{DRAWN}",password:"{DRAWN}",' + _dense(20)
    assert len(found("a.js", line)) == 71
