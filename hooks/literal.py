"""What a literal is when it is no secret, by its form: code, formats, labels, identifiers, digests, fillers. Pure."""

from __future__ import annotations

import binascii
import re

from hooks import keyname, lazy, letters
from hooks.placeholder import is_dictionary_word
from hooks.randomness import looks_random

_CODE = lazy.compile(
    r".*(?:\w\(|\(\)|\)\s*$|->|::|=>|\+\+|&&|\|\||\?\?|\?\.|\[\w*\]|[a-z_]\w*\[['\"\d])"
    r"|[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+\??;?|[A-Za-z]\w*=[A-Za-z]*"
    r"|(?:new|await|return|function|lambda|typeof|null|nil|this|self|process|os|System|Environment|config|settings)\b"
    r"[. (].*"
    r"|-{1,2}[a-z][a-z-]+(?:=\S*)?",
    re.DOTALL,
)
_FORMAT = lazy.compile(
    r".*(?:%[A-Za-z][^%]{0,2}%[A-Za-z]|%[-+#0]?\d*[sdvxqfu@](?![A-Za-z0-9])|%\(\w+\)[sd]|\$\d\b|\\\(|@\{)", re.DOTALL
)
_HOLE = lazy.compile(r".*(?:\{\d*\}|\{[A-Za-z_][\w.:!\[\]]*\}|\$\{|#\{|\{\{|<%|%>|\$\([A-Za-z])", re.DOTALL)
_VARIABLE = lazy.compile(
    r"\$\{?[A-Za-z_]\w*\}?(?:(?:->|::|[/.:\[-]).*)?|%[A-Za-z_]\w*%|%~\w+|:[a-z_]+|\?|&[a-z]+|\*[a-z]+|@[a-z]+(?:\.\w+)*"
)
_REGEX = lazy.compile(
    r"\^.*|.*(?:\\[dwsDWSb]|\[\^|\[[a-zA-Z0]-[zZ9]|\.\*|\.\+|\(\?|\{\d+,\d*\}|\)\+|\]\+).*", re.DOTALL
)
_SURE_REGEX = lazy.compile(r".*(?:\(\?[:=!<P]|\[[^\]]*\][+*?]|\\[wWsSdDbB][+*\]]|%s[\])]).*", re.DOTALL)
_MARKUP = lazy.compile(
    r"</?[A-Za-z!][^>]*>?.*|&[a-z]+;.*|#(?:[0-9a-fA-F]{3,8}|[a-zA-Z]+(?:-[a-zA-Z]+)*)|\.[a-z]+(?:-[a-z]+)*|[\w-]+\\f[A-Z]",
    re.DOTALL,
)
_PATH = lazy.compile(
    r"(?:[A-Za-z]:\\|\\\\|~?/|\.{1,2}/)[^\s]*|(?:[\w@.-]+/)+[\w.-]+\.\w{1,8}|[\w.-]+\.(?:json|ya?ml|txt|pem|crt"
    r"|key|cer|p12|pfx|jks|php|py|js|ts|html?|xml|md|go|java|rb|sh|conf|cfg|ini|db|sql|log|com|org|net|io)"
)
_ADDRESS = lazy.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?|(?:[0-9a-fA-F]{1,4}:){1,7}(?::[0-9a-fA-F]{1,4}){1,7}|(?:https?|ftp|wss?|file|urn|arn|s3|gs|data"
    r"|mailto|tel)[:].*|\w+://\S*"
)
_NUMBERED = lazy.compile(
    r"[v^~<>=]{0,3}\d+(?:[.,:/-]\d+)+(?:[-+.]?\w{1,8})?-?|0x[0-9a-fA-F_]{1,12}[uUlL]*|-?\d{1,3}(?:_\d{3})*|dword:[0-9a-fA-F]{8}"
    r"|\d{4}-\d\d-\d\dT?[\d:.]*Z?|\d+\.(?:second|minute|hour|day|week|month|year)s?(?:\.\w+)?"
)
_NAMED_DIGEST = lazy.compile(r"(?:sha\d{1,3}|md5|blake2\w?|integrity)[-:=].*|SHA256:.*", re.IGNORECASE)
_ALGORITHM = lazy.compile(
    r"(?:AES|RSA|HMAC|SHA|HS|RS|ES|PS|DES|EC|ED|PBKDF|MD|BLAKE|secp|scram-sha"
    r"|argon)[-_/]?\d{1,4}[a-z]?\d?(?:[-_/]\w{2,10}){0,4}|X\d{3,5}"
    r"|ssh-[a-z]+|ecdsa-[a-z]+\S*|x-[a-z]+(?:-[a-z]+)*|BCrypt|scrypt|HKDF|utf-?\d+(?:[-_]?[bl]e)?|latin-?1|ascii|base\d\d"
    r"|\w+[-_](?:sha|aes|md|rsa)[-_]?\d+|\w*hmac[-_]?(?:sha|md)[-_]?\d+\w*",
    re.IGNORECASE,
)
_PUBLIC = lazy.compile(
    r"pk[_.](?:test|live)_.*|ssh-(?:rsa|ed25519|dss) .*|-----BEGIN .*|AAAA[BEC][A-Za-z0-9+/]{40,}.*", re.DOTALL
)
_DER = lazy.compile(r"M[A-Z][A-Za-z0-9+/\\nr]{30,}={0,2}")
# required|string|min:8, as forms are validated
_CHOICES = lazy.compile(r"[a-z_]+(?:[:=][\w.,]+)?(?:\|[a-z_]+(?:[:=][\w.,]+)?)+")
_ESCAPES = lazy.compile(r"(?:.*\\+(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|\d)){2}", re.DOTALL)
_BASE64 = lazy.compile(r"[A-Za-z0-9+/]{6,}={0,2}")
_FILLER = lazy.compile(
    r"(?:example|sample|dummy|placeholder|change|replace|your|fake|mock|foo(?![a-z])|foobar|lorem|insert|redacted"
    r"|todo|fixme"
    r"|(?<![a-z])some|test|testing|demo|(?<![a-z])here|(?:goes|value|key|code|text|string|put|id)here"
    r"|invalid|wrong|incorrect|bogus|xxx|\*\*\*|\.\.\.|bad(?![a-z])"
    r"|secret|password|passwd|passwort|token|api[-_]?key|credential"
    r"|correct(?:[-_ ]?(?:pass|key|secret|token|value)|$)|hidden|masked|default|undefined|blah"
    r"|whatever|nope|senha|contrase|geheim|kennwort|wachtwoord|secreto|segredo|mot[-_ ]?de[-_ ]?passe)"
)
_SELF = lazy.compile(r"secret|password|passwd|passwort|passw0rd|senha|kennwort|wachtwoord|secreto|segredo|pass$")
_GENERIC = keyname.word_set(
    "admin administrator client database dbuser mysql mariadb postgres postgresql mongo mongodb redis rabbitmq root",
    "mysqlroot server site strong secure super that this those very long random new old current confirm reset forgot",
    "forgotten update unsafe insecure shared common simple initial temporary temp weak good safe real plain",
)
_WEAK_WORD = lazy.compile(r"[a-z][a-z0-9]{3,39}")
_WEAK_WORDS = lazy.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
# Rows of keys: nobody draws them, and many type them for a password.
_ROW = lazy.compile(r"12345|abcd(?:e|123)|asdf|qwerty")
_IDENTIFIER = lazy.compile(
    r"[A-Za-z_][A-Za-z_]*(?:[-_.:/][A-Za-z_]+)*\d{0,2}|[a-z]+(?:[A-Z][a-z]+)+\d{0,2}"
    r"|(?:[a-z]+\d{0,2}[-_.:/])+[a-z]+\d{0,3}|[A-Z]+(?:_[A-Z0-9]+)+"
)
# 1200px, 12em, 500ms, 2.5GiB
_SIZE = lazy.compile(r"\d{1,5}(?:\.\d{1,3})?(?:px|r?em|pt|v[hw]|ms|[kmg]i?b|min|days|hours)", re.IGNORECASE)
# 1000 * 60 * 30
_ARITHMETIC = lazy.compile(r"\d+(?:[*+/-]\d+)+")
_DOTTED = lazy.compile(r"[a-z]+\.[a-z]{3,}\d+")
_LABEL = lazy.compile(r"[A-Z][a-z]+(?:[-_/ ][A-Za-z][a-z]*)*[:.!?]?")
_PLAIN_WORD = lazy.compile(r"[a-zA-Z]{4,20}\d{0,6}")
_TYPES = keyname.word_set(
    "string str text password passwd pwd pass secret token hidden required optional none null true false boolean",
    "bool int integer number object array any void bytes byte char varchar input field label title default env",
    "vault file prompt plain basic bearer oauth oauth2 digest ldap local internal external system user username",
    "login email name value key type auto android always never manual invalid missing unknown unset empty enabled",
    "disabled yes sensitive confidential plaintext cleartext encrypted hashed obfuscated base64 sha256 md5 bcrypt",
    "scrypt argon2 pbkdf2 credentials credential apikey private public account service session cookie header",
    "files compat nis winbind sss query body form json xml access refresh implicit code grant",
)


