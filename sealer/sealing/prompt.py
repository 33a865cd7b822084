"""One hidden value from the terminal, whatever stdin and stdout are.

Not getpass: a terminal in line mode cuts a line at 4,095 bytes without a word, and the second line of a pasted value
would go to the shell as a command. Here bytes are read one by one, and what was pasted behind the first line is
swallowed and refused. Ctrl-C leaves the terminal as it was.
"""

from __future__ import annotations

import os
import select
import termios

from sealer.errors import UsageError

MAX = 1024 * 1024
_BACKSPACE = (0x7F, 0x08)
_CLEAR = 0x15  # Ctrl-U
_END = 0x04  # Ctrl-D
_RETURN = (0x0A, 0x0D)
_LOCAL = 3  # tcgetattr's fields
_CONTROL = 6
_PASTE_SECONDS = 0.05


def hidden(question: str, *, way_out: str) -> bytes:
    """The line that a person types, without echo and without its end.

    Raises UsageError where there is no terminal (`way_out` says what to do then), or if more than a line was pasted.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise UsageError("there is no terminal to ask at, and nothing on stdin", way_out=way_out) from None
    try:
        return _ask(terminal, question, way_out)
    finally:
        os.close(terminal)


def _ask(terminal: int, question: str, way_out: str) -> bytes:
    before = termios.tcgetattr(terminal)
    raw = termios.tcgetattr(terminal)
    raw[_LOCAL] &= ~(termios.ICANON | termios.ECHO)  # ISIG stays: Ctrl-C is a signal
    raw[_CONTROL][termios.VMIN], raw[_CONTROL][termios.VTIME] = 1, 0
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, raw)
        os.write(terminal, f"{question}: ".encode())
        typed = _line(terminal)
        more = _swallow(terminal)
    finally:
        # Flushing too: nothing that was meant for the prompt may reach the shell.
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        os.write(terminal, b"\n")
    if more:
        raise UsageError("more than one line was pasted; nothing was sealed", way_out=way_out)
    return typed


def _line(terminal: int) -> bytes:
    typed = bytearray()
    while len(typed) < MAX:
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
