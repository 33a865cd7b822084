"""Values that tests of the controller share. Secrets are made at run time."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator

from controller.effects import Call, Effects
from controller.model import Delivery, Intent, Known, Target
from sealer.formats.keyrecord import state_key_id
from sealer.secret import Ref, Secret

NOW = 1_760_000_000_000
SOURCE = "git.example.invalid/shop"
OWNER = f"prod/{SOURCE}"


def state_key() -> tuple[str, bytes]:
    """A new state key with its id, as a keyring gives them."""
    key = secrets.token_bytes(32)
    return state_key_id(key), key


def secret(ref: Ref, value: bytes | None = None) -> Secret:
    """A secret with everything that one can have."""
    return Secret(
        name=ref.name,
        namespace=ref.namespace,
        items={"password": secrets.token_hex(16).encode() if value is None else value, "raw.bin": bytes(range(256))},
        type="example.invalid/kind",
        labels={"app": "shop"},
        annotations={"note": "größer"},
        immutable=True,
    )


def delivery(ref: Ref, **changes: object) -> Delivery:
    """A delivery to the store `local`, with some fields changed."""
    fields: dict[str, object] = {
        "target": Target("local", str(ref)),
        "ref": ref,
        "source": SOURCE,
        "seq": 3,
        "input": secrets.token_hex(32),
        "fingerprint": f"01234567:{secrets.token_hex(16)}",
        "version": "3",
        "keys": ("0123456789abcdef", "fedcba9876543210"),
        "state": "delivered",
        "reason": "",
        "changed_at": NOW,
    }
    return Delivery(**{**fields, **changes})  # type: ignore[arg-type]


def intent(ref: Ref, **changes: object) -> Intent:
    """An intent to put to the store `local`, with some fields changed."""
    fields: dict[str, object] = {
        "target": Target("local", str(ref)),
        "op": "put",
        "ref": ref,
        "source": SOURCE,
        "seq": 4,
        "token": secrets.token_hex(16),
        "expect": "3",
        "fingerprint": f"01234567:{secrets.token_hex(16)}",
        "input": secrets.token_hex(32),
        "keys": ("0123456789abcdef",),
        "on_delete": "delete",
        "audit": 7,
        "at": NOW,
    }
    return Intent(**{**fields, **changes})  # type: ignore[arg-type]


def known(ref: Ref, **changes: object) -> Known:
    """What is recorded of a document, with some fields changed."""
    digest = secrets.token_hex(32)
    fields: dict[str, object] = {
        "ref": ref,
        "source": SOURCE,
        "path": f"secrets/{ref}.yaml",
        "digest": digest,
        "state": "delivered",
        "good": digest,
        "changed_at": NOW,
    }
    return Known(**{**fields, **changes})  # type: ignore[arg-type]


class Port(Effects):
    """Writes down every effect; `before` and `after` may raise in its place."""

    def __init__(self) -> None:
        self.calls: list[tuple[Call, str]] = []
        self.before: Callable[[Call], None] = lambda call: None
        self.after: Callable[[Call], None] = lambda call: None

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        self.calls.append((call, what))
        self.before(call)
        yield
        self.after(call)
