"""One hidden value or passphrase from the terminal, whatever stdin and stdout are.

Not getpass: a terminal in line mode cuts a line at 4,095 bytes without a word, and the second line of a pasted value
would go to the shell as a command. Here bytes are read one by one, and what was pasted behind the first line is
swallowed and refused. Ctrl-C leaves the terminal as it was, and is never lost: getpass waits on if the signal comes
just before its read, or in another thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import threading
from collections.abc import Iterator

from sealer.errors import UsageError

MAX = 1024 * 1024
_BACKSPACE = (0x7F, 0x08)
_CLEAR = 0x15  # Ctrl-U
_END = 0x04  # Ctrl-D
_RETURN = (0x0A, 0x0D)
_LOCAL = 3  # tcgetattr's fields
_CONTROL = 6
_PASTE_SECONDS = 0.05
_WITHOUT = "there is no terminal to ask at, and nothing on stdin"


def hidden(
    question: str, *, way_out: str, without: str = "there is no terminal to ask at, and nothing on stdin"
) -> bytes:
    """The line that a person types, without echo and without its end.

    Raises UsageError if there is no terminal (`without` says so, `way_out` what to do then), or if more than a line was
    pasted; KeyboardInterrupt at Ctrl-C, and at Ctrl-D alone.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise UsageError(without, way_out=way_out) from None
    try:
        with _signals() as woken:
            return _ask(terminal, woken, question, way_out)
    finally:
        os.close(terminal)


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """What can be read once a signal has come: C writes it at once, Python's handler runs later than one thinks."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    main = threading.current_thread() is threading.main_thread()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False) if main else -1
    try:
        yield reading
    finally:
        if main:
            signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def _ask(terminal: int, woken: int, question: str, way_out: str) -> bytes:
    before = termios.tcgetattr(terminal)
    raw = termios.tcgetattr(terminal)
    raw[_LOCAL] &= ~(termios.ICANON | termios.ECHO)  # ISIG stays: Ctrl-C is a signal
    raw[_CONTROL][termios.VMIN], raw[_CONTROL][termios.VTIME] = 1, 0
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, raw)
        os.write(terminal, f"{question}: ".encode())
        typed = _line(terminal, woken)
        more = _swallow(terminal)
    finally:
        # Flushing too: nothing that was meant for the prompt may reach the shell.
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        os.write(terminal, b"\n")
    if more:
        raise UsageError("more than one line was pasted; nothing was done", way_out=way_out)
    return typed


def _line(terminal: int, woken: int) -> bytes:
    typed = bytearray()
    while len(typed) < MAX:
        if woken in select.select([terminal, woken], [], [])[0]:
            os.read(woken, 512)  # its handler has run by now; SIGINT's has raised
            continue
        char = os.read(terminal, 1)
        code = char[0] if char else _END
        if code in _RETURN:
            return bytes(typed)
        if code == _END:
            if not typed:
                raise KeyboardInterrupt
            return bytes(typed)
        if code in _BACKSPACE:
            _drop_character(typed)
        elif code == _CLEAR:
            typed.clear()
        else:
            typed += char
    raise UsageError("the value is longer than 1 MiB", way_out="pass it on stdin or with --from-file")


def _drop_character(typed: bytearray) -> None:
    """Remove the last character, all bytes of it if it is UTF-8."""
    while typed and typed[-1] & 0xC0 == 0x80:
        typed.pop()
    if typed:
        typed.pop()


def _swallow(terminal: int) -> bool:
    """Take what follows the line at once, as a paste does; whether there was any but line ends."""
    more = False
    while select.select([terminal], [], [], _PASTE_SECONDS)[0]:
        more = bool(os.read(terminal, 4096).strip(b"\r\n")) or more
    return more
