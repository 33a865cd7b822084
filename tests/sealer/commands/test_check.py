"""`sealer check`, on real files and repositories, without any private key."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sealer import schema
from sealer.checking.problem import Severity
from sealer.commands import check
from sealer.formats import keys
from sealer.formats.binding import Scope
from sealer.formats.keyrecord import Status
from tests.sealer import rings
from tests.sealer.sealedfiles import commit, sealed, trust
from tests.sealer.shop import Shop, make, manifest, sealer
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture

DB = "clusters/prod/payments/db.yaml"


@pytest.fixture(autouse=True)
def _trusted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(shop, monkeypatch)


def found(*paths: str) -> list[tuple[str, str, str]]:
    """(code, item, severity) of each problem."""
    return [(each.code, each.item, str(each.severity)) for each in check.examine(paths).problems]


def said(*paths: str) -> str:
    return "\n".join(each.message for each in check.examine(paths).problems)


def prod(shop: Shop) -> keys.PrivateKey:
    return shop["prod"].keys[0]


# -- clean ------------------------------------------------------------------------------------------------------


def test_a_sound_repository_is_clean(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["password", "url"], prod(shop)))
    shop.write(
        "shared/web/tls.yaml", sealed("web/tls", ["k"], prod(shop), shop["staging"].keys[0], scope=Scope.NAMESPACE_WIDE)
    )
    commit(shop.root)
    done = sealer("check")
    assert (done.code, done.text, done.err) == (0, "no problems; 2 sealed secrets in 2 files\n", "")


def test_nothing_to_check_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    assert sealer("check").text == "no problems; 0 sealed secrets in 0 files\n"


# -- bound elsewhere --------------------------------------------------------------------------------------------


def test_a_renamed_document_is_named_with_its_old_name(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["password"], prod(shop)).replace(b"name: db\n", b"name: cache\n"))
    os.rename(DB, "clusters/prod/payments/cache.yaml")
    shop.write(DB, sealed("payments/db", ["password"], prod(shop)))
    done = sealer("check")
    assert done.code == 1
    assert done.text == (
        "clusters/prod/payments/cache.yaml:8  password  was sealed for payments/db, not for payments/cache: renamed, "
        "moved or pasted\n"
        "  way out: sealer set clusters/prod/payments/cache.yaml password\n"
        "1 error; 2 sealed secrets in 2 files\n"
    )


def test_a_renamed_file_and_a_moved_namespace(shop: Shop) -> None:
    data = sealed("payments/db", ["password"], prod(shop))
    shop.write("clusters/prod/payments/other.yaml", data)
    assert found() == [("rule-name", "", "error")]
    os.remove("clusters/prod/payments/other.yaml")
    shop.write("clusters/prod/web/db.yaml", data.replace(b"namespace: payments", b"namespace: web"))
    assert found() == [("bound-elsewhere", "password", "error")]
    assert "was not sealed for web/db" in said()


def test_two_swapped_items_are_called_swapped(shop: Shop) -> None:
    data = sealed("payments/db", ["left", "right"], prod(shop)).decode()
    swapped = data.replace("left:", "tmp:").replace("right:", "left:").replace("tmp:", "right:")
    shop.write(DB, swapped)
    assert [
        (each.item, each.code, each.message) for each in sorted(check.examine(()).problems, key=lambda e: e.item)
    ] == [
        ("left", "bound-elsewhere", "holds what was sealed as right: the two are swapped"),
        ("right", "bound-elsewhere", "holds what was sealed as left: the two are swapped"),
    ]


def test_an_item_copied_to_another_key(shop: Shop) -> None:
    data = sealed("payments/db", ["left"], prod(shop)).decode()
    line = next(line for line in data.splitlines() if "left:" in line)
    shop.write(DB, data.replace(line, f"{line}\n{line.replace('left:', 'copy:')}"))
    assert said() == "holds what was sealed as left: pasted, or the item was renamed"


def test_an_item_pasted_from_another_document_is_traced(shop: Shop) -> None:
    shop.write("clusters/prod/web/api.yaml", sealed("web/api", ["token"], prod(shop)))
    shop.write(DB, sealed("payments/db", ["token"], prod(shop), bound="web/api"))
    assert said() == "was sealed for web/api, not for payments/db: renamed, moved or pasted"


def test_a_changed_scope_is_named(shop: Shop) -> None:
    data = sealed("payments/db", ["k"], prod(shop), scope=Scope.NAMESPACE_WIDE)
    shop.write(DB, data.replace(b"namespace-wide:", b"cluster-wide:"))
    assert "was sealed with scope namespace-wide, not cluster-wide" in said()


def test_where_v1_was_moved_to_is_not_claimed_to_be_known(shop: Shop) -> None:
    rsa = rings.rsa_key()
    shop["prod"].keys.append(rsa)
    shop.pin()
    shop.write(DB, sealed("payments/other", ["k"], rsa, bound="x/y").replace(b"name: other", b"name: db"))
    assert found() == []
    assert "what it is bound to can't be checked without the key" in sealer("check", "--explain", DB).text


# -- envelopes --------------------------------------------------------------------------------------------------


def test_a_malformed_envelope_names_line_and_item(shop: Shop) -> None:
    data = sealed("payments/db", ["a", "b"], prod(shop)).decode()
    lines = data.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("b:"))
    lines[at] = lines[at][:-8]
    shop.write(DB, "\n".join(lines) + "\n")
    (problem,) = check.examine(()).problems
    assert (problem.code, problem.item, problem.line) == ("envelope", "b", at + 1)
    assert problem.way_out == f"sealer set {DB} b"


def test_mixed_envelopes_are_a_warning(shop: Shop) -> None:
    rsa = rings.rsa_key()
    shop["prod"].keys.append(rsa)
    shop.pin()
    v1 = sealed("payments/db", ["old"], rsa).decode()
    line = next(line for line in v1.splitlines() if line.strip().startswith("old:"))
    v2 = sealed("payments/db", ["new"], prod(shop)).decode()
    shop.write(DB, v2.replace("  encryptedData:\n", f"  encryptedData:\n{line}\n"))
    assert found() == [("mixed-envelopes", "old", "warning")]
    assert sealer("check").code == 0


def test_values_beyond_what_kubernetes_takes(shop: Shop) -> None:
    half = bytes(600 * 1024)
    shop.write(DB, sealed("payments/db", {"a": half, "b": half}, prod(shop)))
    assert found() == [("too-large", "", "error")]
    shop.write(DB, sealed("payments/db", {"a": half[:500_000], "b": half[: 1024 * 1024 - 500_000]}, prod(shop)))
    assert found() == []


# -- rules ------------------------------------------------------------------------------------------------------


def test_the_rule_and_the_document_disagree(shop: Shop) -> None:
    shop.write("vault/x.yaml", sealed("payments/x", ["k"], prod(shop), annotations={"sealer.dev/stores": "local"}))
    shop.write("shared/web/tls.yaml", sealed("web/tls", ["k"], prod(shop), shop["staging"].keys[0]))
    assert found() == [
        ("rule-scope", "", "error"),
        ("rule-namespace", "", "error"),
        ("rule-stores", "", "error"),
    ]
    assert "annotate sealer.dev/stores: vault-prod,local" in sealer("check").text


def test_stores_in_another_order_agree(shop: Shop) -> None:
    stores = {"sealer.dev/stores": "local, vault-prod"}
    shop.write("vault/x.yaml", sealed("billing/x", ["k"], prod(shop), annotations=stores))
    assert found() == []


def test_a_path_that_the_rule_can_not_read(shop: Shop) -> None:
    shop.write("clusters/nowhere/payments/db.yaml", sealed("payments/db", ["k"], prod(shop)))
    assert ("rule", "", "error") in found()
    assert "which is none of: staging, prod" in said()


def test_one_secret_twice_for_a_cluster(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["k"], prod(shop)))
    data = sealed("payments/db", ["k"], prod(shop), shop["staging"].keys[0])
    shop.write("elsewhere/db.yaml", data)
    problems = check.examine(()).problems
    assert [(each.code, each.path) for each in problems] == [("duplicate", "elsewhere/db.yaml")]
    assert f"stands in {DB}:1 as well" in problems[0].message
    assert problems[0].way_out == "remove one: rm elsewhere/db.yaml"
    shop.write(
        "elsewhere/db.yaml", data + b"---\n" + sealed("payments/other", ["k"], prod(shop), shop["staging"].keys[0])
    )
    (problem,) = check.examine(()).problems
    assert "rm" not in problem.way_out.split()


def test_the_same_secret_for_two_clusters_is_no_duplicate(shop: Shop) -> None:
    for name in ("prod", "staging"):
        shop.write(f"clusters/{name}/payments/db.yaml", sealed("payments/db", ["k"], shop[name].keys[0]))
    assert found() == []


def test_a_document_without_a_namespace(shop: Shop) -> None:
    rsa = rings.rsa_key()
    shop["prod"].keys.append(rsa)
    shop.pin()
    data = sealed("payments/db", ["k"], rsa).replace(b"namespace: payments", b"labels: {}")
    shop.write("elsewhere/db.yaml", data)
    assert ("name", "", "warning") in found()
    os.remove("elsewhere/db.yaml")
    # The rule says which one it is.
    shop.write(DB, sealed("payments/db", ["k"], prod(shop)).replace(b"namespace: payments", b"labels: {}"))
    assert found() == []


# -- keys -------------------------------------------------------------------------------------------------------


def test_recipients_that_nobody_knows(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["a", "b"], prod(shop), keys.generate_kem()))
    assert found() == [("recipient-unknown", "a, b", "error")]


def test_recipients_of_a_cluster_without_a_pin_are_not_called_unknown(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["a"], prod(shop), shop["staging"].keys[0]))
    os.remove(".sealer/keys/staging.bundle")
    assert found() == [("keys-missing", "", "warning")]


def test_recipients_that_the_rule_does_not_name(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["a"], prod(shop), shop["staging"].keys[0]))
    assert found() == [("recipient-foreign", "a", "error")]
    assert f"staging {shop['staging'].short}" in said()


def test_a_cluster_that_can_not_read_its_file(shop: Shop) -> None:
    shop.write("shared/web/tls.yaml", sealed("web/tls", ["k"], prod(shop), scope=Scope.NAMESPACE_WIDE))
    assert found() == [("recipient-missing", "k", "error")]
    assert "not sealed to staging" in said()


def test_v1_can_not_be_for_two_clusters_and_needs_a_key_of_its_size(shop: Shop) -> None:
    rsa = rings.rsa_key()
    shop.write("shared/web/tls.yaml", sealed("web/tls", ["k"], rsa, scope=Scope.NAMESPACE_WIDE))
    shop.write(DB, sealed("payments/db", ["k"], rsa))
    assert found() == [("recipient-missing", "k", "error")] * 2
    assert "one recipient, but staging, prod" in said()
    assert "an RSA key of 2,048 bits; prod has none" in said()


def _rotated(shop: Shop, status: Status) -> keys.PrivateKey:
    old = prod(shop)
    shop["prod"].status[old.id] = status
    shop["prod"].keys.append(keys.generate_kem())
    shop.pin()
    return old


def test_a_retired_key_is_a_warning(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["k"], _rotated(shop, Status.RETIRED)))
    assert found() == [("key-retired", "k", "warning")]


def test_a_compromised_key_is_an_error_even_beside_a_good_one(shop: Shop) -> None:
    old = _rotated(shop, Status.COMPROMISED)
    shop.write(DB, sealed("payments/db", ["k"], old, shop["prod"].keys[1]))
    assert found() == [("key-compromised", "k", "error")]


def test_one_of_two_active_keys_is_missing(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["k"], _rotated(shop, Status.ACTIVE)))
    assert found() == [("recipient-missing", "k", "warning")]


def test_dates_of_keys_and_bundles(shop: Shop) -> None:
    shop["prod"].dates[prod(shop).id] = (timedelta(days=-300), timedelta(days=20))
    shop["staging"].lives = timedelta(hours=1)
    shop.pin()
    shop.write(DB, sealed("payments/db", ["k"], prod(shop)))
    assert found() == [("keys", "", "warning"), ("keys", "", "warning")]
    assert "ends on" in said()
    assert "expired on" in said()
    shop["prod"].dates[prod(shop).id] = (timedelta(days=-300), timedelta(days=-1))
    shop.pin()
    assert ("key-expired", "k", "warning") in found()


def test_keys_that_nobody_has_trusted(shop: Shop, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("SEALER_TRUST")
    assert found() == [("keys-unauthenticated", "", "warning")] * 2
    assert "--trust SHA256:" in sealer("check").text
    # Looking is not trusting.
    assert not list(home.rglob("trust.json"))


def test_keys_that_are_not_the_trusted_ones(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALER_TRUST", f"SHA256:{'A' * 43}")
    shop.write(DB, sealed("payments/db", ["k"], prod(shop)))
    assert found() == [("keys-untrusted", "", "error")] * 2


def test_a_broken_bundle_and_a_missing_one(shop: Shop) -> None:
    shop.write(".sealer/keys/prod.bundle", b"{}")
    os.remove(".sealer/keys/staging.bundle")
    assert found() == [("keys-malformed", "", "error"), ("keys-missing", "", "warning")]


def test_one_key_in_two_bundles(shop: Shop) -> None:
    shop["staging"].keys.append(prod(shop))
    shop.pin()
    assert ("key-shared", "", "warning") in found()


def test_a_broken_rule_file_does_not_hide_a_broken_secret(shop: Shop) -> None:
    shop.write(".sealer.yaml", "version: 1\nclusters: []\n")
    shop.write(DB, sealed("payments/db", ["k"], prod(shop), bound="a/b"))
    assert found() == [("config", "", "error"), ("bound-elsewhere", "k", "error")]


def test_what_a_cluster_takes(shop: Shop) -> None:
    shop.write(".sealer.yaml", shop.read(".sealer.yaml").replace(b"prod: {}", b"prod: {envelope: v1}"))
    shop.write(DB, sealed("payments/db", ["k"], prod(shop)))
    assert found() == [("envelope-version", "k", "error")]


# -- plaintext --------------------------------------------------------------------------------------------------


def test_a_secret_in_plaintext(shop: Shop) -> None:
    value = secrets.token_hex(12)
    shop.write(DB, manifest("db", "payments", password=value))
    commit(shop.root)
    done = sealer("check")
    assert done.code == 1
    assert done.text.startswith(f"{DB}:1  password  a Secret in plaintext\n  way out: sealer seal --in-place {DB}\n")
    assert value.encode() not in done.all


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: ''}\n",
        'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: "{{ .Values.k }}"}\n',
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Values.name }}\ndata:\n  k: {{ .Values.k | b64enc }}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: 'ENC[AES256_GCM,data:x]'}\nsops: {version: 3}\n",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec: {}\n",
        "kind: Pod\nspec: {imagePullSecrets: [{name: Secret}]}\n",
        "a: [Secret\n",
    ],
)
def test_known_good_and_not_ours(shop: Shop, text: str) -> None:
    shop.write("other.yaml", text)
    assert found() == []


def test_text_where_base64_belongs_is_plaintext_too(shop: Shop) -> None:
    shop.write("s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: not base64!}\n")
    assert found() == [("unreadable", "", "error")]


def test_a_credential_left_in_the_template(shop: Shop) -> None:
    data = {"data": {"db-password": secrets.token_hex(4), "host": "db.example", "token": "", "apikey": None}}
    shop.write(DB, sealed("payments/db", ["k"], prod(shop), template=data))
    assert found() == [("plaintext-template", "db-password", "warning")]


def test_templates_are_parsed_and_their_items_looked_for(shop: Shop) -> None:
    def judged(text: str) -> list[tuple[str, str, str]]:
        shop.write(DB, sealed("payments/db", ["password"], prod(shop), template={"data": {"url": text}}))
        return found()

    assert judged("postgres://{{ .password | urlquery }}@db") == []
    assert judged("{{ .password | uppest }}") == [("template", "url", "error")]
    assert judged("{{ if .password }}") == [("template", "url", "error")]
    assert judged("{{ .user }}:{{ .password }}") == [("template-item", "url", "warning")]
    assert judged('{{ index . "user" }}') == [("template-item", "url", "warning")]
    assert (
        judged('{{ if .user }}{{ .password }}{{ end }}{{ .user | default "app" }}{{ with .user }}{{ . }}{{ end }}')
        == []
    )


def test_exposed_items_are_an_error_until_they_are_changed(shop: Shop) -> None:
    annotations = {"sealer.dev/exposed": "password, gone"}
    shop.write(DB, sealed("payments/db", ["password", "url"], prod(shop), annotations=annotations))
    assert found() == [("exposed", "password", "error")]


# -- files ------------------------------------------------------------------------------------------------------


def test_only_tracked_files_count_without_a_path(shop: Shop) -> None:
    commit(shop.root)
    shop.write("new.yaml", manifest("a", "b", k="v"))
    assert found() == []
    assert found(".") == [("plaintext", "k", "error")]
    assert found("new.yaml") == [("plaintext", "k", "error")]


def test_the_work_tree_is_judged_and_deleted_files_are_passed_over(shop: Shop) -> None:
    shop.write("s.yaml", manifest("a", "b", k="v"))
    shop.write("gone.yaml", manifest("a", "b", k="v"))
    commit(shop.root)
    os.remove("gone.yaml")
    shop.write("s.yaml", "a: 1\n")
    assert found() == []


def test_paths_are_shown_from_where_one_stands(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write(DB, sealed("payments/db", ["k"], prod(shop), bound="a/b"))
    commit(shop.root)
    (shop.root / "vault").mkdir()
    monkeypatch.chdir("vault")
    (problem,) = check.examine(()).problems
    assert problem.path == f"../{DB}"


def test_a_folder_is_checked_below_only(shop: Shop) -> None:
    shop.write("a/s.yaml", manifest("a", "b", k="v"))
    shop.write("b/s.yaml", manifest("a", "b", k="v"))
    commit(shop.root)
    assert [each.path for each in check.examine(["a"]).problems] == ["a/s.yaml"]


def test_without_git_everything_below_is_checked(shop: Shop) -> None:
    shop.write("deep/er/s.yml", manifest("a", "b", k="v"))
    shop.write(".hidden/s.yml", manifest("a", "b", k="v"))
    assert [each.path for each in check.examine(()).problems] == ["deep/er/s.yml"]


def test_a_path_that_is_not_there(shop: Shop) -> None:
    done = sealer("check", "nope.yaml")
    assert done.code == 2
    assert "nope.yaml: no such file or directory" in done.err


def test_a_broken_sealed_file_is_a_problem_and_the_others_are_still_checked(shop: Shop) -> None:
    shop.write("broken.yaml", "kind: SealedSecret\n  bad: [\n")
    shop.write(DB, sealed("payments/db", ["k"], prod(shop), bound="a/b"))
    assert [code for code, _, _ in found()] == ["unreadable", "bound-elsewhere"]


def test_helm_templates_are_passed_over_and_that_is_explained(shop: Shop) -> None:
    chart = "{{- range .Values.all }}\nkind: SealedSecret\nmetadata: {{ .name }}\n{{- end }}\n"
    shop.write("charts/templates/s.yaml", chart)
    assert found() == []
    assert "a Helm template" in sealer("check", "--explain", "charts/templates/s.yaml").text


def test_a_large_foreign_file_is_passed_over(shop: Shop) -> None:
    shop.write("big.json", b'"' + b"x" * (17 * 1024 * 1024) + b'"')
    assert check.examine(()).unread == {}
    shop.write("big.json", b'"SealedSecret' + b"x" * (17 * 1024 * 1024) + b'"')
    assert sealer("check").code == 2


def test_special_files_do_not_hang(shop: Shop) -> None:
    os.mkfifo("pipe.yaml")
    shop.write("s.yaml", manifest("a", "b", k="v"))
    os.symlink("s.yaml", "link.yaml")
    assert [each.path for each in check.examine(()).problems] == ["s.yaml"]


def test_names_with_control_characters_do_not_reach_the_terminal(shop: Shop) -> None:
    shop.write("a\x1b[2Jb.yaml", manifest("a", "b", k="v"))
    assert b"\x1b[2J" not in sealer("check").all


# -- output -----------------------------------------------------------------------------------------------------


def _all_kinds(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["k", "odd"], prod(shop), keys.generate_kem(), bound="a/b"))
    shop.write("s.yaml", manifest("a", "b", k="v"))
    shop.write("v.yaml", sealed("b/v", ["k"], prod(shop), template={"data": {"password": "x"}}))


def test_json_is_what_its_schema_says(shop: Shop) -> None:
    _all_kinds(shop)
    done = sealer("check", "--format", "json", "--explain")
    value: dict[str, Any] = json.loads(done.text)
    schema.validate(value, "check", file="stdout")
    assert done.code == 1
    assert value["ok"] is False
    assert value["errors"] == sum(each["severity"] == "error" for each in value["problems"])
    assert {each["path"] for each in value["explained"]} == {DB, "s.yaml", "v.yaml"}


def test_every_code_is_in_the_schema() -> None:
    listed = set(schema.load("check")["$defs"]["problem"]["properties"]["code"]["enum"])
    assert len(listed) == 30
    assert {str(each) for each in Severity} == {"error", "warning"}


def test_markdown_is_a_table_in_which_nothing_is_markup(shop: Shop) -> None:
    shop.write("a|b`c.yaml", manifest("a", "b", k="v"))
    done = sealer("check", "--format", "markdown")
    assert "a\\|b\\`c.yaml:1" in done.text
    assert done.text.startswith("**sealer check:** 1 error")


def test_output_to_a_file(shop: Shop) -> None:
    _all_kinds(shop)
    done = sealer("check", "--format", "json", "-o", "report.json")
    assert done.text == ""
    schema.validate(json.loads(shop.read("report.json")), "check", file="report.json")
    assert "errors" in done.err


def test_explain_names_rule_clusters_and_keys(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["password"], prod(shop)))
    assert sealer("check", "--explain", DB).text == (
        f"{DB}\n"
        "  rule      clusters/{cluster}/{namespace}/{name}.yaml (.sealer.yaml:6)\n"
        "  clusters  prod\n"
        "  payments/db  line 1, strict\n"
        f"    password  v2, prod {shop['prod'].short} (active)\n"
        "no problems; 1 sealed secret in 1 file\n"
    )


def test_explain_tells_the_rule_of_a_file_that_is_yet_to_be_written(shop: Shop) -> None:
    done = sealer("check", "--explain", "clusters/staging/web/new.yaml", "elsewhere/x.yaml")
    assert done.code == 0
    assert "rule      clusters/{cluster}/{namespace}/{name}.yaml (.sealer.yaml:6)\n  clusters  staging" in done.text
    assert "elsewhere/x.yaml\n  rule      none\n  clusters  not known" in done.text


def test_new_files_are_not_passed_over_in_silence(shop: Shop) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=shop.root, check=True)
    shop.write("secrets.yaml", manifest("a", "b", k=secrets.token_hex(8)).encode())
    assert "for new ones too: sealer check .\n" in sealer("check").err
    assert sealer("check", ".").code == 1
    subprocess.run(["git", "add", "-A"], cwd=shop.root, check=True)
    assert (sealer("check").code, sealer("check").err) == (1, "")
    shop.write("secrets.yaml", b"kind: SealedSecret\nmetadata: [\n")
    assert (sealer("check").code, sealer("check").err) == (1, "")


def test_one_cluster_needs_no_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "one"
    root.mkdir()
    monkeypatch.chdir(root)
    one = make(root, ("prod",), rules="version: 1\nclusters: {prod: {}}\n")
    trust(one, monkeypatch)
    one.write("any.yaml", sealed("a/b", ["k"], keys.generate_kem()))
    assert [code for code, _, _ in found()] == ["recipient-missing", "recipient-unknown"]


@pytest.mark.parametrize("change", [bytes.upper, lambda data: data[: len(data) // 2], lambda data: data + b"\0"])
def test_nothing_raises_and_nothing_shows_a_value(shop: Shop, change: Callable[[bytes], bytes]) -> None:
    value = secrets.token_hex(12)
    shop.write("s.yaml", change(manifest("a", "b", k=value).encode()))
    shop.write(DB, change(sealed("payments/db", {"k": value.encode()}, prod(shop))))
    done = sealer("check", "--explain")
    assert done.code in (0, 1)
    assert "defect" not in done.err
    assert value.encode() not in done.all.lower()