def classes(text: str) -> int:
    """How many kinds of characters a text has: lower case, upper case, digits, signs."""
    return (
        any(map(str.islower, text))
        + any(map(str.isupper, text))
        + any(map(str.isdigit, text))
        + any(not c.isalnum() for c in text)
    )


def is_no_secret(value: str, *, quoted: bool) -> bool:
    """Whether the form of a value says that it is something else than a secret."""
    if " " in value or not value.isprintable():  # other blanks are not printable
        return True
    if not value.isascii() and sum(not c.isascii() for c in value) * 3 > len(value):
        return True
    sure = (
        _SURE_REGEX,
        _VARIABLE,
        _MARKUP,
        _PATH,
        _ADDRESS,
        _NUMBERED,
        _NAMED_DIGEST,
        _ALGORITHM,
        _PUBLIC,
        _CHOICES,
        _SIZE,
    )
    if any(form.fullmatch(value) for form in sure):
        return True
    if _HOLE.match(value) or (not quoted and "*" in value and _ARITHMETIC.fullmatch(value)):
        return True
    if len(set(value)) < (3 if value.isdigit() or (value.isalpha() and len(value) == 4) else 4):  # `root` has three
        return True
    if _ESCAPES.match(value) or (_DER.fullmatch(value) and _is_public_der(value)):
        return True
    if _says_words(value):
        return True
    if quoted and _DOTTED.fullmatch(value):
        return False  # no member is called so
    # A text with many signs that was drawn holds a `%s`, a `.*` or a `->` by chance.
    loose = _FORMAT.match(value) or _REGEX.fullmatch(value) or _CODE.fullmatch(value)
    if quoted and value[-1] == ")" and "(" not in value:
        return False  # no call ends so
    return bool(loose or (not quoted and _CODE.match(value))) and (len(value) < 8 or letters.share(value) < 0.78)


