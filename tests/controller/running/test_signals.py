"""What is asked for by signals, with real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from controller.running.signals import Signals


@pytest.fixture
def asked() -> Iterator[Signals]:
    found = Signals()
    with found.installed():
        yield found
    found.close()


def test_a_signal_that_came_before_ends_the_wait(asked: Signals) -> None:
    os.kill(os.getpid(), signal.SIGHUP)
    asked.wait(3600)
    assert asked.taken()
    assert not asked.taken()
    assert not asked.ending


def test_many_signals_are_one_and_fill_nothing(asked: Signals) -> None:
    for _ in range(70_000):  # more than a pipe holds
        asked.poll()
    asked.wait(3600)
    assert asked.taken()
    asked.wait(0)  # the wait after it is a wait again
    assert not asked.taken()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_one_is_noted_and_the_second_ends(number: signal.Signals) -> None:
    script = (
        "import sys; from controller.running.signals import Signals\n"
        "asked = Signals()\n"
        "with asked.installed():\n"
        "    print('up', flush=True)\n"
        "    while True:\n"
        "        asked.wait(3600)\n"
        "        if asked.ending:\n"
        "            print(asked.ending, flush=True)\n"
        "            sys.stdin.read()\n"  # an end that takes its time
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1, text=True)
    assert child.stdout
    with child:
        assert child.stdout.readline() == "up\n"
        child.send_signal(number)
        assert child.stdout.readline() == f"{number.name}\n"
        child.send_signal(number)
        assert child.wait() == -number


def test_one_that_interrupts_no_wait_ends_it_all_the_same() -> None:
    """As one that comes just before a wait begins. Here another thread gets them all, one after the other."""
    script = (
        "import signal, sys, threading; from controller.running.signals import Signals\n"
        "def send():\n"
        "    while True:\n"
        "        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)\n"
        "asked = Signals()\n"
        "with asked.installed():\n"
        "    threading.Thread(target=send, daemon=True).start()\n"
        "    for _ in range(300):\n"
        "        while not asked.taken():\n"
        "            asked.wait(3600)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


def test_what_was_there_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = Signals()
    with found.installed():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
    assert signal.set_wakeup_fd(-1) == -1
    found.close()
