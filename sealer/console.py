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
    from typing import TextIO, TypeVar

    T = TypeVar("T")

OK = 0
NO = 1
CANNOT_TELL = 2
INTERRUPTED = 130

_ANSWER_IS_NO = (BoundElsewhere, CannotOpen, Refused, Untrusted)
_PROGRESS_FROM = 25
_WIDTH = 80
"""Columns of a terminal that doesn't say how many it has."""
_STYLES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


def exit_code(error: SealerError) -> int:
    """1 if the error is an answer (it does not open, it is not trusted), 2 if nothing could be told."""
    return NO if isinstance(error, _ANSWER_IS_NO) else CANNOT_TELL


def out(text: str = "") -> None:
    """A line of data on stdout."""
    if sys.stdout is not None:
        sys.stdout.write(printable(text) + "\n")


def out_lines(texts: Iterable[str]) -> None:
    """Lines of data on stdout, written at once: a write a line is a call of the system a line."""
    if sys.stdout is not None:
        sys.stdout.write("".join(f"{printable(text)}\n" for text in texts))


def out_bytes(data: bytes) -> None:
    """Bytes as they are on stdout."""
    if sys.stdout is not None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def note(text: str) -> None:
    """A line for the person on stderr. If that is closed or full, nobody reads it, and the answer is what it was."""
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        if sys.stderr is not None:
            sys.stderr.write(printable(disobeyed(text)) + "\n")
    except OSError:
        _silence(sys.stderr)


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


def width(stream: TextIO | None) -> int | None:
    """The columns of the terminal that a stream is; None if it is none, where nothing is to be broken into lines."""
    if stream is None or not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    except (OSError, ValueError):
        return _WIDTH


def at_terminal() -> bool:
    """Whether somebody reads what goes to stderr while it is written."""
    return sys.stderr is not None and sys.stderr.isatty()


def printable(text: str) -> str:
    """`text` without control characters (but tab, newline and our own colours): names come from strangers' files."""
    if text.isprintable():
        return text
    keep = "\t\n\x1b"
    shown = "".join(c if c.isprintable() or c in keep else f"\\x{ord(c):02x}" for c in text)
    return _strip_foreign_escapes(shown)


def line(text: str) -> str:
    """`text` on one line and in no colour: a stranger's file name must not look like a line of ours."""
    return disobeyed(text.replace("\n", "\\n").replace("\x1b", "\\x1b"))


def disobeyed(text: str, bracket: str = "\\x5b") -> str:
    """`text` without `##[command]` and `##vso[command]`, which runners of GitHub and Azure obey wherever they stand.

    (actions/runner, ActionCommand.TryParse: the prefix is searched for in the whole line.)
    """
    return text.replace("##[", f"##{bracket}").replace("##vso[", f"##vso{bracket}") if "##" in text else text


def path(name: str) -> str:
    """A path that a line begins with, on one line. GitHub's runner obeys a line that begins with `::error ...::`."""
    shown = line(name)
    return f"./{shown}" if shown.lstrip().startswith("::") else shown


def _strip_foreign_escapes(text: str) -> str:
    if "\x1b" not in text:
        return text
    import re

    return re.sub(r"\x1b(?!\[(?:0|1|2|31|32|33)m)", r"\\x1b", text)


def progress(items: Iterable[T], *, total: int, doing: str) -> Iterator[T]:
    """`items` one by one, with a bar on stderr for long runs at a terminal; silent otherwise."""
    if total < _PROGRESS_FROM or not at_terminal():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=doing, total=total, console=Console(stderr=True), transient=True)


def run(command: Callable[[], int]) -> int:
    """Run a command's body; errors become a message and an exit code, and no traceback reaches the user."""
    no_core_dump()
    _reserve()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a name that a locale lacks is no reason to stop
    try:
        code = command()
        if sys.stdout is not None:
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
        _silence(sys.stdout)
        return NO
    except OSError as error:
        _drop()
        report(SealerError((error.strerror or type(error).__name__).lower(), where=str(error.filename or "")))
        return CANNOT_TELL
    except Exception as error:
        return _defect(error)


def _silence(stream: TextIO | None) -> None:
    """Let a stream lead nowhere."""
    if stream is None:
        return
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return


def _drop() -> None:
    """If stdout takes nothing (a full disk), let go of what waits there: it would fail again with each message."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _silence(sys.stdout)


def _reserve() -> None:
    """Let what the shell closed (`>&-`) lead nowhere: else the first file that is opened takes its number.

    Python has None in the place of such a stream: what is written there nobody asked for, and the answer is the same.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(number, True)
        os.close(number)


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
