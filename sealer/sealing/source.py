"""Plaintext on its way in: one value for `set`, the items of a new secret for `seal`. No value is ever an argument."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from sealer import console, files, prompt
from sealer.documents import envfile
from sealer.errors import SourceError, UsageError
from sealer.formats.binding import check_item
from sealer.sealing import generate

MAX_VALUE = 1024 * 1024
"""Largest value of an item, in bytes; also what a v2 envelope takes."""


@dataclass(frozen=True, slots=True)
class ValueFlags:
    """Where the value of one item comes from; with neither file nor generator: stdin, else a prompt."""

    from_file: str | None = None
    generate: str | None = None
    raw: bool = False
    allow_empty: bool = False

    def check(self) -> None:
        """Refuse flags that contradict each other, before anything is read or asked."""
        if self.from_file is not None and self.generate is not None:
            raise UsageError("--from-file and --generate both say what the value is", way_out="leave one of them out")
        if self.raw and self.generate is not None:
            raise UsageError("--raw is about stdin, and --generate reads none", way_out="leave one of them out")
        if self.generate is not None:
            generate.check(self.generate)


@dataclass(frozen=True, slots=True)
class Items:
    """Items for a new secret: `.env` files and `[KEY=]PATH` words, and the type of the secret."""

    env_files: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=())
    type: str | None = None

    def __bool__(self) -> bool:
        return bool(self.env_files or self.files)

    def read(self) -> dict[str, bytes]:
        """All of them, by key. Raises UsageError for a key that comes twice."""
        items: dict[str, bytes] = {}
        for path in self.env_files:
            data = stdin(files.MAX_DOCUMENT) if path == "-" else files.read(path)
            for key, value in envfile.parse(data, "stdin" if path == "-" else path).items():
                _add(items, key, value, path)
        for word in self.files:
            key, path = _key_and_path(word)
            if path != word and path != "-" and not Path(path).exists():
                # Not repeated: --from-literal would take a value here.
                raise SourceError("names a file that does not exist", where=f"--from-file {key}=PATH")
            _add(items, key, _file(path), path)
        return items


def value(flags: ValueFlags, item: str) -> bytes:
    """The value of one item, from where the flags say."""
    found = _value(flags, item)
    if not found and not flags.allow_empty:
        raise UsageError(f"the value of {item} is empty", way_out="to seal an empty value on purpose: --allow-empty")
    return found


def stdin(limit: int) -> bytes:
    """All of stdin. Raises SourceError above `limit` bytes."""
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise SourceError(f"is larger than {limit // 1024:,} KiB", where="stdin")
    return data


def at_terminal() -> bool:
    """Whether stdin is a person's terminal."""
    return sys.stdin is None or sys.stdin.isatty()


def _value(flags: ValueFlags, item: str) -> bytes:
    if flags.from_file is not None:
        return _file(flags.from_file)
    if flags.generate is not None:
        made = generate.check(flags.generate)()
        if flags.generate == "ssh-key":
            console.note(f"public key: {generate.public_half(made)}")
        return made
    if at_terminal():
        return prompt.hidden(f"Value for {item} (hidden)", way_out="pass the value on stdin, or with --from-file PATH")
    return _without_newline(stdin(MAX_VALUE), raw=flags.raw)


def _without_newline(data: bytes, *, raw: bool) -> bytes:
    """A one-line value without the newline that `echo` adds; whatever has more lines is kept as it is."""
    if raw or not data.endswith(b"\n") or data.count(b"\n") > 1:
        return data
    console.note("the newline at the end of the value is left out; --raw keeps it")
    return data.removesuffix(b"\n").removesuffix(b"\r")


def _file(path: str) -> bytes:
    return stdin(MAX_VALUE) if path == "-" else files.read(path, limit=MAX_VALUE)


def _key_and_path(word: str) -> tuple[str, str]:
    key, equals, path = word.partition("=")
    if equals and path:
        return key, path
    if equals or word == "-":
        raise UsageError("--from-file needs KEY=PATH here", way_out="--from-file KEY=PATH")
    return Path(word).name, word


def _add(items: dict[str, bytes], key: str, value: bytes, where: str) -> None:
    check_item(key)
    if key in items:
        raise UsageError(f"item {key} comes a second time", where=where, way_out="leave one of them out")
    items[key] = value
