"""The `sealer` command as a whole: help, version, completion, usage errors, what it imports, and that nothing leaks."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from sealer import entry
from sealer.commands import kubeseal
from tests.sealer.shop import Shop, at_terminal, manifest, sealer
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture
COMMANDS = ("init", "set", "unset", "seal", "unseal", "check", "diff", "run", "scan", "keys")
DB = "clusters/prod/payments/db.yaml"
PROGRAM = os.path.join(os.path.dirname(sys.executable), "sealer")


def imported(*args: str, stdin: bytes = b"") -> set[str]:
    """The top-level modules and our own that a run of `sealer` imports."""
    script = (
        "import sys\nfrom sealer import cli, entry\n"
        f"entry.start(cli.app, 'sealer', {list(args)!r})\n"
        "sys.stderr.write('\\nMODULES ' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], input=stdin, capture_output=True, check=True)
    return set(done.stderr.decode().rpartition("MODULES ")[2].split())


def test_help_lists_every_command_and_fits() -> None:
    done = sealer("--help")
    assert done.code == 0
    assert all(f"  {command} " in done.text for command in COMMANDS)
    assert all(len(line) <= 80 for line in done.text.splitlines())
    assert "..." not in done.text.partition("Commands:")[2]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "scan"])
def test_help_of_each_command_has_examples(command: str) -> None:
    for flag in ("--help", "-h"):
        done = sealer(command, flag)
        assert done.code == 0
        assert f"  sealer {command}" in done.text.partition("Options:")[2]
        assert all(len(line) <= 80 for line in done.text.splitlines())


def test_ctrl_c_is_said_and_a_command_that_ended_so_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def command(ended: bool = False) -> int:
        if ended:
            return 130
        raise KeyboardInterrupt

    assert entry.start(app, "x", []) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert entry.start(app, "x", ["--ended"]) == 130
    assert capsys.readouterr().err == ""


def test_version() -> None:
    assert sealer("--version").text.startswith("sealer ")


def test_alone_it_shows_help_and_exits_2() -> None:
    done = sealer()
    assert (done.code, done.out) == (2, b"")
    assert "Usage: sealer" in done.err


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("nothing",), "error: no such command; sealer has: "),
        (("set", "a.yaml", "k", "--froom-file", "x"), "error: no such option: --froom-file"),
        (("seal", "--envelope", "v3"), "error: invalid value for '--envelope': not one of 'v1', 'v2'"),
        (("unseal",), "error: missing argument; sealer unseal takes FILE\n"),
        (("set", "a.yaml"), "error: missing argument; sealer set takes FILE... and KEY\n"),
        (("set",), "error: missing argument; sealer set takes FILE... and KEY\n"),
        (("seal", "--cert"), "error: option '--cert' requires an argument"),
    ],
)
def test_usage_errors_have_our_form(args: tuple[str, ...], what: str) -> None:
    done = sealer(*args)
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith(what)
    assert "\n  way out: sealer " in done.err
    assert "--help" in done.err


@pytest.mark.parametrize(
    ("args", "option", "same"),
    [
        (("-f", "a.yaml"), "-f", "sealer seal FILE"),
        (("-fa.yaml",), "-f", "sealer seal FILE"),
        (("--secret-file=a.yaml",), "--secret-file", "sealer seal FILE"),
        (("a.yaml", "-w", "b.yaml"), "-w", "-o FILE"),
        (("--sealed-secret-file", "b.yaml"), "--sealed-secret-file", "-o FILE"),
        (("--raw", "--from-file", "a", "--name", "x"), "--raw", "sealer set FILE KEY"),
        (("--from-file", "a", "--raw"), "--raw", "--from-file PATH"),
        (("--controller-name", "x", "a.yaml"), "--controller-name", "sealer keys fetch --from-cluster"),
        (("--controller-namespace=x",), "--controller-namespace", "sealer keys fetch --from-cluster"),
        (("--merge-into", "b.yaml"), "--merge-into", "--merge -o FILE"),
    ],
)
def test_an_option_of_kubeseal_is_answered_with_what_does_the_same(
    args: tuple[str, ...], option: str, same: str
) -> None:
    done = sealer("seal", *args)
    assert (done.code, done.out) == (2, b"")
    first, second = done.err.splitlines()
    assert first == f"error: no such option: {option}"
    assert second.startswith("  way out: ")
    assert same in second


def test_each_option_that_stands_in_for_one_of_kubeseal_is_there() -> None:
    shown = {name: sealer(*name.split(), "--help").out.decode() for name in ("seal", "set", "keys fetch", "unseal")}
    for said in kubeseal.OPTIONS.values():
        for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", said):
            assert any(option in text for text in shown.values()), said


def test_an_option_of_kubeseal_that_another_command_lacks_is_not_answered_with_what_sealing_does() -> None:
    assert "sealer unset --help" in sealer("unset", "-f", "a.yaml", "k").err


def test_a_value_typed_by_mistake_is_not_repeated() -> None:
    value = secrets.token_hex(8)
    for args in (
        ("set", "a.yaml", "k", f"-{value}"),
        ("set", "a.yaml", "k", f"--{value}"),
        ("unseal", "a", "b", value),
        ("seal", "--scope", value),
        ("seal", "--scope", f"{value}'\" is '"),
        ("seal", f"--merge={value}"),
        (value,),
    ):
        done = sealer(*args)
        assert done.code == 2
        assert value.encode() not in done.all


def test_keys_is_keys_list(shop: Shop) -> None:
    for args in ((), ("--format", "json")):
        assert sealer("keys", *args).all == sealer("keys", "list", *args).all
    done = sealer("keys", "--format", "json", "list")
    assert (done.code, done.out) == (2, b"")
    assert "way out: sealer keys list --format json" in done.err


def test_run_exits_125_for_arguments_that_cannot_be_read() -> None:
    assert subprocess.run([PROGRAM, "run", "--none"], capture_output=True, check=False).returncode == 125
    assert subprocess.run([PROGRAM, "seal", "--none"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    environment = {**os.environ, "_SEALER_COMPLETE": f"complete_{shell}"}
    environment |= {"COMP_WORDS": "sealer un", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "sealer un"}
    environment |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert "unseal" in done.stdout
    assert "unset" in done.stdout
    shown = subprocess.run(
        [PROGRAM, "--show-completion", shell],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "sealer" in shown.stdout


def test_help_imports_neither_crypto_nor_yaml() -> None:
    found = imported("--help")
    assert not found & {"cryptography", "yaml", "jsonschema", "git", "rich", "sqlalchemy"}


def test_one_seal_imports_only_what_it_uses(shop: Shop) -> None:
    found = imported("seal", "--cluster", "prod", stdin=manifest("a", "b", k="x").encode())
    assert "sealer.sealing.manifests" in found
    assert not found & {
        "jsonschema",
        "git",
        "rich",
        "sqlalchemy",
        "sealer.git",
        "sealer.keyrings.keyring",
        "sealer.keyrings.private",
    }


def test_a_value_at_the_prompt(shop: Shop) -> None:
    value = secrets.token_hex(12)
    done = at_terminal("set", DB, "password", typed=value.encode() + b"\n", after=b"(hidden): ")
    assert done.code == 0
    assert "Value for password (hidden): " in done.screen
    assert value not in done.screen
    assert shop.opened(DB, "prod") == {"password": value.encode()}


def test_ctrl_c_at_the_prompt_writes_nothing(shop: Shop) -> None:
    done = at_terminal("set", DB, "password", typed=b"\x03", after=b"(hidden): ")
    assert done.code == 130
    assert not (shop.root / "clusters").exists()


def everything(top: Path) -> bytes:
    """Names and bytes of all files below a folder."""
    found = [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]
    return b"\n".join(str(path).encode() + b"\n" + path.read_bytes() for path in found)


def test_a_planted_value_is_found_nowhere(shop: Shop, home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """After passing and failing runs: not in output, nor in any file but the plaintext that was given."""
    value = secrets.token_hex(16)
    temporary = tmp_path_factory.mktemp("tmp")
    given = tmp_path_factory.mktemp("given")
    (given / "value").write_text(value)
    (given / "plain.yaml").write_text(manifest("db", "payments", password=value))
    (given / "broken.yaml").write_text(manifest("db", "payments", password=value) + f"  bad: [{value}\n")
    (given / ".env").write_text(f"PASSWORD={value}\n")
    (given / "bad.env").write_text(f"PASSWORD='{value}\n{value}\n")
    runs: list[tuple[list[str], str]] = [
        (["set", DB, "password"], value),
        (["set", DB, "password", "--from-file", f"{given}/value"], ""),
        (["set", "none", "password"], value),
        (["set", DB, value, "--cluster", "staging"], value),
        (["set", DB, "password", "--namespace", "web"], value),
        (["seal", "-o", DB], manifest("db", "payments", password=value)),
        (["seal", f"{given}/plain.yaml", "--cluster", "prod"], ""),
        (["seal", f"{given}/broken.yaml", "--cluster", "prod"], ""),
        (["seal", f"{given}/plain.yaml"], ""),
        (["seal", "-o", DB, "--from-env-file", f"{given}/.env"], ""),
        (["seal", "-o", DB, "--from-env-file", f"{given}/bad.env"], ""),
        (["seal", "--cluster", "prod"], f"{{{value}"),
        (["unset", DB, "nothing"], ""),
        (["unseal", DB], ""),
        (["unseal", f"{given}/plain.yaml"], ""),
        (["unseal", DB, "--private-key", f"{given}/plain.yaml"], ""),
        (["unseal", DB, "--private-key", f"{given}/value"], ""),
        (["set", DB, "password"], value * 100_000),
    ]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    codes = set()
    for args, stdin in runs:
        visible = [each for each in args if value not in each]
        done = subprocess.run([PROGRAM, *args], input=stdin.encode(), env=environment, capture_output=True, check=False)
        codes.add(done.returncode)
        if visible == args:
            assert value.encode() not in done.stdout + done.stderr, args
        assert b"Traceback" not in done.stderr
        assert b"defect" not in done.stderr
    assert codes == {0, 2}
    assert value.encode() not in everything(shop.root) + everything(home) + everything(temporary)
    assert not list(temporary.iterdir())
