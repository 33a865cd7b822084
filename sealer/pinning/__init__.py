"""Whose public keys a repository may seal to: where they are fetched, pinned, and remembered outside Git."""
