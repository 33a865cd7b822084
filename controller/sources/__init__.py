"""Where sealed documents come from. `base` is the port; each source is a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.sources.base import Source
    from controller.sources.location import Location


def open_source(location: Location) -> Source:
    """The source that a location names: the directory as it is, or one commit."""
    if location.commit:
        from controller.sources import committed, tree

        return tree.TreeSource(location, committed.opened(location))
    from controller.sources.directory import DirectorySource

    return DirectorySource(location)


def pinned(location: Location, cluster: str) -> bytes | None:
    """The bundle of a cluster's keys that is pinned beside `.sealer.yaml`, out of what is read; None without one."""
    from controller.sources import committed

    return committed.bundle(location, cluster)