def _is_public_der(value: str) -> bool:
    """Whether base64 begins as a public key or a certificate: within the outer SEQUENCE no version number is first."""
    try:
        head = binascii.a2b_base64(value[:16])
    except binascii.Error:
        return False
    if head[:1] != b"\x30":
        return False
    body = head[2 + (head[1] & 0x7F if head[1] & 0x80 else 0) :]
    return body[:1] == b"\x30" or (body[:1] == b"\x02" and body[1:2] != b"\x01")


def hides_short(value: str) -> bool:
    """Whether base64 of a text is one that documents show how to encode with, and none that a generator made."""
    said = decoded(value)
    return said is not None and not looks_random(said)


def decoded(value: str) -> str | None:
    """The text behind base64, if it is one."""
    if len(value) % 4 or not _BASE64.fullmatch(value):
        return None
    said = binascii.a2b_base64(value)
    return said.decode("ascii") if all(32 <= byte < 127 for byte in said) else None


def _says_words(value: str) -> bool:
    """Whether base64 only hides what people wrote: `bm90IG15IHBhc3N3b3Jk`."""
    text = decoded(value)
    if text is None:
        return False
    # Chance yields printable bytes alone in short texts only; a sentence, or words, is what somebody put there.
    return len(text) >= 8 and (" " in text.strip() or letters.share(text) < 0.5)


def has_filler(value: str, *, typed: bool = False) -> bool:
    """Whether a value holds a word that people write where a secret would be.

    `typed`: it is a password that people type, of whom many type a row of keys.
    """
    low = value.lower()
    return _FILLER.search(low) is not None or (not typed and _ROW.search(low) is not None)


def is_own_word(value: str) -> bool:
    """Whether a password is a word of somebody's own and the word for what it is: `acmesecretpassword`."""
    rest = _SELF.sub("", value)
    small = value.isascii() and value.isalnum() and value.islower()
    return small and 4 <= len(rest) < len(value) and rest not in _GENERIC and not (has_filler(rest) or is_kind(rest))


