"""The `sealer-controller` command: options and help, no logic. Each command's body is `controller/commands/<name>.py`.

Only Typer is imported here: help needs neither cryptography nor the extra `controller`, and `init` and `keys` work
without that. What the options mean is DESIGN section 11.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from controller import audit_cli, keys_cli, manifests_cli, status_cli
from sealer import console, entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.settings import Options

NAME = "sealer-controller"
DETAILED = "--detailed-exitcode"

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

Cluster = keys_cli.Cluster
KeyringOption = keys_cli.KeyringOption
Output = keys_cli.Output
PassphraseFile = keys_cli.PassphraseFile
Report = status_cli.Report
StateOption = status_cli.StateOption
Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A directory or a Git URL.", show_default=False)]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="DIR", help="Stores and limits. Default: the store local, and no other."),
]
Ref = Annotated[
    str | None, typer.Option("--ref", metavar="REF", help="A branch, tag or commit, read without touching a work tree.")
]
Below = Annotated[str | None, typer.Option("--path", metavar="DIR", help="Only what is below this folder of SOURCE.")]
NoPrune = Annotated[bool, typer.Option("--no-prune", help="Keep what is gone from SOURCE.")]
AllowPrune = Annotated[bool, typer.Option("--allow-prune", help="Delete what is gone from SOURCE, however much it is.")]
AllowRollback = Annotated[
    bool, typer.Option("--allow-rollback", help="Apply a commit that doesn't follow the one applied before.")
]
OnChange = Annotated[
    str | None,
    typer.Option(
        "--on-change", metavar="COMMAND", help="Run this after changes, without a shell; names as JSON on stdin."
    ),
]
SourceName = Annotated[
    str | None,
    typer.Option("--source-name", metavar="ID", help="The source's id. Default: from .sealer.yaml, else from Git."),
]
LockTimeout = Annotated[
    float, typer.Option("--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another run.")
]

app = typer.Typer(
    help="Open sealed secrets and deliver them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=_HELP,
)
app.command(
    "init",
    epilog="""\b
Examples:
  sealer-controller init --cluster prod
  sealer-controller init --cluster prod --passphrase""",
)(keys_cli.init_command)
app.add_typer(keys_cli.app, name="keys")
app.add_typer(audit_cli.app, name="audit")


def _version(wanted: bool) -> None:
    if wanted:
        console.out(entry.version(NAME))
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(
    "apply",
    epilog="""\b
Examples:
  sealer-controller apply . --dry-run
  sealer-controller apply clusters/prod --cluster prod
  sealer-controller apply . --dry-run --format markdown --detailed-exitcode
  sealer-controller apply https://git.example.com/shop --path clusters/prod
  sealer-controller apply . --ref v1.2 --allow-rollback""",
)
def apply(
    source: Source,
    config: Config = None,
    ref: Ref = None,
    path: Below = None,
    cluster: Cluster = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done. Works without private keys, too.")
    ] = False,
    no_prune: NoPrune = False,
    allow_prune: AllowPrune = False,
    allow_rollback: AllowRollback = False,
    on_change: OnChange = None,
    detailed: Annotated[
        bool, typer.Option(DETAILED, help="Exit 0 unchanged, 2 changed (or would), 1 every failure.")
    ] = False,
    source_name: SourceName = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
    lock_timeout: LockTimeout = 10.0,
    format_: Report = "text",
    output: Output = None,
) -> int:
    """Deliver the sealed documents of SOURCE that are for this cluster.

    What is unchanged is neither opened nor written. A document that fails keeps
    its last delivered version, and doesn't stop the others. What is gone from
    SOURCE is deleted, unless it looks like a mistake.
    """
    from controller.commands import apply as body

    wanted = body.Wanted(
        source,
        source_name,
        config,
        ref,
        path,
        dry_run=dry_run,
        prune=not no_prune,
        allow_prune=allow_prune,
        allow_rollback=allow_rollback,
        on_change=on_change,
        lock_timeout=lock_timeout,
    )
    options = _options(cluster, keyring, passphrase_file, state)
    return body.run(wanted, options, detailed=detailed, format=format_, output=output)


@app.command(
    "run",
    epilog="""\b
