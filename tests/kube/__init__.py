"""A real Kubernetes API server for tests: etcd and kube-apiserver, started as controller-runtime's envtest does."""
