"""Our hooks in a `.pre-commit-config.yaml`, beside whatever stands there. Pure: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sealer.documents import append, yamlio
from sealer.documents.node import BOM, Kind, Node, decode
from sealer.errors import DocumentError

HOOKS = {
    "scan-secrets": ("scan for plaintext secrets", "sealer-scan --staged"),
    "check-sealed": ("check sealed files", "sealer-check"),
}
"""Hook id -> its name and its entry, which is a program on PATH."""
_SHOWN = ("scan-secrets",)
"""Hooks that warn without failing: pre-commit hides what these say unless they are told to be verbose."""


def first() -> bytes:
    """The configuration of a repository that had none."""
    return ("repos:\n" + _block(tuple(HOOKS), "  ", "\n")).encode("ascii")


def missing(data: bytes, file: str) -> tuple[str, ...]:
    """Which of our hooks a configuration lacks, whatever repository they come from. Raises DocumentError."""
    top = yamlio.load(data, file)
    present = set(_ids(top)) if top else set()
    return tuple(hook for hook in HOOKS if hook not in present)


def with_hooks(data: bytes, file: str, hooks: Sequence[str]) -> bytes:
    """`data` with these hooks in a `repo: local` at the end of `repos`; every byte that was there stays.

    Raises DocumentError, with the lines to add by hand, where `repos` is not a block list.
    """
    text, bom = decode(data, file)
    top = yamlio.load(data, file)
    if top is None:
        return data + (b"" if not data or data.endswith(b"\n") else b"\n") + first()
    repos = top.get("repos")
    if repos is None or repos.kind is not Kind.SEQ or repos.style or repos.alias or not repos.children:
        line = repos.line if repos else top.line
        way_out = "add to repos by hand:\n" + _block(tuple(hooks), "  ", "\n").rstrip()
        raise DocumentError("repos is not a list with a line for each entry", file=file, line=line, way_out=way_out)
    ending = "\r\n" if "\r\n" in text else "\n"
    dash = text.rfind("-", 0, repos.children[0].start)
    indent = text[text.rfind("\n", 0, dash) + 1 : dash]
    edited = append.insert(text, append.behind(text, repos), _block(hooks, indent, ending), ending)
    after = ((BOM if bom else "") + edited).encode("utf-8")
    if set(missing(after, file)) & set(hooks):
        raise DocumentError("the hooks could not be added", file=file, line=repos.line, way_out="add them by hand")
    return after


def _ids(top: Node) -> Iterator[str]:
    repos = top.get("repos")
    for repo in repos.children if repos else ():
        hooks = repo.get("hooks")
        for hook in hooks.children if hooks else ():
            name = hook.get("id")
            if name is not None:
                yield name.text


def _block(hooks: Sequence[str], indent: str, ending: str) -> str:
    lines = ["- repo: local", "  hooks:"]
    for hook in hooks:
        name, entry = HOOKS[hook]
        lines += [f"    - id: {hook}", f"      name: {name}", f"      entry: {entry}"]
        lines += ["      language: system"]
        lines += ["      verbose: true"] if hook in _SHOWN else []
        lines += ["      pass_filenames: false"]
    return "".join(f"{indent}{line}{ending}" for line in lines)
