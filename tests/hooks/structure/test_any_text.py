"""For any text in any format: pairs come without an exception, in no time, with lines that the file has."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks import manifest
from hooks.structure import formats, pairs
from hooks.text import Text
from tests.hooks.structure.test_shapes import _cases, planted

NAMES = sorted({f"x.{ending}" for ending in formats._ENDINGS} - {"x.ipynb"} | set(formats._WHOLE) | {"noending"})
CASES = _cases()
_SIGNS = """{ } [ ] : = " ' ` \\ \\u \\x $ ${ } {{ }} {% %} <a> </a> <a b="c"/> <!-- --> <![CDATA[ ]]> ; , # //
/* */ | > |- &a *a <<: - --- ... key value password: token= name: value: data: kind: Secret stringData: sops: export
ENV set -x --password [section] [[t]] \"\"\" \'\'\' <<EOF EOF machine login default :5432: define( ?: ! !!str auths
auth dXNlcjpwYXNz 1 null true"""
_BREAKS = ["\n", "\n", "\n  ", "\r\n", "\t", " ", " ", "\0", "\ufeff", "\u2028", "\x85", "\ud7ff", "A" * 50]
PIECES = st.sampled_from([*_SIGNS.split(), *_BREAKS])


def read(path: str, data: bytes) -> None:
    last = data.count(b"\n") + 1
    for pair in pairs(Text(path, data)):
        assert 1 <= pair.line <= pair.end <= last


@settings(max_examples=400, deadline=None)
@given(path=st.sampled_from(NAMES), data=st.binary(max_size=300))
def test_any_bytes(path: str, data: bytes) -> None:
    read(path, data)


@settings(max_examples=2500, deadline=None)
@given(path=st.sampled_from(NAMES), pieces=st.lists(PIECES | st.text(max_size=5), max_size=40))
def test_any_text_made_of_what_matters(path: str, pieces: list[str]) -> None:
    text = "".join(pieces)
    read(path, text.encode("utf-8", "surrogatepass"))
    last = text.count("\n") + 1
    for json in (True, False):
        for item in manifest.items(text.removeprefix("\ufeff"), manifest=True, json=json):
            assert 1 <= item.line <= item.end <= last


@settings(max_examples=600, deadline=None)
@given(
    index=st.integers(0, len(CASES) - 1),
    path=st.sampled_from(NAMES),
    cut=st.integers(0, 400),
    noise=st.text(max_size=5) | PIECES,
    at=st.integers(0, 400),
)
def test_cut_and_disturbed_files_in_each_format(index: int, path: str, cut: int, noise: str, at: int) -> None:
    text, _ = planted(CASES[index][1])
    text = text[: max(len(text) - cut, 0)]
    read(path, (text[:at] + noise + text[at:]).encode("utf-8", "replace"))


_HOSTILE = ["{", "[", "{{", "${", "<a>", "<a ", "<", "<!--", "<![CDATA[", '"', "'", '"""', "a: ", "a:\n ", "- ", "- - ",
            "a=", "a=\\\n", "\\", "#", "a.", "[a]\n", "<<E\n", "--a ", "$env:", "machine ", "a:b:c:d:", "<?", "&a *a ",
            "(", "$(", "a='", 'a="', "[[", "/*", "|\n", "a: |\n", "define('", "password=;", " ", "\t", "A"]  # fmt: skip


_EACH = ["x.json", "x.yaml", "x.tf", "x.toml", "x.ini", "x.properties", "x.sh", "x.xml", "x.php", ".netrc", ".pgpass",
         ".env", ".htpasswd", "chap-secrets", "sasl_passwd", "userlist.txt", ".curlrc", "noending"]  # fmt: skip


@pytest.mark.parametrize("name", _EACH)
def test_hostile_texts_are_read_to_their_end(name: str) -> None:
    for piece in _HOSTILE:
        read(name, (piece * (60_000 // len(piece)) + "!").encode())


def test_a_big_file_is_read_by_its_lines() -> None:
    text = b"{" + b'"a": "b",\n' * 400_000 + b'"db_password": "x"}'
    found = [pair for pair in pairs(Text("a.json", text)) if pair.key == "db_password"]
    assert [(pair.value, pair.line) for pair in found] == [("x", 400_001)]
