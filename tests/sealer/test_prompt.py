"""The hidden prompt, at a real pseudo-terminal: nothing is shown, nothing is cut, nothing goes to the shell."""

from __future__ import annotations

import os
import pty
import secrets
import select
import signal
import sys
import termios
from dataclasses import dataclass

import pytest

CHILD = """
import sys
from sealer import console, prompt
def body():
    value = prompt.hidden("Value for password (hidden)", way_out="use stdin")
    sys.stdout.write(f"got {len(value)} {value.hex()}\\n")
    return 0
sys.exit(console.run(body))
"""
ELSEWHERE = """
import signal, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
"""


@dataclass
class Terminal:
    """What stood on the screen after the keys were typed, the exit code, and whether echo is on again."""

    screen: str
    code: int
    echo: bool


def at_terminal(typed: bytes, *, wait: str = "(hidden): ", interrupt: bool = False, before: str = "") -> Terminal:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", before + CHILD])
    screen = b""
    while wait.encode() not in screen:
        screen += os.read(terminal, 1024)
    if interrupt:
        os.write(terminal, b"\x03")
    at = 0
    while at < len(typed):
        at += os.write(terminal, typed[at : at + 512])
    while True:
        assert select.select([terminal], [], [], 60)[0], f"waits on: {screen.decode(errors='replace')}"
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        screen += chunk
    echo = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return Terminal(screen.decode(errors="replace"), os.waitstatus_to_exitcode(status), echo)


def got(value: bytes) -> str:
    return f"got {len(value)} {value.hex()}"


def test_a_value_is_read_and_not_shown() -> None:
    value = secrets.token_hex(10)
    found = at_terminal(value.encode() + b"\n")
    assert got(value.encode()) in found.screen
    assert value not in found.screen
    assert found.screen.startswith("Value for password (hidden): ")
    assert (found.code, found.echo) == (0, True)


def test_longer_than_a_terminal_line() -> None:
    value = secrets.token_hex(6000).encode()
    found = at_terminal(value + b"\r")
    assert got(value) in found.screen.replace("\r\n", "")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (b"abd\x7fc\n", b"abc"),
        ("aé\x7fb\n".encode(), b"ab"),
        (b"wrong\x15right\n", b"right"),
        (b"\x7f\x7fa\n", b"a"),
        (b"a\x04", b"a"),
        (b"\n", b""),
        (b"a b\tc'\"\\\n", b"a b\tc'\"\\"),
    ],
)
def test_keys(typed: bytes, value: bytes) -> None:
    assert got(value) in at_terminal(typed).screen


def test_a_second_pasted_line_is_swallowed_and_refused() -> None:
    value = secrets.token_hex(10)
    found = at_terminal(f"first\n{value}\n".encode())
    assert found.code == 2
    assert "more than one line was pasted" in found.screen
    assert value not in found.screen
    assert "got" not in found.screen


def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    found = at_terminal(b"", interrupt=True)
    assert (found.code, found.echo) == (130, True)
    assert "interrupted" in found.screen
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_interrupts_no_read() -> None:
    """Another thread gets the signal; so it is for the main one when it comes just before its read."""
    found = at_terminal(b"", interrupt=True, before=ELSEWHERE)
    assert (found.code, found.echo) == (130, True)


def test_ctrl_d_alone_is_no_value() -> None:
    assert at_terminal(b"\x04").code == 130
