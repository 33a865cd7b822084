"""Ends the servers of a test run that can't do it any more: `python guard.py DIRECTORY`.

The servers are in this process's group. When its standard input closes, because the tests are done with it or because
they were killed, every process of the group gets SIGKILL and the directory is removed. Standard library only, since
it starts before each cluster.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress


def main() -> None:
    """Wait for the end of standard input, then clear up."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    # SIGHUP comes, too, from the system: to a group that has a stopped process when the tests die.
    print("ready", flush=True)
    sys.stdin.buffer.read()
    group = os.getpgrp()
    # A child in a group of its own does it: what ends the group ends this process, too.
    if os.fork() == 0:
        os.setpgid(0, 0)
        clear(group, sys.argv[1])


def clear(group: int, directory: str) -> None:
    """End the group and remove the directory; again while a dying server still writes there, for at most 10 s."""
    for _ in range(200):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)
        if not os.path.exists(directory):
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
