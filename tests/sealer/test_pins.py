"""Whose keys are accepted. Most of this is one attacker after the other, each with a pull request."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from sealer import paths
from sealer.configuration import config
from sealer.errors import BundleError, FormatError, KeyFormatError, Refused, SourceError, Untrusted, UsageError
from sealer.formats.keyrecord import Status
from sealer.pinning import pins, trust
from tests.sealer.controllers import NOW, Controller, pin, repository, rsa_key, v1, v2


@pytest.fixture
def prod() -> Controller:
    return Controller("prod")


@pytest.fixture
def repo(tmp_path: Path, prod: Controller) -> config.Config:
    """A repository in use: prod and staging were there when it was first used."""
    made = repository(tmp_path / "repo", "prod", "staging")
    pin(made, "prod", prod.bundle(5))
    pin(made, "staging", Controller("staging").bundle(2))
    assert pins.pinned(made, "prod", now=NOW).authenticated
    return made


def _again(repo: config.Config, *names: str) -> config.Config:
    return repository(repo.root, *names)


def test_a_broken_pin_has_a_way_out(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(5).replace(b'"sequence": 5', b'"sequence": 6'))
    with pytest.raises(FormatError, match="signature does not fit") as caught:
        pins.pinned(repo, "prod", now=NOW)
    assert (caught.value.where, caught.value.way_out) == (
        config.shown(pins.path(repo, "prod")),
        "sealer keys fetch --cluster prod",
    )


# -- first use ---------------------------------------------------------------------------------------------------------


def test_the_first_use_records_every_cluster_and_prints_its_fingerprint(tmp_path: Path, prod: Controller) -> None:
    staging = Controller("staging")
    repo = repository(tmp_path, "prod", "staging", "recovery")
    pin(repo, "prod", prod.bundle())
    pin(repo, "staging", staging.bundle())
    found = pins.pinned(repo, "prod", now=NOW)
    said = "\n".join(found.warnings)
    assert prod.fingerprint in said
    assert staging.fingerprint in said
    assert found.bundle.cluster == "prod"
    known = trust.load()
    assert known.repositories[str(repo.root / ".git")] == {"prod": prod.fingerprint, "staging": staging.fingerprint}
    assert pins.pinned(repo, "prod", now=NOW).warnings == ()
    assert pins.pinned(repo, "staging", now=NOW).warnings == ()


def test_who_only_looks_records_nothing(tmp_path: Path, prod: Controller) -> None:
    repo = repository(tmp_path)
    pin(repo, "prod", prod.bundle())
    found = pins.pinned(repo, "prod", now=NOW, record=False)
    assert not found.authenticated
    assert any("not authenticated" in said for said in found.warnings)
    assert not paths.trust_file().exists()


def test_keys_that_nobody_can_read_are_not_recorded_at_first_use(tmp_path: Path, prod: Controller) -> None:
    repo = repository(tmp_path, "prod", "staging")
    pin(repo, "prod", prod.bundle())
    pin(repo, "staging", b"{}")
    pins.pinned(repo, "prod", now=NOW)
    pin(repo, "staging", Controller("staging").bundle())
    with pytest.raises(Untrusted):
        pins.pinned(repo, "staging", now=NOW)


def test_a_second_clone_is_used_for_the_first_time_and_knows_the_identity(repo: config.Config, tmp_path: Path) -> None:
    clone = repository(tmp_path / "clone", "prod")
    data = (repo.keys / "prod.bundle").read_bytes()
    pin(clone, "prod", data)
    assert "first use" in pins.pinned(clone, "prod", now=NOW).warnings[0]


def test_every_work_tree_of_a_repository_has_the_same_pins(tmp_path: Path, prod: Controller) -> None:
    main = tmp_path / "main"
    repo = repository(main)
    pin(repo, "prod", prod.bundle())
    (main / ".git").rename(tmp_path / "pretend")
    for path in (tmp_path / "pretend").iterdir():
        path.unlink()
    (tmp_path / "pretend").rmdir()

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(main), *words], check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "keys")
    git("worktree", "add", "-q", str(tmp_path / "tree"))
    pins.pinned(config.load(main / ".sealer.yaml"), "prod", now=NOW)
    tree = config.load(tmp_path / "tree" / ".sealer.yaml")
    assert pins.pinned(tree, "prod", now=NOW).warnings == ()


def test_without_git_the_folder_is_the_repository(tmp_path: Path, prod: Controller) -> None:
    (tmp_path / ".sealer.yaml").write_text("version: 1\nclusters: {prod: {}}\n")
    repo = config.load(tmp_path / ".sealer.yaml")
    pin(repo, "prod", prod.bundle())
    pins.pinned(repo, "prod", now=NOW)
    assert list(trust.load().repositories) == [str(tmp_path.resolve())]


# -- attackers ---------------------------------------------------------------------------------------------------------


def _refused(repo: config.Config, cluster: str, said: str) -> None:
    """Refused to who seals and to who only looks, with a way out, and nothing is recorded."""
    before = paths.trust_file().read_bytes()
    for record in (True, False):
        with pytest.raises(Untrusted, match=re.escape(said)) as refused:
            pins.pinned(repo, cluster, now=NOW, record=record)
        assert f"sealer keys fetch --cluster {cluster}" in refused.value.way_out
        assert refused.value.where
    assert paths.trust_file().read_bytes() == before


def test_a_cluster_that_a_pull_request_adds_is_refused(repo: config.Config) -> None:
    grown = _again(repo, "prod", "staging", "prod-eu")
    pin(grown, "prod-eu", Controller("prod-eu").bundle())
    _refused(grown, "prod-eu", "was not there")


def test_a_swapped_bundle_is_refused(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", Controller("prod").bundle(9))
    _refused(repo, "prod", prod.fingerprint)


def test_a_bundle_of_another_cluster_under_this_name_is_refused(repo: config.Config) -> None:
    pin(repo, "prod", (repo.keys / "staging.bundle").read_bytes())
    with pytest.raises(BundleError, match="staging"):
        pins.pinned(repo, "prod", now=NOW)


def test_a_bundle_swapped_for_a_bare_certificate_is_refused(repo: config.Config) -> None:
    (repo.keys / "prod.bundle").unlink()
    pin(repo, "prod", rsa_key().public.certificate.encode(), suffix="pem")
    _refused(repo, "prod", "is trusted")


def test_a_certificate_of_a_key_of_the_very_bundle_is_refused_too(tmp_path: Path) -> None:
    controller = Controller("prod", keys=(v2(), v1()))
    repo = repository(tmp_path)
    path = pin(repo, "prod", controller.bundle())
    pins.pinned(repo, "prod", now=NOW)
    path.unlink()
    pin(repo, "prod", rsa_key().public.certificate.encode(), suffix="pem")
    _refused(repo, "prod", "is trusted")


def test_a_bundle_and_a_certificate_at_once_are_refused(repo: config.Config) -> None:
    pin(repo, "prod", rsa_key().public.certificate.encode(), suffix="pem")
    with pytest.raises(SourceError, match="both"):
        pins.pinned(repo, "prod", now=NOW)


def test_a_bundle_rolled_back_is_refused(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(4))
    _refused(repo, "prod", "sequence 4; 5")


def test_other_keys_of_the_same_sequence_are_refused(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(5, keys=(v2(),)))
    _refused(repo, "prod", "others than those seen before")


def test_a_status_changed_at_the_same_sequence_is_refused(tmp_path: Path) -> None:
    old, new = v2(Status.COMPROMISED), v2()
    controller = Controller("prod", keys=(old, new))
    repo = repository(tmp_path)
    pin(repo, "prod", controller.bundle(3))
    pins.pinned(repo, "prod", now=NOW)
    revived = v2(Status.ACTIVE)
    pin(
        repo,
        "prod",
        controller.bundle(3, keys=(type(old)(old.public, old.not_before, old.not_after, revived.status), new)),
    )
    _refused(repo, "prod", "others than those")


def test_the_same_keys_issued_again_are_accepted(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(5, issued=NOW))
    assert pins.pinned(repo, "prod", now=NOW).authenticated


def test_one_identity_for_two_clusters_is_refused_at_first_use(tmp_path: Path) -> None:
    alice = Controller("dev-alice")
    repo = repository(tmp_path, "dev-alice", "prod")
    pin(repo, "dev-alice", alice.bundle())
    pin(repo, "prod", alice.bundle(cluster="prod"))
    with pytest.raises(Untrusted, match="known as"):
        pins.pinned(repo, "prod", now=NOW)
    assert trust.load() == trust.Trust()


def test_a_trusted_person_can_not_sign_for_prod(tmp_path: Path, prod: Controller) -> None:
    alice = Controller("dev-alice")
    repo = repository(tmp_path, "dev-alice", "prod")
    pin(repo, "dev-alice", alice.bundle())
    pin(repo, "prod", prod.bundle())
    pins.pinned(repo, "prod", now=NOW)
    pin(repo, "prod", alice.bundle(cluster="prod"))
    _refused(repo, "prod", "is trusted")
    with pytest.raises(Untrusted, match="one identity"):
        pins.write(repo, "prod", alice.bundle(cluster="prod"), trusted=alice.fingerprint, now=NOW)


def test_a_nested_configuration_brings_no_keys_of_its_own(repo: config.Config) -> None:
    nested = repo.root / "apps" / "x"
    nested.mkdir(parents=True)
    (nested / ".sealer.yaml").write_text("version: 1\nclusters: {prod: {}}\n")
    inner = config.load(nested / ".sealer.yaml")
    pin(inner, "prod", Controller("prod").bundle(99))
    _refused(inner, "prod", "is trusted")


def test_a_git_file_that_points_elsewhere_is_followed_to_one_repository(tmp_path: Path, prod: Controller) -> None:
    repo = repository(tmp_path / "repo")
    pin(repo, "prod", prod.bundle())
    (tmp_path / "repo" / ".git").rename(tmp_path / "moved")
    (tmp_path / "repo" / ".git").write_text("gitdir: ../moved\n")
    pins.pinned(repo, "prod", now=NOW)
    assert list(trust.load().repositories) == [str((tmp_path / "moved").resolve())]


def test_a_changed_byte_of_a_bundle_is_refused(repo: config.Config) -> None:
    data = (repo.keys / "prod.bundle").read_bytes()
    pin(repo, "prod", data.replace(b'"sequence": 5', b'"sequence": 6'))
    with pytest.raises(BundleError) as refused:
        pins.pinned(repo, "prod", now=NOW)
    assert refused.value.where.endswith("prod.bundle")


# -- what moves forward ------------------------------------------------------------------------------------------------


def test_a_newer_bundle_that_git_brings_moves_the_sequence_forward(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(8))
    assert pins.pinned(repo, "prod", now=NOW).authenticated
    assert trust.load().identities[prod.fingerprint].sequence == 8
    pin(repo, "prod", prod.bundle(7))
    _refused(repo, "prod", "sequence 7; 8")


def test_who_only_looks_moves_nothing(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(8))
    assert pins.pinned(repo, "prod", now=NOW, record=False).authenticated
    assert trust.load().identities[prod.fingerprint].sequence == 5


def test_the_sequence_counts_in_every_repository(repo: config.Config, prod: Controller, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    pin(other, "prod", prod.bundle(4))
    with pytest.raises(Untrusted, match="sequence 4; 5"):
        pins.pinned(other, "prod", now=NOW)


# -- v2 and v1 ---------------------------------------------------------------------------------------------------------


def test_v2_keys_that_are_gone_are_an_error_for_who_seals(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(6, keys=(v1(),)))
    for _ in range(2):
        with pytest.raises(Refused, match="once had a v2 key") as refused:
            pins.pinned(repo, "prod", now=NOW)
        assert "--envelope v1" in refused.value.way_out
    looked = pins.pinned(repo, "prod", now=NOW, record=False)
    assert looked.lost_v2
    assert any("once had" in said for said in looked.warnings)
    assert pins.pinned(repo, "prod", now=NOW, envelope="v1").lost_v2


def test_it_stays_an_error_at_each_later_sequence_and_after_trust(repo: config.Config, prod: Controller) -> None:
    for sequence in (6, 7):
        pins.write(repo, "prod", prod.bundle(sequence, keys=(v1(),)), trusted=prod.fingerprint, now=NOW)
        with pytest.raises(Refused, match="once had"):
            pins.pinned(repo, "prod", now=NOW)


def test_a_file_that_says_v1_may_go_on(repo: config.Config, prod: Controller) -> None:
    pin(repo, "prod", prod.bundle(6, keys=(v1(),)))
    text = "version: 1\nclusters: {prod: {envelope: v1}, staging: {}}\n"
    assert pins.pinned(repository(repo.root, text=text), "prod", now=NOW).lost_v2


# -- bare certificates -------------------------------------------------------------------------------------------------


def test_a_bare_certificate_is_pinned_by_its_key_id(tmp_path: Path) -> None:
    key = rsa_key()
    repo = repository(tmp_path)
    pin(repo, "prod", key.public.certificate.encode(), suffix="pem")
    found = pins.pinned(repo, "prod", now=NOW)
    assert (found.bare, found.fingerprint) == (True, key.id)
    assert [usable.id for usable in found.bundle.usable(NOW, "rsa")] == [key.id]
    assert found.bundle.cluster == "prod"
    pin(repo, "prod", rsa_key(1).public.certificate.encode(), suffix="pem")
    _refused(repo, "prod", rsa_key(1).id)


def test_two_clusters_may_have_one_certificate_and_it_is_said(tmp_path: Path) -> None:
    repo = repository(tmp_path, "blue", "green")
    for name in ("blue", "green"):
        pin(repo, name, rsa_key().public.certificate.encode(), suffix="pem")
    found = [pins.pinned(repo, name, now=NOW) for name in ("blue", "green")]
    assert pins.shared(found) == (f"key {rsa_key().id[:8]} belongs to blue and green",)
    assert pins.shared(found[:1]) == ()


def test_a_private_key_beside_a_certificate_never_gets_into_the_repository(tmp_path: Path) -> None:
    repo = repository(tmp_path)
    pins.write(repo, "prod", (rsa_key().pem + rsa_key().public.certificate).encode(), now=NOW)
    written = (repo.keys / "prod.pem").read_text()
    assert "PRIVATE" not in written
    assert written == rsa_key().public.certificate
    assert not (repo.keys / "prod.bundle").exists()


@pytest.mark.parametrize("data", [b"", b"{}", b"hello", b"\xff", b"-----BEGIN CERTIFICATE-----\n\xff\n"])
def test_what_holds_no_keys_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        pins.parse(data, "prod")


def test_a_certificate_needs_a_name(prod: Controller) -> None:
    with pytest.raises(UsageError, match="whose"):
        pins.parse(rsa_key().public.certificate.encode(), None)
    assert pins.parse(b"\xef\xbb\xbf" + prod.bundle(), None).bundle.cluster == "prod"
    with pytest.raises(KeyFormatError):
        pins.parse(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "prod")


# -- write -------------------------------------------------------------------------------------------------------------


def test_newer_keys_of_the_trusted_identity_need_no_word(repo: config.Config, prod: Controller) -> None:
    change = pins.write(repo, "prod", prod.bundle(6), now=NOW)
    assert change.before is not None
    assert (change.before.bundle.sequence, change.after.bundle.sequence) == (5, 6)
    assert (repo.keys / "prod.bundle").read_bytes() == prod.bundle(6)
    assert trust.load().identities[prod.fingerprint].sequence == 6


def test_keys_that_only_got_new_dates_are_written_late_in_their_life(repo: config.Config, prod: Controller) -> None:
    before = (repo.keys / "prod.bundle").read_bytes()
    assert not pins.write(repo, "prod", prod.bundle(5, issued=NOW), now=NOW).written
    assert (repo.keys / "prod.bundle").read_bytes() == before
    later = NOW + timedelta(days=50)
    assert pins.write(repo, "prod", prod.bundle(5, issued=later), now=later).written
    assert (repo.keys / "prod.bundle").read_bytes() != before


def test_keys_of_another_identity_need_a_word_and_only_the_right_one_counts(
    repo: config.Config, prod: Controller
) -> None:
    thief = Controller("prod")
    before = (repo.keys / "prod.bundle").read_bytes(), paths.trust_file().read_bytes()
    for word in (None, prod.fingerprint, Controller("prod").fingerprint):
        with pytest.raises(Untrusted):
            pins.write(repo, "prod", thief.bundle(9), trusted=word, now=NOW)
    assert ((repo.keys / "prod.bundle").read_bytes(), paths.trust_file().read_bytes()) == before
    pins.write(repo, "prod", thief.bundle(1), trusted=thief.fingerprint, now=NOW)
    assert pins.pinned(repo, "prod", now=NOW).fingerprint == thief.fingerprint


def test_a_controller_that_went_back_is_accepted_by_word(repo: config.Config, prod: Controller) -> None:
    with pytest.raises(Untrusted, match="sequence"):
        pins.write(repo, "prod", prod.bundle(2), now=NOW)
    pins.write(repo, "prod", prod.bundle(2), trusted=prod.fingerprint, now=NOW)
    assert pins.pinned(repo, "prod", now=NOW).bundle.sequence == 2


def test_a_new_cluster_is_accepted_by_word_or_from_ones_own_keyring(repo: config.Config) -> None:
    alice = Controller("dev-alice")
    grown = _again(repo, "prod", "staging", "dev-alice")
    with pytest.raises(Untrusted, match="was not there"):
        pins.write(grown, "dev-alice", alice.bundle(), now=NOW)
    assert not (grown.keys / "dev-alice.bundle").exists()
    pins.write(grown, "dev-alice", alice.bundle(), own=True, now=NOW)
    assert pins.pinned(grown, "dev-alice", now=NOW).authenticated
    with pytest.raises(Untrusted, match="is trusted"):
        pins.write(grown, "dev-alice", Controller("dev-alice").bundle(), own=True, now=NOW)


def test_a_certificate_gives_way_to_a_bundle(tmp_path: Path, prod: Controller) -> None:
    repo = repository(tmp_path)
    pins.write(repo, "prod", rsa_key().public.certificate.encode(), now=NOW)
    pins.write(repo, "prod", prod.bundle(), trusted=prod.fingerprint, now=NOW)
    assert sorted(path.name for path in repo.keys.iterdir()) == ["prod.bundle"]


def test_the_first_write_records_the_other_clusters_too(tmp_path: Path, prod: Controller) -> None:
    staging = Controller("staging")
    repo = repository(tmp_path, "prod", "staging")
    pin(repo, "staging", staging.bundle())
    change = pins.write(repo, "prod", prod.bundle(), now=NOW)
    assert {subject.pin for subject in change.first} == {prod.fingerprint, staging.fingerprint}
    assert pins.pinned(repo, "staging", now=NOW).warnings == ()


@pytest.mark.parametrize("what", ["file", "folder", "nowhere"])
def test_a_symlink_from_a_pull_request_makes_nobody_write_elsewhere(
    tmp_path: Path, prod: Controller, what: str
) -> None:
    repo = repository(tmp_path / "repo")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "prod.bundle").write_text("mine")
    if what == "folder":
        (repo.root / ".sealer").mkdir()
        repo.keys.symlink_to(outside)
    else:
        repo.keys.mkdir(parents=True)
        (repo.keys / "prod.bundle").symlink_to(outside / ("prod.bundle" if what == "file" else "new"))
    with pytest.raises(Refused, match="outside"):
        pins.write(repo, "prod", prod.bundle(), now=NOW)
    assert [path.name for path in outside.iterdir()] == ["prod.bundle"]
    assert (outside / "prod.bundle").read_text() == "mine"
    assert not trust.load().repositories


# -- SEALER_TRUST ------------------------------------------------------------------------------------------------------


def test_the_variable_replaces_the_file(tmp_path: Path, prod: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = repository(tmp_path)
    pin(repo, "prod", prod.bundle())
    for value in (prod.fingerprint, f"prod={prod.fingerprint}", f"{Controller().fingerprint}, {prod.fingerprint}"):
        monkeypatch.setenv("SEALER_TRUST", value)
        assert pins.pinned(repo, "prod", now=NOW).authenticated
        pins.write(repo, "prod", prod.bundle(), now=NOW)
    assert not paths.trust_file().exists()
    for value in (Controller().fingerprint, f"staging={prod.fingerprint}", "0123456789abcdef"):
        monkeypatch.setenv("SEALER_TRUST", value)
        with pytest.raises(Untrusted, match="SEALER_TRUST"):
            pins.pinned(repo, "prod", now=NOW, record=False)
        with pytest.raises(Untrusted, match="SEALER_TRUST"):
            pins.write(repo, "prod", prod.bundle(), now=NOW)


def test_an_entry_for_the_cluster_excludes_those_for_any(
    tmp_path: Path, prod: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = Controller("dev-alice")
    repo = repository(tmp_path, "prod", "dev-alice")
    pin(repo, "prod", alice.bundle(cluster="prod"))
    monkeypatch.setenv("SEALER_TRUST", f"prod={prod.fingerprint},{alice.fingerprint}")
    with pytest.raises(Untrusted):
        pins.pinned(repo, "prod", now=NOW)


@pytest.mark.parametrize("value", ["SHA256:short", "prod", "Prod=0123456789abcdef", "0123456789ABCDEF", "a,,b"])
def test_a_malformed_variable_is_refused(
    tmp_path: Path, prod: Controller, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    repo = repository(tmp_path)
    pin(repo, "prod", prod.bundle())
    monkeypatch.setenv("SEALER_TRUST", value)
    with pytest.raises(UsageError, match="entry 1"):
        pins.pinned(repo, "prod", now=NOW)


# -- dates and missing keys --------------------------------------------------------------------------------------------


def test_what_grows_old_is_said(tmp_path: Path) -> None:
    repo = repository(tmp_path)
    pin(repo, "prod", Controller(keys=(v2(ends=NOW + timedelta(days=10)),)).bundle(days=30))
    pins.pinned(repo, "prod", now=NOW)
    assert "ends on 2026-03-12" in pins.pinned(repo, "prod", now=NOW).warnings[0]
    later = pins.pinned(repo, "prod", now=NOW + timedelta(days=60)).warnings
    assert "expired on" in later[0]
    assert "ended on" in later[1]


def test_a_retired_key_that_ended_is_not_worth_a_word(tmp_path: Path) -> None:
    repo = repository(tmp_path)
    pin(repo, "prod", Controller(keys=(v2(Status.RETIRED, ends=NOW), v2())).bundle())
    pins.pinned(repo, "prod", now=NOW)
    assert pins.pinned(repo, "prod", now=NOW).warnings == ()


def test_missing_keys_name_the_way_out(tmp_path: Path) -> None:
    repo = repository(tmp_path)
    with pytest.raises(SourceError, match="no keys of cluster prod") as refused:
        pins.pinned(repo, "prod", now=NOW)
    assert refused.value.way_out == "sealer keys fetch --cluster prod"
    with pytest.raises(UsageError, match="unknown cluster other"):
        pins.pinned(repo, "other", now=NOW)


# -- two at once -------------------------------------------------------------------------------------------------------

_USE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sealer.configuration import config; from sealer.pinning import pins
pins.pinned(config.load(Path(sys.argv[1])), "prod", now=datetime(2026, 3, 2, 12, tzinfo=UTC))
"""


def test_many_first_uses_at_once_lose_nothing(tmp_path: Path, prod: Controller) -> None:
    repos = [repository(tmp_path / str(number)) for number in range(6)]
    for repo in repos:
        pin(repo, "prod", prod.bundle())
    running = [
        subprocess.Popen([sys.executable, "-c", _USE, str(repo.root / ".sealer.yaml")], env=dict(os.environ))
        for repo in repos
    ]
    assert [process.wait(60) for process in running] == [0] * len(repos)
    assert set(trust.load().repositories) == {str(repo.root / ".git") for repo in repos}


def test_the_file_is_private_and_has_its_schema(repo: config.Config) -> None:
    from sealer import schema

    path = paths.trust_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    schema.validate(json.loads(path.read_bytes()), "trust", file="trust.json")
