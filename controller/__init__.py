"""All that delivers: sources, state, stores, and the `sealer-controller` command."""
