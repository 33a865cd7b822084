"""`sealer-controller manifests`: print what puts the controller into a cluster. It reads no cluster and no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.install import manifests
from sealer.console import OK, note, warn
from sealer.emit import emit, refuse_format
from sealer.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from controller.install.manifests import Wanted


def run(wanted: Wanted, *, output: str | None = None, unpack: Path | None = None) -> int:
    """Print the objects, or write the data that they are made of into a directory."""
    refuse_format(output)
    if not (wanted.crd or wanted.objects):
        raise UsageError("--crd-only and --without-crd leave nothing", way_out="pass one of the two")
    if unpack is None:
        emit(manifests.render(manifests.assemble(wanted)), output)
        if wanted.objects and wanted.image is None:
            what = "there is no public image of the controller, and none of yours is named"
            warn(what, way_out="build one from image/Containerfile of --unpack, and pass --image REGISTRY/NAME:TAG")
        return OK
    if output is not None:
        raise UsageError("--unpack writes a directory, --output a file", way_out="pass one of the two")
    if wanted != manifests.Wanted():
        what = "--unpack writes the files as they are: the other options change what is printed"
        way_out = "pass --unpack alone; set the rest in values.yaml (Helm) or kustomization.yaml"
        raise UsageError(what, way_out=way_out)
    manifests.unpack(unpack)
    note(f"wrote {unpack}: base/ and identity/ (kustomize), chart/ (Helm), image/, monitoring/, gitops/")
    return OK
