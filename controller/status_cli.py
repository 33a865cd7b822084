"""`sealer-controller status`: options and help, no logic. Bodies: `controller.commands.status`, `.status_cluster`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from controller import keys_cli
from sealer.errors import UsageError

Cluster = keys_cli.Cluster
KeyringOption = keys_cli.KeyringOption
Output = keys_cli.Output
Report = Annotated[Literal["text", "json", "markdown"], typer.Option("--format", help="How to print the answer.")]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="DIR", help="Default: $SEALER_STATE, else sealer/CLUSTER in the XDG state directory."
    ),
]

EPILOG = """\b
States:
  delivered  what the source says stands in the store
  stale      it fails now, and an older version stands there
  failed     it fails, and nothing of it is known to stand
  refused    a rule or a store says no; what stood there stays
  missing    it was delivered, and is not there any more
  pending    it will be tried again
  foreign    another source delivered that name first
  withdrawn  taken out, or left there unmanaged: no failure

\b
Examples:
  sealer-controller status
  sealer-controller status --failed --format json
  sealer-controller status --from-cluster --context prod"""


def status(
    failed: Annotated[bool, typer.Option("--failed", help="Only what is not delivered.")] = False,
    from_cluster: Annotated[
        bool, typer.Option("--from-cluster", help="Of the SealedSecrets of a Kubernetes cluster.")
    ] = False,
    kubeconfig: Annotated[
        str, typer.Option("--kubeconfig", metavar="FILE", help="With --from-cluster; default: as kubectl.")
    ] = "",
    context: Annotated[str, typer.Option("--context", metavar="NAME", help="A context of the kubeconfig.")] = "",
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NAME", help="This namespace alone; default: all.")
    ] = "",
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    state: StateOption = None,
    format_: Report = "text",
    output: Output = None,
) -> int:
    """Show what is delivered; exit 1 unless all is."""
    if from_cluster:
        from controller.commands import status_cluster

        return status_cluster.run(
            failed=failed, kubeconfig=kubeconfig, context=context, namespace=namespace, format=format_, output=output
        )
    if kubeconfig or context or namespace:
        raise UsageError("says which cluster is asked, with --from-cluster only", where="--kubeconfig, --context, -n")
    from controller.commands import status as body
    from controller.settings import Options

    return body.run(Options(cluster, keyring, None, state), failed=failed, format=format_, output=output)
