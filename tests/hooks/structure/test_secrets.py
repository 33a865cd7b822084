"""Every shape that a Secret of Kubernetes takes: found on its line, however its kind and values are written."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from hooks import manifest
from hooks.structure import pairs
from hooks.text import Text
from tests.hooks.labelled import pem, random_text

_HERE = Path(__file__).parent
LEAKS = re.split(r"(?m)^=== ", (_HERE / "secrets.txt").read_text())[1:]
CLEAN = re.split(r"(?m)^=== ", (_HERE / "no_secrets.txt").read_text())[1:]


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def expanded(block: str) -> tuple[str, str, set[int]]:
    """A case's name and text, and the lines that it plants a value in: `@P` in clear, `@B` in base64, `@L` in half."""
    name, _, text = block.partition("\n")
    lines = set()
    rows = []
    for number, row in enumerate(text.removesuffix("\n").split("\n"), 1):
        if re.search(r"@[PB]\b", row):
            lines.add(number)
        value = random_text("alnum", 18)
        for mark, text_ in (("P", value), ("B", _b64(value)), ("A", "Ag" + random_text("alnum", 400))):
            row = re.sub(rf"@{mark}\b", text_, row)
        row = re.sub(r"@\{(.*?)\}", lambda match: _b64(match[1].replace("\\n", "\n")), row)
        rows.append(row.replace("\\t", "\t"))
    return name, "\n".join(rows) + "\n", lines


@pytest.mark.parametrize("block", LEAKS, ids=[block.partition("\n")[0] for block in LEAKS])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_each_planted_value_is_found_on_its_line(block: str, newline: str) -> None:
    name, text, lines = expanded(block)
    found = manifest.hits(text.replace("\n", newline), manifest=True, json=name.endswith("json"))
    assert {hit.line for hit in found} == lines
    assert lines
    assert all(hit.value is not None for hit in found)


@pytest.mark.parametrize("block", CLEAN, ids=[block.partition("\n")[0] for block in CLEAN])
def test_nothing_is_found_where_nothing_leaks(block: str) -> None:
    name, text, _ = expanded(block)
    assert manifest.hits(text, manifest=True, json=name.endswith("json")) == []


def test_certificates_leak_nothing() -> None:
    lines = pem("CERTIFICATE")
    block = "\n".join(f"    {line}" for line in lines)
    encoded = _b64("\n".join(lines))
    text = f"apiVersion: v1\nkind: Secret\nstringData:\n  ca.crt: |\n{block}\ndata:\n  ca.crt: {encoded}\n"
    assert manifest.hits(text, manifest=True, json=False) == []


def test_an_old_macs_line_ends() -> None:
    text = f"apiVersion: v1\rkind: Secret\rdata:\r  password: {_b64(random_text('alnum', 18))}\r"
    assert [hit.line for hit in manifest.hits(text, manifest=True, json=False)] == [1]


def test_items_hand_on_their_bytes() -> None:
    inner = json.dumps({"auths": {"r": {"password": random_text("alnum", 12)}}})
    text = f"apiVersion: v1\nkind: Secret\ndata:\n  .dockerconfigjson: {_b64(inner)}\nstringData:\n  a: b\n"
    assert [(item.data, item.line) for item in manifest.items(text, manifest=True, json=False)] == [
        (inner.encode(), 4),
        (b"b", 6),
    ]


def test_what_a_secret_holds_is_no_pair_and_what_sops_says_of_itself_neither() -> None:
    value = random_text("alnum", 20)
    secret = f"apiVersion: v1\nkind: Secret\ndata:\n  password: {_b64(value)}\nother: {{token: {value}}}\n"
    assert {pair.key for pair in pairs(Text("s.yaml", secret.encode()))} == {"apiVersion", "kind", "token"}
    sops = f"password: ENC[x]\nplain_password: {value}\nsops:\n  mac: {value}\n  age: [{{enc: {value}}}]\n"
    found = {pair.key: pair.value for pair in pairs(Text("s.yaml", sops.encode()))}
    assert found == {"password": "ENC[x]", "plain_password": value}
    sealed = (
        f"kind: SealedSecret\nmetadata: {{name: x}}\nspec:\n  encryptedData: {{password: {value}}}\nmy_token: {value}\n"
    )
    assert "password" not in {pair.key for pair in pairs(Text("s.yaml", sealed.encode()))}


def test_no_value_is_in_a_repr() -> None:
    value = random_text("alnum", 20)
    items = list(manifest.items(f"kind: Secret\nstringData:\n  a: {value}\n", manifest=True, json=False))
    assert items
    assert value not in repr(items)
