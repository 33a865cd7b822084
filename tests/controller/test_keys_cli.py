"""`sealer-controller init` and `keys` as they are typed: what is printed where, exit codes, and nothing private."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import typer

from controller import keys_cli
from controller.model import Delivery, Target
from controller.state import State
from sealer import paths
from sealer.entry import start
from sealer.formats import bundle, keys
from sealer.formats.wire import b64encode
from sealer.keyrings.keyring import Keyring
from sealer.secret import Ref
from tests.sealer.rings import rsa_key

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/key-list.v1.json").read_text())
APP = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
APP.command("init")(keys_cli.init_command)
APP.add_typer(keys_cli.app, name="keys")


class Ran:
    """One command: its exit code, stdout, stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def command(*arguments: object, stdin: bytes = b"") -> Ran:
        capfd.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = start(APP, "sealer-controller", [str(argument) for argument in arguments])
        return Ran(code, *capfd.readouterr())

    return command


def _private() -> list[str]:
    """What no command may print: a line of every private file of every keyring."""
    return [
        line
        for path in paths.keyrings().glob("*/*.pem")
        for line in path.read_text().splitlines()
        if not line.startswith("-----")
    ]


def _prod() -> Keyring:
    return Keyring.open(paths.keyrings() / "prod")


def test_init(run: Run) -> None:
    done = run("init", "--cluster", "prod")
    assert done.code == 0
    ring = _prod()
    lines = done.out.splitlines()
    assert lines[0] == f"made keyring prod  {paths.keyrings() / 'prod'}"
    assert re.fullmatch(r"  identity   SHA256:[A-Za-z0-9+/]{43}", lines[1])
    assert re.fullmatch(
        rf"  key        {ring.entries[0].id[:8]}  mlkem768-x25519  active to \d{{4}}-\d\d-\d\d", lines[2]
    )
    assert lines[3] == f"  state key  {ring.record.state_keys[0].id[:8]}"
    assert "sealer init --cluster prod" in done.err
    assert "keys backup FILE" in done.err
    assert max(map(len, done.err.splitlines())) <= 80
    assert not any(line in done.out + done.err for line in _private())


def test_init_defaults_and_refusals(run: Run, tmp_path: Path) -> None:
    assert run("init").code == 0
    assert [path.name for path in paths.keyrings().iterdir()] == ["local"]
    again = run("init", "--passphrase-file", "/nowhere")
    assert again.code == 1  # and no passphrase was asked for
    assert "never overwritten" in again.err
    assert "way out:" in again.err
    assert run("init", "--cluster", "A").code == 2
    assert run("init", "--keyring", tmp_path / "here").code == 0
    assert (tmp_path / "here/keyring.json").exists()


@pytest.mark.usefixtures("cheap")
def test_a_keyring_under_a_passphrase(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pw").write_text("a passphrase\n")
    (tmp_path / "wrong").write_text("a guess\n")
    assert run("init", "--cluster", "prod", "--passphrase-file", tmp_path / "pw").code == 0
    assert _prod().is_encrypted()
    assert run("keys", "list").code == 0
    assert run("keys", "bundle", "--passphrase-file", tmp_path / "pw").code == 0
    wrong = run("keys", "bundle", "--passphrase-file", tmp_path / "wrong")
    assert (wrong.code, wrong.out) == (2, "")
    assert "wrong passphrase, or the file was changed" in wrong.err
    assert run("keys", "generate", "--passphrase-file", tmp_path / "wrong").code == 2
    assert _prod().sequence == 1
    assert run("keys", "generate", "--passphrase-file", "-", stdin=b"a passphrase\n").code == 0
    monkeypatch.setenv("SEALER_PASSPHRASE_FILE", str(tmp_path / "pw"))
    assert run("keys", "compromise", _prod().entries[0].id[:8]).code == 0


def test_list(run: Run) -> None:
    run("init", "--cluster", "prod")
    done = run("keys", "list")
    head, line = done.out.splitlines()
    assert re.fullmatch(r"prod  SHA256:\S+  sequence 1", head)
    assert re.fullmatch(r"[0-9a-f]{8}  mlkem768-x25519  active       \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d", line)
    assert done.err == "warning: keyring has no backup; run: sealer-controller keys backup FILE\n"
    as_json = run("keys", "list", "--format", "json")
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(as_json.out))
    assert json.loads(as_json.out)["keys"][0]["id"].startswith(line[:8])


