"""One key of ours -> a Secret of the API, as `keysecret` reads it back. Pure: no request, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.kube import keysecret, names
from sealer.formats import keyrecord, sshsig
from sealer.formats.strictjson import dumps, format_time
from sealer.formats.wire import b64encode, pem_encode
from sealer.keyrings.keyring import PEM_STATE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from controller.kube.keysecret import Kind
    from sealer.formats.keys import PrivateKey

TYPE = "sealer.dev/key"


def bitnami(key: PrivateKey) -> dict[str, Any]:
    """The Secret of an RSA key with its certificate, for `made`."""
    data = {keysecret.TLS_KEY: key.pem, keysecret.TLS_CERTIFICATE: key.public.certificate}
    return _body("kubernetes.io/tls", {names.KEY_LABEL: names.KEY_ACTIVE}, data)


def sealing(key: PrivateKey, not_before: datetime, not_after: datetime, created: datetime) -> dict[str, Any]:
    """The Secret of an MLKEM768-X25519 key, for `made`."""
    said = {
        "id": key.id,
        "algorithm": key.algorithm,
        "publicKey": b64encode(key.public.raw),
        "notBefore": format_time(not_before),
        "notAfter": format_time(not_after),
    }
    return _of_ours("sealing", said, key.pem, created)


def identity(key: Ed25519PrivateKey, created: datetime) -> dict[str, Any]:
    """The Secret of an identity, for `made`."""
    return _of_ours("identity", {"identity": sshsig.identity_line(key.public_key())}, sshsig.identity_pem(key), created)


def state(key: bytes, created: datetime) -> dict[str, Any]:
    """The Secret of a state key of 32 bytes, for `made`."""
    return _of_ours("state", {"id": keyrecord.state_key_id(key)}, pem_encode(PEM_STATE, key), created)


def made(
    body: Mapping[str, Any],
    prefix: str,
    suffix: str,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A Secret under its name. The labels that make it a key can't be overridden.

    Bitnami's has generateName, the prefix as it is; here the name that follows from it is given too (see `renewal`).
    """
    metadata: dict[str, Any] = {"generateName": prefix, "name": prefix + suffix}
    metadata["labels"] = {**(labels or {}), **body["metadata"]["labels"]}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {**body, "metadata": metadata}


def _of_ours(kind: Kind, said: Mapping[str, str], pem: str, created: datetime) -> dict[str, Any]:
    record = dumps({"version": 1, "kind": kind, **said, "created": format_time(created)})
    # The data of a key never changes; labels and annotations may.
    data = {keysecret.RECORD: record.decode("ascii"), keysecret.PEM: pem}
    return {**_body(TYPE, {names.OUR_KEY: kind}, data), "immutable": True}


def _body(type_: str, labels: Mapping[str, str], data: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": type_,
        "metadata": {"labels": dict(labels)},
        "data": {name: b64encode(text.encode("ascii")) for name, text in data.items()},
    }
