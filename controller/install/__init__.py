"""What puts the controller into a cluster, as data; `manifests.py` alone is code.

`base/` and `identity/` are for kustomize, and what `sealer-controller manifests` prints; `chart/` says it to Helm, and
and tests compare the two. `monitoring/`, `gitops/` and `image/` are for the tools of those names.
"""
