"""Names in commands that a message offers for pasting: quoted so that a shell takes each as one word, on one line.

Names come from strangers' repositories. What a terminal would act on, a line break above all, is written as bash, zsh
and ksh read it in `$'...'`.
"""

from __future__ import annotations

import os

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./-_")


def quote(name: str) -> str:
    """The name of a file as one word of a command; `-` alone is stdin, and no other is taken for an option."""
    if name.startswith("-") and name != "-":
        name = f"./{name}"
    if name and _PLAIN.issuperset(name):
        return name
    if name.isprintable() and "##" not in name:  # `##[command]` in a log is obeyed by GitHub's runner
        import shlex

        return shlex.quote(name)
    return (
        "$'"
        + "".join(_escaped(byte) for byte in os.fsencode(name))
        .replace("##[", "##\\x5b")
        .replace("##vso[", "##vso\\x5b")
        + "'"
    )


def _escaped(byte: int) -> str:
    char = chr(byte)
    return char if char.isascii() and char.isprintable() and char not in "\\'" else f"\\x{byte:02x}"
