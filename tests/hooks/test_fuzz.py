"""For any bytes: the scanner never raises, and what it prints holds nothing of a planted secret."""

from __future__ import annotations

import base64
import gzip
import io
import random
import string
import sys
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hooks import archive, loose, scan, scanner
from hooks.accept import _anywhere
from hooks.blobs import Blob
from tests.hooks import planted
from tests.hooks.labelled import Case, cases
from tests.hooks.test_accuracy import LEAKS

PATHS = st.sampled_from(
    ["s.yaml", "s.json", ".env", "README.md", "stdin", "t/secret.yaml.tpl", "x.py", "kustomization.yaml"]
)
_MANIFESTS = """kind: Secret|"kind": "Secret"|kind: SecretList|apiVersion: v1|data:|stringData:|  a: |---|- |items:
x: {a: b}|secretGenerator:|literals:|a=b|A=|export |sealer:allow kubernetes-secret|# |&a |*a|<<: |!x |>-|://u:|@|:|,"""
_SIGNS = ["\n", "\r\n", "\t", "{{", "}}", "{%", "${", "|", "'", '"', "\\", "[", "]", "{", "}", "\0", "\ufeff", "\ud7ff"]
_KEYS = (
    """-----BEGIN PRIVATE KEY-----|-----END PRIVATE KEY-----|LS0tLS1CRUdJTi|PuTTY-User-Key-File-2: x|AGE-SECRET-KEY-1"""
)
PIECES = st.sampled_from(
    [*_MANIFESTS.replace("\n", "|").split("|"), *_SIGNS, *_KEYS.split("|"), "\u2028", "\x85", "9" * 30, "A" * 70]
)
VALUES = st.text(alphabet=string.ascii_letters + string.digits, min_size=16, max_size=40)


@settings(max_examples=400, deadline=None)
@given(path=PATHS, data=st.binary(max_size=400))
@example(path="s.yaml", data=b"\xff\xfek")
@example(path="s.yaml", data=b"kind: Secret\ndata: \xff")
def test_any_bytes(path: str, data: bytes) -> None:
    assert isinstance(scanner.scan(Blob(path, data)), list)


@settings(max_examples=1500, deadline=None)
@given(path=PATHS, pieces=st.lists(PIECES | st.text(max_size=6), max_size=40), value=VALUES)
def test_any_text_made_of_what_matters(path: str, pieces: list[str], value: str) -> None:
    text = "".join(pieces).replace("a: ", f"a: {value}")
    findings = scanner.scan(Blob(path, text.encode("utf-8", "surrogatepass")))
    assert not findings or value not in planted.shown(findings)
    lines = text.count("\n") + 1
    assert all(1 <= one.line <= max(lines, len(text.splitlines())) for one in findings)


@settings(max_examples=300, deadline=None)
@given(index=st.integers(0, len(LEAKS) - 1), cut=st.integers(0, 400), noise=st.text(max_size=5), at=st.integers(0, 400))
def test_cut_and_disturbed_files(index: int, cut: int, noise: str, at: int) -> None:
    case = LEAKS[index]
    text = case.text[: max(len(case.text) - cut, 0)]
    text = text[:at] + noise + text[at:]
    shown = planted.shown(scanner.scan(Blob(case.path, text.encode("utf-8", "replace"))))
    assert not any(value in shown for value in case.planted)


def test_no_planted_value_is_printed_for_the_labelled_set() -> None:
    for case in LEAKS:
        shown = planted.shown(scanner.scan(Blob(case.path, case.text.encode())))
        assert not any(value in shown for value in case.planted), case.path
        assert '"********"' in shown


def test_a_value_in_the_place_of_a_key_is_not_printed() -> None:
    for value in (case.planted[0] for case in _keys()):
        for items in (f"\n  {value}: {value}", f"{{{value}: 'x{value}'}}"):
            findings = scanner.scan(Blob("s.yaml", f"kind: Secret\nstringData: {items}\n".encode()))
            assert findings
            assert value not in planted.shown(findings)


# Where a value stands: names that give it away, code, headers, links. `@` is the value.
CONTEXTS = (
    "password: @\n",
    "db:\n  password: '@'\n  host: x\n",
    '{"client_secret": "@", "a": 1}\n',
    "API_KEY=@\n",
    "export AWS_SECRET_ACCESS_KEY='@'\n",
    'token = "@"  # of the service\n',
    "postgres://app:@@db.example.org/app\n",
    "Authorization: Bearer @\n",
    "curl -u admin:@ https://example.org\n",
    "kind: Secret\nstringData:\n  a: @\n  @: b\n",
    "<add key='ApiKey' value='@'/>\n",
    "@\n",
    "{'@': '@', '@': ['@', {'password': '@'}]}\n",
    "key @ @: @ = @\nsealer:allow generic-password\n@password=@\n",
)
ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    base64.b64encode,
    lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    lambda data: data.hex().encode(),
    lambda data: b"".join(b"%%%02x" % byte for byte in data),
    lambda data: b"".join(b"\\x%02x" % byte for byte in data),
    lambda data: base64.b64encode(gzip.compress(data)),
    lambda data: base64.b64encode(data.decode("utf-8", "replace").encode("utf-16-le")),
    lambda data: b"\xff\xfe" + data.decode("utf-8", "replace").encode("utf-16-le"),
)
PREFIXES = (
    "",
    "sk_" + "live_",
    "gh" + "p_",
    "AK" + "IA",
    "xo" + "xb-1-",
    "gl" + "pat-",
    "AI" + "za",
    "-----BEGIN PRIVATE KEY-----",
)


