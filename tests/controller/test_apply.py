"""`apply` over a directory, scenario by scenario (DELIVERY sections 1, 2 and 5; DESIGN sections 11 and 13)."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from controller import keyadmin
from sealer import schema
from sealer.formats.binding import Scope
from sealer.formats.keys import generate_kem
from tests.controller.world import RULES, Counts, World


def value() -> bytes:
    return secrets.token_hex(16).encode()


def test_creates_updates_and_leaves_alone(world: World) -> None:
    password = value()
    world.put("payments/db.yaml", {"password": password, "url": b"postgres://db"})
    world.put("payments/stripe.yaml", {"api-key": value()})
    first = world.apply()
    assert first.code == 0
    assert first.out.splitlines()[:2] == ["created  payments/db      local v1", "created  payments/stripe  local v1"]
    assert re.fullmatch(r"2 created \(\d+\.\d s\)", first.out.splitlines()[2])
    assert world.get("payments/db", "password") == password
    world.put("payments/stripe.yaml", {"api-key": value()})
    second = world.apply()
    assert second.out.splitlines()[0] == "updated  payments/stripe  local v2"
    assert second.summary == "1 updated, 1 unchanged"
    assert world.apply().summary == "2 unchanged"


def test_v1_documents_in_each_scope_are_delivered(world: World) -> None:
    for scope in Scope:
        world.put(f"apps/{scope.value}.yaml", {"token": b"x" * 40}, envelope="v1", scope=scope)
    assert world.apply().summary == "3 created"
    assert all(world.get(f"apps/{scope.value}", "token") == b"x" * 40 for scope in Scope)


def test_template_surrounds_are_delivered_and_a_new_label_alone_is_an_update(world: World) -> None:
    items = {"password": b"same"}
    world.put("web/app.yaml", items, secret={"labels": {"app": "a"}, "type": "example.invalid/kind", "immutable": True})
    assert world.apply().summary == "1 created"
    body = world.run("get", "web/app", "--state", world.state, "--format", "json").json
    assert body["metadata"]["labels"] == {"app": "a"}
    assert (body["type"], body["immutable"]) == ("example.invalid/kind", True)
    world.put("web/app.yaml", items, secret={"labels": {"app": "b"}})
    assert world.apply().summary == "1 updated"


def test_template_data_is_copied_null_leaves_out_and_templates_are_rendered(world: World) -> None:
    world.put("web/app.yaml", {"kept": b"1", "dropped": b"2"}, template={"data": {"dropped": None, "plain": "text"}})
    world.put("web/bad.yaml", {"a": b"1"}, template={"data": {"conf": "x\n  {{ lowest .a }}"}})
    world.put("web/tmpl.yaml", {"a": b"Value"}, template={"data": {"conf": "a={{ lower .a | quote }}"}})
    ran = world.apply()
    assert ran.code == 1
    assert "FAILED   web/bad   not delivered; template" in ran.out
    assert "template of item conf, line 2, column 6" in ran.err
    assert "function lowest is not defined" in ran.err
    assert world.run("get", "web/tmpl", "conf", "--state", world.state).out == 'a="value"'
    body = world.run("get", "web/app", "--state", world.state, "--format", "json").json
    assert sorted(body["data"]) == ["kept", "plain"]


def test_sealed_anew_with_the_same_value_is_recorded_without_a_new_version(world: World, counts: Counts) -> None:
    password = value()
    world.put("payments/db.yaml", {"password": password})
    world.apply()
    world.put("payments/db.yaml", {"password": password})
    assert world.apply().summary == "1 unchanged"
    assert world.states()["payments/db"] == ("delivered", "1")
    before = counts.private
    world.apply()
    assert counts.private == before


def test_one_bad_document_does_not_stop_the_others_and_keeps_its_last_version(world: World) -> None:
    world.put("web/session.yaml", {"cookie-key": value(), "csrf-key": value()})
    good = world.put("web/other.yaml", {"a": b"1"}).read_text()
    world.apply()
    world.put("web/session.yaml", {"cookie-key": value()}, sealed_for="web/renamed")
    world.write("web/third.yaml", good.replace("name: other", "name: third"))
    world.put("web/fourth.yaml", {"a": b"2"})
    ran = world.apply()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert ran.code == 1
    assert f"FAILED   web/session  keeps v1 of {today}; cookie-key: bound elsewhere" in ran.out
    assert "FAILED   web/third    not delivered; a: bound elsewhere" in ran.out
    assert "created  web/fourth   local v1" in ran.out
    assert "cookie-key was not sealed for web/session: renamed, moved or pasted" in ran.err
    assert "way out: sealer set web/session.yaml cookie-key" in ran.err
    assert re.search(r"web/session\.yaml:\d+\n", ran.err)
    assert world.states() == {
        "web/session": ("stale", "1"),
        "web/third": ("failed", None),
        "web/other": ("delivered", "1"),
        "web/fourth": ("delivered", "1"),
    }


def test_tampered_value_cannot_be_opened_and_the_last_good_one_stays(world: World) -> None:
    old = value()
    file = world.put("payments/db.yaml", {"url": old})
    world.apply()
    text = file.read_text()
    at = text.index("v2:") + 1700
    file.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed")
    assert "url: cannot be opened" in ran.out
    assert world.get("payments/db", "url") == old


def test_a_then_b_then_a(world: World) -> None:
    first, second = value(), value()
    a = world.put("payments/db.yaml", {"password": first}).read_bytes()
    world.apply()
    world.put("payments/db.yaml", {"password": second})
    world.apply()
    world.write("payments/db.yaml", a)
    assert "updated  payments/db  local v3" in world.apply().out
    assert world.get("payments/db", "password") == first


def test_a_then_broken_then_a_needs_no_opening(world: World, counts: Counts) -> None:
    a = world.put("payments/db.yaml", {"password": value()}).read_bytes()
    world.apply()
    world.put("payments/db.yaml", {"password": value()}, sealed_for="payments/other")
    assert world.apply().code == 1
    world.write("payments/db.yaml", a)
    before = counts.private
    assert world.apply().summary == "1 unchanged"
    assert counts.private == before
    assert world.states() == {"payments/db": ("delivered", "1")}


def test_two_documents_for_one_ref_both_fail_and_neither_wins(world: World) -> None:
    old = value()
    world.put("a/x.yaml", {"k": old}, ref="web/app")
    world.apply()
    world.put("a/x.yaml", {"k": value()}, ref="web/app")
    world.put("b/x.yaml", {"k": value()}, ref="web/app")
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed")
    assert "stands twice, in a/x.yaml:1 and b/x.yaml:1" in ran.err
    assert world.get("web/app", "k") == old
    assert world.states() == {"web/app": ("stale", "1")}


def test_first_source_keeps_a_name_that_a_second_one_wants(world: World) -> None:
    world.put("one/web/app.yaml", {"k": b"first"})
    world.put("two/web/app.yaml", {"k": b"second"})
    assert world.apply("--source-name", "one", source="one").code == 0
    ran = world.apply("--source-name", "two", source="two")
    assert (ran.code, ran.summary) == (1, "1 failed")
    assert "belongs to prod/one" in ran.err
    assert world.get("web/app", "k") == b"first"
    found = world.status("--format", "json").json["deliveries"]
    assert {(row["source"], row["state"]) for row in found} == {("one", "delivered"), ("two", "foreign")}


def test_same_source_id_from_another_repository_is_refused(world: World) -> None:
    for folder, url in (("one", "https://git.example.invalid/one"), ("two", "git@git.example.invalid:two.git")):
        world.put(f"{folder}/web/{folder}.yaml", {"k": b"1"})
        world.write(f"{folder}/.sealer.yaml", RULES)
        world.git("init", "-q", folder)
        world.git("-C", folder, "remote", "add", "origin", url)
    assert world.apply(source="one").code == 0
    ran = world.apply(source="two")
    assert ran.code == 1
    assert "source shop was applied from git.example.invalid/one, and this is git.example.invalid/two" in ran.err
    assert "--source-name" in ran.err


def test_a_ci_checkout_under_a_new_path_is_the_same_source(world: World) -> None:
    world.put("job-1/web/app.yaml", {"k": b"1"})
    world.write("job-1/.sealer.yaml", RULES)
    assert world.apply(source="job-1").summary == "1 created"
    shutil.move(world.root / "job-1", world.root / "job-2")
    assert world.apply(source="job-2").summary == "1 unchanged"


def test_a_moved_file_is_neither_opened_nor_delivered_again(world: World, counts: Counts) -> None:
    world.put("a/web/app.yaml", {"k": b"1"})
    world.apply()
    (world.root / "b").mkdir()
    shutil.move(world.root / "a/web/app.yaml", world.root / "b/app.yaml")
    before = counts.private
    assert world.apply().summary == "1 unchanged"
    assert counts.private == before


def test_a_document_that_is_gone_is_deleted_and_comes_back_as_a_new_version(world: World) -> None:
    file = world.put("payments/cache.yaml", {"k": b"1"})
    world.put("payments/db.yaml", {"k": b"2"})
    world.apply()
    file.unlink()
    kept = world.apply("--no-prune")
    assert (kept.code, kept.summary) == (0, "1 gone, kept, 1 unchanged")
    assert "kept     payments/cache  local v1; gone from the source; --no-prune" in kept.out
    assert world.get("payments/cache", "k") == b"1"
    assert world.states()["payments/cache"] == ("delivered", "1")
    ran = world.apply()
    assert (ran.code, ran.summary) == (0, "1 deleted, 1 unchanged")
    assert "deleted  payments/cache  local; last version kept 30 days" in ran.out
    assert world.run("get", "payments/cache", "--state", world.state).code == 1
    assert world.states()["payments/cache"] == ("withdrawn", "1")
    assert world.status().code == 0
    assert world.apply().summary == "1 unchanged"
    world.put("payments/cache.yaml", {"k": b"1"})
    assert "created  payments/cache  local v2" in world.apply().out
    assert world.get("payments/cache", "k") == b"1"


def test_a_failed_document_that_is_gone_is_forgotten(world: World) -> None:
    world.put("web/ok.yaml", {"k": b"1"})
    file = world.put("web/bad.yaml", {"k": b"1"}, sealed_for="web/other")
    world.apply()
    file.unlink()
    assert world.apply().code == 0
    assert world.states() == {"web/ok": ("delivered", "1")}


def test_a_smaller_prefix_takes_nothing_outside_of_it_for_gone(world: World) -> None:
    world.write(".sealer.yaml", RULES)
    world.put("clusters/prod/a/one.yaml", {"k": b"1"})
    world.put("clusters/prod/b/two.yaml", {"k": b"1"})
    world.apply()
    assert world.apply(source="clusters/prod/a").summary == "1 unchanged"


def test_unreadable_file_fails_alone_and_what_it_delivered_stays(world: World) -> None:
    broken = world.put("web/app.yaml", {"k": b"1"})
    world.put("web/ok.yaml", {"k": b"1"})
    world.apply()
    broken.write_text("kind: SealedSecret\n  bad: [indent\n")
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed, 1 unchanged")
    assert "web/app.yaml:2" in ran.err
    assert world.get("web/app", "k") == b"1"
    assert world.states()["web/app"] == ("stale", "1")


def test_good_documents_beside_a_bad_one_in_a_file_are_delivered(world: World) -> None:
    good = world.put("web/app.yaml", {"k": b"1"}).read_text()
    world.write("web/app.yaml", f"{good}---\napiVersion: bitnami.com/v9\nkind: SealedSecret\n")
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 created, 1 failed")


def test_no_sealed_document_is_a_2_and_allow_prune_goes_on(world: World) -> None:
    world.write("a/configmap.yaml", "kind: ConfigMap\napiVersion: v1\n")
    ran = world.apply()
    assert ran.code == 2
    assert "holds no sealed document" in ran.err
    assert world.apply("--allow-prune").code == 0


def test_documents_of_other_clusters_are_counted(world: World) -> None:
    world.write(".sealer.yaml", RULES)
    stranger = generate_kem()
    world.put("clusters/prod/web/app.yaml", {"k": b"1"})
    world.put("clusters/staging/web/app.yaml", {"k": b"1"}, to=stranger)
    world.put("other/web/theirs.yaml", {"k": b"1"}, to=stranger)
    world.put("other/web/ours.yaml", {"k": b"1"})
    world.put("other/web/v1.yaml", {"k": b"1"}, envelope="v1")
    world.write("clusters/staging/web/broken.yaml", "kind: SealedSecret\n bad")
    ran = world.apply()
    assert (ran.code, ran.summary) == (0, "3 created, 2 not for prod")


def test_a_rule_gives_a_document_to_us_that_is_sealed_to_others(world: World) -> None:
    world.write(".sealer.yaml", RULES)
    stranger = generate_kem()
    world.put("clusters/prod/web/app.yaml", {"k": b"1"}, to=stranger)
    ran = world.apply()
    assert ran.code == 1
    assert "k: no such key" in ran.out
    assert f"k: sealed to {stranger.id[:8]}; cluster prod holds no such key" in ran.err


def test_nothing_for_this_cluster_is_said(world: World) -> None:
    world.write(".sealer.yaml", RULES)
    world.put("clusters/staging/web/app.yaml", {"k": b"1"})
    ran = world.apply()
    assert (ran.code, ran.summary) == (0, "1 not for prod")
    assert "no sealed document here is for cluster prod" in ran.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"secret": {"type": "kubernetes.io/service-account-token"}}, "is never delivered"),
        ({"secret": {"type": "bootstrap.kubernetes.io/token"}}, "is never delivered"),
        ({"secret": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}}, "marks sealing keys"),
        ({"secret": {"labels": {"sealer.dev/key": "sealing"}}}, "marks sealing keys"),
        ({"secret": {"annotations": {"sealer.dev/key-id": "x"}}}, "marks sealing keys"),
        ({"annotations": {"sealer.dev/stores": "vault-prod"}}, "store vault-prod is not configured here; known: local"),
        ({"annotations": {"sealer.dev/stores": "local,vault-prod"}}, "store vault-prod is not configured here"),
        ({"annotations": {"sealer.dev/stores": " "}}, "names no store"),
        ({"annotations": {"sealer.dev/on-delete": "maybe"}}, "neither delete nor retain"),
    ],
)
def test_never_delivered(world: World, counts: Counts, change: dict[str, object], said: str) -> None:
    world.put("web/app.yaml", {"k": b"1"}, **change)  # type: ignore[arg-type]
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed")
    assert said in ran.err
    assert counts.private == 0
    assert world.states() == {"web/app": ("refused", None)}


def test_a_refused_document_keeps_what_it_delivered(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    world.put("web/app.yaml", {"k": b"2"}, annotations={"sealer.dev/stores": "vault"})
    ran = world.apply()
    assert ran.code == 1
    assert "keeps v1" in ran.out
    assert world.get("web/app", "k") == b"1"


def test_naming_the_store_local_is_the_default_said_aloud(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"}, annotations={"sealer.dev/stores": "local", "sealer.dev/on-delete": "retain"})
    assert world.apply().summary == "1 created"


def test_cluster_wide_without_a_namespace_is_refused(world: World) -> None:
    text = world.put("web/app.yaml", {"k": b"1"}, scope=Scope.CLUSTER_WIDE).read_text()
    world.write("web/app.yaml", re.sub(r"\n +namespace: web", "", text))
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed")
    assert "app: has no namespace to be delivered to" in ran.err


@pytest.mark.parametrize("envelope", ["v1", "v2"])
def test_a_compromised_key_opens_only_what_was_delivered(world: World, envelope: str) -> None:
    old, new = world.put("web/old.yaml", {"k": b"1"}, envelope=envelope), world.put("web/x.yaml", {"k": b"1"})
    new.unlink()
    world.apply()
    key = world.kem if envelope == "v2" else world.rsa
    keyadmin.compromise(world.directory, key.id, now=datetime.now(UTC))
    world.put("web/new.yaml", {"k": b"2"}, envelope=envelope)
    ran = world.apply()
    assert (ran.code, ran.summary) == (1, "1 failed, 1 unchanged")
    assert f"sealed to the compromised key {key.id[:8]}" in ran.err
    assert "seal it again" in ran.err
    assert "way out: sealer keys fetch --cluster prod; sealer check web/new.yaml\n" in ran.err
    # Its value was lost where it was delivered: the same digest may be opened once more.
    _lose(world, "web/old")
    assert "updated  web/old  local v" in world.apply().out
    assert old.exists()


def test_a_lost_target_of_a_failing_document_gets_its_last_good_value_again(world: World) -> None:
    world.put("web/app.yaml", {"k": b"good"})
    world.apply()
    world.put("web/app.yaml", {"k": b"bad"}, sealed_for="web/other")
    world.apply()
    _lose(world, "web/app")
    assert world.states() == {"web/app": ("stale", "1")}
    ran = world.apply()
    assert ran.code == 1
    assert world.get("web/app", "k") == b"good"
    assert world.apply().summary == "1 failed"


def test_a_missing_secret_shows_in_status_and_is_delivered_again(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    _lose(world, "web/app")
    assert world.states() == {"web/app": ("missing", "1")}
    assert "updated  web/app  local v1; was lost" in world.apply().out
    assert world.states() == {"web/app": ("delivered", "1")}


def test_drift_that_is_none_is_recorded_without_a_new_version(world: World, counts: Counts) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    _sql(world, "update deliveries set version = '7'")
    before = counts.private
    assert world.apply().summary == "1 unchanged"
    assert counts.private == before
    assert world.states() == {"web/app": ("delivered", "1")}


def test_a_lost_record_finds_its_own_secret_and_adopts_it(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    _sql(world, "delete from deliveries")
    _sql(world, "delete from documents")
    assert world.apply().summary == "1 unchanged"
    assert world.states() == {"web/app": ("delivered", "1")}


def test_a_state_of_another_cluster_is_refused(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    world.run("init", "--cluster", "staging")
    ran = world.apply("--cluster", "staging")
    assert ran.code == 1
    assert "this state belongs to cluster prod" in ran.err


def test_revision_is_said_and_recorded(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    commit = world.commit()
    assert f"source . at {commit} (clean), key {world.kem.id[:8]}" in world.apply("--dry-run").out
    world.apply()
    assert f"prod  source . at {commit}, applied " in world.status().out
    world.put("web/new.yaml", {"k": b"1"})
    assert f"source . at {commit} (dirty)" in world.apply("--dry-run").out


def test_json_says_the_same_and_obeys_its_schema(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    world.put("web/bad.yaml", {"k": b"1"}, sealed_for="web/other")
    world.write("web/broken.yaml", "kind: SealedSecret\napiVersion: v9\n")
    ran = world.apply("--format", "json")
    schema.validate(ran.json, "apply", file="apply")
    assert ran.code == 1
    assert ran.json["counts"]["created"] == 1
    assert [each["action"] for each in ran.json["changes"]] == ["created", "failed", "failed"]
    assert ran.json["changes"][1]["reasons"][0]["code"] == "bound"


def test_output_goes_to_a_file_and_a_format_as_file_is_refused(world: World) -> None:
    world.put("web/app.yaml", {"k": b"1"})
    target = world.root.parent / "report.json"
    ran = world.apply("--format", "json", "--output", target)
    assert (ran.code, ran.out) == (0, "")
    assert json.loads(target.read_text())["counts"]["created"] == 1
    assert world.apply("-o", "json").code == 2


@pytest.mark.parametrize("source", ["https://git.example.invalid/x", "git@git.example.invalid:x.git", "nowhere"])
def test_what_is_no_directory_is_a_2(world: World, source: str) -> None:
    ran = world.apply(source=source)
    assert ran.code == 2
    assert "way out" in ran.err


def test_a_state_in_use_is_a_2_after_the_lock_timeout(world: World) -> None:
    from controller import state_files

    world.put("web/app.yaml", {"k": b"1"})
    world.apply()
    with state_files.locked(world.state, timeout=1):
        ran = world.apply("--lock-timeout", "0")
        assert ran.code == 2
        assert "the state is in use" in ran.err
        assert world.status().code == 0
        assert world.apply("--dry-run").code == 0


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_is_asked_for_only_where_a_key_is_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil as files

    from tests.sealer import rings

    files.rmtree(world.directory)
    rings.make(world.directory, world.kem, secret="correct horse")
    passphrase = world.root.parent / "passphrase"
    passphrase.write_text("correct horse\n")
    passphrase.chmod(0o600)
    world.put("web/app.yaml", {"k": b"1"})
    assert world.apply("--passphrase-file", passphrase).summary == "1 created"
    assert world.apply().summary == "1 unchanged"
    assert world.run("get", "web/app", "k", "--state", world.state, "--passphrase-file", passphrase).out == "1"
    passphrase.write_text("wrong\n")
    world.put("web/app.yaml", {"k": b"2"})
    assert world.apply("--passphrase-file", passphrase).code == 2
    passphrase.write_text("correct horse\n")
    assert world.apply("--passphrase-file", passphrase).summary == "1 updated"


def test_a_path_with_a_space_can_be_pasted(world: World) -> None:
    world.put("with space/web/app.yaml", {"k": b"1"}, sealed_for="web/x")
    assert "way out: sealer set 'with space/web/app.yaml' k" in world.apply().err


def test_many_failures_are_explained_up_to_a_point(world: World) -> None:
    for number in range(25):
        world.put(f"web/app-{number}.yaml", {"k": b"1"}, sealed_for="web/other")
    ran = world.apply()
    assert ran.err.count("way out: sealer set") == 20
    assert "sealer-controller status --failed" in ran.err


def _lose(world: World, ref: str) -> None:
    namespace, name = ref.split("/")
    for table in ("local_heads", "local_versions"):
        _sql(world, f"delete from {table} where namespace = ? and name = ?", namespace, name)


def _sql(world: World, statement: str, *values: str) -> None:
    connection = sqlite3.connect(world.state / "state.db")
    connection.execute(statement, values)
    connection.commit()
    connection.close()
