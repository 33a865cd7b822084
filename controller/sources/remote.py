"""Git over the network: bounded in time and protocols, without prompts, and its failures in our words.

The user's own configuration counts (credential helpers, proxies, certificates, ssh with its host keys), and nothing
that comes from the repository.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sealer import console, git
from sealer.errors import SourceError
from sealer.shell import quote

if TYPE_CHECKING:
    from controller.sources.address import Address

LIMIT = 1800.0
"""Seconds until one call of git is ended, whatever it does."""

_OPTIONS = (
    *("transfer.fsckObjects=true", "fetch.fsckObjects=true", "transfer.bundleURI=false"),
    *("fetch.recurseSubmodules=false", "submodule.recurse=false", "core.logAllRefUpdates=false"),
    *("gc.auto=0", "maintenance.auto=false", "credential.interactive=false"),
    *("http.lowSpeedLimit=1000", "http.lowSpeedTime=60"),
)
_PROTOCOLS = ("https", "ssh", "file")
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
_KEPT = 64 * 1024
_MAX_LISTED = 64 * 1024 * 1024

_HINT = re.compile(
    "^(hint:|Please make sure|and the repository exists|fatal: Could not read from remote repository|"
    "fatal: the remote end hung up|fatal: early EOF|fatal: fetch-pack: invalid index-pack output|$)"
)
_PERCENT = re.compile(r"([A-Z][a-z]+(?: [a-z]+)*): +(\d+)%")
_FSCK = re.compile(r"object [0-9a-f]+: ([A-Za-z]+):")
_CREDENTIALS = "give Git the credentials: git help credentials; to see what it says: git ls-remote {url}"
_CAUSES = (
    (r"Host key verification failed", "the host's key is not known", "check the key, then: ssh -T {host}"),
    (r"Permission denied \(|Authentication failed|could not read (User|Pass)|returned error: 40[13]",
     "the credentials were refused, or there are none", _CREDENTIALS),
    (r"certificate", "the server's certificate is not trusted", "git config --global http.sslCAInfo FILE"),
)  # fmt: skip


class RemoteError(SourceError):
    """Git failed on a remote repository. `final`: trying again with nothing of ours in the way would not help."""

    final = False


def call(address: Address, words: Sequence[str], *, directory: Path | None = None, held: int | None = None) -> bytes:
    """Output of one git command that talks to a repository. Raises RemoteError.

    `held` is a descriptor whose lock is to last as long as git does, even if this process is killed.
    """
    process = _start(words, directory, held)
    ended = threading.Event()

    def end() -> None:
        ended.set()
        _kill(process)

    timer = threading.Timer(LIMIT, end)
    said = _Said(process, address)
    try:
        timer.start()
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        data = process.stdout.read(_MAX_LISTED)
        if len(data) == _MAX_LISTED:
            raise RemoteError("has more branches and tags than can be read", where=address.url)
        process.wait()
    except BaseException:
        _kill(process)
        raise
    finally:
        timer.cancel()
        text = said.all()
        process.stdout.close() if process.stdout else None
        process.wait()
    if ended.is_set():
        raise _final(f"took longer than {LIMIT / 60:.0f} minutes", address, "git ls-remote {url}")
    if process.returncode:
        raise explain(text, address)
    return data


def environment(directory: Path | None) -> dict[str, str]:
    """An environment for git that may talk to others."""
    env = git.apart(directory)
    narrowed = os.environ.get("GIT_ALLOW_PROTOCOL")
    allowed = _PROTOCOLS if narrowed is None else [each for each in narrowed.split(":") if each in _PROTOCOLS]
    env["GIT_ALLOW_PROTOCOL"] = ":".join(allowed) or "none"
    if not (env.get("GIT_SSH") or env.get("GIT_SSH_COMMAND") or _configured("core.sshCommand", env)):
        env["GIT_SSH_COMMAND"] = _SSH
    return env


def explain(text: str, address: Address) -> RemoteError:
    """What git said, in our words."""
    if owned := re.search(r"dubious ownership in repository at '([^']*)'", text):
        way_out = f"git config --global --add safe.directory {quote(owned[1])}"
        return _final("belongs to another user, so Git refuses to read it", address, way_out)
    if bad := _FSCK.search(text):
        what = f"holds an object that Git finds malformed: {bad[1]}"
        return _final(what, address, f"mend the repository; to accept it: git config --global fetch.fsck.{bad[1]} warn")
    last = _last(text)
    for pattern, what, way_out in _CAUSES:
        if re.search(pattern, text):
            return _final(f"{what} ({last})", address, way_out)
    error = RemoteError(f"can't be fetched: {last}", where=address.url, way_out=_filled("git ls-remote {url}", address))
    error.final = bool(re.search("No space left|not our ref|unadvertised|couldn't find remote ref", text))
    return error


def _start(words: Sequence[str], directory: Path | None, held: int | None) -> subprocess.Popen[bytes]:
    options = [word for option in _OPTIONS for word in ("-c", option)]
    try:
        return subprocess.Popen(
            [*git.command(), *options, *words],
            cwd="/",
            env=environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if held is None else (held,),
            start_new_session=True,  # no terminal to ask at, and ended with all that it starts
        )
    except FileNotFoundError:
        raise SourceError("git is not installed, or not in PATH") from None


class _Said:
    """What git says on stderr: the end of it is kept, and how far it is shown at a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], address: Address) -> None:
        self._kept = b""
        self._shown = False
        self._address = address
        self._tell = sys.stderr.isatty()
        self._thread = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._thread.start()

    def all(self) -> str:
        self._thread.join()
        return self._kept.decode(errors="replace")

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while piece := os.read(stream.fileno(), _KEPT):
                self._kept = (self._kept + piece)[-_KEPT:]
                self._show(piece)
        if self._shown:
            self._write("")

    def _show(self, piece: bytes) -> None:
        found = _PERCENT.findall(piece.decode(errors="replace")) if self._tell else ()
        if found:
            self._shown = True
            self._write(f"fetching {console.line(console.printable(self._address.url))}: {found[-1][1]} %")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()


def _configured(name: str, env: Mapping[str, str]) -> bool:
    try:
        return bool(git.run(Path("/"), "config", "--get", name, env=env).strip())
    except SourceError:
        return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _final(what: str, address: Address, way_out: str) -> RemoteError:
    error = RemoteError(what, where=address.url, way_out=_filled(way_out, address))
    error.final = True
    return error


def _filled(way_out: str, address: Address) -> str:
    return way_out.replace("{url}", quote(address.url)).replace("{host}", quote(address.host))


def _last(text: str) -> str:
    """The last line of git that says something, without what may be a password."""
    lines = [each.strip() for each in re.split(r"[\r\n]+", text)]
    said = [each for each in lines if not _HINT.match(each)] or [each for each in lines if each] or ["no message"]
    last = re.sub(r"^(fatal|error|remote): ", "", said[-1])
    return console.printable(redacted(last))[:300]


def redacted(text: str) -> str:
    """A text without what stands before the @ or behind the ? of a URL in it."""
    return re.sub(r"(\w://[^\s'?]*)\?[^\s']*", r"\1", re.sub(r"(\w://)[^/\s'@]*@", r"\1", text))
