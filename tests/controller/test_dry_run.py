"""`apply --dry-run`: with and without private keys, with and without state; it writes nothing (DESIGN section 11)."""

from __future__ import annotations

import shutil

import pytest

from sealer import schema
from sealer.formats.keys import generate_kem
from tests.controller.world import RULES, Counts, World

ONE = "version: 1\nclusters: {prod: {}}\nrules: [{path: 'clusters/{cluster}/**/*.yaml'}]\n"


def _example(world: World) -> None:
    """The situation that DESIGN section 13 prints a plan of."""
    world.write(".sealer.yaml", RULES)
    world.put("clusters/prod/payments/stripe.yaml", {"api-key": b"1", "other": b"2"})
    world.put("clusters/prod/payments/cache.yaml", {"a": b"1"})
    world.put("clusters/prod/web/session.yaml", {"cookie-key": b"1"})
    assert world.apply().code == 0
    (world.root / "clusters/prod/payments/cache.yaml").unlink()
    text = (world.root / "clusters/prod/payments/stripe.yaml").read_text()
    other = next(line for line in text.splitlines() if "other:" in line)
    new = world.put("clusters/prod/payments/stripe.yaml", {"api-key": b"3", "other": b"2"}).read_text()
    mine = next(line for line in new.splitlines() if "other:" in line)
    world.write("clusters/prod/payments/stripe.yaml", new.replace(mine, other))
    world.put("clusters/prod/web/session.yaml", {"cookie-key": b"1"}, sealed_for="web/cookies")
    world.put("clusters/prod/payments/db.yaml", {"password": b"1", "url": b"2"})
    world.put("clusters/staging/web/app.yaml", {"k": b"1"}, to=generate_kem())


def test_the_plan_as_it_is_printed(world: World) -> None:
    _example(world)
    commit = world.commit()
    ran = world.apply("--dry-run")
    line = _line(world, "clusters/prod/web/session.yaml", "cookie-key:")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        f"Plan for cluster prod, source . at {commit} (clean), key {world.kem.id[:8]}",
        "  + payments/db       local  password, url",
        "  ~ payments/stripe   local  api-key",
        "  - payments/cache    local  1 item; last version kept 30 days",
        f"  ! web/session       clusters/prod/web/session.yaml:{line}",
        "      cookie-key was not sealed for web/session: renamed, moved or pasted",
        "      way out: sealer set clusters/prod/web/session.yaml cookie-key",
        "1 to create, 1 to update, 1 to delete, 1 failed, 1 not for prod",
        "Dry run: nothing written.",
    ]
    assert all(len(each) <= 80 for each in ran.out.splitlines())


def test_it_writes_nothing_and_makes_no_state(world: World, counts: Counts) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    ran = world.apply("--dry-run")
    assert (ran.code, counts.commits) == (0, 0)
    assert ran.err.startswith("No state here: every document shows as new.")
    assert not world.state.exists()
    world.apply()
    before = world.files()
    world.put("web/app.yaml", {"k": b"2"})
    counts.commits = 0
    assert "~ web/app   local  k" in world.apply("--dry-run").out
    assert counts.commits == 0
    assert world.files() == before


def test_with_private_keys_what_does_not_open_is_found(world: World, counts: Counts) -> None:
    world.put("web/app.yaml", {"k": b"1"}, sealed_for="web/x")
    world.put("web/good.yaml", {"k": b"1"})
    ran = world.apply("--dry-run")
    assert (ran.code, counts.private) == (1, 1)
    assert "1 to create, 1 failed" in ran.out


@pytest.mark.parametrize("arguments", [("--cluster", "prod"), ()])
def test_without_private_keys_digests_are_compared(world: World, counts: Counts, arguments: tuple[str, ...]) -> None:
    world.write(".sealer.yaml", ONE)
    world.put("clusters/prod/web/same.yaml", {"k": b"1"})
    world.put("clusters/prod/web/old.yaml", {"k": b"1"})
    world.apply()
    world.put("clusters/prod/web/old.yaml", {"k": b"2"})
    world.put("clusters/prod/web/new.yaml", {"k": b"2"}, sealed_for="web/wrong")
    shutil.rmtree(world.directory)
    counts.private = 0
    ran = world.apply("--dry-run", *arguments)
    assert (ran.code, counts.private) == (0, 0)
    assert "No private keys here: digests are compared, nothing is opened." in ran.err
    assert ran.out.splitlines()[1:] == [
        "  + web/new   local  k",
        "  ~ web/old   local  k",
        "1 to create, 1 to update, 1 unchanged",
        "Dry run: nothing written.",
    ]
    assert world.apply("--cluster", "prod").code == 2


def test_without_private_keys_the_pinned_bundle_says_whose_a_document_is(world: World) -> None:
    world.write(".sealer.yaml", "version: 1\nclusters: {prod: {}, staging: {}}\n")
    world.put("web/ours.yaml", {"k": b"1"})
    world.put("web/theirs.yaml", {"k": b"1"}, to=generate_kem())
    world.run("keys", "bundle", "-o", world.write(".sealer/keys/prod.bundle", ""))
    shutil.rmtree(world.directory)
    ran = world.apply("--dry-run", "--cluster", "prod")
    assert "1 to create, 1 not for prod" in ran.out
    assert f", key {world.kem.id[:8]}" in ran.out


def test_without_private_keys_and_a_cluster_nothing_can_be_told(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    shutil.rmtree(world.directory)
    assert world.apply("--dry-run").code == 2


def test_json_obeys_its_schema(world: World) -> None:
    _example(world)
    ran = world.apply("--dry-run", "--format", "json")
    schema.validate(ran.json, "plan", file="plan")
    assert [each["action"] for each in ran.json["changes"]] == ["create", "update", "delete", "fail"]
    assert ran.json["changes"][1]["items"] == ["api-key"]
    assert ran.json["counts"] == {
        "create": 1, "update": 1, "delete": 1, "withdraw": 0, "gone": 0, "failed": 1, "unchanged": 0, "others": 1,
    }  # fmt: skip


def test_markdown_reads_as_a_comment(world: World) -> None:
    _example(world)
    ran = world.apply("--dry-run", "--format", "markdown")
    assert "| create | payments/db | local | password, url |" in ran.out
    assert "| update | payments/stripe | local | api-key |" in ran.out
    assert "cookie-key was not sealed for web/session" in ran.out
    assert ran.out.rstrip().endswith("Dry run: nothing written.")


def test_removed_items_and_a_changed_template_are_named(world: World) -> None:
    world.put("web/app.yaml", {"a": b"1", "b": b"2"})
    world.apply()
    world.put("web/app.yaml", {"a": b"1"}, secret={"labels": {"x": "y"}})
    assert "  ~ web/app   local  a, -b, template" in world.apply("--dry-run").out


def test_many_items_fit_a_line(world: World) -> None:
    world.put("web/app.yaml", {f"a-rather-long-item-{number}": b"1" for number in range(20)})
    line = world.apply("--dry-run").out.splitlines()[1]
    assert len(line) <= 80
    assert line.endswith("more")


def _line(world: World, path: str, text: str) -> int:
    return next(number for number, line in enumerate((world.root / path).read_text().splitlines(), 1) if text in line)