def test_the_life_of_a_key(run: Run, tmp_path: Path) -> None:
    run("init", "--cluster", "prod")
    first = _prod().entries[0].id
    done = run("keys", "generate")
    second = _prod().entries[1].id
    assert done.out.splitlines()[0].startswith(f"made         {second[:8]}  mlkem768-x25519  active to ")
    assert done.out.splitlines()[1] == f"retired      {first[:8]}  mlkem768-x25519"
    done = run("keys", "compromise", second[:8])
    assert f"compromised  {second[:8]}" in done.out
    assert "made         " in done.out
    assert "all that was ever sealed to" in done.err
    assert "way out: sealer keys fetch" in done.err
    assert run("keys", "retire", second).code == 1
    third = _prod().entries[2].id
    done = run("keys", "retire", third)
    assert done.code == 0
    assert "no mlkem768-x25519 key may be sealed to" in done.err
    assert "way out: sealer-controller keys generate" in done.err
    done = run("keys", "retire", third)
    assert (done.code, done.out) == (0, "")
    assert run("keys", "retire", "0123").code == 2
    assert run("keys", "retire", "0" * 16).code == 2
    (tmp_path / "pw").write_text("word\n")
    assert run("keys", "backup", tmp_path / "bk", "--passphrase-file", tmp_path / "pw").code == 0
    done = run("keys", "generate")
    assert f"is older than key {_prod().entries[-1].id[:8]}" in done.err


def test_compromise_names_what_it_delivered(run: Run) -> None:
    run("init", "--cluster", "prod")
    key_id = _prod().entries[0].id
    with State.open(paths.state_home() / "prod") as state, state.begin("records") as transaction:
        transaction.put_deliveries(
            Delivery(
                Target("local", f"payments/{name}"),
                Ref("payments", name),
                "s",
                1,
                "i",
                "f",
                "1",
                (opened,),
                "delivered",
            )
            for name, opened in (("stripe", key_id), ("db", key_id), ("cache", "0" * 16))
        )
    done = run("keys", "compromise", key_id[:8])
    assert done.code == 0
    assert done.out.splitlines()[-2:] == ["change       payments/db", "change       payments/stripe"]


def test_compromise_goes_on_where_the_state_can_not_be_read(run: Run) -> None:
    run("init", "--cluster", "prod")
    key_id = _prod().entries[0].id
    state = paths.state_home() / "prod"
    (state / "state.db").write_text("damaged")
    (state / "state.db").chmod(0o600)
    assert State.exists(state)
    done = run("keys", "compromise", key_id[:8])
    assert done.code == 0
    assert "can't tell which secrets it opened" in done.err


def test_bundle(run: Run, tmp_path: Path) -> None:
    run("init", "--cluster", "prod")
    done = run("keys", "bundle")
    read = bundle.parse(done.out.encode(), cluster="prod")
    assert (done.code, read.sequence, len(read.keys)) == (0, 1, 1)
    target = tmp_path / "prod.bundle"
    done = run("keys", "bundle", "-o", target, "--expires", 7)
    assert (done.code, done.out) == (0, "")
    written = bundle.parse(target.read_bytes())
    assert (written.expires - written.issued).days == 7
    assert target.stat().st_mode & 0o444
    for days in (0, -1, 4000):
        assert run("keys", "bundle", "--expires", days).code == 2
    no_rsa = run("keys", "bundle", "--cert")
    assert (no_rsa.code, no_rsa.out) == (2, "")
    assert "way out: sealer-controller keys generate --algorithm rsa" in no_rsa.err


def test_the_certificate_is_one_that_kubeseal_takes(run: Run) -> None:
    run("init", "--cluster", "prod")
    assert run("keys", "generate", "--algorithm", "rsa").code == 0
    done = run("keys", "bundle", "--cert")
    public = keys.load_certificate(done.out)
    assert public.id == _prod().entries[1].id
    assert done.out.count("-----BEGIN CERTIFICATE-----") == 1
    assert public.key.key_size == 4096  # type: ignore[union-attr]


