"""`sealer set` and `sealer unset`: what they print and write, where the value comes from, and all that is refused."""

from __future__ import annotations

import secrets
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from sealer.formats import keys
from sealer.formats.envelope_v2 import EnvelopeV2
from sealer.formats.keyrecord import Status
from sealer.sealing import seal
from tests.sealer.controllers import rsa_key
from tests.sealer.shop import Shop, make, said, sealer
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture
STAGING, PROD = "clusters/staging/payments/db.yaml", "clusters/prod/payments/db.yaml"


@pytest.fixture
def value() -> bytes:
    return secrets.token_hex(16).encode()


@pytest.fixture
def used(shop: Shop) -> Shop:
    """A shop that was used before, so that first-use warnings are out of the way."""
    assert sealer("set", PROD, "old", stdin=b"1").code == 0
    (shop.root / PROD).unlink()
    return shop


def test_what_it_prints(used: Shop, value: bytes) -> None:
    first = sealer("set", PROD, "password", stdin=value)
    assert first.text == f"sealed password  {PROD}  new file  prod {used['prod'].short}\n"
    done = sealer("set", STAGING, PROD, "password", stdin=value)
    assert done.text == (
        f"sealed password  {STAGING}  new file  staging {used['staging'].short}\n"
        f"sealed password  {PROD}     replaced  prod {used['prod'].short}\n"
    )
    assert (done.code, done.err) == (0, "")
    assert all(len(line) <= 80 for line in done.text.splitlines())
    assert sealer("set", PROD, "url", stdin=value).text.split("  ")[2] == "added"
    for path, cluster in ((STAGING, "staging"), (PROD, "prod")):
        assert used.opened(path, cluster)["password"] == value


def test_a_new_file_takes_its_names_from_the_rule(used: Shop, value: bytes) -> None:
    assert sealer("set", "shared/web/session.yaml", "key", stdin=value).code == 0
    doc = used.sealed("shared/web/session.yaml")
    assert (doc.namespace, doc.name, doc.scope.value) == ("web", "session", "namespace-wide")
    envelope = seal.envelope_of(doc.items["key"])
    assert isinstance(envelope, EnvelopeV2)
    assert set(envelope.recipients) == {used["staging"].keys[0].id, used["prod"].keys[0].id}
    assert used.opened("shared/web/session.yaml", "staging") == {"key": value}


def test_json_and_stores(used: Shop, value: bytes) -> None:
    assert sealer("set", "x/a.json", "k", "--namespace", "ns", "--name", "a", stdin=value).code == 0
    assert used.read("x/a.json").startswith(b"{")
    assert sealer("set", "vault/a/b.yaml", "k", "--name", "b", stdin=value).code == 0
    assert used.sealed("vault/a/b.yaml").annotations["sealer.dev/stores"] == "vault-prod,local"


def test_every_other_byte_stays(used: Shop, value: bytes) -> None:
    sealer("set", PROD, "a", stdin=value)
    sealer("set", PROD, "b", stdin=value)
    before = (
        b"# mine\r\n---\r\n" + used.read(PROD).replace(b"\n", b"\r\n") + b"# end\r\n---\r\nkind: ConfigMap  # x\r\n"
    )
    place = used.write(PROD, before)
    place.chmod(0o640)
    old = used.sealed(PROD).items
    assert sealer("set", PROD, "b", stdin=value).code == 0
    after = used.read(PROD)
    assert after == before.replace(old["b"].encode(), used.sealed(PROD).items["b"].encode())
    assert after != before
    assert stat.S_IMODE(place.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("given", "args", "kept", "noted"),
    [
        (b"v\n", [], b"v", True),
        (b"v\r\n", [], b"v", True),
        (b"v\n", ["--raw"], b"v\n", False),
        (b"v", [], b"v", False),
        (b"a\nb\n", [], b"a\nb\n", False),
        (b"v\n\n", [], b"v\n\n", False),
        (b"\0\xff\n", [], b"\0\xff", True),
        (b"\n", ["--allow-empty"], b"", True),
        (b"", ["--allow-empty"], b"", False),
    ],
)
def test_the_newline_of_one_line(used: Shop, given: bytes, args: list[str], kept: bytes, noted: bool) -> None:
    done = sealer("set", PROD, "k", *args, stdin=given)
    assert done.code == 0
    assert ("--raw keeps it" in done.err) is noted
    assert used.opened(PROD, "prod") == {"k": kept}