Examples:
  sealer-controller run clusters/prod --cluster prod
  sealer-controller run https://git.example.com/shop --path clusters/prod
  sealer-controller run . --interval 10 --listen none --log-format text""",
)
def run(
    source: Source,
    config: Config = None,
    ref: Ref = None,
    path: Below = None,
    cluster: Cluster = None,
    no_prune: NoPrune = False,
    allow_prune: AllowPrune = False,
    allow_rollback: AllowRollback = False,
    on_change: OnChange = None,
    source_name: SourceName = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
    lock_timeout: LockTimeout = 10.0,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=1, help="How often to look at SOURCE.")
    ] = 30.0,
    resync: Annotated[
        float, typer.Option("--resync", metavar="SECONDS", min=1, help="How often to look at the stores, too.")
    ] = 600.0,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="/healthz, /readyz and /metrics; or none.")
    ] = "127.0.0.1:9640",
    log_format: Annotated[
        Literal["text", "json"] | None,
        typer.Option("--log-format", help="Default: text at a terminal, else json.", show_default=False),
    ] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option("--log-level", help="What to log at least.")
    ] = "info",
) -> int:
    """Deliver the sealed documents of SOURCE for ever, as they change.

    SIGHUP looks at SOURCE now. SIGTERM and SIGINT end after the step that is
    being done, a second one at once. What fails is tried again.
    """
    from controller.commands import run as body
    from controller.commands.apply import Wanted

    wanted = Wanted(
        source,
        source_name,
        config,
        ref,
        path,
        prune=not no_prune,
        allow_prune=allow_prune,
        allow_rollback=allow_rollback,
        on_change=on_change,
        lock_timeout=lock_timeout,
    )
    manner = body.Manner(interval, resync, listen, log_format, log_level)
    return body.run(wanted, _options(cluster, keyring, passphrase_file, state), manner)


@app.command(
    "get",
    epilog="""\b
Examples:
  sealer-controller get payments/db
  sealer-controller get payments/db password | psql-login""",
)
def get(
    name: Annotated[str, typer.Argument(metavar="NAMESPACE/NAME", show_default=False)],
    item: Annotated[
        str | None, typer.Argument(metavar="ITEM", help="Print this item's bytes alone.", show_default=False)
    ] = None,
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
    format_: Annotated[Literal["yaml", "json"] | None, typer.Option("--format", help="Default: yaml.")] = None,
    output: Output = None,
) -> int:
    """Print a secret of the local store, or one item of it."""
    from controller.commands import get as body

    return body.run(name, item, _options(cluster, keyring, passphrase_file, state), format=format_, output=output)


app.command("status", epilog=status_cli.EPILOG)(status_cli.status)
app.command("manifests", epilog=manifests_cli.EPILOG)(manifests_cli.manifests)


def _options(cluster: str | None, keyring: Path | None, passphrase_file: str | None, state: Path | None) -> Options:
    from controller.settings import Options

    return Options(cluster, keyring, passphrase_file, state)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the console script `sealer-controller`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:2] == ["run", "kubernetes"]:  # its flags are Bitnami's, and no other command has any of them
        from controller import kube_cli

        sys.exit(kube_cli.start(arguments[2:]))
    code = entry.start(app, NAME, arguments)
    sys.exit(detailed_code(code) if DETAILED in arguments else code)


def detailed_code(code: int) -> int:
    """0 unchanged, 2 changed, 1 every failure; an interruption stays one."""
    from controller.commands.apply import CHANGED

    return {console.OK: console.OK, CHANGED: 2, console.INTERRUPTED: code}.get(code, console.NO)
