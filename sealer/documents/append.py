"""Where one more entry goes into a block list or block map of YAML. Pure."""

from __future__ import annotations

from sealer.documents.node import Kind, Node, walk


def behind(text: str, block: Node) -> int:
    """The offset behind the line on which the last value of a block list or map ends.

    The end that YAML gives to the block itself lies behind comments that belong to what follows.
    """
    last = max(node.end for node in walk(block) if node.style or node.kind not in (Kind.MAP, Kind.SEQ))
    if text[:last].endswith("\n"):
        return last
    line_end = text.find("\n", last)
    return len(text) if line_end < 0 else line_end + 1


def insert(text: str, at: int, lines: str, ending: str) -> str:
    """`text` with whole lines put in at an offset that begins a line, or is the end of an unfinished last one."""
    before = text[:at] if not text[:at] or text[:at].endswith("\n") else text[:at] + ending
    return before + lines + text[at:]
