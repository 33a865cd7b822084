"""A labelled set of credentials in code, settings and prose: some 700 that leak and 1,000 lookalikes, made at run time.

A template is `PATH | TEXT`; in the text `\\n` is a line break and `~` ends a line that leaks. Values are drawn by a
seeded generator, so that two runs see the same set, and no file holds one. `<pw>` is what a person or a manager makes
for a password, `<weak>`, `<typed>`, `<row>` and `<pin>` what a person types, `<camel>` a name of two
words, `<key>` and `<hex>` what providers hand out. Templates with an even number
are for development; those with an odd one are held out: nobody tunes on them.
"""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hooks.lookalikes import LOOKALIKES

DRAWS = 4
ALNUM = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Sample:
    """A file with the lines of it that leak; none if it is a lookalike."""

    path: str
    text: str
    lines: frozenset[int]
    held_out: bool


def _draw(rng: random.Random, letters: str, size: int) -> str:
    return "".join(rng.choice(letters) for _ in range(size))


def _mixed(rng: random.Random, letters: str, size: int) -> str:
    """A draw that has a digit and a letter, as generators see to."""
    while True:
        drawn = _draw(rng, letters, size)
        if any(map(str.isdigit, drawn)) and any(map(str.isalpha, drawn)):
            return drawn


def _weak(rng: random.Random) -> str:
    word = rng.choice(
        ["Summer", "dragon", "Berlin", "monkey", "Falcon", "winter", "Tiger", "Arsenal", "Rosebud", "panda"]
    )
    return word + rng.choice(["2019!", "123!", "_77", "@2021", "99", "#1", "1984", "!x7"])


MAKERS = {
    "pw": lambda rng: _mixed(rng, ALNUM + "!@#*_-", rng.choice([8, 10, 12, 14, 16])),
    "weak": _weak,
    "typed": lambda rng: rng.choice(["monkey", "dragon", "Falcon", "orange", "Rosebud", "conector", "akdeniz"])
    + rng.choice(["79", "2003", "1984", "665", "0911"]),
    "row": lambda rng: "".join(map(str, range(1, rng.choice([7, 8, 9])))),
    "pin": lambda rng: "".join(rng.sample(string.digits, rng.choice([5, 6, 8]))),
    "camel": lambda rng: rng.choice(["storm", "white", "garden"]) + rng.choice(["Knight", "Lantern", "Badger"]),
    "key": lambda rng: _mixed(rng, ALNUM, rng.choice([20, 24, 32, 40])),
    "hex": lambda rng: _mixed(rng, "0123456789abcdef", rng.choice([32, 40, 64])),
    "lownum": lambda rng: _mixed(rng, string.ascii_lowercase + string.digits, rng.choice([16, 24, 32])),
    "b64": lambda rng: base64.b64encode(rng.randbytes(rng.choice([24, 32, 48]))).decode(),
    "url64": lambda rng: base64.urlsafe_b64encode(rng.randbytes(33)).decode(),
    "uuid": lambda rng: "-".join(_draw(rng, "0123456789abcdef", n) for n in (8, 4, 4, 4, 12)),
    "basic": lambda rng: base64.b64encode(f"svc:{_mixed(rng, ALNUM, 14)}".encode()).decode(),
    "sha256": lambda rng: _draw(rng, "0123456789abcdef", 64),
    "sha1": lambda rng: _draw(rng, "0123456789abcdef", 40),
    "md5": lambda rng: _draw(rng, "0123456789abcdef", 32),
    "pwkey": lambda rng: rng.choice(
        ["password", "db_password", "dbPassword", "DB_PASSWORD", "passwd", "adminPassword", "smtp_pass", "userPwd",
         "MYSQL_ROOT_PASSWORD", "passphrase", "ldapBindPassword", "keystore_password"]
    ),
    "skey": lambda rng: rng.choice(
        ["api_key", "apiKey", "API_KEY", "client_secret", "clientSecret", "SECRET_KEY", "secretKey", "access_token",
         "accessToken", "AUTH_TOKEN", "aws_secret_access_key", "encryption_key", "jwt_secret", "consumer_secret"]
    ),
    "host": lambda rng: rng.choice(
        ["db.acme-corp.net", "10.12.4.7", "mq.prod.svc.cluster.local", "cache01.intern.acme.io"]
    ),
    "word": lambda rng: rng.choice(["orders", "billing", "payments", "users", "search", "metrics"]),
}  # fmt: skip

LEAKS = (Path(__file__).parent / "credentials.txt").read_text().splitlines()


def samples(seed: int = 20261125) -> Iterator[Sample]:
    """The whole set, the same one for the same seed."""
    for kind, source in (("leak", LEAKS), ("lookalike", LOOKALIKES)):
        templates = [line for line in source if line.strip() and not line.startswith("##")]
        for number, template in enumerate(templates):
            for draw in range(DRAWS):
                rng = random.Random(f"{seed}/{kind}/{number}/{draw}")
                yield _sample(template, rng, held_out=number % 2 == 1)


def _sample(template: str, rng: random.Random, *, held_out: bool) -> Sample:
    path, _, text = template.partition(" | ")

    def make(match: re.Match[str]) -> str:
        return MAKERS[match[1]](rng) if match[1] in MAKERS else match[0]

    lines = re.sub(r"<([a-z]+\d*)>", make, text).split("\\n")
    leaking = frozenset(number for number, line in enumerate(lines, 1) if line.endswith("~"))
    return Sample(path.strip(), "\n".join(line.removesuffix("~") for line in lines) + "\n", leaking, held_out)


def write(folder: Path, *, seed: int = 20261125) -> list[tuple[str, int, bool]]:
    """The set as files, each in a folder of its own, and the truth: (path, line, whether it is a secret).

    A lookalike has one entry, with the line 0: nothing in that file is one.
    """
    truth: list[tuple[str, int, bool]] = []
    for number, sample in enumerate(samples(seed)):
        path = f"{number:04}/{sample.path}"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(sample.text, "utf-8")
        truth += [(path, line, True) for line in sorted(sample.lines)] or [(path, 0, False)]
    return truth
