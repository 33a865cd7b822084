"""`sealer keys`: options and help, no logic. The bodies are in `sealer.commands.keys`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sealer.errors import UsageError

app = typer.Typer(
    help="List or fetch the pinned keys of each cluster.",
    epilog="""\b
Examples:
  sealer keys
  sealer keys fetch --cluster prod
  sealer keys fetch --check""",
    invoke_without_command=True,
    rich_markup_mode=None,
)

ListFormat = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print the list.")]


@app.callback()
def _keys(context: typer.Context, format_: ListFormat = "text") -> int | None:
    if not context.invoked_subcommand:
        return _keys_list(format_)
    if format_ != "text":
        raise UsageError("--format belongs behind the command", way_out="sealer keys list --format json")
    return None


@app.command("list")
def keys_list(format_: ListFormat = "text") -> int:
    """List the pinned keys of each cluster."""
    return _keys_list(format_)


def _keys_list(format_: str) -> int:
    from sealer.commands import keys as body

    return body.list_(format=format_)


@app.command(
    "fetch",
    epilog="""\b
Examples:
  sealer keys fetch --cluster prod
  sealer keys fetch bundle.json --cluster prod --trust SHA256:...
  sealer keys fetch --from-cluster --context admin@prod --cluster prod""",
)
def keys_fetch(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SRC", help="File, keyring directory, https URL or '-'.", show_default=False),
    ] = None,
    from_cluster: Annotated[
        bool, typer.Option("--from-cluster", help="Ask the controller in Kubernetes, as kubectl would reach it.")
    ] = False,
    cluster: Annotated[str | None, typer.Option(metavar="NAME", help="Default: every cluster that has a url.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 on drift or expiry.")] = False,
    trust: Annotated[str | None, typer.Option(metavar="FP", help="Trust this identity from now on.")] = None,
    context: Annotated[str, typer.Option(metavar="NAME", help="Of the kubeconfig; default: the current one.")] = "",
    kubeconfig: Annotated[str, typer.Option(metavar="FILE", help="Default: $KUBECONFIG, ~/.kube/config.")] = "",
    namespace: Annotated[
        str, typer.Option("--controller-namespace", metavar="NS", help="Default: wherever its Service is found.")
    ] = "",
    name: Annotated[str, typer.Option("--controller-name", metavar="NAME", help="Of its Service.")] = "",
) -> int:
    """Refresh the pinned keys of a cluster."""
    from sealer.commands import keys as body
    from sealer.kube.where import Where

    where = Where(context, namespace, name, kubeconfig)
    return body.fetch(source=body.place(source, where, of=from_cluster), cluster=cluster, check=check, trust=trust)
