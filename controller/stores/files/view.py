"""What stands in an open root, seen through one descriptor of its generation."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller.model import Observed
from controller.stores.files import generations, layout
from controller.stores.files.layout import Label
from controller.stores.files.system import System, directory, read
from sealer.errors import FormatError
from sealer.secret import Secret

if TYPE_CHECKING:
    from controller.model import Target
    from controller.stores.base import Mark
    from controller.stores.files.root import Root
    from sealer.secret import Ref


@dataclass(frozen=True, slots=True)
class _Datum:
    """One document: where it is, its label if that can be read, and when it was last edited by another hand."""

    name: str
    label: Label | None
    edited: int


@dataclass(frozen=True, slots=True)
class View:
    """One generation and the data below it; without a generation nothing stands."""

    instance: str = ""
    generation: int | None = None
    data: int = -1

    @classmethod
    @contextlib.contextmanager
    def of(cls, root: Root | None) -> Iterator[View]:
        """What stands in a root now."""
        number = generations.current(root.descriptor) if root is not None else 0
        with contextlib.ExitStack() as stack:
            view = cls()
            with contextlib.suppress(FileNotFoundError):
                if root is not None and number:
                    data = stack.enter_context(directory(layout.DATA, at=root.descriptor))
                    all_ = stack.enter_context(directory(layout.GENERATIONS, at=root.descriptor))
                    view = cls(root.instance, stack.enter_context(directory(str(number), at=all_)), data)
            yield view

    def observed(self, target: Target, ref: Ref) -> Observed:
        """What stands at a target. A mark counts only if nothing was changed after it was written."""
        found = self._find(ref)
        if found is None:
            return Observed(target, "absent")
        number = layout.number_of(found.name) or 0
        version = layout.version(number, self.instance, found.edited)
        if found.label is None:
            return Observed(target, "present", version)
        mark = found.label.mark
        if found.edited and found.edited != found.label.edited:
            return Observed(target, "present", version, mark.owner)
        return Observed(target, "present", version, mark.owner, mark.token, mark.fingerprint)

    def read(self, ref: Ref) -> Secret | None:
        """The secret that stands there, all its files as they are now; None if there is none."""
        found = self._find(ref)
        if found is None:
            return None
        with directory(found.name, at=self.data) as inside:
            items = {name: _value(name, inside) for name in sorted(os.listdir(inside))}
        label = found.label
        if label is None:
            return Secret(ref.name, ref.namespace, items)
        return Secret(
            ref.name, ref.namespace, items, label.type, label.labels, label.annotations, label.immutable
        )  # fmt: skip

    def mark(self, system: System, ref: Ref, mark: Mark) -> None:
        """Put another mark in the place of the one that stands. Its item names are those of the files."""
        found = self._find(ref)
        if found is None:
            raise FileNotFoundError("there is no such secret")
        with directory(found.name, at=self.data) as inside:
            items = tuple(sorted(os.listdir(inside)))
        label = replace(found.label or Label(mark, items), mark=mark, items=items, edited=found.edited)
        name = found.name + layout.MARK
        system.remove(name + layout.NEW, at=self.data)
        system.write(name + layout.NEW, label.dump(), at=self.data)
        system.rename(name + layout.NEW, name, at=self.data)
        system.sync(self.data, layout.DATA)

    def _find(self, ref: Ref) -> _Datum | None:
        if self.generation is None:
            return None
        try:
            name = layout.linked(os.readlink(f"{ref.namespace}/{ref.name}", dir_fd=self.generation))
            if name is None or not layout.is_of(name, ref):
                return None
            status = os.stat(name, dir_fd=self.data, follow_symlinks=False)
        except OSError:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return None
        label, marked = self._label(name)
        times = [status.st_ctime_ns, *self._times(name, label)]
        newest = max(times)
        return _Datum(name, label, newest if newest > marked else label.edited if label else newest)

    def _label(self, name: str) -> tuple[Label | None, int]:
        """The label of a datum and when it was written."""
        try:
            data, status = read(name + layout.MARK, at=self.data)
            return Label.load(data), status.st_ctime_ns
        except (OSError, FormatError):
            return None, 0

    def _times(self, name: str, label: Label | None) -> Iterator[int]:
        """When each item was last changed. One that is missing shows in the time of its directory."""
        if label is None:
            return
        for item in label.items:
            with contextlib.suppress(OSError):
                yield os.stat(f"{name}/{item}", dir_fd=self.data, follow_symlinks=False).st_ctime_ns


def _value(name: str, inside: int) -> bytes:
    """The bytes of an item; none of what is no regular file, which is then seen to be another value."""
    try:
        return read(name, at=inside)[0]
    except OSError:
        return b""
