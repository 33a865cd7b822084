"""What the commands print (DESIGN section 13), at a terminal of 80 columns and through a pipe."""

from __future__ import annotations

import os
import pty
import re
import secrets
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from datetime import UTC, datetime
from fcntl import ioctl
from pathlib import Path

import pytest

from sealer import paths
from sealer.formats import keys
from sealer.keyrings.keyring import Keyring
from tests import planted
from tests.planted_rows import ROWS
from tests.sealer import rings
from tests.sealer.shop import Shop, manifest, sealer

BIN = Path(sys.executable).parent
CONFIG = """\
version: 1
source: shop
clusters: {staging: {}, prod: {}, dev-alice: {}}
rules: [{path: "clusters/{cluster}/{namespace}/{name}.yaml"}]
"""
PROD = "clusters/prod"
MARKS = {
    "<id>": r"[0-9a-f]{8}",
    "<commit>": r"[0-9a-f]{7}",
    "<day>": r"\d{4}-\d\d-\d\d",
    "<n>": r"[0-9.]+",
    "<ago>": r"\d+ s",
    "<gap>": " +",
}
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Shown:
    """What a command showed, in the order in which it came, and its exit code. `raw` has the colours."""

    raw: str
    code: int

    @property
    def text(self) -> str:
        """Without colours."""
        return ESCAPE.sub("", self.raw)


@dataclass
class Screen:
    """Runs commands where people see them, or (`terminal` False) with stdout and stderr in one pipe."""

    terminal: bool

    def __call__(self, *words: str, typed: str = "") -> Shown:
        shown = self.run(words, typed)
        assert wide(shown) == []
        if not self.terminal:
            assert "\x1b" not in shown.raw
        return shown

    def run(self, words: tuple[str, ...], typed: str) -> Shown:
        """One command; `typed` at its prompt, or on stdin."""
        command = [str(BIN / words[0]), *words[1:]]
        if self.terminal:
            return at_terminal(command, typed)
        done = subprocess.run(command, input=typed, stdout=-1, stderr=subprocess.STDOUT, text=True, check=False)
        return Shown(done.stdout, done.returncode)


def at_terminal(command: list[str], typed: str = "", **environment: str) -> Shown:
    """A command at a terminal of 80 columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.pop("NO_COLOR", None)
        os.environ.update({"TERM": "xterm-256color", **environment})
        os.execv(command[0], command)
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    screen, waiting = b"", bool(typed)
    while True:
        if waiting and b"(hidden): " in screen:
            os.write(terminal, typed.encode() + b"\n")
            waiting = False
        assert select.select([terminal], [], [], 30)[0], f"waits on: {screen.decode()}"
        try:
            screen += os.read(terminal, 65536)
        except OSError:
            break
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return Shown(screen.decode().replace("\r\n", "\n"), code)


def wide(shown: Shown) -> list[str]:
    """The lines that don't fit, but for errors and ways out: those are for scripts and for pasting, never broken."""
    whole = re.compile(r"(error|warning):|\s*way out:|  (seal it|and then|not one) ")
    lines = [line for line in shown.text.splitlines() if not whole.match(line)]
    return [line for line in lines if len(line) > 80 and " " in line.strip()]


def shows(shown: Shown, code: int, expected: str) -> None:
    """The whole text, with marks where each run differs."""
    pattern = re.escape(expected.strip("\n"))
    for mark, expression in MARKS.items():
        pattern = pattern.replace(re.escape(mark), expression)
    text = shown.text.strip("\n")
    assert re.fullmatch(pattern, text), f"\n{text}\n\n--- is not\n{expected}"
    assert shown.code == code


@pytest.fixture(params=[True, False], ids=["terminal", "pipe"])
def screen(request: pytest.FixtureRequest) -> Screen:
    return Screen(request.param)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: None) -> Shop:
    """A repository of three clusters. This machine has the keyring of dev-alice; SEALER_KEYRING names that of prod."""
    root = tmp_path / "shop"
    root.mkdir()
    monkeypatch.chdir(root)
    shop = Shop(root, {})
    shop.write(".sealer.yaml", CONFIG)
    for name in ("staging", "prod", "dev-alice"):
        directory = paths.keyrings() / name if name == "dev-alice" else tmp_path / "rings" / name
        rings.make(directory, keys.generate_kem(), cluster=name)
        bundle = Keyring.open(directory).bundle(now=datetime.now(UTC))
        shop.write(f".sealer/keys/{name}.bundle", bundle)
    monkeypatch.setenv("SEALER_KEYRING", str(tmp_path / "rings/prod"))
    shop.git("init", "-q", "-b", "main")
    put("clusters/staging/payments/other.yaml", "k")  # the first use of the pinned keys, which is announced
    return shop


