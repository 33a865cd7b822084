"""The scanner and the pre-commit entry points `sealer-scan` and `sealer-check`."""
