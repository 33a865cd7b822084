"""What every command prints and how it ends (DESIGN sections 11 and 13).

Data goes to stdout, the rest to stderr. Only here does an error become an exit code:
0 done or clean, 1 the answer is no, 2 could not tell. Hooks start with it: it imports next to nothing.
"""

from __future__ import annotations

import io
import os
import sys

from sealer.errors import BoundElsewhere, CannotOpen, Refused, SealerError, Untrusted

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

OK = 0
NO = 1
CANNOT_TELL = 2
INTERRUPTED = 130

_ANSWER_IS_NO = (BoundElsewhere, CannotOpen, Refused, Untrusted)
_PROGRESS_FROM = 25
_STYLES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


def exit_code(error: SealerError) -> int:
    """1 if the error is an answer (it does not open, it is not trusted), 2 if nothing could be told."""
    return NO if isinstance(error, _ANSWER_IS_NO) else CANNOT_TELL


def out(text: str = "") -> None:
    """A line of data on stdout."""
    sys.stdout.write(printable(text) + "\n")


def out_lines(texts: Iterable[str]) -> None:
    """Lines of data on stdout, written at once: a write a line is a call of the system a line."""
    sys.stdout.write("".join(f"{printable(text)}\n" for text in texts))


def out_bytes(data: bytes) -> None:
    """Bytes as they are on stdout."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def note(text: str) -> None:
    """A line for the person on stderr."""
    sys.stdout.flush()
    sys.stderr.write(printable(text) + "\n")


def warn(text: str, *, way_out: str = "") -> None:
    """A warning on stderr, with what to do about it."""
    note(style("warning:", "yellow", sys.stderr) + f" {line(text)}")
    if way_out:
        note(f"  way out: {way_out}")


def report(error: SealerError) -> None:
    """An error on stderr: where, what, and the way out."""
    note(style("error:", "red", sys.stderr) + f" {line(str(error))}")
    if error.way_out:
        note(f"  way out: {error.way_out}")


def style(text: str, name: str, stream: object = None) -> str:
    """`text` in a colour (red, green, yellow) or weight (bold, dim), where the stream is a terminal that wants it."""
    return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if colour(stream or sys.stdout) else text


def colour(stream: object) -> bool:
    """Whether a stream is a terminal that takes colour (https://no-color.org)."""
    return (
        not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
        and getattr(stream, "isatty", lambda: False)()
    )


def printable(text: str) -> str:
    """`text` without control characters (but tab, newline and our own colours): names come from strangers' files."""
    if text.isprintable():
        return text
    keep = "\t\n\x1b"
    shown = "".join(c if c.isprintable() or c in keep else f"\\x{ord(c):02x}" for c in text)
    return _strip_foreign_escapes(shown)


def line(text: str) -> str:
    """`text` on one line and in no colour: a stranger's file name must not look like a line of ours."""
    return text.replace("\n", "\\n").replace("\x1b", "\\x1b")


def _strip_foreign_escapes(text: str) -> str:
    if "\x1b" not in text:
        return text
    import re

    return re.sub(r"\x1b(?!\[(?:0|1|2|31|32|33)m)", r"\\x1b", text)


def progress(items: Iterable[T], *, total: int, doing: str) -> Iterator[T]:
    """`items` one by one, with a bar on stderr for long runs at a terminal; silent otherwise."""
    if total < _PROGRESS_FROM or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=doing, total=total, console=Console(stderr=True), transient=True)


def run(command: Callable[[], int]) -> int:
    """Run a command's body; errors become a message and an exit code, and no traceback reaches the user."""
    no_core_dump()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a name that a locale lacks is no reason to stop
    try:
        code = command()
        sys.stdout.flush()
        return code
    except SealerError as error:
        report(error)
        return exit_code(error)
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): nothing to say, and nothing may be said when Python flushes at exit.
        _silence()
        return NO
    except OSError as error:
        report(SealerError((error.strerror or type(error).__name__).lower(), where=str(error.filename or "")))
        return CANNOT_TELL
    except Exception as error:
        return _defect(error)


def _silence() -> None:
    """Let stdout lead nowhere."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        return


def _defect(error: Exception) -> int:
    """Say that this is our fault, without the exception's text: it could quote a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "unknown place"
    report(
        SealerError(f"a defect of this program: {type(error).__name__} in {place}", way_out="please report this line")
    )
    return CANNOT_TELL


def no_core_dump() -> None:
    """Memory holds plaintext: a crash must not write it to disk."""
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):
        return
