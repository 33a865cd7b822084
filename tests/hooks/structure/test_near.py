"""What the first pass asks for, and what is read around it, loses nothing that a reading of the whole file finds."""

from __future__ import annotations

import pytest

from hooks import engine, structure
from hooks.credential import judge
from hooks.detect import hits
from hooks.engine.found import PAIRS
from hooks.structure.formats import is_unread
from hooks.structure.lines import may_hold_near
from hooks.text import Text
from tests.hooks.labelled_credentials import samples


def test_what_the_whole_file_holds_is_found() -> None:
    missed = []
    for sample in samples():
        text = Text(sample.path, sample.text.encode())
        whole = {pair.line for pair in structure.pairs(text) if judge(pair, text.path)}
        found = {line for hit in hits(text, engine.candidates(text)) for line in range(hit.line, hit.end + 1)}
        if not whole <= found:
            missed.append((sample.path, sorted(whole - found)))
    assert missed == []


def _near(text: Text) -> list[int] | None:
    return engine.candidates(text).at(PAIRS)


@pytest.mark.parametrize(
    "line", ["password: {value}", 'auth: "{value}"', "args: [--token={value}]", "secret:\n  {value}"]
)
def test_a_pair_far_inside_of_a_file(line: str) -> None:
    value = "q8Zk" + "1vTp4Rw9Xy"
    around = ["".join(f"{name}{number}: x\n" for number in range(999)) for name in ("before", "after")]
    text = Text("a.yaml", f"{around[0]}{line.format(value=value)}\n{around[1]}".encode())
    near = _near(text)
    assert near
    assert may_hold_near(text.data, near, "yaml")
    assert value in {pair.value for pair in structure.pairs(text, near)}


@pytest.mark.parametrize(
    "line", ["tokenExpirationSeconds: 3607", "secretName: database", "authorization:\n  mode: rbac"]
)
def test_a_tree_of_which_no_name_is_a_credentials_is_not_read(line: str) -> None:
    text = Text("a.yaml", f"kind: x\n{line}\nother: y\n".encode())
    near = _near(text)
    assert not near or list(structure.pairs(text, near)) == []


def test_of_a_long_stream_only_documents_with_a_credential_are_read() -> None:
    value = "q8Zk" + "1vTp4Rw9Xy"
    stream = "---\nhost: x\n" * 3000 + f"---\nhost: y\npassword: {value}\n"
    found = [(pair.key, pair.value, pair.line) for pair in structure.pairs(Text("a.yaml", stream.encode()))]
    assert found == [("host", "y", 6002), ("password", value, 6003)]


@pytest.mark.parametrize(
    ("path", "unread"),
    [
        ("a/package-lock.json", True),
        ("pnpm-lock.yaml", True),
        ("x.tar!b/composer.lock", True),
        ("a.go", True),
        ("Gemfile.lock", True),
        ("a.json", False),
        ("a.go.bak", False),
        ("config", False),
        (".env", False),
    ],
)
def test_files_that_no_reader_is_for_by_their_names(path: str, unread: bool) -> None:
    assert is_unread(path) is unread
    if unread:
        assert list(structure.pairs(Text(path, b'{"password": "x"}'))) == []


@pytest.mark.parametrize(
    ("listed", "path"),
    [
        ('OAuth2:\n  - "read"\n  - "write"\nother: y', "a.yaml"),
        ("OAuth2:\n- read:user\n- write\n\nother-{x}: y", "a.yaml"),
        ('"auth": ["aws.auth#sigv4"],\n"token": [\n  "read",\n  "write"\n]', "a.json"),
        ('"documentation": "the token value that was returned"', "a.json"),
    ],
)
def test_a_tree_is_not_read_for_a_list_of_words(listed: str, path: str) -> None:
    text = Text(path, (f"{{\n{listed}\n}}" if path == "a.json" else f"{listed}\n").encode())
    near = [text.data.find(listed.encode()) + len(listed) // 2]
    assert not may_hold_near(text.data, near, path.partition(".")[2])
    assert list(structure.pairs(text, near)) == []


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 40])
@pytest.mark.parametrize("form", ["tokens:\n{yaml}\n", "tokens: [{flow}]\n", '{{"tokens": [\n{json}\n]}}\n'])
def test_a_credential_at_the_end_of_a_list_of_words(count: int, form: str) -> None:
    value = "q8Zk" + "1vTp4Rw9Xy"
    words = [*(f"read{chr(97 + number % 26)}" for number in range(count)), value]
    text = form.format(
        yaml="\n".join(f'  - "{word}"' for word in words),
        flow=", ".join(words),
        json=",\n".join(f'  "{word}"' for word in words),
    )
    where = "json" if "{" in text else "yaml"
    data = text.encode()
    assert may_hold_near(data, [data.find(b"reada") + 3], where)
