"""The one error tree.

    SealerError              `what`, `where` (file:line, path or place), `way_out` (a command to paste)
    ├── UsageError           flags or inputs that contradict each other; nothing was looked at
    ├── SourceError          a file, URL, directory or stream that can't be read or written
    ├── MissingExtra         a library that belongs to an extra is not installed
    ├── FormatError          bytes that no format of ours describes
    │   ├── DocumentError    a YAML or JSON document; carries file, line and path inside the document
    │   ├── EnvelopeError    a malformed sealed value (public fact, found before any key is used)
    │   ├── KeyFormatError   a malformed key, certificate, keyring or backup
    │   └── BundleError      a malformed, unsigned or inconsistent key bundle
    ├── NameRefused          a namespace, name, item or cluster name outside FORMATS section 1
    ├── NoKey                well-formed, but no private key at hand fits
    ├── BoundElsewhere       sealed for another scope, namespace, name or item (public, no key needed)
    ├── CannotOpen           opening failed after a private-key operation; one text for every cause
    ├── Untrusted            a pin or signature says no
    ├── TemplateRefused      a template that can't be rendered; names item, line, column, function
    ├── Refused              a rule of ours says no (status of a key, type never delivered, ...)
    └── StoreError           what a store answers in place of a result: drawn in controller/stores/base.py

No message holds plaintext: not of values, not of the bytes that could not be parsed. Raise with `from None` wherever
the cause could quote its input. Only entry points turn an error into an exit code (`sealer.console`).
"""

from __future__ import annotations


class SealerError(Exception):
    """Base of every error that a user may see.

    `what` is one clause without a trailing full stop; `where` names file:line, path or place; `way_out` is a command
    that can be pasted, or a short instruction.
    """

    def __init__(self, what: str, *, where: str = "", way_out: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    def at(self, where: str) -> SealerError:
        """This error with its place filled in, if it has none yet; for raising again from a shell that knows it."""
        self.where = self.where or where
        return self


class UsageError(SealerError):
    """Flags or inputs that contradict each other, or that say too little."""


class SourceError(SealerError):
    """A file, directory, URL or stream that can't be read or written."""


class MissingExtra(SealerError):
    """A library that belongs to an optional extra is not installed. `extra` is the extra that the way out names."""

    def __init__(self, what: str, *, extra: str = "", way_out: str = "") -> None:
        way_out = way_out or f"pipx install --force '.[{extra}]' in a checkout; it is not on PyPI"
        super().__init__(what, way_out=way_out)


class FormatError(SealerError):
    """Bytes that no format of ours describes."""


class DocumentError(FormatError):
    """A YAML or JSON document that is refused. `line` counts from 1; `path` is like `spec.encryptedData.password`."""

    def __init__(self, what: str, *, file: str = "", line: int = 0, path: str = "", way_out: str = "") -> None:
        where = f"{file}:{line}" if line else file
        super().__init__(f"{path}: {what}" if path else what, where=where, way_out=way_out)
        self.file = file
        self.line = line
        self.path = path


class EnvelopeError(FormatError):
    """A malformed sealed value: a public fact, found before any key is used."""


class KeyFormatError(FormatError):
    """A malformed key, certificate, keyring or backup."""


class BundleError(FormatError):
    """A key bundle that is malformed, wrongly signed, or inconsistent."""


class NameRefused(SealerError):
    """A namespace, name, item key or cluster name outside FORMATS section 1."""


class NoKey(SealerError):
    """Well-formed, but none of the private keys at hand is a recipient."""


class BoundElsewhere(SealerError):
    """Sealed for another scope, namespace, name or item; a public fact."""


class CannotOpen(SealerError):
    """Opening failed after a private-key operation. The same text for every cause, so that it is no oracle."""

    def __init__(self, what: str = "cannot be opened", *, where: str = "", way_out: str = "") -> None:
        super().__init__(what, where=where, way_out=way_out)


class Untrusted(SealerError):
    """A pin, a sequence or a signature says no."""


class TemplateRefused(SealerError):
    """A template that can't be rendered; names item, line, column and function, never a value."""


class Refused(SealerError):
    """One of our rules says no."""
