"""A planted value is found nowhere: output, state, reports, temporary files; after passing and failing runs."""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controller.world import World


def _forms(value: bytes) -> list[bytes]:
    return [
        value,
        base64.b64encode(value),
        base64.b64encode(value)[:-4],
        value.hex().encode(),
        json.dumps(value.decode())[1:-1].encode(),
    ]


def _search(folder: Path, value: bytes) -> list[str]:
    forms = _forms(value)
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and any(form in path.read_bytes() for form in forms)
    ]


@pytest.mark.parametrize("envelope", ["v1", "v2"])
def test_a_planted_value_is_found_nowhere(
    world: World, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, envelope: str
) -> None:
    value = secrets.token_hex(24).encode()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    world.put("web/app.yaml", {"password": value}, envelope=envelope)
    said = [world.apply(*arguments) for arguments in (("--dry-run",), (), (), ("--dry-run", "--format", "json"))]
    world.put("web/app.yaml", {"password": value, "more": value}, envelope=envelope, sealed_for="web/other")
    world.put("web/tmpl.yaml", {"k": value}, template={"data": {"c": "{{ fail .k }}"}}, envelope=envelope)
    world.put("web/never.yaml", {"k": value}, secret={"labels": {"sealer.dev/key": "state"}}, envelope=envelope)
    for form in ("text", "json", "markdown"):
        said.append(world.apply("--dry-run", "--format", form))
        said.append(world.apply("--format", form, "-o", tmp_path / f"report.{form}"))
        said.append(world.status("--format", form))
    said.append(world.run("get", "web/app", "nothing", "--state", world.state))
    said.append(world.run("get", "web/none", "--state", world.state))
    assert {ran.code for ran in said} == {0, 1}
    for ran in said:
        assert not any(form in (ran.out + ran.err).encode() for form in _forms(value))
    assert _search(tmp_path, value) + _search(home, value) == []
    assert world.get("web/app", "password") == value


def test_no_fingerprint_is_ever_printed(world: World) -> None:
    world.put("web/app.yaml", {"pin": b"1234"})
    said = [
        world.apply("--dry-run", "--format", "json"),
        world.apply("--format", "json"),
        world.apply("--format", "json"),
    ]
    said += [world.status("--format", form) for form in ("text", "json", "markdown")]
    from controller.state import State

    with State.open(world.state, read_only=True) as state:
        (delivery,) = state.deliveries()
    assert delivery.fingerprint
    digest = delivery.fingerprint.partition(":")[2]
    assert not any(digest in ran.out + ran.err for ran in said)
    assert digest not in repr(delivery)
