"""Starting a Typer application the way our commands start: our error form, our exit codes, no traceback.

Both `sealer` and `sealer-controller` go through `start`. Arguments are never repeated in a message, since one of them
may be a value that was typed by mistake.
"""

from __future__ import annotations

import gc
import re
from typing import TYPE_CHECKING, Any

import typer
from typer.main import get_command

from sealer import console
from sealer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_YOUNG = 50_000
# Objects before the collector looks for cycles. Documents make none, but many objects that stay: looking through them
# again at Python's default of 700 takes a tenth of a large `apply`.

_QUOTED = re.compile(r": (['\"]).*\1 is ", re.DOTALL)
_LONG_OPTION = re.compile(r"No such option: --[a-z]+(-[a-z]+)*\b")


def start(app: typer.Typer, name: str, argv: Sequence[str], *, usage: int = console.CANNOT_TELL) -> int:
    """Run an application on its arguments; the exit code comes back, `usage` for arguments that can't be read.

    The `obj` of a command's context may be a function that says what does the same as an option that the command lacks.
    """
    gc.set_threshold(_YOUNG, 20, 100)
    return console.run(lambda: _main(app, name, argv, usage))


def version(name: str) -> str:
    """`NAME VERSION`, as `--version` prints it."""
    from importlib.metadata import version as installed

    return f"{name} {installed('sealer')}"


class _Interrupted(BaseException):
    """Ctrl-C. Typer makes an exit code of KeyboardInterrupt, the same as that of a command which ended with 130."""


def _main(app: typer.Typer, name: str, argv: Sequence[str], usage: int) -> int:
    command = get_command(app)
    invoke = command.invoke

    def guarded(context: Any) -> Any:
        try:
            return invoke(context)
        except KeyboardInterrupt:
            raise _Interrupted from None

    setattr(command, "invoke", guarded)  # noqa: B010  # its class is Typer's to choose
    try:
        code = command.main(args=list(argv), prog_name=name, standalone_mode=False)
    except (_Interrupted, typer.Abort):
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            console.note(error.format_message())
        else:
            console.report(_usage(error, name))
        return usage
    return code if isinstance(code, int) else console.OK


def _usage(error: typer.TyperException, name: str) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else name
    option, elsewhere = getattr(error, "option_name", ""), getattr(context, "obj", None)
    if type(error).__name__ == "NoSuchOption" and callable(elsewhere) and (same := elsewhere(option)):
        return UsageError(f"no such option: {option}", way_out=same)
    text = error.format_message().strip().removesuffix(".")
    if "unexpected extra argument" in text:
        text = "too many arguments"
    elif text.startswith("No such option") and not _LONG_OPTION.match(text):
        text = "no such option (a value that begins with '-' is never an argument)"
    elif text.startswith("Missing argument"):
        text = f"missing argument; {command} takes {_arguments(context)}"
    elif text.startswith("No such command"):
        text = f"no such command; {command} has: {_commands(context)}"
    text = _QUOTED.sub(": ", text).replace("Value error, ", "")
    return UsageError(text[:1].lower() + text[1:], way_out=f"{command} --help")


def _arguments(context: object) -> str:
    """What a command needs. Not what Click says: of `FILE... KEY` it takes one word for KEY and misses FILE."""
    named = [param for param in getattr(getattr(context, "command", None), "params", []) if param.required]
    return " and ".join(param.metavar for param in named if param.param_type_name == "argument")


def _commands(context: object) -> str:
    listed = getattr(getattr(context, "command", None), "commands", {})
    return ", ".join(listed)
