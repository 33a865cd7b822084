"""Blob in, findings out; no I/O (DESIGN section 3).

One pass over the bytes says which token rules and which detectors are worth a closer look; a clean blob costs that
pass, and no detector is imported for it. What they find becomes one finding for each value.
"""

from __future__ import annotations

from hooks import engine
from hooks.reading import WIDE
from hooks.text import Text

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hooks.blobs import Blob
    from hooks.compat.own import Own
    from hooks.engine.found import Candidates
    from hooks.finding import Finding, Hit

NAMES = frozenset((
    ".env", ".envrc", ".netrc", "_netrc", ".pgpass", "pgpass.conf", ".htpasswd", ".git-credentials", ".npmrc",
    ".pypirc", ".my.cnf", ".s3cfg", "rclone.conf", "credentials", "terraform.tfstate", "kubeconfig", ".dockercfg",
    ".esmtprc", ".msmtprc", ".fetchmailrc", ".mbsyncrc", "chap-secrets", "pap-secrets", "sasl_passwd", "davfs2.secrets",
    "userlist.txt", ".curlrc", "_curlrc",
))  # fmt: skip
"""Names of files whose structure is worth reading whatever they hold."""

extra: Own | None = None
"""Rules of a team's own, from another tool's file (`hooks.compat.own`)."""

BARE = frozenset((".vault_pass", ".vault-pass", ".vaultpass", "vault_pass", "master.key", "id.json"))
"""Names of files that are nothing but one secret, as those are whose name says `password`."""

_AT_ONCE = 64
"""Blobs that `ahead` holds at most before it gives them."""
_AT_ONCE_BYTES = 1 << 20
"""Bytes that these may have together; a single blob may be larger."""
_BARE_BYTES = 400


def load() -> None:
    """Make the engine ready, which the first scan would do else."""
    engine.current()


def load_all() -> None:
    """Load the detectors as well, for processes that will share them."""
    load()
    from hooks import code, credential, decode, detect, lazy, manifest, privatekey  # noqa: F401
    from hooks.engine import confirm  # noqa: F401
    from hooks.structure import formats, json5, lines, parts, walk, xml, yaml  # noqa: F401
    from sealer.documents import yamlio

    next(yamlio.documents("", ""), None)  # libyaml
    lazy.compile_all()


def ahead(blobs: Iterable[Blob]) -> Iterator[Blob]:
    """The same blobs in their order, each with the result of its first pass.

    The first pass runs over up to 64 blobs or 1 MiB before the second looks at any of them: so its tables stay in the
    processor's cache.
    """
    waiting: list[Blob] = []
    size = 0
    for blob in blobs:
        waiting.append(blob)
        size += len(blob.whole or blob.data or b"")
        if len(waiting) == _AT_ONCE or size >= _AT_ONCE_BYTES:
            yield from _passed(waiting)
            waiting, size = [], 0
    yield from _passed(waiting)


def _passed(blobs: list[Blob]) -> list[Blob]:
    for blob in blobs:
        if blob.data:
            blob.first = _first(blob.path, blob.data)
    return blobs


def _first(path: str, data: bytes) -> tuple[Text, Candidates]:
    if data[:2] in WIDE:
        data = data[2:].decode(WIDE[data[:2]], "replace").encode("utf-8", "replace")
    text = Text(path, data)
    return text, engine.candidates(text)


def scan(blob: Blob) -> list[Finding]:
    """Every leak in a blob, in order of lines. Never raises, whatever the bytes are.

    What is too much to be looked at whole has that as its problem afterwards.
    """
    data = blob.data
    if not data:
        named = extra.named(blob.path, data) if extra and not blob.problem else []
        return _findings(blob, Text(blob.path, b""), named)
    text, found = blob.first or _first(blob.path, data)
    blob.first = None
    if not found and not _known(text.name) and not extra and not is_bare(text):
        return []
    from hooks import detect

    hits = detect.hits(text, found)
    if text.partly:
        blob.problem, blob.way_out = text.partly, "scan it in parts, or leave it out: --exclude PATTERN"
    return _findings(blob, text, extra.join(hits, text, found) if extra else hits)


def _known(name: str) -> bool:
    """Whether a file is worth reading for its name alone."""
    return ".env" in name or name in NAMES


def is_bare(text: Text) -> bool:
    """Whether a file may be nothing but one secret: it is short, and called so."""
    if len(text.data) > _BARE_BYTES:
        return False
    name = text.name
    return (
        name in BARE
        or "passw" in name
        or "pwd" in name
        or name.endswith((".token", "token.txt"))
        or name.startswith("vault_pass")
        or "keypair" in name
        or (name.endswith(".key") and "/credentials/" in text.path)
    )


def _findings(blob: Blob, text: Text, hits: list[Hit]) -> list[Finding]:
    """Hits with their place, less those that a `sealer:allow RULE REASON` accepts on their line or on one above."""
    if not hits:
        return []
    from hooks import place, repeated
    from hooks.allow import allowed, marked
    from hooks.finding import Finding

    lines = text.text.split("\n") if marked(text.text) else []

    def counted(hits: list[Hit]) -> list[tuple[Hit, str]]:
        marks = ((hit, allowed(lines, hit.line, hit.rule.id, hit.value) if lines else "") for hit in hits)
        return [(hit, mark) for hit, mark in marks if mark != "yes"]

    found = counted(hits)
    # What is accepted where it stands is not looked for elsewhere, nor what tests and documents make up.
    if place.of(blob.path) not in place.EXAMPLES and (more := repeated.hits(text.text, [hit for hit, _ in found])):
        found = sorted([*found, *counted(more)], key=lambda one: (one[0].line, one[0].rule.id, one[0].key))
    return [
        Finding(
            *(blob.path, hit.line, hit.rule, hit.key, hit.sealable, blob.commit),
            mark=mark,
            value=hit.value,
            decoded=hit.decoded,
            end=hit.end,
        )
        for hit, mark in found
    ]
