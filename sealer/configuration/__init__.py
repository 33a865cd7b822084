"""`.sealer.yaml`: read with line and path of every mistake, matched against paths, extended in place."""

NAME = ".sealer.yaml"
