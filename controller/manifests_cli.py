"""`sealer-controller manifests`: options and help, no logic. The body is in `controller.commands.manifests`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller import keys_cli

Output = keys_cli.Output

EPILOG = """\b
Examples:
  sealer-controller manifests --image IMAGE | kubectl apply --server-side -f -
  sealer-controller manifests --crd-only | kubectl apply --server-side -f -
  sealer-controller manifests --image IMAGE --cluster prod --replicas 2
  sealer-controller manifests --unpack DIR

\b
In another namespace, which has to be there:
  kubectl create namespace NS
  sealer-controller manifests --image IMAGE --namespace NS"""


def manifests(
    namespace: Annotated[
        str, typer.Option("--namespace", metavar="NS", help="Where it runs; it has to be there.")
    ] = "kube-system",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What Deployment, Services and the rest are called.")
    ] = "sealed-secrets-controller",
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="IMAGE", help="Yours: there is no public one.", show_default=False),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="NAME",
            help="What the key bundle calls this cluster; default: kubernetes.",
            show_default=False,
        ),
    ] = None,
    replicas: Annotated[int, typer.Option("--replicas", metavar="N", min=0, help="A Lease elects who acts.")] = 1,
    require_identity: Annotated[
        bool, typer.Option("--require-identity", help="Answer /v1/verify and /v1/rotate only to whom RBAC lets.")
    ] = False,
    crd_only: Annotated[bool, typer.Option("--crd-only", help="The type SealedSecret alone.")] = False,
    without_crd: Annotated[bool, typer.Option("--without-crd", help="All but it.")] = False,
    unpack: Annotated[
        Path | None,
        typer.Option(
            "--unpack", metavar="DIR", help="Write Helm chart, kustomize base, alerts and the rest there, as they are."
        ),
    ] = None,
    output: Output = None,
) -> int:
    """Print what installs the controller in Kubernetes, in the place of Bitnami's.

    Names are those of their manifests, so that applying it over them switches.
    """
    from controller.commands import manifests as body
    from controller.install.manifests import Wanted

    wanted = Wanted(
        namespace, name, image, replicas, require_identity, cluster, crd=not without_crd, objects=not crd_only
    )
    return body.run(wanted, output=output, unpack=unpack)
