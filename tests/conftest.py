"""Fixtures that every test may use: the peers, and a home directory of its own."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from sealer.formats import passphrase
from tests.servers import peers

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("sealer", deadline=None)
hypothesis.settings.load_profile("sealer")

# What a shell script starts with `&` ignores Ctrl-C, and so do its children: tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure() -> None:
    """Less is spent on garbage, by tests and by what they start."""
    # Peers written in Go live for a moment, clusters aside: a quarter of their time was for what they collect.
    os.environ.setdefault("GOGC", "400")
    # What test modules hold, they hold to the end: nobody looks at it again and again while they are loaded.
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Tests begin: what they leave behind is collected, if less often than by default, and what was there is not."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: a quarter of the time tests wait for servers and for disks."""
    return (os.cpu_count() or 1) + 1


# Files that take minutes or half of one, and wait for some of it: begun last, one of them would be alone at the end.
# Those of `kube/` share their clusters. The last of all are those of `sealer/`, which take a second or two.
_LONG = (
    "kube/", "controller/test_kill_model.py", "controller/kube/test_kill_points.py", "controller/test_rotation.py",
    "controller/running/", "test_", "controller/test_kill.py", "sealer/template/", "sealer/commands/test_run",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest; else in the order of paths, which xdist keeps with `--no-loadscope-reorder`."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return next((number for number, long in enumerate(_LONG) if name.startswith(long)), len(_LONG))

    items.sort(key=rank)


def _peer(peer: peers.Peer) -> Path:
    try:
        return peer.path()
    except peers.Missing as missing:
        # CI sets this: there a peer that can't be run is a failure, not a skip.
        if os.environ.get("SEALER_REQUIRE_PEERS"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def kubeseal() -> Path:
    """Bitnami's real kubeseal."""
    return _peer(peers.KUBESEAL)


@pytest.fixture(scope="session")
def crosscheck() -> Path:
    """Our second implementation of v2 envelopes, on Go's own crypto/hpke."""
    return _peer(peers.CROSSCHECK)


@pytest.fixture(scope="session")
def go_templates() -> Path:
    """Go's own text/template with Sprig's functions."""
    return _peer(peers.TEMPLATES)


@pytest.fixture(scope="session")
def npm_v1() -> Path:
    """npm's implementation of v1 envelopes, as a script for `node`."""
    return _peer(peers.NPM_V1)


@pytest.fixture(scope="session")
def compiled() -> None:
    """The rules are compiled before the first test: the run that does it says so on stderr, if it takes long.

    It takes longest of all that tests do here: one process does it for all, each of which has a copy (see `home`).
    """
    shared, own = peers.cache() / "scanner", peers.cache() / f"scanner{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    shared.parent.mkdir(parents=True, exist_ok=True)
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = {**os.environ, "SEALER_SCAN_CACHE": str(shared)}
        subprocess.run(
            [Path(sys.executable).with_name("sealer-scan"), __file__], env=environment, capture_output=True, check=False
        )
        if own != shared and shared.is_dir():
            own.mkdir(mode=0o700, exist_ok=True)
            for each in shared.iterdir():
                if not (own / each.name).exists():
                    shutil.copy2(each, own)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME for each test: no keyring, no pins, no git configuration of the person who runs the tests."""
    directory = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("SEALER_", "XDG_", "GIT_")) and name not in ("SEALER_REQUIRE_PEERS", "SEALER_TEST_CACHE"):
            monkeypatch.delenv(name)
    # Peers are cached under the real home: look them up before it moves.
    monkeypatch.setenv("SEALER_TEST_CACHE", str(_CACHE))
    # Compiled rules outlive a test, too: compiling takes longer than the test. A digest of all rules finds them; but
    # what one process has no use for it removes, and another may be about to read it.
    monkeypatch.setenv("SEALER_SCAN_CACHE", str(_CACHE / f"scanner{os.environ.get('PYTEST_XDIST_WORKER', '')}"))
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.invalid")
    return directory


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passphrases are derived with the least work that Argon2 knows: what it takes is tested beside the format.

    What is encrypted so says so, and is as cheap for any process that reads it.
    """
    monkeypatch.setattr(passphrase, "_ITERATIONS", 1)
    monkeypatch.setattr(passphrase, "_MEMORY", 32)


_CACHE = peers.cache()
