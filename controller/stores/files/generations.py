"""Generations of a store `files`: what one holds, how the next is made, and what goes when (DELIVERY section 6).

A reader who holds one descriptor of `current` sees one generation, and what it sees stays for a minute after the next
one came. All of the next stands on the disk before `current` is renamed to it; until then nothing has changed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.stores.files import layout
from controller.stores.files.system import System, directory

if TYPE_CHECKING:
    from controller.stores.files.layout import Label
    from sealer.secret import Ref, Secret

KEPT = 60 * 1000
"""How long a generation stays after the next one came, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Write:
    """One document of the next generation."""

    ref: Ref
    secret: Secret = field(repr=False)
    label: Label


def current(root: int) -> int:
    """The number of the generation that stands; 0 before the first."""
    try:
        return layout.generation_of(os.readlink(layout.CURRENT, dir_fd=root)) or 0
    except OSError:
        return 0


def prepare(system: System, root: int, before: int, writes: Sequence[Write], removed: Collection[Ref]) -> int:
    """Put all of the next generation on the disk beside the one that stands; its number."""
    number = before + 1
    for name in (layout.DATA, layout.GENERATIONS):
        with contextlib.suppress(FileNotFoundError), directory(name, at=root):
            continue
        system.make(name, at=root)
    with directory(layout.DATA, at=root) as data:
        for write in writes:
            _write(system, data, layout.datum(write.ref, number), write)
        system.sync(data, layout.DATA)
    gone = {*removed, *(write.ref for write in writes)}
    added = {write.ref: layout.link_to(layout.datum(write.ref, number)) for write in writes}
    with directory(layout.GENERATIONS, at=root) as generations:
        system.make(str(number), at=generations)
        with contextlib.ExitStack() as stack:
            new = stack.enter_context(directory(str(number), at=generations))
            old = None
            with contextlib.suppress(FileNotFoundError):
                old = stack.enter_context(directory(str(before), at=generations))
            _link(system, old, new, added, gone)
            system.sync(new, str(number))
        system.sync(generations, layout.GENERATIONS)
    return number


def publish(system: System, root: int, number: int) -> None:
    """Make a prepared generation the one that stands."""
    system.remove(layout.NEXT, at=root)
    system.symlink(f"{layout.GENERATIONS}/{number}", layout.NEXT, at=root)
    system.rename(layout.NEXT, layout.CURRENT, at=root)
    system.sync(root, layout.CURRENT)


def discard(system: System, root: int, number: int, refs: Collection[Ref]) -> None:
    """Remove what was prepared of a generation that does not come."""
    system.remove(layout.NEXT, at=root)
    with contextlib.suppress(FileNotFoundError), directory(layout.GENERATIONS, at=root) as generations:
        system.remove(str(number), at=generations)
    with contextlib.suppress(FileNotFoundError), directory(layout.DATA, at=root) as data:
        for ref in refs:
            system.remove(layout.datum(ref, number), at=data)
            system.remove(layout.datum(ref, number) + layout.MARK, at=data)


def sweep(system: System, root: int, now: int) -> int | None:
    """Remove what neither the standing generation nor one that a reader may still hold reaches.

    Returns when to come again, in milliseconds; None: there is nothing more to remove.
    """
    standing = current(root)
    oldest, due = standing, None
    live: set[str] = set()
    with contextlib.suppress(FileNotFoundError), directory(layout.GENERATIONS, at=root) as generations:
        while oldest > 1 and (ends := _ends(generations, oldest, now)) is not None:
            oldest, due = oldest - 1, ends
        kept = {str(number) for number in range(oldest, standing + 1)}
        for name in os.listdir(generations):
            if name not in kept:
                system.remove(name, at=generations)
        live = _reached(generations, oldest)
    with contextlib.suppress(FileNotFoundError), directory(layout.DATA, at=root) as data:
        for name in os.listdir(data):
            number = layout.number_of(name)
            if number is None or not (oldest < number <= standing or name.removesuffix(layout.MARK) in live):
                system.remove(name, at=data)
    system.remove(layout.NEXT, at=root)
    return due


def _ends(generations: int, after: int, now: int) -> int | None:
    """Until when the generation before `after` stays; None if it is over, or it is gone."""
    try:
        came = os.stat(str(after), dir_fd=generations, follow_symlinks=False).st_mtime_ns // 1_000_000
        os.stat(str(after - 1), dir_fd=generations, follow_symlinks=False)
    except FileNotFoundError:
        return None
    # A clock that was set back would keep it for long: then it goes at once.
    return came + KEPT if 0 <= now - came < KEPT else None


def _reached(generations: int, number: int) -> set[str]:
    """The data that a generation links to."""
    found: set[str | None] = set()
    with contextlib.suppress(FileNotFoundError), directory(str(number), at=generations) as inside:
        found = {layout.linked(text) for _, _, text in links(inside)}
    return {text for text in found if text is not None}


def links(generation: int) -> Iterator[tuple[str, str, str]]:
    """Namespace, name and text of each link in an open generation; whatever else stands there is not ours."""
    for namespace in sorted(os.listdir(generation)):
        try:
            with directory(namespace, at=generation) as inside:
                yield from ((namespace, *each) for each in _texts(inside))
        except NotADirectoryError:
            continue


def _texts(inside: int) -> Iterator[tuple[str, str]]:
    for name in sorted(os.listdir(inside)):
        with contextlib.suppress(OSError):
            text = os.readlink(name, dir_fd=inside)
            if layout.linked(text):
                yield name, text


def _write(system: System, data: int, name: str, write: Write) -> None:
    system.make(name, at=data)
    with directory(name, at=data) as inside:
        for item, value in sorted(write.secret.items.items()):
            system.write(item, value, at=inside)
        system.sync(inside, name)
    # The mark comes last: what is younger than it was changed by another hand.
    system.write(name + layout.MARK, write.label.dump(), at=data)


def _link(system: System, old: int | None, new: int, added: Mapping[Ref, str], gone: Collection[Ref]) -> None:
    without = {(ref.namespace, ref.name) for ref in gone}
    carried: dict[str, list[tuple[str, str]]] = {ref.namespace: [] for ref in added}
    for namespace, name, text in links(old) if old is not None else ():
        if (namespace, name) not in without:
            carried.setdefault(namespace, []).append((name, text))
    for namespace, standing in sorted(carried.items()):
        system.make(namespace, at=new)
        with contextlib.ExitStack() as stack:
            inside = stack.enter_context(directory(namespace, at=new))
            if standing and old is not None:
                source = stack.enter_context(directory(namespace, at=old))
                for name, text in standing:
                    system.carry(text, name, source=source, at=inside)
            for ref, text in added.items():
                if ref.namespace == namespace:
                    system.symlink(text, ref.name, at=inside)
            system.sync(inside, namespace)
