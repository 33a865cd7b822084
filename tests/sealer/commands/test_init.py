"""`sealer init`: what it writes, that a second run only adds, and that it works without Git and without pre-commit."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller import keyadmin
from sealer import paths
from sealer.commands import init
from sealer.configuration import config
from sealer.errors import NameRefused, SealerError, UsageError
from sealer.formats import bundle
from sealer.pinning import pins
from tests.sealer import https
from tests.sealer.controllers import Controller, rsa_key

VENV = str(Path(sys.executable).parent)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Git repository, entered, with our programs and pre-commit on PATH."""
    folder = tmp_path / "my shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", VENV + os.pathsep + os.environ["PATH"])
    _git("init", "-q")
    return folder


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def _keyring(name: str, now: datetime) -> None:
    keyadmin.init(paths.keyrings() / name, name, now=now)


def _run(keys: str | None = None, cluster: str | None = None, *, hooks: bool = True) -> int:
    return init.run(keys=keys, cluster=cluster, hooks=hooks)


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts[:1]
    }


def test_with_a_keyring_everything_is_ready(repo: Path, now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    _keyring("prod", now)
    _git("remote", "add", "origin", "https://me:hunter22@GitHub.com/example/shop.git")
    assert _run() == 0
    assert sorted(_tree(repo)) == [".pre-commit-config.yaml", ".sealer.yaml", ".sealer/keys/prod.bundle"]
    assert (repo / ".sealer.yaml").read_bytes().startswith(b"# +argocd:skip-file-rendering\n")
    assert b"hunter22" not in (repo / ".sealer.yaml").read_bytes()
    loaded = config.load(repo / ".sealer.yaml")
    assert (loaded.source, list(loaded.clusters)) == ("github.com/example/shop", ["prod"])
    assert [(rule.pattern, rule.clusters) for rule in loaded.rules] == [("secrets/{namespace}/{name}.yaml", ("prod",))]
    assert pins.pinned(loaded, "prod", now=now).warnings == ()
    assert b"pre-commit" in (repo / ".git" / "hooks" / "pre-commit").read_bytes()
    said = capsys.readouterr()
    assert "sealer set secrets/NAMESPACE/NAME.yaml KEY" in said.err
    assert pins.pinned(loaded, "prod", now=now).fingerprint in said.err


def test_a_second_run_changes_nothing_and_says_what_it_left(
    repo: Path, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    _keyring("prod", now)
    (repo / ".sourceignore").write_text("/docs/")
    _run()
    before = _tree(repo)
    capsys.readouterr()
    assert _run() == 0
    assert _tree(repo) == before
    said = capsys.readouterr()
    assert said.out == ""
    for what in (".sealer.yaml", "prod.bundle", ".pre-commit-config.yaml", ".sourceignore", "hooks/pre-commit"):
        assert f"left alone: {what}" in said.err.replace(".sealer/keys/", "").replace(".git/", "")


def test_a_second_run_adds_a_cluster_and_keeps_every_byte(repo: Path, now: datetime) -> None:
    _keyring("prod", now)
    _run()
    file = repo / ".sealer.yaml"
    file.write_text(file.read_text().replace("rules:", "# mine\nrules:"))
    before = file.read_text()
    _keyring("dev-alice", now)
    assert _run(cluster="dev-alice") == 0
    assert file.read_text() == before.replace("  prod: {}\n", "  prod: {}\n  dev-alice: {}\n")
    loaded = config.load(file)
    assert pins.pinned(loaded, "dev-alice", now=now).authenticated
    assert pins.pinned(loaded, "prod", now=now).authenticated


def test_a_file_for_the_scanner_alone_gets_its_first_cluster(repo: Path) -> None:
    for before in ("version: 1\nscan: {strict: true}", "version: 1\r\nscan: {strict: true}\r\n"):
        (repo / ".sealer.yaml").write_bytes(before.encode())
        assert _run(hooks=False) == 0
        after = (repo / ".sealer.yaml").read_bytes().decode()
        assert after.startswith(before)
        found = config.load(repo / ".sealer.yaml")
        assert (list(found.clusters), found.rules[0].clusters, found.scan.strict) == (["local"], ("local",), True)


def test_without_keys_it_says_how_to_get_some(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run() == 0
    assert list(config.load(repo / ".sealer.yaml").clusters) == ["local"]
    said = capsys.readouterr().err
    assert "sealer keys fetch SRC --cluster local" in said
    assert "sealer keys fetch --from-cluster --cluster local;" in said
    assert "next: sealer set" not in said
    assert not (repo / ".sealer").exists()


def test_a_later_run_pins_the_keyring_that_was_made_meanwhile(repo: Path, now: datetime) -> None:
    _run()
    _keyring("local", now)
    assert _run() == 0
    assert pins.pinned(config.load(repo / ".sealer.yaml"), "local", now=now).warnings == ()


def test_several_keyrings_are_not_guessed_between(repo: Path, now: datetime) -> None:
    _keyring("prod", now)
    _keyring("dev-alice", now)
    with pytest.raises(UsageError, match="dev-alice, prod"):
        _run()
    assert _tree(repo) == {}


def test_a_certificate_is_enough_to_begin_with(repo: Path) -> None:
    (repo.parent / "cert.pem").write_text(rsa_key().public.certificate)
    assert _run("../cert.pem", "legacy") == 0
    loaded = config.load(repo / ".sealer.yaml")
    assert pins.read(loaded, "legacy").pin == rsa_key().id
    assert (loaded.keys / "legacy.pem").is_file()


def test_a_certificate_without_a_name_is_local(repo: Path) -> None:
    (repo.parent / "cert.pem").write_text(rsa_key().public.certificate)
    assert _run("../cert.pem") == 0
    assert list(config.load(repo / ".sealer.yaml").clusters) == ["local"]


def test_a_bundle_says_its_own_name_and_disagreement_is_an_error(repo: Path) -> None:
    (repo.parent / "b").write_bytes(Controller("staging").bundle(issued=datetime.now(UTC)))
    with pytest.raises(SealerError, match="staging, not of prod"):
        _run("../b", "prod")
    assert _tree(repo) == {}
    assert _run("../b") == 0
    assert list(config.load(repo / ".sealer.yaml").clusters) == ["staging"]


def test_a_url_is_written_down(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = https.Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("no_proxy", "*")
    body = Controller("prod").bundle(issued=datetime.now(UTC))
    with https.serve(https.answer(body), authority.context("localhost")) as port:
        url = f"https://localhost:{port}/v1/keys"
        assert _run(url) == 0
    loaded = config.load(repo / ".sealer.yaml")
    assert loaded.clusters["prod"].url == url
    assert (loaded.keys / "prod.bundle").read_bytes() == body


@pytest.mark.parametrize("source", ["missing", "http://localhost/keys", "."])
def test_nothing_is_written_for_a_source_that_can_not_be_read(repo: Path, source: str) -> None:
    with pytest.raises(SealerError):
        _run(source)
    assert _tree(repo) == {}


def test_a_name_that_no_cluster_can_have_is_refused(repo: Path) -> None:
    with pytest.raises(NameRefused):
        _run(cluster="Prod_EU")
    assert _tree(repo) == {}


def test_in_a_subfolder_the_top_of_the_repository_is_set_up(
    repo: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _keyring("prod", now)
    (repo / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(repo / "a" / "b")
    _run()
    assert (repo / ".sealer.yaml").is_file()
    assert (repo / ".pre-commit-config.yaml").is_file()
    assert not list((repo / "a").rglob(".sealer*"))


def test_a_folder_with_its_own_file_keeps_it_and_has_its_own_source(
    repo: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _git("remote", "add", "origin", "git@github.com:example/shop.git")
    (repo / "apps").mkdir()
    (repo / "apps" / ".sealer.yaml").write_text("version: 1\nclusters:\n  prod: {}\n")
    monkeypatch.chdir(repo / "apps")
    _keyring("prod", now)
    _run()
    assert not (repo / ".sealer.yaml").exists()
    assert (repo / "apps" / ".sealer" / "keys" / "prod.bundle").is_file()
    assert (repo / ".pre-commit-config.yaml").is_file()


def test_without_an_origin_the_source_is_a_name_of_its_own(repo: Path) -> None:
    _run()
    source = config.load(repo / ".sealer.yaml").source
    assert source is not None
    folder, _, random = source.rpartition("-")
    assert folder == "my-shop"
    assert len(bytes.fromhex(random)) == 4


def test_without_git_all_but_the_hooks_is_done(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".sealer.yaml").write_text("not: mine\n")
    folder = tmp_path / "plain"
    folder.mkdir()
    monkeypatch.chdir(folder)
    _keyring("prod", now)
    assert _run() == 0
    assert sorted(_tree(folder)) == [".sealer.yaml", ".sealer/keys/prod.bundle"]
    assert "hooks need Git" in capsys.readouterr().err


def test_no_hooks_means_none(repo: Path) -> None:
    _run(hooks=False)
    assert not (repo / ".pre-commit-config.yaml").exists()
    assert not (repo / ".git" / "hooks" / "pre-commit").exists()


def test_without_the_program_the_command_is_printed(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = repo.parent / "bin"
    tools.mkdir()
    for name in ("git", "sealer-scan"):
        (tools / name).symlink_to("/usr/bin/git")
    monkeypatch.setenv("PATH", str(tools))
    _run()
    said = capsys.readouterr().err
    assert "pre-commit install" in said
    assert "not on PATH" not in said
    (tools / "sealer-scan").unlink()
    _run()
    assert "not on PATH" in capsys.readouterr().err


def test_hooks_that_stand_there_are_kept_byte_for_byte(repo: Path) -> None:
    hook = "{id: x, name: x, entry: 'true', language: system}"
    mine = f"# mine\nrepos:\n  - repo: local\n    hooks:\n      - {hook}\n# end\n"
    file = repo / ".pre-commit-config.yaml"
    file.write_text(mine)
    _run()
    after = file.read_text()
    head, tail = mine.split("# end")
    assert after.startswith(head)
    assert after.endswith("# end" + tail)
    checked = subprocess.run(["pre-commit", "validate-config"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_configuration_that_can_not_be_edited_stays_and_the_lines_are_printed(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = repo / ".pre-commit-config.yaml"
    file.write_text("repos: []\n")
    assert _run() == 0
    assert file.read_text() == "repos: []\n"
    assert "entry: sealer-check" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ".sealer*\n"), ("/docs/", "/docs/\n.sealer*\n"), ("/a\r\n", "/a\r\n.sealer*\r\n"), (".sealer*", ".sealer*")],
)
def test_flux_is_told_to_pass_over_our_files(repo: Path, before: str, after: str) -> None:
    (repo / ".sourceignore").write_bytes(before.encode())
    _run()
    assert (repo / ".sourceignore").read_bytes() == after.encode()


@pytest.mark.parametrize("mark", ["clusters/prod/flux-system/x.yaml", "deploy/gotk-sync.yaml"])
def test_where_flux_is_seen_it_is_told_too(repo: Path, mark: str) -> None:
    (repo / mark).parent.mkdir(parents=True)
    (repo / mark).write_text("")
    _run()
    assert (repo / ".sourceignore").read_text() == ".sealer*\n"


def test_without_flux_there_is_no_such_file(repo: Path) -> None:
    _run()
    assert not (repo / ".sourceignore").exists()


def test_a_new_cluster_in_a_repository_in_use_still_needs_a_word(repo: Path, now: datetime) -> None:
    _keyring("prod", now)
    _run()
    eu = Controller("prod-eu")
    (repo.parent / "eu").write_bytes(eu.bundle(issued=now))
    with pytest.raises(SealerError) as refused:
        _run("../eu")
    # The way out works as it stands: the cluster is in the file by now, and the source is named.
    assert refused.value.way_out.endswith(f"sealer keys fetch ../eu --cluster prod-eu --trust {eu.fingerprint}")
    from sealer.commands import keys

    assert keys.fetch(source="../eu", cluster="prod-eu", check=False, trust=eu.fingerprint) == 0
    assert bundle.parse((repo / ".sealer" / "keys" / "prod-eu.bundle").read_bytes()).cluster == "prod-eu"


@pytest.mark.parametrize("name", [".sealer.yaml", ".pre-commit-config.yaml", ".sourceignore"])
def test_a_symlink_makes_nobody_write_elsewhere(repo: Path, name: str) -> None:
    outside = repo.parent / "outside"
    (repo / name).symlink_to(outside)
    with pytest.raises(SealerError, match="outside of the repository"):
        _run()
    assert not outside.exists()
