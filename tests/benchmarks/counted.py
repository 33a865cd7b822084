"""`sealer-controller` with its costs counted: private operations, commits, syncs, audit lines. For the gates.

python -m tests.benchmarks.counted FILE apply . ...        the counts go to FILE, as JSON
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

COUNTS: Counter[str] = Counter()


def watch() -> None:
    """Counters around whatever costs: at the very calls, so that nothing is believed of itself."""
    from controller import state_tables
    from controller.audit import log
    from sealer.formats import envelope_v1, envelope_v2

    hpke = envelope_v2._HPKE
    open_v1, connect, append = envelope_v1.open_envelope, state_tables.connect, log.Log.append
    fsync, fdatasync = os.fsync, os.fdatasync

    class Suite:
        encrypt = hpke.encrypt

        def decrypt(self, *arguments: Any) -> Any:
            COUNTS["private"] += 1
            return hpke.decrypt(*arguments)

    def counted_v1(*arguments: Any) -> Any:
        COUNTS["private"] += 1
        return open_v1(*arguments)

    def counted(name: str, call: Any) -> Any:
        def run(descriptor: int) -> None:
            COUNTS[name] += 1
            call(descriptor)

        return run

    def watched(*arguments: Any, **named: Any) -> Any:
        connection = connect(*arguments, **named)

        def committed(_: object) -> None:
            COUNTS["commits"] += 1

        state_tables.sa.event.listen(connection.engine, "commit", committed)
        return connection

    def appended(self: Any, entries: Any) -> Any:
        COUNTS["lines"] += len(entries)
        return append(self, entries)

    envelope_v2._HPKE = Suite()  # type: ignore[assignment]
    envelope_v1.open_envelope = counted_v1
    state_tables.connect = watched
    log.Log.append = appended  # type: ignore[method-assign]
    os.fsync, os.fdatasync = counted("fsyncs", fsync), counted("fdatasyncs", fdatasync)


def main() -> None:
    """Run the command that is named, counted."""
    from controller import main as controller

    watch()
    file = Path(sys.argv[1])
    try:
        controller.main(sys.argv[2:])
    finally:
        file.write_text(json.dumps(COUNTS))


if __name__ == "__main__":
    main()