def test_from_file_keeps_every_byte(used: Shop) -> None:
    data = secrets.token_bytes(100) + b"\n"
    used.write("plain.bin", data)
    assert sealer("set", PROD, "k", "--from-file", "plain.bin").code == 0
    assert used.opened(PROD, "prod") == {"k": data}


def test_generated_values_are_the_same_in_each_file_and_never_shown(used: Shop) -> None:
    done = sealer("set", STAGING, PROD, "k", "--generate", "password:20")
    assert done.code == 0
    made = used.opened(PROD, "prod")["k"]
    assert len(made) == 20
    assert used.opened(STAGING, "staging")["k"] == made
    assert made not in done.all
    shown = sealer("set", PROD, "id", "--generate", "ssh-key")
    assert "public key: ssh-ed25519 " in shown.err
    assert used.opened(PROD, "prod")["id"] not in shown.all


@pytest.mark.parametrize("stdin", [b"", b"\n"])
def test_an_empty_value_is_refused(used: Shop, stdin: bytes) -> None:
    done = sealer("set", PROD, "k", stdin=stdin)
    assert done.code == 2
    assert said(done, "empty", "--allow-empty")
    assert not (used.root / PROD).exists()


def test_a_missing_file_without_ending_repeats_no_argument(used: Shop, value: bytes) -> None:
    for args in (("db.yaml", "password", value.decode()), ("db.yaml", value.decode(), "password")):
        done = sealer("set", *args)
        assert done.code == 2
        assert said(done, "FILE 2 doesn't exist", ".yaml, .yml or .json", "way out:")
        assert value not in done.all
    planted = value.decode() + "!"
    done = sealer("set", "db.yaml", planted)
    assert done.code == 2
    assert planted not in done.err
    assert said(done, "the last argument can't be the key")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("set", PROD), ("missing argument",)),
        (("set", PROD, "k", "--from-file", "a", "--generate", "hex"), ("--from-file and --generate",)),
        (("set", PROD, "k", "--raw", "--generate", "hex"), ("--raw", "--generate")),
        (("set", PROD, "k", "--generate", "pin"), ("no such kind", "password")),
        (("set", PROD, "k", "--from-file", "none"), ("none", "no such file")),
        (("set", PROD, "k", "--cluster", "other"), ("--cluster other is none of", "staging, prod")),
        (("set", PROD, "k", "--cluster", "staging"), ("--cluster says staging", ".sealer.yaml:6 says prod")),
        (("set", PROD, "k", "--namespace", "web"), ("namespace", "--namespace says web", "says payments")),
        (("set", PROD, "k", "--name", "web"), ("name", "--name says web", "says db")),
        (("set", "shared/a/b.yaml", "k", "--scope", "strict"), ("--scope says strict", "says namespace-wide")),
        (("set", "other.yaml", "k", "--name", "a", "--namespace", "b"), ("staging, prod", "--cluster NAME")),
        (("set", "other.yaml", "k", "--cluster", "prod"), ("the name is not known", "--name NAME")),
        (("set", "other.yaml", "k", "--cluster", "prod", "--name", "a"), ("the namespace is not known",)),
        (("set", "clusters/dev/a/b.yaml", "k"), ("takes cluster 'dev' from the path",)),
        (("set", PROD, "k", "--envelope", "v1"), ("prod has no active RSA key",)),
        (("set", PROD, "k", "--cert", "c.pem", "--cluster", "prod"), ("--cert and --cluster",)),
        (("set", PROD, "k", "--cert", "c.pem", "--envelope", "v2"), ("--cert seals v1",)),
        (("set", ".", "k"), ("is a directory",)),
    ],
)
def test_refusals(used: Shop, value: bytes, args: tuple[str, ...], words: tuple[str, ...]) -> None:
    done = sealer(*args, stdin=value)
    assert done.code in (1, 2)
    assert said(done, "error:", *words), done.err
    assert value not in done.all
    assert not (used.root / PROD).exists()


