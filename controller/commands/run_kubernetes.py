"""`sealer-controller run kubernetes`: the shell around `controller.kube.app`; flags in, exit code out."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from controller import settings
from sealer import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.kube.flags import Flags
    from controller.running.log import Form, Level


def run(flags: Flags, level: Level, form: Form) -> int:
    """Serve a cluster until a signal asks to end."""
    settings.require_kubernetes()
    from controller.kube.app import App
    from controller.running.daemon import milliseconds
    from controller.running.log import Log
    from sealer.kube import kubeconfig

    if not flags.namespace and not os.environ.get("POD_NAMESPACE"):
        _needs_pod(flags)
    access = lambda: kubeconfig.find(kubeconfig=flags.kubeconfig, context=flags.context)  # noqa: E731
    log = Log(sys.stderr, form, milliseconds, level)

    async def main() -> None:
        await App(flags, access, log, version("sealer")).run()

    with asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(main())
    return console.OK


def _needs_pod(flags: Flags) -> None:
    """Refuse to guess: keys made in the wrong namespace would open nothing that is there. Raises UsageError."""
    from sealer.errors import UsageError
    from sealer.kube import kubeconfig

    if not kubeconfig.is_pods(flags.kubeconfig, flags.context, os.environ):
        what = "outside of a pod nothing says in which namespace the sealing keys are"
        raise UsageError(what, way_out="--namespace kube-system, or wherever the controller is installed")


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's event loop, where there is one: a SealedSecret takes a tenth less CPU. None: asyncio's own."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop
