"""The baseline: findings that a repository accepts, by value and never by line or commit.

`entry` is one accepted finding and its line, `file` the file in both directions, `command` is `sealer scan baseline`.
schemas/README.md section 16 has the format.
"""

DEFAULT = ".sealer/baseline.yaml"
