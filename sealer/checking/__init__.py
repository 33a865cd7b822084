"""What `sealer check` finds in sealed files without a key."""