def put(path: str, *items: str) -> None:
    """Seal new values."""
    for item in items:
        done = sealer("set", path, item, stdin=secrets.token_hex(8).encode())
        assert done.code == 0, done.err


def commit(shop: Shop) -> None:
    shop.git("add", "-A")
    shop.git("commit", "-q", "-m", "change")


def test_set_for_two_clusters(world: Shop, screen: Screen) -> None:
    put(f"{PROD}/payments/db.yaml", "password")
    files = [f"clusters/{name}/payments/db.yaml" for name in ("staging", "prod")]
    prompt = "Value for password (hidden): \n" if screen.terminal else ""
    shows(
        screen("sealer", "set", *files, "password", typed=secrets.token_hex(8)),
        0,
        f"""{prompt}\
sealed password  clusters/staging/payments/db.yaml  new file  staging <id>
sealed password  clusters/prod/payments/db.yaml     replaced  prod <id>
""",
    )


def test_seal_what_was_committed_in_plaintext(world: Shop, screen: Screen) -> None:
    value = secrets.token_hex(8)
    plain = manifest("session", "web", cookie_key=value, csrf_key=value)
    world.write(f"{PROD}/web/session.yaml", plain + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    commit(world)
    shows(
        screen("sealer", "seal", "--in-place", f"{PROD}/web/session.yaml"),
        0,
        """
sealed web/session  clusters/prod/web/session.yaml  strict, v2, prod <id>
  2 items: cookie-key, csrf-key; 1 other document untouched
  warning: commit <commit> holds this file in plaintext: change both values
""",
    )


@pytest.fixture
def delivered(world: Shop) -> Shop:
    """Four secrets are delivered; since then one is new, one changed, one gone, one a copy of another's items."""
    for name in ("payments/stripe", "payments/cache", "web/session", "web/same"):
        put(f"{PROD}/{name}.yaml", "api-key" if name.endswith("stripe") else "cookie-key")
    commit(world)
    done = subprocess.run([BIN / "sealer-controller", "apply", "."], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    put(f"{PROD}/payments/db.yaml", "password", "url")
    put(f"{PROD}/payments/stripe.yaml", "api-key")
    moved = world.read(f"{PROD}/payments/cache.yaml").replace(b"cache", b"session").replace(b": payments", b": web")
    world.write(f"{PROD}/web/session.yaml", moved)
    (world.root / f"{PROD}/payments/cache.yaml").unlink()
    commit(world)
    return world


def test_apply(delivered: Shop, screen: Screen) -> None:
    shows(
        screen("sealer-controller", "apply", ".", "--dry-run"),
        1,
        """
Plan for cluster prod, source . at <commit> (clean), key <id>
  + payments/db       local  password, url
  ~ payments/stripe   local  api-key
  - payments/cache    local  1 item; last version kept 30 days
  ! web/session       clusters/prod/web/session.yaml:8
      cookie-key was not sealed for web/session: renamed, moved or pasted
      way out: sealer set clusters/prod/web/session.yaml cookie-key
1 to create, 1 to update, 1 to delete, 1 failed, 1 unchanged, 1 not for prod
Dry run: nothing written.
""",
    )
    shows(
        screen("sealer-controller", "apply", "."),
        1,
        """
created  payments/db      local v1
updated  payments/stripe  local v2
deleted  payments/cache   local; last version kept 30 days
FAILED   web/session      keeps v1 of <day>; cookie-key: bound elsewhere
      clusters/prod/web/session.yaml:8
      cookie-key was not sealed for web/session: renamed, moved or pasted
      way out: sealer set clusters/prod/web/session.yaml cookie-key
1 created, 1 updated, 1 deleted, 1 failed, 1 unchanged, 1 not for prod (<n> s)
""",
    )
    shows(
        screen("sealer-controller", "status"),
        1,
        """
prod  source . at <commit>, applied <ago> ago  key <id> to <day>
warning: keyring has no backup; run: sealer-controller keys backup FILE
SECRET           STORE  STATE      VERSION  FOR <gap>REASON
web/session      local  stale      1        <ago> <gap>cookie-key: bound elsewhere
payments/db      local  delivered  1        <ago>
payments/stripe  local  delivered  2        <ago>
web/same         local  delivered  1        <ago>
payments/cache   local  withdrawn  1        <ago>
""",
    )


def test_diff(world: Shop, screen: Screen) -> None:
    put(f"{PROD}/payments/db.yaml", "password")
    put(f"{PROD}/payments/old.yaml", "a", "b", "c")
    commit(world)
    put(f"{PROD}/payments/db.yaml", "password")
    (world.root / f"{PROD}/payments/old.yaml").unlink()
    shows(
        screen("sealer", "diff"),
        0,
        """
prod  payments/db   ~ password  re-sealed (a new value or not: needs a key)
prod  payments/old  - removed, 3 items: still in Git history, so revoke them
""",
    )


def test_scan_staged(world: Shop, screen: Screen) -> None:
    world.write(f"{PROD}/web/plain.yaml", manifest("plain", "web", token=secrets.token_hex(8)))
    world.git("add", f"{PROD}/web/plain.yaml")
    shows(
        screen("sealer", "scan", "--staged"),
        1,
        """
clusters/prod/web/plain.yaml:7  kubernetes-secret  stringData.token: ********
  seal it   sealer seal --in-place clusters/prod/web/plain.yaml
  not one   end the line with  # sealer:allow kubernetes-secret REASON
1 finding; 1 staged file, <n> B, <n> s
""",
    )


def test_run_with_the_file_of_another_cluster(world: Shop, screen: Screen) -> None:
    for name in ("prod", "dev-alice"):
        put(f"clusters/{name}/payments/db.yaml", "password")
    shows(
        screen("sealer", "run", "-f", f"{PROD}/payments/db.yaml", "--", "npm", "start"),
        125,
        """
error: clusters/prod/payments/db.yaml: sealed to prod <id>, you hold dev-alice
  way out: sealer run -f clusters/dev-alice/payments/db.yaml -- npm start
""",
    )


LONG = "a-namespace-with-a-long-name/a-secret-whose-name-is-as-long"
ITEMS = [f"an-item-with-a-long-key-{number}" for number in range(6)]


def test_long_names_fit_too(world: Shop, screen: Screen) -> None:
    file = f"{PROD}/{LONG}.yaml"
    plain = manifest(LONG.split("/")[1], LONG.split("/")[0], **dict.fromkeys(ITEMS, secrets.token_hex(8)))
    world.write(file, plain)
    commit(world)
    assert screen("sealer", "seal", "--in-place", file).code == 0
    assert screen("sealer", "set", file, ITEMS[0], typed=secrets.token_hex(8)).code == 0
    assert screen("sealer", "diff").code == 0
    assert screen("sealer", "check", file).code == 0
    assert screen("sealer", "check", "--explain", file).code == 0
    for arguments in (("apply", ".", "--dry-run"), ("apply", ".")):
        assert screen("sealer-controller", *arguments).code == 0
    assert screen("sealer", "keys").code == 0
    assert screen("sealer-controller", "keys", "list").code == 0


def test_many_files_have_a_progress_bar(world: Shop, screen: Screen) -> None:
    for number in range(40):
        plain = manifest(f"s{number}", "many", a=secrets.token_hex(8))
        world.write(f"{PROD}/many/s{number}.yaml", plain)
    sealed = screen.run(("sealer", "seal", "--in-place", PROD), "")
    applied = screen.run(("sealer-controller", "apply", "."), "")
    scanned = screen.run(("sealer", "scan"), "")
    assert scanned.code == 0
    assert "scanning" not in scanned.text, "it took no time that anybody has to be told of"
    for shown, doing in ((sealed, "sealing"), (applied, "delivering")):
        assert shown.code == 0
        assert (doing in shown.text) is screen.terminal
        assert ("\x1b" in shown.raw) is screen.terminal
    assert sealed.text.count("sealed many/s") == 40


def test_colour_is_for_terminals_that_want_it(world: Shop) -> None:
    command = [str(BIN / "sealer"), "unset", "none.yaml", "k"]
    assert "\x1b[31merror:\x1b[0m" in at_terminal(command).raw
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown = at_terminal(command, **environment)
        assert "error:" in shown.text
        assert "\x1b" not in shown.raw


@pytest.mark.parametrize("name", ["sealer", "sealer keys", "sealer-controller", "sealer-controller keys", *ROWS])
def test_every_help_fits_and_has_examples(name: str) -> None:
    done = planted.run([*name.split(), "--help"])
    lines = done.out.decode().splitlines()
    assert (done.code, done.err) == (0, b"")
    assert [line for line in lines if len(line) > 80] == []
    assert lines[0].startswith(("Usage: ", "usage: "))
