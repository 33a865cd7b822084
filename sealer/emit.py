"""Where a report goes: stdout, or the file of `--output`."""

from __future__ import annotations

from sealer import console


def emit(rendered: str, output: str | None) -> None:
    """Print a report, or write it to a file in one step. Nothing that a stranger wrote in it reaches a terminal raw."""
    if output is None:
        for line in rendered.splitlines():
            console.out(line)
        return
    from sealer.files import write_atomic

    write_atomic(output, "".join(f"{console.printable(line)}\n" for line in rendered.splitlines()).encode())
