"""Credentials whose syntax goes on over several lines: calls that sign in, arrays of bytes, lists of keys. Pure.

Each form begins with a rare word, so that of the lines that triggers matched on few are read any further.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

from hooks import lazy, place
from hooks.structure.pair import Pair

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.text import Text

_MOST = 200
"""So many of each form are read of one line."""
_WIDEST = 2000
"""Bytes that one of them spans at most."""
_BEFORE = 100
"""Bytes above a line, or before an array, that a name stands in."""

_STRING = rb"(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|`[^`]{0,200}`)"
_CALL = rb"\((?:[^()\"']|" + _STRING + rb"|\([^()]{0,200}\)){0,200}+\)"
_OBJECT = rb"\{(?:[^{}\"'`]|" + _STRING + rb"|\{(?:[^{}\"'`]|" + _STRING + rb"|\{[^{}]{0,200}\}){0,400}+\}){0,800}+\}"
_ARGUMENT = rb"(?:" + _OBJECT + rb"|[\w$.]{1,80}(?:" + _CALL + rb")?)"
_LITERAL = rb"[\"'`](?P<value>[^\"'`\s$<>{}]{4,300})[\"'`]"

# jwt.sign({ id: String(user.id) }, "v")
_SIGN = lazy.compile(rb"jwt\.sign\(\s*" + _ARGUMENT + rb"\s*,\s*" + _LITERAL + rb"\s*[,)]")
# new DirectoryEntry(path, "name", "v")
_DIRECTORY = lazy.compile(
    rb"DirectoryEntry\(\s*@?(?:" + _STRING + rb"|" + _ARGUMENT + rb")\s*,\s*@?(?:" + _STRING + rb"|" + _ARGUMENT + rb")"
    rb"\s*,\s*@?" + _LITERAL + rb"\s*[,)]"
)
# OAuth("token", "v", "consumer", "v"): whichever two libraries take first, the second and the fourth are the secrets
_OAUTH = lazy.compile(
    rb"OAuth1?(?:Session)?\(\s*" + rb"\s*,\s*".join(rb"[\"']([\w\-]{16,120})[\"']" for _ in range(4)) + rb"\s*[,)]"
)

_ARRAY = lazy.compile(rb"\{[\s\\]*((?:0x[0-9a-fA-F]{1,2}[\s\\]*,[\s\\]*){15}0x[0-9a-fA-F]{1,2})[\s\\,]*\}")
# The names of LoRaWAN 1.0 and 1.1 (LoRa Alliance, TS001, section 6); AppEUI, DevEUI and DevAddr are sent in clear.
_LORA_KEY = lazy.compile(
    rb"(?i)(?<!\w)(\w{0,30}?(?:(?:app|nwk)_?(?:s_?)?key|nws_?key|dev_?key|nwk_?s_?(?:int|enc)_?key)(?:_\w{0,12}|\d{0,2}))"
    rb"\s*(?:\[\s*\w*\s*\])?\s*=?[\s\\]*\Z"
)
_LEAST_DIFFERENT = 10
"""Of sixteen drawn bytes at least so many differ: fewer do once in 10^8 times."""
_FEW_STEPS = 3
"""Bytes that count, up or down, have one step from each to the next, or few."""
_PRINTABLE = range(0x20, 0x7F)
"""Of these alone a text is made, as makers of modules put their names for a default; drawn bytes once in 10^7 times."""
_VECTORS = (bytes((43, 126, 21, 22, 40, 174, 210, 166, 171, 247, 21, 136, 9, 207, 79, 60)),)
"""The key of FIPS 197, appendix A, which stacks have by default."""

_ACCOUNTS = lazy.compile(rb"accounts[\"']?\s*:\s*\[(?P<keys>\s*(?:[\"'](?:0x)?[0-9a-fA-F]{64}[\"']\s*,?\s*){1,30})\]")
_PRIVATE = lazy.compile(rb"[\"']((?:0x)?[0-9a-fA-F]{64})[\"']")
_TOOLS = (b"hardhat", b"solidity")
_SETTINGS = 1 << 16
"""Bytes of a text in which its tool is named: it is looked for again for each list."""
_KNOWN = frozenset(
    (
        # `test test ... junk`, of Hardhat and Anvil: hardhat.org, "Hardhat Network Reference", accounts
        *("ac0974bec39a17e3", "59c6995e998f97a5", "5de4111afa1a4b94", "7c852118294e51e6", "47e179ec19748859"),
        *("8b3a350cf5c34c91", "92db14e403b83dfe", "4bbbf85ce3377467", "dbda1821b80551c9", "2a871d0798f97d79"),
        *("f214f2b2cd398c80", "701b615bbdfb9de6", "a267530f49f82802", "47c99abed3324a27", "c526ee95bf44d8fc"),
        *("8166f546bab6da52", "ea6c44ac03bff858", "689af8efa8c651a9", "de9be858da4a4752", "df57089febbacf7b"),
        # `myth like bonus ... collect`, of `ganache --wallet.deterministic`
        *("4f3edf983ac636a6", "6cbed15c793ce576", "6370fd033278c143", "646f1ce2fdad0e6d", "add53f9a7e588d00"),
        *("395df67f0c2d2d9f", "e485d098507f54e7", "a453611d9419d0e5", "829e924fdf021ba3", "b0057716d5917bad"),
        # `candy maple cake ... treat`, of `truffle develop`, and Besu's "Accounts for testing"
        *("c87509a1c067bbde", "ae6ae8e5ccbfb045", "0dbbe8e4ae425a6d", "c88b703fb08cbea8", "388c684f0ba1ef50"),
        *("659cbb0e2411a44d", "82d052c865f5763a", "aa3680d5d48a8283", "0f62d96d6675f326", "8d5366123cb560bb"),
        "8f2a55949038a961",
    )
)
"""How the private keys begin that everybody has, since tools draw them from mnemonics in their documentation."""


def pairs(text: Text, start: int, end: int) -> Iterator[Pair]:
    """The pairs that begin on a line, or a little above, and go on over others. `start`, `end`: the line's offsets."""
    data = text.data
    start = max(start - _BEFORE, 0)
    near = data[start:end]
    for mark, form in _FORMS:
        at = near.find(mark)
        for _ in range(_MOST):
            if at < 0:
                break
            yield from form(text, start + at)
            at = near.find(mark, at + len(mark))
    if b"0x" in near and b"{" in near and place.of(text.path) != place.TEST:
        yield from _arrays(text, start, end)


