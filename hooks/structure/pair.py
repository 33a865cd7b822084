"""A name and the value that a file gives it, with the lines of the value. Pure, and it imports nothing."""


class Pair:
    """One name and its value. No dataclass, so that nothing is imported for it; the value is in no repr.

    `key` is the last name (`password`), `path` all of them (`db.password`), `where` the format that it was read from
    (yaml, json, toml, ini, env, xml, hcl, properties, shell, code, prose, ...). `line` to `end` is what the value spans
    in the file, from 1. `quoted`: it stands there as a literal, in quotes or as a block.
    """

    __slots__ = ("end", "key", "line", "path", "quoted", "value", "where")

    def __init__(self, key: str, path: str, value: str, line: int, end: int, quoted: bool, where: str) -> None:
        self.key = key
        self.path = path
        self.value = value
        self.line = line
        self.end = end
        self.quoted = quoted
        self.where = where

    def moved(self, lines: int) -> "Pair":
        """The same one, so many lines below."""
        return Pair(self.key, self.path, self.value, self.line + lines, self.end + lines, self.quoted, self.where)

    def __repr__(self) -> str:
        return f"Pair({self.where}, lines {self.line} to {self.end})"
