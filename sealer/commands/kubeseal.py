"""kubeseal's options, and what `sealer seal` has in their place.

Asked only once an option is none of ours, so that who comes from kubeseal is told more than that. (pflag's names, as of
kubeseal 0.40.0, cmd/kubeseal/main.go.)
"""

from __future__ import annotations

_INPUT = "sealer seal FILE; or from a pipe: sealer seal < FILE"
_OUTPUT = "-o FILE; or in place: sealer seal --in-place FILE"
_ONE_VALUE = "sealer set FILE KEY, which seals one value, of a prompt, a pipe or --from-file PATH, into FILE"
_CONTROLLER = "leave it out: sealing asks no cluster; what does, and pins its keys: sealer keys fetch --from-cluster"
_KEYS = "sealer keys fetch --from-cluster"
_AGAIN = "sealer unseal FILE --private-key PEM | sealer seal -o FILE"
_OPEN = "sealer unseal FILE --private-key PEM"

OPTIONS = {
    "--allow-empty-data": "--allow-empty",
    "--context": _CONTROLLER,
    "--controller-name": _CONTROLLER,
    "--controller-namespace": _CONTROLLER,
    "--fetch-cert": _KEYS,
    "--kubeconfig": _CONTROLLER,
    "--merge-into": "--merge -o FILE",
    "--raw": _ONE_VALUE,
    "--re-encrypt": _AGAIN,
    "--recovery-private-key": _OPEN,
    "--recovery-unseal": _OPEN,
    "--rotate": _AGAIN,
    "--sealed-secret-file": _OUTPUT,
    "--secret-file": _INPUT,
    "--validate": "sealer check FILE, which needs no cluster",
    "-f": _INPUT,
    "-w": _OUTPUT,
}