def _call(pattern: re.Pattern[bytes], key: str) -> Callable[[Text, int], Iterator[Pair]]:
    """What finds the literal of a call at an offset."""

    def found(text: Text, at: int) -> Iterator[Pair]:
        if match := pattern.match(text.data, at, at + _WIDEST):
            yield _pair(key, key, match["value"], text.line(match.start("value")), "taken")

    return found


def _oauth(text: Text, at: int) -> Iterator[Pair]:
    if match := _OAUTH.match(text.data, at, at + _WIDEST):
        for group in (2, 4):
            yield _pair("oauth_secret", "OAuth", match[group], text.line(match.start(group)), "code")


def _accounts(text: Text, at: int) -> Iterator[Pair]:
    """Private keys of accounts in the settings of Hardhat; elsewhere 32 bytes in hex are public keys or addresses."""
    data = text.data
    match = _ACCOUNTS.match(data, at, at + _WIDEST)
    if match and (
        text.name.startswith(("hardhat", "truffle")) or any(data.find(one, 0, _SETTINGS) >= 0 for one in _TOOLS)
    ):
        for one in _PRIVATE.finditer(data, match.start("keys"), match.end("keys")):
            if one[1].removeprefix(b"0x")[:16].decode().lower() not in _KNOWN:
                yield _pair("private_key", "accounts", one[1], text.line(one.start(1)), "code")


def _arrays(text: Text, start: int, end: int) -> Iterator[Pair]:
    """Keys of LoRaWAN as C and Arduino take them."""
    data = text.data
    for match in itertools.islice(_ARRAY.finditer(data, start, end + _WIDEST), _MOST):
        if match.start() >= end:
            break  # as the next line tells
        name = _LORA_KEY.search(data, max(match.start() - _BEFORE, 0), match.start())
        key = bytes(int(one, 16) for one in match[1].replace(b"\\", b" ").split(b","))
        if name and _is_drawn(key):
            line = text.line(match.start(1))
            last = line + match[1].count(b"\n")
            yield Pair("app_key", name[1].decode("utf-8", "replace"), key.hex(), line, last, True, "code")


def _is_drawn(key: bytes) -> bool:
    """Whether bytes are a key of somebody's own, and none of those that documents and stacks have by default."""
    steps = {(after - before) % 256 for before, after in itertools.pairwise(key)}
    if len(set(key)) < _LEAST_DIFFERENT or len(steps) <= _FEW_STEPS:
        return False
    return key not in _VECTORS and not all(byte in _PRINTABLE for byte in key)


def _pair(key: str, name: str, value: bytes, line: int, where: str) -> Pair:
    return Pair(key, name, value.decode("utf-8", "replace"), line, line, True, where)


_FORMS = (
    (b"jwt.sign(", _call(_SIGN, "jwt_secret")),
    (b"DirectoryEntry(", _call(_DIRECTORY, "password")),
    (b"OAuth", _oauth),
    (b"accounts", _accounts),
)
"""What each form begins with, and what reads it there."""
