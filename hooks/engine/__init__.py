"""Token rules: one pass over the bytes finds candidates, which are then confirmed (DESIGN section 7)."""
