"""Texts that stand in for a secret: written to be replaced, or a dictionary word. Pure.

A placeholder is made of words (`your-api-key-here`), of one repeated sign (`xxxx`), of brackets (`<token>`) or cut
short (`ghp_...`). A random text that happens to hold such a word is none: `example` in the host of a URL says nothing.
"""

from __future__ import annotations

import re

from hooks import lazy
from hooks.randomness import looks_random

_WORD = lazy.compile(
    r"(?<![a-z])(?:change(?:[-_ ]?(?:me|this|it))?|replace(?:[-_ ]?(?:me|this|with|by))?|your|my[-_ ]own|insert|example"
    r"|sample|todo|tbd|fixme|redacted|removed|masked|censored|hidden|fill|enter|put|provide|paste|override|some|here"
    r"|foobar|lorem|fake|mock|unset|unused|(?:to|will)[-_ ]be[-_ ]\w+"
    r"|not[-_ ]?(?:a[-_ ]?)?(?:set|used|needed|real|secret)"
    r"|base64[-_ ]?encoded|(?:auto[-_ ]?)?generated?)(?![a-z])"
    r"|changeme|change[-_]me|replaceme|yourpassword|yoursecret|placeholder|dummy|pleasechange"
    r"|^(?:set|update|override|add)[-_ ]?me\b|^use[-_ ]a?[-_ ]?(?:strong|long|secure|random)\b"
    r"|^(?:managed|injected|provided|supplied|filled|created)[-_ ]by\b|^(?:stored|kept|lives)[-_ ]in\b"
)
# `if_you_see_this_please_use_k8s`: asks whoever reads it to do something.
_ASKS = lazy.compile(
    r"(?:^|.*[-_ .])please[-_ .](?:add|ask|change|check|contact|enter|fill|fix|provide|put|read|see|set|update|use)"
    r"(?![a-z]).*",
    re.DOTALL,
)
_WORDS = lazy.compile(
    r"[a-z]+(?:[-_ .:/,'!()=+]+[a-z]+|[-_ .:/]*\d{1,3}(?!\d)(?:chars?|bytes?|bits?)?)*[-_ .:/!?)\d]{0,4}"
)
_ANGLES = lazy.compile(r"[\"']?<[^<>\n]{1,200}>[\"']?")
_REPEATED = lazy.compile(r"(.)\1{2,}|[*x.X_# -]{3,}")
_SHORTENED = lazy.compile(r"\.{3,}|…|\*{4,}|[xX]{6,}|<[A-Za-z][-\w ]*>")
_WELL_KNOWN = lazy.compile(
    r".*EXAMPLE(?:KEY|TOKEN)?"
    r"|[a-z]?(?:sk|pk|ak|key|token|api)[-_](?:test|dummy|fake|mock|local|dev)(?:[-_](?:key|\d{1,4}))?"
    r"|(?:[a-zA-Z]{2,8}[-_]){0,3}(?:a1b2c3d4|1a2b3c4d)[\w-]*"
    # the secret of AWS's documentation with any end, and UUIDs of one digit
    r"|wJalrXUtnFEMI[/+]K7MDENG[/+]bPxRfiCY\w*|([0-9a-f])\1{7}-(?:\1{4}-){3}\1{11}[0-9a-f]"
    # keys that emulators of Azure have, the same for everybody
    r"|Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1[\w+/]{54}={2}|C2y6yDjf5/R\+ob0N8A7Cgv30VRDJIWEHLM[\w+/]{50,56}={0,2}"
    r"|(?:0123456789|1234567890|abcdef|ABCDEF|deadbeef|cafebabe)+\w{0,6}",
    re.DOTALL,
)
# `your password` in other languages: no program is told it, whoever reads it is to fill it in.
_FOREIGN = lazy.compile(
    r"(?:(?:tu|su|sua|seu|tua|minha|la|mi|mon|ton|votre|dein|deine|ihr|ihre|mein|meine|jouw|mijn|il|mio|tuo|moje"
    r"|twoje)[-_ ]?)*"
    r"(?:contrase(?:n|[^a-z]{1,2})a|clave|senha|passwort|kennwort|wachtwoord|paswoord|mot[-_ ]?de[-_ ]?passe|parola"
    r"|has[lł]o|heslo|lozinka|salasana|[sş]ifre|пароль|密码|密碼|パスワード|비밀번호)"
    r"(?:[-_ ]?(?:aqu[ií]|ici|hier))?"
)
_DRAWN = 0.76
_DICTIONARY = """
    password passwort passw0rd password1 password123 pass secret s3cr3t p@ssw0rd supersecret topsecret secretpassword
    mypassword mysecret mysecretpassword admin admin123 administrator root toor test testing user guest default demo
    dev postgres postgresql mysql mariadb redis mongo mongodb rabbitmq minio minioadmin grafana keycloak foo bar baz
    qwerty
    letmein welcome hello world local localhost token key apikey changeit 1234 12345 123456 1234567 12345678 123456789
"""
_DICTIONARY_WORDS = frozenset(_DICTIONARY.split())


def is_placeholder(bare: str) -> bool:
    """Whether a text was written to be replaced."""
    if _REPEATED.fullmatch(bare) or _WELL_KNOWN.fullmatch(bare[:200]):
        return True
    if _ANGLES.fullmatch(bare) and not _is_strong(bare.strip("\"'<>")):
        return True
    if len(bare) <= 100 and _SHORTENED.search(bare):
        rest = _SHORTENED.sub("", bare)
        if not (looks_random(rest) or _is_strong(rest)):
            return True
    low = bare.lower().strip("\"'`[]{}()<>%$*~ ")
    if "please" in low and len(low) <= 120 and _ASKS.fullmatch(low):
        return True
    if len(low) <= 40 and _FOREIGN.fullmatch(low):
        return True
    return len(low) <= 120 and _WORDS.fullmatch(low) is not None and _WORD.search(low) is not None


def _is_strong(text: str) -> bool:
    """Whether what is left without the signs of a placeholder is a password of its own: drawn, from all kinds."""
    kinds = (str.islower, str.isupper, str.isdigit)
    if not 10 <= len(text) <= 64 or not all(any(map(kind, text)) for kind in kinds):
        return False
    from hooks.letters import share

    return share(text) >= _DRAWN


def is_dictionary_word(bare: str) -> bool:
    """Whether a text is what people type when they have to type some password."""
    return len(bare) < 4 or bare.lower() in _DICTIONARY_WORDS
