"""Where `sealer-scan` and `sealer-check` begin: Ctrl-C ends them silently even while their modules are loaded.

Nothing is imported here but what the command asked for needs.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130


def scan(argv: Sequence[str] | None = None) -> int:
    """`sealer-scan`; the exit code comes back."""
    try:
        from hooks.scan import main

        return main(argv)
    except KeyboardInterrupt:
        return _INTERRUPTED


def check(argv: Sequence[str] | None = None) -> int:
    """`sealer-check`; the exit code comes back."""
    try:
        from hooks.check import main

        return main(argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
