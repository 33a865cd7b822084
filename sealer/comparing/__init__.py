"""What `sealer diff` finds between two revisions without a key."""
