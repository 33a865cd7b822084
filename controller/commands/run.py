"""`sealer-controller run SOURCE`: deliver for ever (DESIGN section 11)."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller import settings
from controller.commands import apply
from sealer import console
from sealer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.commands.apply import Wanted
    from controller.look import Job
    from controller.running.daemon import Daemon
    from controller.running.health import Health
    from controller.running.keys import Keys
    from controller.running.log import Form, Level
    from controller.running.metrics import Metrics
    from controller.settings import Options

NONE = "none"


@dataclass(frozen=True, slots=True)
class Manner:
    """How often, where health is told, and how it is logged; `form` is None where the terminal decides."""

    interval: float = 30.0
    resync: float = 600.0
    listen: str = "127.0.0.1:9640"
    form: Form | None = None
    level: Level = "info"


def run(wanted: Wanted, options: Options, manner: Manner) -> int:
    """Deliver until a signal asks to end. What is wrong from the start ends at once, later trouble is tried again."""
    settings.require_extra()
    from controller.running.daemon import Daemon, Parts, milliseconds
    from controller.running.health import Health
    from controller.running.log import Log
    from controller.running.notify import Notifier
    from controller.running.schedule import Pace, Schedule
    from controller.running.signals import Signals

    keys, options = _keys(wanted, options)
    log = Log(sys.stderr, manner.form or ("text" if sys.stderr.isatty() else "json"), milliseconds, manner.level)
    with contextlib.ExitStack() as stack:
        health = Health(manner.interval, time.monotonic)
        address, metrics, serve = _listening(manner.listen, stack)
        notifier = Notifier()

        def told(name: str) -> None:
            notifier.stopping()
            log.info("signal", signal=name)

        signals = Signals(told)
        stack.callback(signals.close)
        make = lambda: apply.job(wanted, options)  # noqa: E731
        schedule = Schedule(Pace(manner.interval, manner.resync))
        daemon = Daemon(Parts(make, schedule, signals, log, health, notifier, metrics), keys)
        stack.callback(daemon.close)
        stack.enter_context(signals.installed())
        source = _begin(daemon, make, wanted.source)
        log.info(
            "start",
            program=_version(),
            cluster=keys.ring.cluster,
            source=source,
            interval=manner.interval,
            resync=manner.resync,
        )
        if serve is not None:
            stack.enter_context(serve(health))
            log.info("listen", address=address)
        daemon.run()
        log.info("stop", signal=signals.ending)
    return console.OK


def _keys(wanted: Wanted, options: Options) -> tuple[Keys, Options]:
    """The keyring, its passphrase known, and options that mean this keyring and this state from now on."""
    from controller import configuration, onchange
    from controller.running.keys import Keys

    configuration.load(wanted.config)
    if wanted.on_change is not None:
        onchange.words(wanted.on_change)
    found = settings.resolve(options)
    assert found.ring is not None  # noqa: S101  # for mypy: without `keyless` there is one
    keys = Keys.of(found.ring, options.passphrase_file)
    return keys, replace(options, keyring=found.ring.directory, state=found.state)


def _begin(daemon: Daemon, make: Callable[[], Job], source: str) -> str:
    """Take the state; the id of the source. A Git server that can't be reached now is waited for, as it is later."""
    try:
        job = make()
    except SourceError:
        if ":" not in source.partition("/")[0]:  # no URL
            raise
        return source
    daemon.begin(job)
    return job.location.source


def _listening(
    listen: str, stack: contextlib.ExitStack
) -> tuple[str, Metrics | None, Callable[[Health], contextlib.AbstractContextManager[None]] | None]:
    """Address, metrics, and what answers there; nothing, and none of the libraries, if nobody is to listen."""
    if listen == NONE:
        return "", None, None
    from controller.running import server
    from controller.running.metrics import Metrics

    bound = stack.enter_context(server.bind(listen))
    metrics = Metrics(_version(), time.monotonic)
    return server.shown(bound), metrics, lambda health: server.serving(bound, health, metrics)


def _version() -> str:
    from importlib.metadata import version

    return version("sealer")
