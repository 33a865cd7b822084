"""The lines that a command which writes files prints (DESIGN section 13): columns that fit a terminal of 80."""

from __future__ import annotations

from sealer import console

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 80


def table(rows: Sequence[Sequence[str]], width: int | None = WIDTH) -> list[list[str]]:
    """The lines of each row, cells under each other and two spaces apart; what is too wide goes on in a next line.

    Cells are padded only as far as all lines fit. Without a width each row is one line, for `grep`.
    """
    rows = [[(console.line if i else console.path)(cell) for i, cell in enumerate(row)] for row in rows]
    columns = max(map(len, rows), default=0)
    for padded in range(columns - 1, -1, -1):
        widths = [max(len(row[i]) for row in rows if i < len(row)) if i < padded else 0 for i in range(columns)]
        lines = ["  ".join(cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip() for row in rows]
        if all(len(line) <= (width or WIDTH) for line in lines):
            return [[line] for line in lines]
    return [_broken(row, width) if width else ["  ".join(row)] for row in rows]


def _broken(row: Sequence[str], width: int) -> list[str]:
    whole = "  ".join(row)
    if len(whole) <= width:
        return [whole]
    head = "  ".join(row[:2])
    return [*([head] if len(head) <= width else [row[0], f"  {row[1]}"]), *wrapped("  ".join(row[2:]), width)]


def wrapped(text: str, width: int = WIDTH) -> list[str]:
    """A line below another, indented by two, broken at spaces; names stay whole."""
    import textwrap

    options = {"initial_indent": "  ", "subsequent_indent": "    "}
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False, **options)  # type: ignore[arg-type]
    # A line that begins with `::` is a command to GitHub's runner, however far it is indented.
    return [line.replace("::", "\\x3a:", 1) if line.lstrip().startswith("::") else line for line in lines]


def count(number: int, noun: str) -> str:
    """`1 item`, `2 items`, `1,000 items`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
