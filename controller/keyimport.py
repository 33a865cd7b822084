"""Keys that were made elsewhere: PEM pairs, and the key Secrets of Bitnami's controller. Pure: bytes in, keys out.

Only a labelled Secret is a key Secret, and never one that a SealedSecret owns: whoever can have a Secret delivered
could otherwise slip in a sealing key of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.kube.names import KEY_LABEL as LABEL
from sealer.errors import FormatError, KeyFormatError
from sealer.formats.keyrecord import Status
from sealer.formats.keys import RSA, PrivateKey, load_certificate, load_private
from sealer.formats.wire import pem_blocks, pem_encode

if TYPE_CHECKING:
    from sealer.documents.document import Manifest

LEGACY_NAME = "sealed-secrets-key"
_PEM = re.compile(rb"^-----BEGIN ", re.MULTILINE)
_STATUS = {"active": Status.ACTIVE, "compromised": Status.COMPROMISED}
_EXPORT = f"kubectl get secret -n kube-system -l {LABEL} -o yaml > FILE"


@dataclass(frozen=True, slots=True)
class Found:
    """One key with the status that it has there."""

    key: PrivateKey = field(repr=False)
    status: Status


@dataclass(frozen=True, slots=True)
class Sources:
    """What was read: keys, and a line for each Secret that is no sealing key."""

    found: tuple[Found, ...]
    skipped: tuple[str, ...]


def read(sources: Sequence[tuple[str, bytes]]) -> Sources:
    """The keys in these files (name, bytes). A private key and its certificate may be in two files.

    Raises KeyFormatError or DocumentError, which never quote the input.
    """
    pem, found, skipped = [], [], []
    for name, data in sources:
        if _PEM.search(data):
            pem.append((name, _ascii(data, name)))
        else:
            keys, others = _from_secrets(data, name)
            found += keys
            skipped += others
    if pem:
        named = ", ".join(name for name, _ in pem)
        found += [Found(key, Status.ACTIVE) for key in pairs("\n".join(text for _, text in pem), named)]
    if not found:
        raise KeyFormatError(
            "holds no sealing key: " + (skipped[0] if skipped else "no PEM pair, no Secret"),
            where=", ".join(name for name, _ in sources),
            way_out=_EXPORT,
        )
    return Sources(tuple(found), tuple(skipped))


def pairs(text: str, where: str, *, trusted: bool = False) -> list[PrivateKey]:
    """Each private key in a PEM text; one of RSA with that certificate beside it which is its own.

    `trusted` as in `load_private`. Raises KeyFormatError, which never quotes the input.
    """
    try:
        blocks = pem_blocks(text)
    except FormatError as error:
        raise KeyFormatError(error.what, where=where) from None
    # Written anew: what stands around a certificate, or a chain behind it, is no part of a sealing key.
    certificates = [pem_encode(label, der) for label, der, _ in blocks if label == "CERTIFICATE"]
    private = [block for label, _, block in blocks if label.endswith("PRIVATE KEY")]
    if not private:
        raise KeyFormatError(
            "holds no private key", where=where, way_out="sealer-controller keys import KEY CERTIFICATE"
        )
    return [_pair(block, certificates, where, trusted) for block in private]


def _pair(pem: str, certificates: Iterable[str], where: str, trusted: bool) -> PrivateKey:
    try:
        key = load_private(pem, trusted=trusted)
        if key.algorithm != RSA:
            return key
        for certificate in certificates:
            if _raw(certificate) == key.public.raw:
                return load_private(pem, certificate, trusted=True)
    except KeyFormatError as error:
        raise error.at(where) from None
    raise KeyFormatError(
        "an RSA key without its certificate", where=where, way_out="sealer-controller keys import KEY CERTIFICATE"
    )


def _raw(certificate: str) -> bytes:
    try:
        return load_certificate(certificate).raw
    except KeyFormatError:
        return b""  # the certificate of an authority in a chain may hold another kind of key


def _from_secrets(data: bytes, name: str) -> tuple[list[Found], list[str]]:
    from sealer.documents import document

    found, skipped = [], []
    owned = _owned(data, name)
    for each in document.parse_strict(data, name).documents:
        if not isinstance(each, document.Manifest):
            skipped.append(f"{each.place} is not a Secret")
            continue
        status, reason = (None, "belongs to a SealedSecret") if each.place.index in owned else _status(each)
        if status is None:
            skipped.append(f"{each.place} {reason}")
            continue
        items = each.secret.items
        if "tls.key" not in items or "tls.crt" not in items:
            raise KeyFormatError("a key Secret without tls.key or tls.crt", where=str(each.place))
        where = str(each.place)
        pem = _ascii(items["tls.key"], where) + "\n" + _ascii(items["tls.crt"], where)
        found += [Found(key, status) for key in pairs(pem, where)]
    return found, skipped


def _owned(data: bytes, name: str) -> frozenset[int]:
    """Which documents of a file a SealedSecret owns, by index."""
    from sealer.documents.node import Node
    from sealer.documents.stream import read as read_stream

    owned = set()
    for index, entry in enumerate(read_stream(data, name).entries()):
        metadata = entry.node.get("metadata") if isinstance(entry.node, Node) else None
        owners = metadata.get("ownerReferences") if metadata else None
        kinds = [owner.get("kind") for owner in owners.children] if owners else []
        if any(kind is not None and kind.text == "SealedSecret" for kind in kinds):
            owned.add(index)
    return frozenset(owned)


def _status(manifest: Manifest) -> tuple[Status | None, str]:
    label = manifest.secret.labels.get(LABEL)
    if label is None and manifest.secret.name == LEGACY_NAME:
        label = "active"  # before labels there was one key, known by its name
    if label is None:
        return None, f"has no label {LABEL}"
    if label not in _STATUS:
        return None, f"is labelled neither active nor compromised ({LABEL})"
    return _STATUS[label], ""


def _ascii(data: bytes, where: str) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise KeyFormatError("is not PEM", where=where) from None
