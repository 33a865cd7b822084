"""Where output goes: stdout, or the file of `--output`."""

from __future__ import annotations

from sealer import console
from sealer.errors import UsageError


def refuse_format(output: str | None) -> None:
    """`-o yaml` means a format to kubectl and kubeseal; here it would make a file of that name. Raises UsageError."""
    if output in ("yaml", "yml", "json"):
        word = "json" if output == "json" else "yaml"
        raise UsageError(
            f"-o names a file, and {output} looks like a format",
            way_out=f"--format {word}; or, for a file of that name: -o ./{output}",
        )


def emit(rendered: str, output: str | None) -> None:
    """Print a report, or write it to a file in one step. Nothing that a stranger wrote in it reaches a terminal raw."""
    # Not splitlines: what else it takes for a line break is a character of a stranger's name here, and is escaped.
    lines = rendered.removesuffix("\n").split("\n") if rendered else []
    if output is None:
        for line in lines:
            console.out(line)
        return
    from sealer.files import write_atomic

    write_atomic(output, "".join(f"{console.printable(line)}\n" for line in lines).encode())
