"""An API server of Kubernetes: where it is, how to be let in, and requests to it."""
