"""What an attacker tried against the core, and what must not work again: each test is one attack.

The attacker writes what a pull request can hold: files, names, links, bundles, submodules. Not one may hang or crash a
reader, lead a write astray, hide a change, or redirect a value.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sealer import console, files, shell, template
from sealer.checking.moved import Origins
from sealer.documents import document, edit, envfile
from sealer.documents.document import SealedSecret, Template
from sealer.errors import Refused, SealerError, SourceError, TemplateRefused, Untrusted, UsageError
from sealer.formats import bundle
from sealer.formats.binding import Binding, Scope
from sealer.formats.bundle import BundleKey
from sealer.formats.keyrecord import Status
from sealer.pinning import trust
from sealer.running import variables
from sealer.sealing import parallel, sealedfile
from tests.sealer.shop import Shop, make, manifest, said, sealer, shop_fixture  # noqa: F401  # a fixture

HEAD = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: payments\n"
NO_RULES = "version: 1\nclusters:\n  staging: {}\n  prod: {}\n"


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """What was quadratic or a deadlock fails here instead of holding up the suite."""

    def late(*_: object) -> None:
        raise AssertionError("has not ended after a minute")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def checkout(shop: Shop) -> Shop:
    shop.git("init", "-q")
    return shop


# Readers


def test_aliases_that_nest_deeper_than_any_text_are_refused() -> None:
    chain = "".join(f"  k{i}: &a{i} [{f'*a{i - 1}' if i else 1}]\n" for i in range(1300))
    file = document.parse(f"{HEAD}{chain}spec:\n  encryptedData: {{}}\n".encode(), "db.yaml")
    assert not file.documents
    assert "nest deeper" in file.problems[0].what


def test_merged_maps_do_not_nest() -> None:
    chain = "".join(f"  k{i}: &a{i} {{{f'<<: *a{i - 1}, ' if i else ''}x{i}: a}}\n" for i in range(150))
    assert not document.parse(f"{HEAD}{chain}spec:\n  encryptedData: {{}}\n".encode(), "db.yaml").problems


@pytest.mark.parametrize("part", ["/* ", '"\\', "`", "'\\", "/* \"' ` "])
def test_a_template_is_searched_once(part: str) -> None:
    with pytest.raises(TemplateRefused):
        template.check(Template(data={"a": "{{" + part * 300_000}))


def test_a_comment_stands_alone_in_its_action() -> None:
    with pytest.raises(TemplateRefused, match="unexpected"):
        template.check(Template(data={"a": '{{ /* no */ "a" index }}'}))


def test_a_stream_of_many_documents_is_read_in_linear_time() -> None:
    assert document.parse(b"---\n" * 400_000, "a.yaml").documents == ()


def test_env_files_are_read_in_linear_time() -> None:
    items = envfile.parse(
        b"A=x" + b" " * 500_000 + b"y # note\n" + b"".join(b"B%d=c\n" % n for n in range(50_000)), ".env"
    )
    assert items["A"].endswith(b"y")
    assert len(items) == 50_001


def test_a_refused_line_of_an_env_file_is_named_by_its_number() -> None:
    with pytest.raises(SealerError, match=r"\.env:5"):
        envfile.parse(b"A=b\n\nC='d\n'\n-\n", ".env")


def test_telling_where_items_come_from_is_bounded() -> None:
    items = {f"i{n}": "" for n in range(1500)}
    path = "/".join(f"a{n}" for n in range(1300)) + ".yaml"
    place = document.Place(path, 1, 0)
    doc = SealedSecret(place, "ns", "db", Scope.STRICT, items, {}, Template(), {}, {}, {})
    moved = {item: b"%08d" % number for number, item in enumerate(items)}
    origins = Origins([("ns", f"n{number}") for number in range(1500)])
    assert all("renamed" in origins.told(doc, Binding(Scope.STRICT, "ns", "db"), item, moved) for item in items)


# Writers


@pytest.mark.parametrize("target", ["../outside/new.yaml", ".git/hooks/post-checkout", ".GIT/config.lock"])
def test_set_writes_nothing_through_a_link_that_leads_away(checkout: Shop, target: str) -> None:
    link = checkout.root / "clusters/prod/payments/db.yaml"
    link.parent.mkdir(parents=True)
    (checkout.root.parent / "outside").mkdir(exist_ok=True)
    link.symlink_to(os.path.relpath(checkout.root / target, link.parent))
    done = sealer("set", str(link), "password", stdin=b"v")
    assert done.code == 1
    assert said(done, "symlink", "rm ")
    assert not (checkout.root / target).exists()


def test_seal_in_place_replaces_nothing_outside(checkout: Shop, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text(manifest("db", "payments", password="v"))
    link = checkout.root / "clusters/prod/payments/db.yaml"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    before = outside.read_bytes()
    assert sealer("seal", "--in-place", str(link)).code == 1
    assert outside.read_bytes() == before


def test_keys_are_not_pinned_over_files_of_git(checkout: Shop) -> None:
    place = checkout.root / ".sealer/keys/prod.bundle"
    data = place.read_bytes()
    (checkout.root / "new.bundle").write_bytes(data)
    place.unlink()
    place.symlink_to("../../.git/config")
    before = (checkout.root / ".git/config").read_bytes()
    assert sealer("keys", "fetch", "new.bundle", "--cluster", "prod").code == 1
    assert (checkout.root / ".git/config").read_bytes() == before


def test_unseal_writes_no_plaintext_through_a_link_that_leads_away(checkout: Shop) -> None:
    place = checkout.root / "out.yaml"
    place.symlink_to("../leaked.yaml")
    with pytest.raises(Refused, match="symlink"):
        sealedfile.stays(place)


def test_a_private_file_keeps_no_wider_mode(tmp_path: Path) -> None:
    place = tmp_path / "plain"
    place.touch(0o644)
    files.write_atomic(place, b"value", mode=0o600)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_device_or_a_pipe_is_not_replaced_by_a_file(checkout: Shop, tmp_path: Path) -> None:
    """For root the rename would succeed, and a container would lose its /dev/null."""
    pipe = checkout.root / "p.yaml"
    os.mkfifo(pipe)
    for write in (sealedfile.stays, lambda path: files.write_atomic(path, b"x")):
        for place in (pipe, Path("/dev/stdout"), Path("/dev/fd/1")):
            with pytest.raises(SourceError, match="device or a pipe"):
                write(place)
    for words in (("seal", "--in-place", "p.yaml"), ("set", "p.yaml", "key"), ("unset", "p.yaml", "key")):
        done = sealer(*words, stdin=b"value")
        assert (done.code, "device or a pipe" in done.err) == (2, True)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_an_early_error_of_a_worker_ends_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_cores", lambda: 4)

    def work(number: int) -> bytes:
        if number == 3:
            raise UsageError("no")
        return bytes(10_000)  # more than a pipe holds

    with pytest.raises(UsageError):
        list(parallel.each(work, range(2000)))


# Names


def test_a_name_in_a_command_is_one_word_on_one_line() -> None:
    for name in ("a b", "x;touch PWNED;.yaml", "a\n  way out: id\n", "\udcff\x1b[31m", "it's\n", "-rf", "$(id)"):
        quoted = shell.quote(name)
        assert quoted.isascii()
        assert quoted.isprintable()
        shown = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True).stdout
        assert shown == os.fsencode(name if name != "-rf" else "./-rf"), "no name is taken for an option"


def test_a_way_out_never_runs_a_file_name(checkout: Shop) -> None:
    checkout.write("clusters/prod/payments/db.yaml", "")
    assert sealer("set", "clusters/prod/payments/db.yaml", "k", stdin=b"v").code == 0
    evil = checkout.write("x;touch PWNED;.yaml", checkout.read("clusters/prod/payments/db.yaml"))
    evil.write_bytes(evil.read_bytes().replace(b"name: db", b"name: other"))
    done = sealer("unseal", evil.name)
    assert "'x;touch PWNED;.yaml'" in done.err


def test_a_file_name_is_no_line_of_a_report(checkout: Shop) -> None:
    checkout.write("clusters/prod/a\n  way out: id | sh\n.yaml", HEAD + "spec: {encryptedData: {a: AAAA}}\n")
    done = sealer("check", "clusters")
    assert done.code == 1
    assert not any(line.strip().startswith("way out: id") for line in done.text.splitlines())
    console.report(SealerError("is bad", where="a\n  way out: id"))


def test_diff_shows_files_whatever_they_are_called(checkout: Shop) -> None:
    checkout.git("commit", "-q", "--allow-empty", "-m", "base")
    names = ("aa\n.yaml", "bb\t.yaml", ":cc.yaml", "dd\x00"[:2] + "\xff.yaml", "$HOME.yaml", "-ee.yaml")
    for number, name in enumerate(names):
        checkout.write(name, HEAD.replace("name: db", f"name: db{number}") + "spec: {encryptedData: {k: AAAA}}\n")
    for refs in (("HEAD",), ("HEAD~1..HEAD",)):
        if refs[0] != "HEAD":
            checkout.git("add", "-A")
            checkout.git("commit", "-q", "-m", "more")
        done = sealer("diff", *refs)
        assert done.code == 0
        assert sorted(line.split()[1] for line in done.text.splitlines()) == [
            f"payments/db{number}" for number in range(len(names))
        ]


def test_a_name_that_the_locale_lacks_is_no_defect(checkout: Shop) -> None:
    checkout.write("clusters/é.yaml", HEAD + "spec: {encryptedData: {a: AAAA}}\n")
    program = os.path.join(os.path.dirname(sys.executable), "sealer")
    done = subprocess.run(
        [program, "check", "clusters"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 1
    assert b"clusters/\\xe9.yaml" in done.stdout


# Readers of a value: who gets it


def test_a_bundle_that_lists_anothers_key_redirects_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shop = make(tmp_path, rules=NO_RULES)
    flags = ("--namespace", "payments", "--name", "db")
    assert sealer("set", "db.yaml", "k", *flags, "--cluster", "prod", stdin=b"v").code == 0
    now = datetime.now(UTC)
    theirs = bundle.parse(shop["staging"].bundle())
    stolen = BundleKey(shop["prod"].keys[0].public, now.replace(year=2020), now.replace(year=2040), Status.RETIRED)
    grown = replace(theirs, sequence=2, keys=(*theirs.keys, replace(stolen, not_before=theirs.issued)))
    shop.write(".sealer/keys/staging.bundle", bundle.render(grown, shop["staging"].identity))
    before = shop.read("db.yaml")
    done = sealer("set", "db.yaml", "k2", stdin=b"topsecret")
    assert done.code == 2
    assert said(done, "prod and staging", "--cluster")
    assert shop.read("db.yaml") == before
    assert sealer("set", "db.yaml", "k2", "--cluster", "prod", stdin=b"v").code == 0


def test_an_empty_sealer_trust_trusts_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trust.VARIABLE, " ")
    done = sealer("set", "clusters/prod/payments/db.yaml", "k", stdin=b"v")
    assert done.code == 2
    assert said(done, trust.VARIABLE, "names nobody")
    assert not (shop.root / "clusters").exists()


def test_a_submodule_does_not_start_trust_anew() -> None:
    def subject(cluster: str, letter: str) -> trust.Subject:
        return trust.Subject(cluster, f"SHA256:{letter * 43}", 1, "0" * 64, True)

    ours, evil, friend = subject("prod", "a"), subject("prod", "b"), subject("staging", "c")
    known = trust.first_use(trust.Trust(), "/src/shop/.git", [ours])
    inner = "/src/shop/.git/modules/payments"
    with pytest.raises(Untrusted, match="submodule"):
        trust.first_use(known, inner, [evil])
    assert trust.first_use(known, inner, [ours, friend]).repositories[inner] == {"prod": ours.pin}
    assert trust.first_use(known, inner, [evil], confirmed=True).repositories[inner] == {"prod": evil.pin}


def test_a_step_back_to_v1_by_the_repository_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sealer.formats import keys

    monkeypatch.chdir(tmp_path)
    shop = make(tmp_path, ("prod",), rules="version: 1\nclusters:\n  prod: {envelope: v1}\n")
    shop["prod"].keys.append(keys.generate_rsa(now=datetime.now(UTC), bits=2048))
    shop.pin()
    flags = ("--namespace", "payments", "--name", "db")
    done = sealer("set", "db.yaml", "k", *flags, stdin=b"v")
    assert done.code == 0
    assert said(done, ".sealer.yaml:3 asks for v1", "has a v2 key")
    assert "asks for v1" not in sealer("set", "db.yaml", "k", *flags, "--envelope", "v1", stdin=b"v").err


@pytest.mark.parametrize(
    "name",
    ["TAR_OPTIONS", "LESS", "ERL_AFLAGS", "ELIXIR_ERL_OPTIONS", "JAVA_HOME", "RSYNC_RSH", "VIMINIT", "npm_config_git"],
)
def test_no_item_becomes_a_variable_that_executes(name: str) -> None:
    assert variables.refusal(name)


# Many at once


@pytest.mark.parametrize("lead", ["---\n", "- "])
def test_many_secrets_of_one_file_are_sealed_in_one_pass(shop: Shop, lead: str) -> None:
    one = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s{}\n  namespace: ns\nstringData:\n  a: b\n# keep {}\n"
    number = 600
    if lead == "- ":
        listed = "".join("- " + one.format(n, n).replace("\n", "\n  ").rstrip(" ") for n in range(number))
        shop.write("many.yaml", f"apiVersion: v1\nkind: List\nitems:\n{listed}")
    else:
        shop.write("many.yaml", "---\n".join(one.format(n, n) for n in range(number)))
    assert sealer("seal", "--in-place", "--cluster", "prod", "many.yaml").code == 0
    found = document.parse_strict(shop.read("many.yaml"), "many.yaml").documents
    assert [each.name for each in found if isinstance(each, SealedSecret)] == [f"s{n}" for n in range(number)]
    assert shop.read("many.yaml").count(b"# keep") == number


@pytest.mark.parametrize("items", ["", " {}", "\n    # first\n    old: AAAA # note"])
def test_many_items_are_set_in_one_pass(items: str) -> None:
    data = f"{HEAD}spec:\n  encryptedData:{items}\n  template: {{}} # end".encode()
    wanted = {f"k{n}": "BBBB" for n in range(600)} | ({"old": "CCCC"} if "old" in items else {})
    after = edit.set_items(data, "db.yaml", 0, wanted)
    doc = document.parse_strict(after, "db.yaml").documents[0]
    assert isinstance(doc, SealedSecret)
    assert dict(doc.items) == wanted
    one_by_one = data
    for key, text in list(wanted.items())[:5]:
        one_by_one = edit.set_items(one_by_one, "db.yaml", 0, {key: text})
    assert edit.set_items(data, "db.yaml", 0, dict(list(wanted.items())[:5])) == one_by_one
