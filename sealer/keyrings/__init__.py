"""Private keys on this machine: keyrings on disk, and the other places that a private key may come from."""
