"""`status` and `get` (DESIGN sections 11 and 13)."""

from __future__ import annotations

import base64
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from controller import keyadmin
from controller import status as statuses
from sealer import schema
from sealer.documents import document
from tests.sealer import rings

if TYPE_CHECKING:
    from tests.controller.world import World


def _delivered(world: World) -> None:
    world.put("payments/db.yaml", {"password": b"1"})
    world.put("web/session.yaml", {"cookie-key": b"1"})
    world.apply()


def test_all_delivered_is_a_0(world: World) -> None:
    _delivered(world)
    commit = world.commit()
    world.put("web/new.yaml", {"a": b"1"})
    world.apply()
    ran = world.status()
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert lines[0].startswith(f"prod  source . at {commit} (dirty), applied ")
    assert lines[0].endswith(f" ago  key {world.kem.id[:8]} to {rings.NOW + rings.YEAR:%Y-%m-%d}")
    assert lines[1] == "warning: keyring has no backup; run: sealer-controller keys backup FILE"
    assert lines[2].split() == ["SECRET", "STORE", "STATE", "VERSION", "FOR", "REASON"]
    assert [line.split()[:4] for line in lines[3:]] == [
        ["payments/db", "local", "delivered", "1"],
        ["web/new", "local", "delivered", "1"],
        ["web/session", "local", "delivered", "1"],
    ]


def test_a_stale_one_comes_first_and_is_a_1(world: World) -> None:
    _delivered(world)
    world.put("web/session.yaml", {"cookie-key": b"1"}, sealed_for="web/x")
    world.apply()
    ran = world.status()
    assert ran.code == 1
    row = ran.out.splitlines()[3]
    assert row.split()[:4] == ["web/session", "local", "stale", "1"]
    assert row.endswith("cookie-key: bound elsewhere")
    failed = world.status("--failed")
    assert failed.code == 1
    assert "payments/db" not in failed.out
    found = world.status("--failed", "--format", "json").json
    schema.validate(found, "status", file="status")
    assert found["counts"] == {"total": 2, "delivered": 1}


def test_failed_with_none_to_show(world: World) -> None:
    _delivered(world)
    ran = world.status("--failed")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "all 2 delivered")


def test_without_state_it_cannot_tell(world: World) -> None:
    ran = world.status()
    assert ran.code == 2
    assert "way out: sealer-controller apply SOURCE" in ran.err


def test_a_key_that_ends_soon_is_warned_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _delivered(world)
    soon = datetime.now(UTC) - timedelta(days=345)
    keyadmin.generate(world.directory, "mlkem768-x25519", now=soon)
    found = world.status("--format", "json").json
    assert any("ends" in each and "sealer-controller keys generate" in each for each in found["warnings"])


def test_a_long_address_does_not_widen_the_heading() -> None:
    applied = (statuses.Applied("shop", "https://git.example.com/team/department/shop", "4f2c91e" * 5, 0),)
    status = statuses.Status("prod", "9f3a12c4" * 4, "2027-03-01", applied, (), (), 0, 0, 1000)
    first, second, *_ = statuses.text(status).splitlines()
    assert first == "prod  source https://git.example.com/team/department/shop at 4f2c91e, applied 1 s ago"
    assert second == "  key 9f3a12c4 to 2027-03-01"
    assert statuses.markdown(status).startswith(f"**{first}{second}**")


def test_of_many_withdrawn_the_newest_are_shown() -> None:
    gone = [statuses.Row("shop", "web", f"s{i:02}", "local", "withdrawn", "1", i // 2, "") for i in range(30)]
    there = statuses.Row("shop", "web", "a", "local", "delivered", "1", 0, "")
    status = statuses.Status("prod", "", "", (), (there, *gone), (), 1, 1, 1000)
    lines = statuses.text(status).splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == ["web/a", *(f"web/s{i}" for i in range(20, 30))]
    assert lines[-1] == "and 20 more withdrawn: sealer-controller status --format json"
    assert statuses.markdown(status).endswith(f"|\n\n{lines[-1]}\n")
    assert len(json.loads(statuses.as_json(status))["deliveries"]) == 31
    assert "more withdrawn" not in statuses.text(replace(status, rows=(there, *gone[:10])))


def test_markdown_is_a_table(world: World) -> None:
    _delivered(world)
    assert "| payments/db | local | delivered | 1 |" in world.status("--format", "markdown").out


def test_get_prints_a_manifest_in_both_formats(world: World) -> None:
    _delivered(world)
    for form in ("yaml", "json"):
        ran = world.run("get", "payments/db", "--state", world.state, "--format", form)
        assert ran.code == 0
        (found,) = document.parse_strict(ran.out.encode(), f"x.{form}").documents
        assert isinstance(found, document.Manifest)
        assert dict(found.secret.items) == {"password": b"1"}


def test_get_of_an_item_is_its_bytes_alone(world: World, tmp_path: object) -> None:
    raw = "größer\nzweite".encode()
    world.put("web/app.yaml", {"k": raw})
    world.apply()
    assert world.get("web/app", "k") == raw
    target = world.root.parent / "item"
    assert world.run("get", "web/app", "k", "--state", world.state, "-o", target).out == ""
    assert target.read_bytes() == raw
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("web/nothing",), 1, "holds no such secret"),
        (("payments/db", "nothing"), 1, "it has: password"),
        (("payments",), 2, "is not NAMESPACE/NAME"),
        (("Payments/db",), 2, "is not a DNS-1123 label"),
        (("payments/db", "password", "--format", "yaml"), 2, "asks for bytes"),
        (("payments/db", "-o", "yaml"), 2, "looks like a format"),
    ],
)
def test_get_says_what_is_wrong(world: World, arguments: tuple[str, ...], code: int, said: str) -> None:
    _delivered(world)
    ran = world.run("get", *arguments, "--state", world.state)
    assert ran.code == code
    assert said in ran.err
    assert base64.b64encode(b"1").decode() not in ran.out


def test_state_and_keyring_may_be_named_by_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _delivered(world)
    monkeypatch.setenv("SEALER_STATE", str(world.state))
    monkeypatch.setenv("SEALER_KEYRING", str(world.directory))
    assert world.run("get", "payments/db", "password").out == "1"
