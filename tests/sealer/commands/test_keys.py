"""`sealer keys list` and `sealer keys fetch`: what they print, what they write, how they exit."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller import keyadmin
from sealer import paths, schema
from sealer.commands import keys
from sealer.errors import SealerError, SourceError, Untrusted, UsageError
from sealer.formats import bundle, passphrase
from sealer.formats.keyrecord import Status
from sealer.pinning import pins
from tests.sealer import https
from tests.sealer.controllers import Controller, pin, repository, rsa_key, v2

if TYPE_CHECKING:
    from sealer.configuration import config

NOW = datetime.now(UTC).replace(microsecond=0)
ISSUED = NOW - timedelta(days=1)


def _key(status: Status = Status.ACTIVE, *, days: int = 365) -> bundle.BundleKey:
    """A key whose dates are about today: these commands look at the clock."""
    key = v2(status)
    return bundle.BundleKey(key.public, NOW - timedelta(days=30), NOW + timedelta(days=days), status)


@pytest.fixture
def prod() -> Controller:
    return Controller("prod", keys=(_key(),))


@pytest.fixture
def repo(tmp_path: Path, prod: Controller, monkeypatch: pytest.MonkeyPatch) -> config.Config:
    """A repository in use, entered; prod has keys, recovery none."""
    made = repository(tmp_path / "repo", "prod", "recovery")
    pin(made, "prod", prod.bundle(5, issued=ISSUED))
    pins.pinned(made, "prod", now=NOW)
    monkeypatch.chdir(made.root)
    return made


def _fetch(
    source: str | None = None, cluster: str | None = None, *, check: bool = False, trust: str | None = None
) -> int:
    return keys.fetch(source=source, cluster=cluster, check=check, trust=trust)


def _source(repo: config.Config, data: bytes) -> str:
    path = repo.root.parent / "source"
    path.write_bytes(data)
    return str(path)


# -- list --------------------------------------------------------------------------------------------------------------


def test_the_list_has_its_columns(repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys.list_(format="text") == 0
    head, row, missing = capsys.readouterr().out.splitlines()
    assert head.split() == ["CLUSTER", "KEY", "ALGORITHM", "STATUS", "VALID", "TO", "TRUST"]
    key = prod.keys[0]
    day = f"{key.not_after:%Y-%m-%d}"
    assert row.split() == ["prod", key.id[:8], "mlkem768-x25519", "active", day, "trusted"]
    assert missing.split() == ["recovery", "-", "-", "-", "-", "missing"]


def test_the_json_has_its_schema(repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    pin(repo, "recovery", rsa_key().public.certificate.encode(), suffix="pem")
    assert keys.list_(format="json") == 1
    value = json.loads(capsys.readouterr().out)
    schema.validate(value, "pinned-keys", file="out")
    assert [(entry["cluster"], entry["trust"]) for entry in value["clusters"]] == [
        ("prod", "trusted"),
        ("recovery", "refused"),
    ]
    assert value["clusters"][0]["pin"] == prod.fingerprint


def test_keys_that_are_refused_are_shown_as_such(
    repo: config.Config, capsys: pytest.CaptureFixture[str], prod: Controller
) -> None:
    thief = Controller("prod", keys=(_key(),))
    pin(repo, "prod", thief.bundle(9, issued=ISSUED))
    before = paths.trust_file().read_bytes()
    assert keys.list_(format="text") == 1
    said = capsys.readouterr()
    assert "refused" in said.out
    assert prod.fingerprint in said.err
    assert paths.trust_file().read_bytes() == before


def test_keys_that_can_not_be_read_end_with_2(repo: config.Config, capsys: pytest.CaptureFixture[str]) -> None:
    pin(repo, "prod", b"{}")
    assert keys.list_(format="json") == 2
    schema.validate(json.loads(capsys.readouterr().out), "pinned-keys", file="out")


def test_a_list_before_the_first_use_records_nothing(repo: config.Config, capsys: pytest.CaptureFixture[str]) -> None:
    paths.trust_file().unlink()
    assert keys.list_(format="text") == 0
    said = capsys.readouterr()
    assert "not yet" in said.out
    assert "not authenticated" in said.err
    assert not paths.trust_file().exists()


# -- fetch -------------------------------------------------------------------------------------------------------------


def test_newer_keys_are_pinned(repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    data = prod.bundle(6, keys=(*prod.keys, _key()), issued=ISSUED)
    assert _fetch(_source(repo, data)) == 0
    assert (repo.keys / "prod.bundle").read_bytes() == data
    assert "sequence 6 (was 5)" in capsys.readouterr().out


def test_the_same_keys_again_change_nothing(
    repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (repo.keys / "prod.bundle").read_bytes()
    assert _fetch(_source(repo, prod.bundle(5, issued=NOW))) == 0
    assert (repo.keys / "prod.bundle").read_bytes() == before
    assert capsys.readouterr().out.startswith("unchanged  prod")


def test_another_identity_needs_the_word(repo: config.Config, capsys: pytest.CaptureFixture[str]) -> None:
    thief = Controller("prod", keys=(_key(),))
    source = _source(repo, thief.bundle(1, issued=ISSUED))
    with pytest.raises(Untrusted) as refused:
        _fetch(source, "prod")
    assert refused.value.way_out.endswith(f"sealer keys fetch {source} --cluster prod --trust {thief.fingerprint}")
    assert _fetch(source, "prod", trust=thief.fingerprint) == 0
    assert f"is {thief.fingerprint} now" in capsys.readouterr().err


def test_keys_that_came_by_git_are_trusted_where_they_stand(repo: config.Config) -> None:
    """A cluster without a url: there is nothing to fetch from, but its way out has to work all the same."""
    other = Controller("prod", keys=(_key(),))
    pin(repo, "prod", other.bundle(1, issued=ISSUED))
    with pytest.raises(Untrusted) as refused:
        pins.pinned(repo, "prod", now=NOW)
    assert refused.value.way_out.endswith(f"sealer keys fetch --cluster prod --trust {other.fingerprint}")
    assert _fetch(None, "prod", trust=other.fingerprint) == 0
    assert pins.pinned(repo, "prod", now=NOW).authenticated


def test_going_back_is_said(repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    source = _source(repo, prod.bundle(3, issued=ISSUED))
    with pytest.raises(Untrusted, match="sequence 3; 5"):
        _fetch(source)
    assert _fetch(source, "prod", trust=prod.fingerprint) == 0
    assert "went back from sequence 5 to 3" in capsys.readouterr().err


def test_a_certificate_is_for_the_cluster_that_is_named(repo: config.Config) -> None:
    source = _source(repo, rsa_key().public.certificate.encode())
    with pytest.raises(UsageError, match="whose"):
        _fetch(source)
    with pytest.raises(Untrusted):
        _fetch(source, "recovery")
    assert _fetch(source, "recovery", trust=rsa_key().id) == 0
    assert (repo.keys / "recovery.pem").read_text() == rsa_key().public.certificate


def test_an_unknown_cluster_is_named_with_the_way_out(repo: config.Config) -> None:
    source = _source(repo, Controller("qa").bundle(issued=ISSUED))
    for named in (None, "qa"):
        with pytest.raises(UsageError, match="unknown cluster qa") as refused:
            _fetch(source, named)
        assert refused.value.way_out == f"sealer init --cluster qa --keys {source}"


def test_stdin_holds_keys_too(repo: config.Config, prod: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prod.bundle(6, issued=ISSUED)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert _fetch("-") == 0
    assert (repo.keys / "prod.bundle").read_bytes() == data


def test_the_url_of_the_cluster_is_where_keys_come_from(
    repo: config.Config, prod: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = https.Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("no_proxy", "*")
    data = prod.bundle(7, issued=ISSUED)
    with https.serve(https.answer(data), authority.context("localhost")) as port:
        text = f"version: 1\nclusters:\n  prod: {{url: 'https://localhost:{port}/v1/keys'}}\n  recovery: {{}}\n"
        (repo.root / ".sealer.yaml").write_text(text)
        assert _fetch(None, "prod", check=True) == 1
        assert _fetch() == 0
        assert _fetch(None, "prod", check=True) == 0
    assert (repo.keys / "prod.bundle").read_bytes() == data
    with pytest.raises(SourceError, match="reached"):
        _fetch(None, "prod")


def test_one_cluster_that_fails_does_not_keep_the_others(
    repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "version: 1\nclusters:\n  recovery: {url: 'https://127.0.0.1:1/'}\n  local: {}\n  prod: {}\n"
    (repo.root / ".sealer.yaml").write_text(text)
    keyadmin.init(paths.keyrings() / "local", "local", now=NOW)
    assert _fetch() == 2
    said = capsys.readouterr()
    assert "can't be reached" in said.err
    assert "left alone: prod" in said.err
    assert (repo.keys / "local.bundle").is_file()


def test_without_a_source_the_way_out_is_said(repo: config.Config) -> None:
    with pytest.raises(UsageError, match="no url") as refused:
        _fetch(None, "recovery")
    assert "sealer keys fetch SRC --cluster recovery" in refused.value.way_out
    assert "sealer keys fetch --from-cluster --cluster recovery;" in refused.value.way_out


@pytest.mark.parametrize("trust", ["", "SHA256:", "prod", "0123"])
def test_a_fingerprint_of_another_form_is_refused(repo: config.Config, trust: str) -> None:
    with pytest.raises(UsageError, match="--trust takes"):
        _fetch(None, "prod", trust=trust)


def test_options_that_contradict_each_other_are_refused(repo: config.Config, prod: Controller) -> None:
    with pytest.raises(UsageError, match="--check"):
        _fetch(None, "prod", check=True, trust=prod.fingerprint)
    with pytest.raises(UsageError, match="one cluster"):
        _fetch(trust=prod.fingerprint)


def test_outside_of_a_repository_the_way_out_is_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (lambda: keys.list_(format="text"), _fetch):
        with pytest.raises(SourceError) as refused:
            command()
        assert refused.value.way_out == "sealer init"


# -- fetch --check -----------------------------------------------------------------------------------------------------


def _check(repo: config.Config, source: str | None, cluster: str | None = "prod") -> int:
    """Compare, and be sure that nothing was written."""
    files = [*repo.keys.iterdir(), paths.trust_file()]
    before = [path.read_bytes() for path in files]
    code = _fetch(source, cluster, check=True)
    assert [path.read_bytes() for path in files] == before
    assert sorted(repo.keys.iterdir()) == sorted(files[:-1])
    return code


def test_no_drift_is_0(repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    assert _check(repo, _source(repo, prod.bundle(5, issued=NOW))) == 0
    assert "prod  up to date" in capsys.readouterr().out


def test_drift_is_1(repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    thief = Controller("prod", keys=(_key(),))
    for data in (
        prod.bundle(6, issued=ISSUED),
        prod.bundle(5, keys=(_key(),), issued=ISSUED),
        thief.bundle(5, issued=ISSUED),
    ):
        assert _check(repo, _source(repo, data)) == 1
        said = capsys.readouterr()
        assert said.out.startswith("prod  drift: ")
        assert "way out: sealer keys fetch --cluster prod" in said.err


def test_expiry_is_1(repo: config.Config, prod: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    for data, text in (
        (prod.bundle(6, issued=NOW - timedelta(days=91)), "expired on"),
        (prod.bundle(7, keys=(_key(days=-1),), issued=ISSUED), "is not valid today"),
        (prod.bundle(8, keys=(_key(Status.RETIRED),), issued=ISSUED), "no active key"),
    ):
        pin(repo, "prod", data)
        assert _check(repo, None) == 1
        assert text in capsys.readouterr().out


def test_missing_keys_are_drift(repo: config.Config) -> None:
    assert _check(repo, None, "recovery") == 1


def test_all_clusters_are_compared(repo: config.Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert _check(repo, None, None) == 1
    assert "prod  up to date" in capsys.readouterr().out


def test_keys_that_are_not_trusted_are_1_also_when_published(repo: config.Config, tmp_path: Path) -> None:
    data = Controller("prod", keys=(_key(),)).bundle(9, issued=ISSUED)
    pin(repo, "prod", data)
    with pytest.raises(Untrusted):
        _check(repo, _source(repo, data))


# -- one's own keyring -------------------------------------------------------------------------------------------------


def test_ones_own_keyring_is_the_default_and_is_trusted(
    repo: config.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    keyadmin.init(paths.keyrings() / "recovery", "recovery", now=NOW)
    assert _fetch(None, "recovery", check=True) == 1
    assert _fetch(None, "recovery") == 0
    assert "your own keyring" in capsys.readouterr().err
    assert _fetch(None, "recovery", check=True) == 0
    keyadmin.generate(paths.keyrings() / "recovery", "rsa", now=NOW)
    assert _fetch(None, "recovery", check=True) == 1


@pytest.mark.usefixtures("cheap")
def test_a_comparison_with_a_keyring_asks_for_no_passphrase(
    repo: config.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyadmin.init(paths.keyrings() / "recovery", "recovery", now=NOW, secret="not asked for")

    def ask(*_: object, **__: object) -> str:
        pytest.fail("a passphrase was asked for")

    monkeypatch.setattr(passphrase, "ask", ask)
    assert _fetch(str(paths.keyrings() / "recovery"), "recovery", check=True) == 1


def test_a_keyring_of_another_cluster_is_refused(repo: config.Config) -> None:
    keyadmin.init(paths.keyrings() / "other", "other", now=NOW)
    for check in (True, False):
        with pytest.raises(SealerError, match="of cluster other, not of prod"):
            _fetch(str(paths.keyrings() / "other"), "prod", check=check)


def test_a_keyring_that_lies_in_the_repository_is_nobodys_own(repo: config.Config) -> None:
    keyadmin.init(repo.root / "keyring", "recovery", now=NOW)
    with pytest.raises(Untrusted, match="was not there"):
        _fetch("keyring", "recovery")
