"""The API server of Kubernetes: access, requests, what it holds, and the order in which that is worked on."""
