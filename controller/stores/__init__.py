"""Where secrets are delivered. One module a store, all behind the protocol of `base`."""
