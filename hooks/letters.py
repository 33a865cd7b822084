"""How much of a text people wrote, and how much chance did: bits under a model of words, against those of a draw. Pure.

A text is cut into words, numbers and letters so that it costs the fewest bits. A known word costs as much as choosing
one of some thousands, a letter as much as it surprises after the one before it. `hunter2` is cheap so, `q8Zk1vTp` costs
no less than if it was drawn. The words are the most frequent ones of program text (words.txt, one file of them).
"""

from __future__ import annotations

import functools
import math
import os

from hooks import lazy

# Half bits that a letter costs (`a` is 0) behind nothing and behind each of a to z, from the same texts as the words.
_AFTER = [
    "ijhiijklipokjkkiqigikmlnrr",
    "ojhipnktkungjhvjuhiflnpomt",
    "gmlmgnpsgnsfoninsiimhrttlv",
    "golngplhjyiiopfosjjhkotuox",
    "hmnjdmmrfqsknoiosjinjnpqnv",
    "jnigllmrourjkgolofghplnkpu",
    "holkhhnpezuhmngmwijkjusrmv",
    "iqmoeoljgzqjmjhmrhinjppsps",
    "eqqnepsvgytmmogpvjmjkspylq",
    "kmijkkjvsusjjegltkihukuoyl",
    "gopnemopismpnpgmssgmfspsos",
    "ioomdllogwsjnklmpmgklrmwnt",
    "gqnkepqtfwnhppgowokjkorziw",
    "fkoneqqwgzonkphgxpjnjrszow",
    "hpihhkfqismnomiosohfmmrvpu",
    "mmhjpmlsmrniifkjwgjjikkqrt",
    "grmnfoolizphqrhiufkiksptmx",
    "lspkosqonsqionpnpnlsbpssoo",
    "gpkkenmugxmmklhmvkijlnqulx",
    "krjofopjgwnlnojjqoifiqnvks",
    "hqlofnqjezulnpimvhikkrpqku",
    "kijljllxjwvhjfnizhhgsswpus",
    "fooncnrofxunnmjorpmnpsosrx",
    "eqnngopifsqkrhhmthjoptroww",
    "hkhkfjpmhvsonokfqmnfooqtnv",
    "kojmjonristkihkevlgipomtnm",
    "gorrbrotgrtqorjttqonotrtml",
]
_DEAREST = 6.5
_WORD = 11.0
_CASED = 1.0
_LEET = 3.0
_SWITCH = 1.5
_LONGEST_WORD = 16
_MOST = 200
_HEX = lazy.compile(r"(?=.*\d)(?:[0-9a-f]{8,}|[0-9A-F]{8,})")
_LEETS = str.maketrans("013457@$!", "oieastasi")
_SEPARATORS = frozenset("-_. /:,")


@functools.cache
def vocabulary() -> frozenset[str]:
    """The words that people use in code."""
    with open(os.path.join(os.path.dirname(__file__), "words.txt"), encoding="ascii") as stream:
        return frozenset(stream.read().split())


def share(text: str) -> float:
    """How much of its bits a text keeps when it is read as written: about 1 and more if drawn, below 0.6 if words."""
    whole = drawn(text[:_MOST])
    return written(text) / whole if whole else 0.0


def drawn(text: str) -> float:
    """Bits of a text if each of its characters was drawn from the kinds of characters that it has."""
    if _HEX.fullmatch(text):
        return len(text) * 4.0
    size = sum(n for n, has in zip((26, 26, 10), _kinds(text), strict=True) if has)
    others = len({c for c in text if not c.isalnum()})
    return len(text) * math.log2(max(size + others, 2))


def _kinds(text: str) -> tuple[bool, bool, bool]:
    return any(map(str.islower, text)), any(map(str.isupper, text)), any(map(str.isdigit, text))


@functools.lru_cache(maxsize=8192)
def written(text: str) -> float:
    """Bits of a text as people write, at the cheapest reading of it."""
    text = text[:_MOST]
    low = text.lower()
    leet = low.translate(_LEETS)
    plain = leet == low
    words, begins = vocabulary(), _begins()
    best = [0.0] + [math.inf] * len(text)
    before = ""
    for at, char in enumerate(text):
        here = best[at]
        best[at + 1] = min(best[at + 1], here + _one(before, char))
        before = char
        if leet[at : at + 3] not in begins and low[at : at + 3] not in begins:
            continue
        for end in range(at + 3, min(at + _LONGEST_WORD, len(text)) + 1):
            if low[at:end] in words:
                best[end] = min(best[end], here + _WORD + _case(text[at:end]))
            elif not plain and end - at > 3 and leet[at:end] in words:
                best[end] = min(best[end], here + _WORD + _LEET + _case(text[at:end]))
    return best[-1]


@functools.cache
def _begins() -> frozenset[str]:
    """The first three letters of each word."""
    return frozenset(word[:3] for word in vocabulary())


def _case(word: str) -> float:
    letters = "".join(filter(str.isalpha, word))
    if letters.islower():
        return 0.0
    return _CASED if letters.isupper() or letters[1:].islower() else 2.0 * sum(map(str.isupper, letters))


@functools.lru_cache(maxsize=8192)
def _one(before: str, char: str) -> float:
    """Bits of one character behind the one before it."""
    if char == before or (char.isalpha() and before.isalpha() and ord(char) - ord(before) == 1):
        return 1.0
    if char.isdigit():
        near = before.isdigit() and before.isascii() and char.isascii() and abs(int(char) - int(before)) == 1
        return 1.0 if near else 3.4 if before.isdigit() or not before else 3.4 + _SWITCH
    if char.isalpha() and char.isascii():
        row = _AFTER[ord(before.lower()) - 96 if before.isalpha() and before.isascii() else 0]
        cost = min((ord(row[ord(char.lower()) - 97]) - 97) / 2, _DEAREST)
        switched = before.isalnum() and (before.isdigit() or before.isupper() != char.isupper())
        return cost + (_SWITCH if switched else 0.0)
    return 2.0 if char in _SEPARATORS else 5.0
