r"""What the engine looks for so that decoding starts only where it may help.

Runs of base64 are everywhere (images, hashes, certificates), and to test each costs more than the scan itself. But a
text that matters holds the keyword of a rule, and a keyword looks the same in every text that is encoded: one literal
for each of the three offsets that it can have inside a group of base64. Literals cost vectorscan next to nothing.
`TRIGGER` has what does not depend on keywords: marks of packed data, and runs of escapes.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TRIGGER: tuple[bytes, ...] = (
    # gzip in base64, and that in base64 again (releases of helm); zip; PEM twice encoded; JSON twice encoded.
    rb"H4sI[AC]",
    rb"SDRzSU[FN]",
    rb"UEsDB[AB]",
    rb"TFMwdExTMUNSVWRKVG",
    rb"ZXlK[A-Za-z0-9+/]{12}",
    # Runs of escapes, at least three of printable ASCII.
    rb"(?:\\x[2-7][0-9a-fA-F]){4}",
    rb"(?:\\u00[2-7][0-9a-fA-F][^\\\n]{0,4}){3}",
    rb"(?:\\u\{0{0,4}[2-7][0-9a-fA-F]\}){3}",
    rb"(?:%[2-7][0-9a-fA-F][^%\s]{0,24}){2}",
    rb"(?:&#[0-9]{2,3};[^&\n]{0,8}){3}",
    rb"(?:&#[xX][2-7][0-9a-fA-F];[^&\n]{0,8}){3}",
    rb"(?:\\[01][0-7]{2}){6}",
    # The begin of a provider's token as a string of its own, and more of it: "ghp_" + "..."
    (
        rb"""["'](?:gh[opsu]_|github_pat_|glpat-|[rs]k_(?:live|test)_|xox[abp]-|sk-ant-|sk-proj-|npm_|hf_|AKIA|AIza|SG\.|dop_v1_"""
        rb"""|dckr_pat_|pypi-|shpat_|hvs\.)[\w\-.]{0,60}["'][ \t]{0,3}[+.]?[ \t]{0,3}["'][\w\-.]{4}"""
    ),
)
"""Patterns that start `hooks.decode.decoded`, beside the literals below."""

KEYWORDS = (
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "accesskey",
    "private_key",
    "credential",
    "-----BEGIN",
    "AccountKey=",
    "mongodb://",
    "mongodb+srv://",
    "postgres://",
    "postgresql://",
    "mysql://",
    "amqp://",
    "redis://",
    "kind:Secret",
    "hooks.slack.com",
)
"""What names a credential of no special provider: `literals(KEYWORDS, wide=True)`."""

_SHORTEST = 5


def literals(keywords: Iterable[str], samples: str = "", *, wide: bool = False) -> tuple[bytes, ...]:
    """Literals of which one is in every base64 or hex of a text that holds a keyword.

    Encoded text has the case of its plain text: each keyword is taken in lower and upper case, capitalised, as given,
    and as it stands in `samples` (patterns and examples of rules). `wide`: also in base64 of UTF-16 (PowerShell), in
    dumps of bytes and in lists of numbers; no pattern without a letter of its own is fast enough to find these.
    """
    found: dict[bytes, None] = {}
    lower = samples.lower()
    for keyword in keywords:
        for case in _cases(keyword, samples, lower):
            plain = case.encode()
            found.update(dict.fromkeys(_base64(plain)))
            found.update(dict.fromkeys(_hex(plain)))
            if wide:
                found.update(dict.fromkeys(_base64(case.encode("utf-16-le"))))
                found.update(dict.fromkeys(_spelled(plain)))
    return tuple(found)


def _cases(keyword: str, samples: str, lower: str) -> set[str]:
    cases = {keyword, keyword.lower(), keyword.upper(), keyword.capitalize()}
    at = lower.find(keyword.lower()) if len(lower) == len(samples) else -1
    while at >= 0 and len(cases) < 12:
        cases.add(samples[at : at + len(keyword)])
        at = lower.find(keyword.lower(), at + 1)
    return cases


def _base64(plain: bytes) -> Iterator[bytes]:
    """What is sure to stand in the base64 of any text with these bytes in it, for each of three offsets."""
    for offset in range(3):
        # Characters that hold bits of what stands before or after the keyword are left out...
        first, last = (offset * 8 + 5) // 6, (offset + len(plain)) * 8 // 6
        if last - first >= _SHORTEST:
            yield _encoded(bytes(offset) + plain)[first:last]
        elif len(plain) >= 3:
            # ...but a short keyword needs them: the few that they can be are listed.
            after = {_encoded(bytes(offset) + plain + bytes([byte])) for byte in range(256)}
            yield from {one[first : last + 1] for one in after}


def _encoded(plain: bytes) -> bytes:
    from binascii import b2a_base64

    return b2a_base64(plain + b"\0\0\0", newline=False)


def _hex(plain: bytes) -> Iterator[bytes]:
    if len(plain) >= 3:
        yield plain.hex().encode()
        yield plain.hex().upper().encode()


def _spelled(plain: bytes) -> Iterator[bytes]:
    """A byte or two in a word, as xxd and hexdump write them, and as numbers."""
    yield plain.hex(" ").encode()
    yield plain.hex(" ").upper().encode()
    yield plain.hex(":").upper().encode()
    yield plain[: len(plain) // 2 * 2].hex(" ", -2).encode()
    yield plain[1 : (len(plain) - 1) // 2 * 2 + 1].hex(" ", -2).encode()
    yield ",".join(map(str, plain)).encode()
    yield ", ".join(map(str, plain)).encode()
    # Any list of printable bytes would be too much: generated code is full of descriptors, each of thousands.
    for number in ("0x%02x", "0x%02X"):
        yield ",".join(number % byte for byte in plain).encode()
        yield ", ".join(number % byte for byte in plain).encode()