def drawn(seed: int) -> str:
    """A value of its own for each seed, so that a failing case can be run again."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=36))


@settings(max_examples=600, deadline=None)
@given(
    path=PATHS,
    context=st.sampled_from(CONTEXTS),
    prefix=st.sampled_from(PREFIXES),
    layers=st.lists(st.sampled_from(range(len(ENCODINGS))), max_size=3),
    around=st.tuples(PIECES, PIECES),
    seed=st.integers(0, 1 << 16),
)
def test_no_form_of_a_planted_value_is_shown(
    path: str, context: str, prefix: str, layers: list[int], around: tuple[str, str], seed: int
) -> None:
    value = drawn(seed)
    data = context.replace("@", prefix + value).encode()
    for layer in layers:
        data = b"%s: %s\n%s" % (around[0].encode("utf-8", "replace"), ENCODINGS[layer](data), around[1].encode())
    findings = scanner.scan(Blob(path, data))
    assert not findings or planted.leaks(value, planted.shown(findings)) == []


@pytest.mark.parametrize("index", range(len(ENCODINGS)))
def test_a_planted_value_is_found_in_each_encoding_and_not_shown(index: int) -> None:
    value = drawn(index)[:24]
    data = ENCODINGS[index](f"password: sk_{'live'}_{value}\n".encode())
    findings = scanner.scan(Blob("a.txt", data if index == len(ENCODINGS) - 1 else b"x: " + data + b"\n"))
    assert [one.rule.id for one in findings] == ["stripe-secret-key"]
    assert planted.leaks(value, planted.shown(findings)) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    context=st.sampled_from(CONTEXTS),
    layer=st.integers(0, len(ENCODINGS) - 1),
    form=st.sampled_from(["text", "json", "sarif", "html", "github"]),
    seed=st.integers(0, 1 << 16),
)
def test_the_command_shows_no_form_of_it(
    context: str,
    layer: int,
    form: str,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = drawn(seed)
    data = b"x: " + ENCODINGS[layer](context.replace("@", value).encode()) + b"\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code = scan.main(["--stdin", "--format", form])
    said = capsys.readouterr()
    assert code in (0, 1)
    assert planted.leaks(value, said.out + said.err) == []
    assert "Traceback" not in said.err


@settings(max_examples=60, deadline=None)
@given(
    name=st.text(max_size=12), data=st.binary(max_size=100), context=st.sampled_from(CONTEXTS), cut=st.integers(0, 60)
)
def test_archives_of_anything(name: str, data: bytes, context: str, cut: int) -> None:
    value = drawn(len(name) + cut)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("a.yaml", context.replace("@", value))
        target.writestr(name.encode("utf-8", "replace").decode().replace("\0", "") or "x", data)
    for blob in archive.members(Blob("o.zip", out.getvalue()[: len(out.getvalue()) - cut])):
        findings = scanner.scan(blob)
        assert not findings or planted.leaks(value, planted.shown(findings)) == []


def test_hostile_files_take_no_time() -> None:
    # Each of these is quadratic or worse for a careless expression; together they take well under a second.
    lines = [
        "{{",
        "a: ---",
        "/a",
        '"',
        "{",
        "- ",
        "-----BEGIN PRIVATE KEY-----",
        "LS0tLS1CRUdJTi",
        "x.\n",
        " ",
        "://a:",
    ]
    for text in (line * (50_000 // len(line)) + "!" for line in lines):
        blob = f"kind: Secret\nstringData:\n  password: |\n    {text}\n  other: '{text}\n"
        scanner.scan(Blob("s.yaml", blob.encode()))
        scanner.scan(Blob(".env", f"PASSWORD={text}\nexport X='{text}".encode()))
    assert loose.read("a:\n" * 10).entries


def test_a_pattern_without_a_slash_means_any_folder() -> None:
    assert [_anywhere(text) for text in ("*.pem", "a/*.pem")] == ["**/*.pem", "a/*.pem"]


def _keys() -> list[Case]:
    return list(cases("=== x | y\n@{alnum:24}\n" * 20))
