"""Whether a value is likely enough to be the credential that its name speaks of, each kind as it is made. Pure.

Passwords are typed by people, and so is what frameworks sign with; keys and tokens are drawn. Where examples stand a
value has to be surer than where programs take it (`hooks.place`).
"""

from __future__ import annotations

import re

from hooks import digest, keyname, lazy, letters, literal, place

LONG = 16
"""Characters of what is surely drawn, where letters of one kind count as well."""
_STRONG = "!#$%^@"
_TYPED = lazy.compile(r"[\w@!#$%^&*+-]+")


def doubtful(value: str, *, login: bool) -> bool:
    """Whether a value is one where a sentence, a call or a name of two meanings speaks of it.

    `login`: a literal in a call that signs in or signs, which is no sentence.
    """
    share, digits = letters.share(value), any(map(str.isdigit, value))
    mixed = literal.classes(value) > 1 and not literal.has_filler(value)
    name = literal.is_identifier(value)
    if login and share >= 0.9 and len(value) >= 12 and not literal.has_filler(value):
        return True  # as providers of mail make them: 16 small letters
    if login and mixed and ((literal.classes(value) > 2 and share >= 0.5 and not name) or (digits and share >= 0.65)):
        return True
    strong = any(sign in value for sign in _STRONG) and "/" not in value
    if login and mixed and literal.classes(value) > 2 and digits and share >= 0.4 and strong and not name:
        return True  # as people make them: `Winter2020!`
    return mixed and ((digits and share >= 0.6 and not name) or share >= 0.85)


def password(value: str, where: str, *, assigned: bool, typed: bool) -> bool:
    """Passwords are typed by people: a name with a number is one, or a number, but not in a test.

    `assigned`: a literal given to a name, or in a file of settings; `typed`: one that may be a word.
    """
    share = letters.share(value)
    classes = literal.classes(value)
    if where in place.EXAMPLES:
        if value.isupper() and value.isalpha():
            return False  # --password=DATEI
        return (share >= 0.72 and len(value) >= 6 and (classes > 1 or share >= 0.88)) or (
            share >= 0.6 and len(value) >= 8 and classes >= 3 and not literal.has_filler(value)
        )
    if literal.has_filler(value, typed=assigned):
        if assigned and literal.is_varied(value):
            return True
        return share >= 0.78 and len(value) >= 10
    if value.isdigit():
        return len(value) >= (4 if assigned else 6) and (assigned or share >= 0.55)
    if share >= 0.72 and (len(value) >= 5 or classes > 1):
        return _no_name(value, share)
    if classes > 1 and (not literal.is_identifier(value) or (assigned and any(map(str.isdigit, value)))):
        return len(value) >= 6
    return typed and literal.is_plain_word(value)


def secret(value: str, where: str, kind: str, *, setting: bool) -> bool:
    """Secrets and tokens are drawn, or typed so that they look strong; in settings names of others look like them."""
    classes = literal.classes(value)
    if len(value) < 8 or (classes < 2 and len(value) < LONG):
        return False
    share = 1.0 if digest.is_prefixed_hex(value) else letters.share(value)
    if literal.has_filler(value) and share < 0.85:
        return False
    if where in place.EXAMPLES:
        return share >= 0.74 and len(value) >= 12 and classes > 1
    if share >= 0.72:
        return _no_name(value, share)
    if _looks_strong(value):
        return True
    return setting and kind != "token" and share >= 0.55 and classes > 1 and not literal.is_identifier(value)


def signs(value: str, where: str) -> bool:
    """What frameworks sign with is often typed: `app.secret_key = "whiteKnight"`."""
    if where in place.EXAMPLES:
        return False
    if _looks_strong(value) or (len(value) >= LONG and literal.is_own_word(value)):
        return True
    if len(re.split(r"[-_]", value)) >= 4:  # a sentence; names of entries are shorter
        return value[:1].isalpha()
    name = (value[:1].isalpha() or literal.is_numbered(value)) and value.isalnum() and len(value) <= 40
    return name and not literal.is_kind(value) and not literal.has_filler(value)


def _looks_strong(value: str) -> bool:
    """Whether somebody typed a value so that it looks strong: `mySecretKey2026!`, and no chord, query or reference."""
    signed = any(sign in value for sign in _STRONG) and not any(sign in value for sign in "/=+ ")
    return literal.classes(value) == 4 and len(value) >= 12 and signed


_SAYS_KEY = lazy.compile(r"(?i)super|secret|key|jwt|token|^my")


def is_typed_key(value: str, where: str) -> bool:
    """Whether somebody typed a long key to sign with: `GreenCrateSigning2024`.

    Names of Secrets, which stand under the same names in settings, have no capitals (RFC 1123).
    """
    if where in place.EXAMPLES:
        return False
    own = _SAYS_KEY.sub("", value)
    if literal.has_filler(own):
        return False
    return _looks_strong(value) or _is_mixed(own if literal.has_filler(value) else value)


def is_numbered_word(value: str, where: str) -> bool:
    """Whether a secret is a word with a number, as people set one for a telephone or a switch: `juniper1320`."""
    numbered = len(value) >= 8 and value.isalnum() and any(map(str.isalpha, value))
    numbered = numbered and sum(map(str.isdigit, value)) >= 3
    return numbered and where not in place.EXAMPLES and not literal.has_filler(value)


def _is_mixed(value: str) -> bool:
    kinds = (str.islower, str.isupper, str.isdigit)
    mixed = len(value) >= LONG and all(any(map(kind, value)) for kind in kinds)
    digits = sum(map(str.isdigit, value))
    return mixed and digits >= 3 and _TYPED.fullmatch(value) is not None


def is_drawn(value: str) -> bool:
    """Whether a value was drawn from several kinds of characters: a secret under a name that says little as well."""
    kinds = literal.classes(value)
    return 10 <= len(value) <= 64 and kinds > 1 and letters.share(value) >= (0.78 if kinds > 2 else 0.85)


_PLAIN_WORDS = lazy.compile(r"[a-z]+(?:[-_][a-z]+)*")
_STEM = lazy.compile(r"[-_.@#!]?\d*[!@#]*$")


def is_trivial(key: str, value: str) -> bool:
    """Whether a password is one that everybody sets for what runs on their own machine: `postgres`, `admin123`."""
    if _PLAIN_WORDS.fullmatch(value) or (value.isalpha() and letters.share(value) < 0.6):
        return True
    stem = _STEM.sub("", value).lower()
    return stem in keyname.words(key) or literal.is_generic(stem)


def _no_name(value: str, share: float) -> bool:
    """Names with words that nobody knows are built like names: `payments-tls`."""
    parts = share < 0.9 and any(sign in value for sign in "-_./:") and not any(map(str.isdigit, value))
    return not (parts and literal.is_identifier(value))


def key(value: str, where: str, kind: str) -> bool:
    """Bare `key`s are mostly names of entries: only what was surely drawn is one."""
    if len(value) < (24 if where in place.EXAMPLES else LONG) or literal.classes(value) < 2:
        return False
    if digest.is_digest(value) and kind == "key":
        return False
    return letters.share(value) >= (0.78 if kind == "key" else 0.72)


def is_given(name: str, value: str) -> bool:
    """Whether a variable of the environment sets a password to a word: it is no label, as its echo is elsewhere."""
    return name.isupper() and value != name.lower() and (literal.is_weak_word(value) or literal.is_own_words(value))
