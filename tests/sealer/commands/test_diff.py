"""`sealer diff`, in real repositories."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sealer import schema
from sealer.formats.binding import Scope
from tests.sealer import rings
from tests.sealer.sealedfiles import commit, sealed
from tests.sealer.shop import Shop, manifest, sealer
from tests.sealer.shop import shop_fixture as _shop_fixture

if TYPE_CHECKING:
    from sealer.formats import keys

shop = _shop_fixture

DB = "clusters/prod/payments/db.yaml"
OLD = "clusters/prod/payments/old.yaml"


def prod(shop: Shop) -> keys.PrivateKey:
    return shop["prod"].keys[0]


def item_line(data: bytes, item: str) -> str:
    return next(line for line in data.decode().splitlines() if line.strip().startswith(f"{item}:"))


def resealed(shop: Shop, path: str, item: str, *to: keys.PrivateKey) -> None:
    """Put a new envelope of one item into a file; every other byte stays."""
    doc = shop.sealed(path)
    new = sealed(f"{doc.namespace}/{doc.name}", [item], *(to or (prod(shop),)), scope=doc.scope)
    text = shop.read(path).decode()
    shop.write(path, text.replace(item_line(text.encode(), item), item_line(new, item)))


@pytest.fixture
def committed(shop: Shop) -> Shop:
    shop.write(DB, sealed("payments/db", ["password", "url"], prod(shop)))
    shop.write(OLD, sealed("payments/old", ["a", "b", "c"], prod(shop)))
    commit(shop.root, "first")
    return shop


def test_nothing_changed_prints_nothing_and_says_so(committed: Shop) -> None:
    done = sealer("diff")
    assert (done.code, done.text, done.err) == (0, "", "no sealed secret differs from HEAD\n")


def test_it_prints_as_the_design_shows(committed: Shop) -> None:
    subprocess.run(["git", "checkout", "-q", "-b", "topic"], cwd=committed.root, check=True)
    resealed(committed, DB, "password")
    os.remove(OLD)
    commit(committed.root, "topic")
    done = sealer("diff", "main...HEAD")
    assert (done.code, done.err) == (0, "")
    assert done.text == (
        "prod  payments/db   ~ password  re-sealed (a new value or not: needs a key)\n"
        "prod  payments/old  - removed, 3 items: still in Git history, so revoke them\n"
    )


def test_items_added_and_removed_in_the_work_tree(committed: Shop) -> None:
    data = sealed("payments/db", ["api-key"], prod(committed))
    text = committed.read(DB).decode()
    committed.write(DB, text.replace(item_line(text.encode(), "url"), item_line(data, "api-key")))
    committed.write("clusters/staging/web/new.yaml", sealed("web/new", ["k"], committed["staging"].keys[0]))
    assert sealer("diff").text == (
        "prod     payments/db  + api-key  added\n"
        "prod     payments/db  - url      removed: still in Git history, so revoke it\n"
        "staging  web/new      + added, 1 item: k\n"
    )


def test_a_change_of_recipients_is_re_keyed(committed: Shop) -> None:
    resealed(committed, DB, "password", prod(committed), committed["staging"].keys[0])
    done = sealer("diff")
    now = f"now staging {committed['staging'].short}"
    assert f"~ password  re-keyed: {now} (a new value or not: needs a key)" in done.text
    commit(committed.root)
    resealed(committed, DB, "password", committed["staging"].keys[0])
    assert f"re-keyed: no longer prod {committed['prod'].short}" in sealer("diff").text


def test_from_v1_to_v2_is_re_keyed(shop: Shop) -> None:
    shop.write(DB, sealed("payments/db", ["password"], rings.rsa_key()))
    commit(shop.root)
    resealed(shop, DB, "password")
    assert f"re-keyed: now prod {shop['prod'].short}; no longer v1 of 2,048 bits" in sealer("diff").text


def test_v1_names_its_cluster_by_the_rule(shop: Shop) -> None:
    commit(shop.root)
    shop.write(DB, sealed("payments/db", ["password"], rings.rsa_key()))
    assert sealer("diff").text == "prod  payments/db  + added, 1 item: password\n"


def test_a_file_that_moved_is_the_same_secret(committed: Shop) -> None:
    os.makedirs("elsewhere")
    os.rename(DB, "elsewhere/db.yaml")
    assert sealer("diff").text == "prod  payments/db  ~ moved to elsewhere/db.yaml\n"


def test_documents_that_change_places_in_a_file_do_not_differ(shop: Shop) -> None:
    one, two = (sealed(f"billing/{name}", ["k"], prod(shop)) for name in ("one", "two"))
    shop.write("vault/both.yaml", one + b"---\n" + two)
    commit(shop.root)
    shop.write("vault/both.yaml", b"# turned around\n" + two + b"---\n" + one)
    assert sealer("diff").text == ""


def test_the_same_secret_of_two_clusters_is_two(shop: Shop) -> None:
    for name in ("prod", "staging"):
        shop.write(f"clusters/{name}/payments/db.yaml", sealed("payments/db", ["k"], shop[name].keys[0]))
    commit(shop.root)
    os.remove("clusters/staging/payments/db.yaml")
    expected = "staging  payments/db  - removed, 1 item: still in Git history, so revoke it\n"
    assert sealer("diff").text == expected


def test_scope_stores_and_template_are_shown_without_values(committed: Shop) -> None:
    value = secrets.token_hex(8)
    doc = sealed(
        "payments/db",
        ["password", "url"],
        prod(committed),
        scope=Scope.NAMESPACE_WIDE,
        annotations={"sealer.dev/stores": "local"},
        template={"data": {"host": value}},
    )
    committed.write(DB, doc)
    done = sealer("diff")
    assert "~ scope namespace-wide, was strict\n" in done.text
    assert "~ stores local, was not named\n" in done.text
    assert "data.host" in done.text
    assert value.encode() not in done.all


def test_sealed_in_place_of_plaintext_says_to_change_the_values(shop: Shop) -> None:
    value = secrets.token_hex(8)
    shop.write(DB, manifest("db", "payments", password=value))
    commit(shop.root)
    shop.write(DB, sealed("payments/db", ["password"], prod(shop)))
    done = sealer("diff")
    assert done.text.endswith("added, 1 item: password; it was in plaintext before, so change the values\n")
    assert value.encode() not in done.all


def test_paths_narrow_it_down(committed: Shop) -> None:
    resealed(committed, DB, "password")
    resealed(committed, OLD, "a")
    assert "payments/old" not in sealer("diff", DB).text
    assert "payments/db" not in sealer("diff", "HEAD", OLD).text
    assert sealer("diff", "clusters/prod").text.count("re-sealed") == 2
    os.remove(OLD)
    assert "removed, 3 items" in sealer("diff", OLD).text


def test_ambiguous_and_unknown_words(committed: Shop) -> None:
    committed.write("main", "")
    done = sealer("diff", "main")
    assert done.code == 2
    assert "both a revision and a path" in done.err
    assert sealer("diff", "./main").code == 0
    typed = secrets.token_hex(8)
    done = sealer("diff", typed)
    assert done.code == 2
    assert typed.encode() not in done.all


def test_outside_of_git(shop: Shop) -> None:
    done = sealer("diff")
    assert done.code == 2
    assert "not in the work tree of a Git repository" in done.err


def test_before_the_first_commit(shop: Shop) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=shop.root, check=True)
    shop.write(DB, sealed("payments/db", ["password"], prod(shop)))
    done = sealer("diff")
    assert (done.code, done.text) == (0, "prod  payments/db  + added, 1 item: password\n")
    assert sealer("diff", "clusters").text == done.text
    schema.validate(json.loads(sealer("diff", "--format", "json").text), "diff", file="diff")
    assert "neither a revision nor a path" in sealer("diff", "nowhere").err
    done = sealer("diff", "HEAD..main")
    assert (done.code, "HEAD: not a revision" in done.err) == (2, True)
    assert "way out: git fetch" in done.err


def test_a_file_that_can_not_be_read_is_not_called_removed_in_silence(committed: Shop) -> None:
    committed.write(DB, committed.read(DB).replace(b"spec:", b"spec: ["))
    done = sealer("diff")
    assert done.code == 2
    assert f"not compared: {DB}" in done.err
    assert "payments/db" not in done.text


def test_a_file_that_is_repaired_is_compared_as_far_as_it_goes(committed: Shop) -> None:
    good = committed.read(DB)
    committed.write(DB, good.replace(b"spec:", b"spec: ["))
    commit(committed.root)
    committed.write(DB, good)
    done = sealer("diff")
    assert done.code == 0
    assert "not compared" in done.err
    assert "payments/db  + added" in done.text


def test_names_in_a_subfolder_and_with_odd_bytes(committed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = os.fsdecode(b'clusters/prod/payments/\xff "x\n.yaml')
    committed.write(odd, sealed("payments/odd", ["k"], prod(committed)))
    monkeypatch.chdir("clusters")
    assert sealer("diff").text == "prod  payments/odd  + added, 1 item: k\n"


def test_json_is_what_its_schema_says(committed: Shop) -> None:
    resealed(committed, DB, "password")
    os.remove(OLD)
    value: dict[str, Any] = json.loads(sealer("diff", "--format", "json").text)
    schema.validate(value, "diff", file="stdout")
    assert value["new"] is None
    assert [(each["secret"], each["change"]) for each in value["changes"]] == [
        ("payments/db", "resealed"),
        ("payments/old", "secret-removed"),
    ]
    commit(committed.root)
    value = json.loads(sealer("diff", "HEAD~1..HEAD", "--format", "json").text)
    schema.validate(value, "diff", file="stdout")
    assert len(value["new"]) == 40


def test_markdown(committed: Shop) -> None:
    assert sealer("diff", "--format", "markdown").text == "No sealed secret changed.\n"
    resealed(committed, DB, "password")
    sealer("diff", "--format", "markdown", "-o", "diff.md")
    assert "| prod | payments/db | \\~ | password | re-sealed" in committed.read("diff.md").decode()


def test_a_repository_without_our_configuration(committed: Shop) -> None:
    os.remove(".sealer.yaml")
    commit(committed.root)
    resealed(committed, DB, "password")
    assert sealer("diff").text == "-  payments/db  ~ password  re-sealed (a new value or not: needs a key)\n"
