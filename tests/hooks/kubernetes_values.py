"""What generated manifests are made of (kubernetes_manifests.py): seeded values, and parts of files."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

ALNUM = string.ascii_letters + string.digits

Shape = Callable[["Values"], str]


def b64(text: str | bytes) -> str:
    """Base64 as Kubernetes takes it."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Values:
    """What one manifest draws from."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.pick = self.random.choice

    def drawn(self, size: int, letters: str = ALNUM) -> str:
        """Characters of an alphabet, with a digit and a letter among them."""
        while True:
            text = "".join(self.pick(letters) for _ in range(size))
            if any(map(str.isdigit, text)) and any(map(str.isalpha, text)):
                return text

    def password(self) -> str:
        """What a person types or a manager makes."""
        word = self.pick(["Summer", "dragon", "Berlin", "monkey", "Falcon", "winter", "Tiger", "Rosebud", "hunter"])
        typed = word + self.pick(["2019!", "123!", "_77", "@2021", "99", "1984", "!x7", "2"])
        return self.pick([typed, self.drawn(self.pick([8, 10, 14, 20]), ALNUM + "@_-"), self.drawn(16)])

    def key(self) -> str:
        """What a provider hands out."""
        return self.pick(
            [self.drawn(self.pick([20, 32, 40])), self.drawn(self.pick([32, 64]), "0123456789abcdef"),
             b64(self.random.randbytes(32)), f"sk_{self.drawn(24)}"]
        )  # fmt: skip

    def url(self) -> str:
        """A connection string with a password."""
        scheme = self.pick(["postgres", "mysql", "mongodb", "redis", "amqp"])
        return (
            f"{scheme}://{self.pick(['app', 'svc', 'root'])}:{self.drawn(14)}@{self.pick(['db', 'mq.prod.svc'])}:5432/x"
        )

    def pem(self, label: str) -> str:
        """A PEM block over random bytes."""
        body = b64(b"\x30\x82" + self.random.randbytes(400))
        rows = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return f"-----BEGIN {label}-----\n{rows}\n-----END {label}-----\n"

    def item(self) -> tuple[str, str]:
        """A key and its value."""
        names = {
            "password db-password DB_PASSWORD mysql-root-password admin.password redis_pw": self.password,
            "token api-key API_KEY client_secret jwtSecret ENCRYPTION_KEY credentials signing": self.key,
            "DATABASE_URL dsn uri connection": self.url,
        }
        keys = self.pick(list(names))
        return self.pick(keys.split()), names[keys]()

    def items(self, least: int = 1) -> dict[str, str]:
        """Several, under different keys."""
        return dict(self.item() for _ in range(least + self.random.randrange(3)))

    def head(self, kind: str = "Secret") -> str:
        """The first lines of a manifest, in one of the orders that people write."""
        name = self.pick(["app", "db", "payments", "grafana-admin", "registry", "tls-cert"])
        meta = f"metadata:\n  name: {name}\n" + self.pick(["", "  namespace: prod\n", "  labels:\n    app: shop\n"])
        kind = f"kind: {self.pick([kind, chr(34) + kind + chr(34)])}\n"
        return self.pick(["apiVersion: v1\n" + kind + meta, kind + "apiVersion: v1\n" + meta])


def deployment() -> str:
    """A Deployment that takes a password from a Secret."""
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n"
        "  template:\n    spec:\n      containers:\n"
        "      - name: app\n        image: acme/app@sha256:"
        + "3f"
        * 32
        + "\n        env:\n        - name: DB_PASSWORD\n"
        "          valueFrom:\n            secretKeyRef: {name: db, key: password}\n"
    )


def block(text: str, indent: str = "    ") -> str:
    """Lines as they stand in a block scalar."""
    return "".join(f"{indent}{line}\n" for line in text.splitlines())
