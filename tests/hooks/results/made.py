"""Reports made for tests of what prints them: values drawn at random, names as nobody would want them."""

from __future__ import annotations

from hooks.finding import Finding, Value
from hooks.report import Report
from hooks.rule import ENCRYPTED_KEY, KUBERNETES_SECRET, PRIVATE_KEY, Rule
from sealer.errors import SealerError
from tests.hooks.labelled import random_text

PLANTED = random_text("alnum", 40)
TOKEN = Rule(
    "acme-token",
    "a token of <Acme> & Söhne",
    remediation="Settings > Tokens > Revoke. https://acme.example/tokens?a=1&b=2.",
)
HOSTILE = (
    '=HYPERLINK("https:evil.example","x")/a,b.csv',
    "@sum(1+1).txt",
    "-x\t.yaml",
    "a\nb\r::error::c.yaml",
    "<script>alert(1)</script>.html",
    "]]>&amp;\"'.xml",
    "| a | `b` [c](https:evil.example) *d*.md",
    "\x1b[31mred\x1b[0m\x00\x07.txt",
    "caf\udce9 \u202e.txt",
    "%0A,100%:x.env",
    "deep/ü/ß 1#2?.yaml",
    "a.zip!b/c.env",
)


def report(*, names: tuple[str, ...] = HOSTILE) -> Report:
    """A finding in each file, of several rules, and two files that could not be read."""
    rules = (TOKEN, KUBERNETES_SECRET, PRIVATE_KEY, ENCRYPTED_KEY)
    findings = [
        Finding(
            name,
            number + 1,
            rules[number % len(rules)],
            ("data.password", "", "+key", "a.<b>")[number % 4],
            value=Value(PLANTED),
            commit="0123456789ab" if number % 3 == 0 else "",
            decoded="base64" if number == 5 else "",
        )
        for number, name in enumerate(names)
    ]
    unread = [
        SealerError("can't be read: permission denied", where="a/<b>&.yaml", way_out="chmod u+r 'a/<b>&.yaml'"),
        SealerError("is larger than 64 MiB", where="=big\n.bin"),
    ]
    return Report("range", findings, unread, files=1200, bytes=12_345_678, binary=3, accepted=2, seconds=1.25)


EMPTY = Report("work tree", files=3, bytes=100, seconds=0.1)
