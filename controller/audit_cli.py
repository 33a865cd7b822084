"""`sealer-controller audit`: options and help, no logic. The bodies are in `controller.commands.audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from controller import keys_cli

Cluster = keys_cli.Cluster
KeyringOption = keys_cli.KeyringOption
StateOption = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Default: $SEALER_STATE, else by the cluster.")
]
Outcome = Literal["done", "unchanged", "failed", "refused", "abandoned", "recovered", "unknown"]

app = typer.Typer(
    help="Check the audit log, and look into it.",
    epilog="""\b
Examples:
  sealer-controller audit verify
  sealer-controller audit query --ref payments/db --since 7d""",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(
    "verify",
    epilog="""\b
Examples:
  sealer-controller audit verify
  sealer-controller audit verify /backup/audit      a copy, by itself""",
)
def verify(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A state, or a copy of its folder `audit`.", show_default=False),
    ] = None,
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    state: StateOption = None,
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")] = "text",
) -> int:
    """Tell whether the audit log is what was written.

    Every line names the hash of the line before; where there is a state, it
    knows how far the log went. Exit 1 for whatever is missing or changed.
    """
    from controller.commands import audit

    return audit.run_verify(_directory(directory, state, cluster, keyring), format_=format_)


@app.command(
    "query",
    epilog="""\b
Examples:
  sealer-controller audit query --ref payments/db
  sealer-controller audit query --verb get --since 2d
  sealer-controller audit query --outcome refused --format jsonl""",
)
def query(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A state, or a copy of its folder `audit`.", show_default=False),
    ] = None,
    ref: Annotated[str | None, typer.Option("--ref", metavar="NS/NAME", help="Of this secret.")] = None,
    verb: Annotated[
        list[str] | None, typer.Option("--verb", metavar="VERB", help="open, put, get, ...; repeatable.")
    ] = None,
    outcome: Annotated[Outcome | None, typer.Option("--outcome", metavar="OUTCOME", help="done, failed, ...")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="2h or 3d ago, or an ISO time.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="As --since.")] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="ID", help="Delivered from this source.")] = None,
    number: Annotated[
        int | None, typer.Option("-n", "--limit", metavar="N", min=1, help="Only the last N.", show_default=False)
    ] = None,
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    state: StateOption = None,
    format_: Annotated[Literal["text", "json", "jsonl"], typer.Option("--format", help="How to print.")] = "text",
) -> int:
    """Show records of the audit log, oldest first."""
    from controller.commands import audit

    return audit.run_query(
        _directory(directory, state, cluster, keyring),
        ref=ref,
        verbs=verb or [],
        outcome=outcome,
        since=since,
        until=until,
        source=source,
        limit=number,
        format_=format_,
    )


@app.command(
    "restart",
    epilog="""\b
Examples:
  sealer-controller audit restart --reason 'the disk died'""",
)
def restart(
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")],
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    state: StateOption = None,
) -> int:
    """Go on after the log was damaged or lost.

    Begins a new file with a record of what was lost, which the state accepts.
    Nothing that is there is changed.
    """
    from controller.commands import audit

    return audit.run_restart(audit.place(state, cluster, keyring), reason=reason)


def _directory(directory: Path | None, state: Path | None, cluster: str | None, keyring: Path | None) -> Path:
    from controller.commands import audit
    from sealer.errors import UsageError

    if directory is not None and state is not None:
        raise UsageError("DIR and --state name the same thing", way_out="leave one of them out")
    return directory or audit.place(state, cluster, keyring)