def test_import_from_files_and_stdin(run: Run, tmp_path: Path) -> None:
    run("init", "--cluster", "prod")
    key = rsa_key()
    (tmp_path / "k").write_text(key.pem)
    (tmp_path / "c").write_text(key.public.certificate)
    done = run("keys", "import", tmp_path / "k", tmp_path / "c")
    assert done.code == 0
    assert done.out.startswith(f"made         {key.id[:8]}  rsa  active to ")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "k", "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "compromised"}},
        "data": {
            "tls.key": b64encode(rsa_key(1).pem.encode()),
            "tls.crt": b64encode(rsa_key(1).public.certificate.encode()),
        },
    }
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}}
    done = run(
        "keys", "import", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, other]}).encode()
    )
    assert (done.code, done.out) == (0, f"made         {rsa_key(1).id[:8]}  rsa  compromised\n")
    assert "skipped: stdin:1 has no label" in done.err
    again = run("keys", "import", tmp_path / "k", tmp_path / "c")
    assert (again.code, again.out) == (0, "")
    assert "unchanged" in again.err
    assert run("keys", "import", tmp_path / "c").code == 2
    assert run("keys", "import", "-", "-").code == 2
    assert run("keys", "import", "-", "--passphrase-file", "-").code == 2
    assert not any(line in done.out + done.err + again.err for line in _private())


@pytest.mark.usefixtures("cheap")
def test_backup_and_restore_into_an_empty_home(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", "--cluster", "prod")
    key_id = _prod().entries[0].id
    (tmp_path / "pw").write_text("word\n")
    (tmp_path / "wrong").write_text("guess\n")
    made = run("keys", "backup", tmp_path / "bk", "--passphrase-file", tmp_path / "pw")
    assert (made.code, made.out) == (0, f"wrote backup of prod  sequence 1, 1 key  {tmp_path / 'bk'}\n")
    assert run("keys", "list").err == ""
    assert run("keys", "restore", tmp_path / "bk", "--passphrase-file", tmp_path / "pw").code == 1
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    wrong = run("keys", "restore", tmp_path / "bk", "--passphrase-file", tmp_path / "wrong")
    assert wrong.code == 2
    assert not (tmp_path / "empty").exists()
    done = run("keys", "restore", tmp_path / "bk", "--passphrase-file", tmp_path / "pw")
    assert done.code == 0
    assert done.out.startswith("restored keyring prod  ")
    assert _prod().private(key_id).id == key_id
    dear = tmp_path / "dear"
    dear.write_text("x")
    assert run("keys", "backup", dear, "--passphrase-file", "/nowhere").code == 1  # before the passphrase is read
    assert dear.read_text() == "x"


def test_which_keyring(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    none = run("keys", "list")
    assert none.code == 2
    assert "way out: sealer-controller init" in none.err
    run("init", "--cluster", "prod")
    run("init", "--cluster", "staging")
    several = run("keys", "list")
    assert several.code == 2
    assert "prod, staging" in several.err
    assert run("keys", "list", "--cluster", "staging").out.startswith("staging  ")
    run("init", "--cluster", "other", "--keyring", tmp_path / "other")
    assert run("keys", "list", "--keyring", tmp_path / "other").out.startswith("other  ")
    assert run("keys", "list", "--keyring", tmp_path / "other", "--cluster", "prod").code == 2
    monkeypatch.setenv("SEALER_KEYRING", str(tmp_path / "other"))
    assert run("keys", "list").out.startswith("other  ")


def test_help_is_light_and_needs_no_extra() -> None:
    code = (
        "import sys\nfrom controller import keys_cli\n"
        "heavy = {'sqlalchemy', 'cryptography', 'yaml', 'jsonschema', 'git'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", ["", "list", "generate", "import", "retire", "compromise", "bundle", "backup", "restore"]
)
def test_help_fits_80_columns(run: Run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run("keys", *([command] if command else []), "--help")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    if command:
        assert "--cluster" in done.out
        assert "--keyring" in done.out
        assert "--passphrase-file" in done.out
