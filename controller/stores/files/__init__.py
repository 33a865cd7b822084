"""The store `files`: secrets as files below one directory, a whole generation at a time (DELIVERY section 6).

layout       names, links, and the two JSON files: pure
system       the system calls that write, each an effect
root         the directory: ours, checked, locked
view         what stands there now
generations  what a generation is, the next one, and what goes
store        the protocol
"""

from controller.stores.files.root import Place
from controller.stores.files.store import FilesStore

__all__ = ["FilesStore", "Place"]