def test_one_bad_file_leaves_all_untouched(used: Shop, value: bytes) -> None:
    used.write(STAGING, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    done = sealer("set", PROD, STAGING, "k", stdin=value)
    assert done.code == 2
    assert said(done, "holds no SealedSecret")
    assert not (used.root / PROD).exists()


def test_a_plaintext_file_names_the_way_to_seal_it(used: Shop, value: bytes) -> None:
    used.write(PROD, f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData: {{a: {value.decode()}}}\n")
    done = sealer("set", PROD, "k", stdin=b"x")
    assert said(done, "holds a Secret in plaintext", f"way out: sealer seal --in-place {PROD}")
    assert value not in done.all


def test_the_document_and_the_rule_disagree(used: Shop, value: bytes) -> None:
    sealer("set", PROD, "k", stdin=value)
    moved = used.write("clusters/prod/web/db.yaml", used.read(PROD))
    done = sealer("set", str(moved), "k", stdin=value)
    assert done.code == 2
    assert said(done, "namespace:", "db.yaml:1 says payments", ".sealer.yaml:6 says web")


def test_the_file_is_sealed_to_another_cluster(used: Shop, value: bytes) -> None:
    sealer("set", PROD, "k", stdin=value)
    used.write(STAGING, used.read(PROD))
    done = sealer("set", STAGING, "other", stdin=value)
    assert done.code == 2
    assert said(done, "cluster:", "says staging", "other items says prod", f"sealer seal -o {STAGING}")
    assert sealer("set", STAGING, "k", stdin=value).code == 0  # nothing of the other cluster is left
    assert used.opened(STAGING, "staging") == {"k": value}


def test_without_a_rule_the_file_says_who_reads_it(used: Shop, value: bytes) -> None:
    named = ("--name", "a", "--namespace", "b")
    assert sealer("set", "x.yaml", "k", "--cluster", "staging", *named, stdin=value).code == 0
    done = sealer("set", "x.yaml", "l", stdin=value)
    assert done.text.endswith(f"added  staging {used['staging'].short}\n")
    wrong = sealer("set", "x.yaml", "l", "--cluster", "prod", stdin=value)
    assert said(wrong, "--cluster says prod", "other items says staging")
    assert wrong.code == 2


def test_retired_keys_still_tell_the_cluster(used: Shop, value: bytes) -> None:
    named = ("--name", "a", "--namespace", "b")
    sealer("set", "x.yaml", "k", "--cluster", "prod", *named, stdin=value)
    prod = used["prod"]
    prod.status[prod.keys[0].id] = Status.RETIRED
    prod.keys.append(keys.generate_kem())
    prod.sequence = 2
    used.pin()
    done = sealer("set", "x.yaml", "l", stdin=value)
    assert done.text.endswith(f"added  prod {prod.keys[1].id[:8]}\n")
    assert used.opened("x.yaml", "prod") == {"k": value, "l": value}


def test_several_documents_need_a_name(used: Shop, value: bytes) -> None:
    for name in ("a", "b"):
        sealer("set", f"vault/{name}.yaml", "k", "--name", name, stdin=value)
    used.write("vault/all.yaml", used.read("vault/a.yaml") + b"---\n" + used.read("vault/b.yaml"))
    done = sealer("set", "vault/all.yaml", "k", stdin=value)
    assert done.code == 2
    assert said(done, "2 SealedSecrets: billing/a, billing/b", "--name")
    assert sealer("set", "vault/all.yaml", "k", "--name", "b", stdin=b"new").code == 0
    assert used.opened("vault/all.yaml", "prod", 1) == {"k": b"new"}
    assert used.opened("vault/all.yaml", "prod", 0) == {"k": value}


def test_a_new_value_takes_the_mark_of_a_leak_away(used: Shop, value: bytes) -> None:
    for key in ("a", "b"):
        sealer("set", PROD, key, stdin=value)
    marked = used.read(PROD).replace(b"  name: db\n", b"  annotations:\n    sealer.dev/exposed: a,b\n  name: db\n", 1)
    used.write(PROD, marked)
    sealer("set", PROD, "a", stdin=value)
    assert used.sealed(PROD).annotations["sealer.dev/exposed"] == "b"
    sealer("set", PROD, "b", stdin=value)
    assert "sealer.dev/exposed" not in used.sealed(PROD).annotations


def test_stores_that_differ_from_the_rule(used: Shop, value: bytes) -> None:
    sealer("set", "vault/a.yaml", "k", "--name", "a", stdin=value)
    used.write("vault/a.yaml", used.read("vault/a.yaml").replace(b"vault-prod,local", b"elsewhere"))
    done = sealer("set", "vault/a.yaml", "k", stdin=value)
    assert said(done, "names stores elsewhere", "names vault-prod, local")


def test_v1_to_the_newest_rsa_key(used: Shop, value: bytes, tmp_path: Path) -> None:
    used["prod"].keys.append(rsa_key())
    used["prod"].sequence = 2
    used.pin()
    done = sealer("set", PROD, "k", "--envelope", "v1", stdin=value)
    assert done.text.endswith(f"prod {rsa_key().id[:8]}\n"), done.err
    assert used.opened(PROD, "prod") == {"k": value}
    two = sealer("set", "shared/a/b.yaml", "k", "--envelope", "v1", stdin=value)
    assert two.code == 2
    assert said(two, "one recipient")


def test_warnings_about_keys(shop: Shop, value: bytes) -> None:
    shop["prod"].lives = timedelta(hours=12)
    shop.pin()
    done = sealer("set", PROD, "k", stdin=value)
    assert done.code == 0
    assert said(done, "warning: the keys of prod expired on")


def test_a_changed_pin_is_refused(used: Shop, value: bytes) -> None:
    used.clusters["prod"] = type(used["prod"])("prod", [keys.generate_kem()])
    used.pin()
    done = sealer("set", PROD, "k", stdin=value)
    assert done.code == 1
    assert said(done, "prod", "way out:")
    assert not (used.root / PROD).exists()


def test_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    done = sealer("set", "a.yaml", "k", "--name", "a", "--namespace", "b", stdin=value)
    assert done.code == 2
    assert said(done, "no .sealer.yaml", "sealer init", "--cert PEM")


def test_one_cluster_needs_no_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    one = make(tmp_path, ("only",), rules="version: 1\nclusters:\n  only: {}\n")
    assert sealer("set", "a.yaml", "k", "--name", "a", "--namespace", "b", stdin=value).code == 0
    assert one.opened("a.yaml", "only") == {"k": value}


def test_unset(used: Shop, value: bytes) -> None:
    for key in ("a", "b", "c"):
        sealer("set", PROD, key, stdin=value)
    before = used.read(PROD)
    done = sealer("unset", PROD, "b")
    assert done.text == f"removed b  {PROD}  2 items left: a, c\n"
    assert said(done, "Git history")
    line = next(line for line in before.splitlines(keepends=True) if line.startswith(b"    b: "))
    assert used.read(PROD) == before.replace(line, b"")
    again = sealer("unset", PROD, "b")
    assert again.code == 2
    assert said(again, "has no such item", "it has: a, c")
    for key in ("a", "c"):
        assert sealer("unset", PROD, key).code == 0
    assert used.opened(PROD, "prod") == {}


def test_unset_writes_all_or_nothing_and_repeats_no_value(used: Shop, value: bytes) -> None:
    sealer("set", STAGING, "k", stdin=value)
    sealer("set", PROD, "other", stdin=value)
    before = used.read(STAGING)
    assert sealer("unset", STAGING, PROD, "k").code == 2
    assert used.read(STAGING) == before
    done = sealer("unset", STAGING, value.decode())
    assert done.code == 2
    assert value not in done.all