def is_generic(word: str) -> bool:
    """Whether a word in lower case is what a program, a role or a kind of thing is called."""
    return word in _GENERIC or is_kind(word) or is_dictionary_word(word)


_JOINED = lazy.compile(r"[A-Z]?[a-z]+[A-Z]\w*")


def is_joined(value: str) -> bool:
    """Whether a value is words of somebody's own, written as one, and none for a kind of thing: `GreenCrateSG`."""
    if len(value) < 8 or not value.isalpha() or not _JOINED.fullmatch(value) or has_filler(value):
        return False
    parts = [part for part in keyname.words(value) if len(part) >= 4]
    return bool(parts) and not any(map(is_generic, parts))


def is_weak_word(value: str) -> bool:
    """Whether a password is a word that people take for one where it does not matter to them: `password`, `acmedb`."""
    rest = _SELF.sub("", value)
    return _WEAK_WORD.fullmatch(value) is not None and not has_filler(rest) and (rest != value or not is_kind(value))


def is_own_words(value: str) -> bool:
    """Whether a password is words of which one is nobody else's: `nautbek_info`, and not `app_db`."""
    if not _WEAK_WORDS.fullmatch(value) or has_filler(value):
        return False
    parts = value.split("_")
    own = any(len(part) >= 4 and part.isalpha() and part not in letters.vocabulary() for part in parts)
    return own and not any(map(is_generic, parts))


_STAND_IN = lazy.compile(
    r"(?i)(?:my|your|our|some|the|user|new|old|a|hashed)?[-_. ]?(?:user[-_. ]?)?(?:pass(?:word|wd)?|secret|pwd)"
)


def is_stand_in(value: str) -> bool:
    """Whether a value is only a word for what stands there, as documents write it: `my_password`, `MYSQL_PASS`."""
    return _STAND_IN.fullmatch(value) is not None or (value.isupper() and value.replace("_", "").isalpha())


_VARIED = lazy.compile(r"[^\W_]+[@#!$%&*+]?[^\W_]*[@#!$%&*+]*")


def is_varied(value: str) -> bool:
    """Whether a password is a word for one, varied until a rule for passwords was content: `Secret@2011`."""
    varied = classes(value) >= 3 and len(value) >= 8 and any(map(str.isdigit, value)) and _VARIED.fullmatch(value)
    return bool(varied) and not has_filler(_SELF.sub("", value.lower()).replace("test", ""), typed=True)


def is_numbered(value: str) -> bool:
    """Whether a value is letters and digits, as people make a password of a word."""
    return len(value) >= 6 and any(map(str.isdigit, value)) and any(map(str.isalpha, value))


_FORMATTED = lazy.compile(r"%[a-z][^A-Za-z0-9].*", re.DOTALL)


def is_formatted(value: str) -> bool:
    """Whether a text begins as one that a program fills in: `%c^...`; no token has a percent sign in it."""
    return _FORMATTED.fullmatch(value) is not None


def is_identifier(value: str) -> bool:
    """Whether a value reads as a name in code."""
    return _IDENTIFIER.fullmatch(value) is not None


def is_label(value: str) -> bool:
    """Whether a value is written as a label or a name: one capital, then small letters; or not in ASCII at all."""
    return _LABEL.fullmatch(value) is not None or (not value.isascii() and not any(map(str.isdigit, value)))


def is_kind(value: str) -> bool:
    """Whether a value is a word for a kind of thing."""
    return value.lower() in _TYPES


def is_plain_word(value: str) -> bool:
    """Whether a value is one word that somebody typed for a password, and no word for a kind of thing."""
    return _PLAIN_WORD.fullmatch(value) is not None and not is_kind(value)


def echoes(key: str, value: str) -> bool:
    """Whether a value only says its key again, as labels, enums and lists of names do."""
    said = "".join(filter(str.isalpha, value.lower()))
    named = "".join(keyname.words(key))
    if not said:
        return False
    # `admin123` is more than the `admin` of adminPassword.
    if (said in named and (said == named or sum(map(str.isdigit, value)) < 3)) or (
        named and named in said and len(said) <= len(named) + 6 and not any(map(str.isdigit, value))
    ):
        return True
    parts = keyname.words(value)
    return bool(parts) and not any(map(str.isdigit, value)) and all(part in _TYPES for part in parts)
