"""Whether a name and its value are a credential: what the name says, how the value was made, where both stand. Pure.

Three questions, each of them open to doubt, and the doubts add up. The name says which kind of credential it would be
(`hooks.keyname`). The value says by its form that it is something else (`hooks.value`, `hooks.literal`), or by its
letters how likely people wrote it and no generator (`hooks.letters`). The path says how common lookalikes are there
(`hooks.place`): tests and documentation hold passwords made of words that open nothing, settings hold those that do.
"""

from __future__ import annotations

import functools
import re

from hooks import embedded, keyname, lazy, letters, literal, place
from hooks.rule import Rule
from hooks.structure.pair import Pair
from hooks.value import Verdict
from hooks.value import judge as verdict_of

_REMEMBERED = 200
"""Characters of a value whose rule is kept."""
_ROTATE = "change it where it is used, then hand the new one over sealed: `sealer set`"

PASSWORD = Rule("generic-password", "a password under a name that says so", remediation=_ROTATE)
API_KEY = Rule("generic-api-key", "a key of an interface, or one to sign or encrypt with", remediation=_ROTATE)
SECRET = Rule("generic-secret", "a secret under a name that says so", remediation=_ROTATE)
TOKEN = Rule("generic-token", "a token that lets in whoever holds it", remediation=_ROTATE)
URL = Rule("basic-auth-url", "a URL with a password in it", remediation=_ROTATE)
CONNECTION = Rule("connection-string-password", "a password in a connection string", remediation=_ROTATE)
HEADER = Rule("authorization-header", "credentials in an Authorization header", remediation=_ROTATE)

RULES = {rule.id: rule for rule in (PASSWORD, API_KEY, SECRET, TOKEN, URL, CONNECTION, HEADER)}
_BY_KIND = {
    "password": PASSWORD,
    "api-key": API_KEY,
    "secret": SECRET,
    "token": TOKEN,
    "key": API_KEY,
    "salt": SECRET,
    "drawn": SECRET,
}

# What reads as a sentence, or as a sign-in, is one only if the value can be nothing else; so with `pass` and `pwd`.
_DOUBTFUL = frozenset(("said", "login"))
_DRAWN = frozenset(("key", "salt", "drawn"))
_LONG = 16
"""Characters of what is surely drawn, where letters of one kind count as well."""
_SHORTEST_WPA = 8
"""Characters of a passphrase of a wireless network (IEEE 802.11i); no text that is shown tells anybody one."""
_STRONG = "!#$%^@"
_AMBIGUOUS = frozenset(("pass", "pwd", "pw"))
_SETTING_FORMATS = frozenset(("yaml", "json", "toml", "ini", "env", "xml", "hcl", "properties", "shell"))

_FALLBACK = lazy.compile(r"\$\{[A-Za-z_][\w.]*(?::-?|-)(?![?+=])([^{}$]+)\}")
# "appid=x", as it will stand in a URL
_PARAMETER = lazy.compile(r"[&?]?(?i:app_?id|api_?key|apikey|access_?token|token|key)=(?=[0-9A-Za-z_-]{16,}$)")
_IS_CONNECTION = lazy.compile(
    r"(?:server|data source|host|user id|uid|username|user|database|initial catalog|endpoint|accountname|dbname)\s*=",
    re.IGNORECASE,
)


def judge(pair: Pair, path: str) -> Rule | None:
    """The rule that a pair breaks in the file at a path, or none."""
    return judge_in(pair, place.of(path))


def judge_in(pair: Pair, where: str) -> Rule | None:
    """The rule that a pair breaks in a kind of place (`hooks.place`), or none."""
    size = len(pair.value)
    if not 4 <= size <= 5000:
        return None
    # Names above a key seldom say anything: without them the answer is known for all maps of a list.
    path = pair.path if pair.where == "argument" or pair.key.lower() in _TOLD_ABOVE or pair.key.isdigit() else pair.key
    rule = _known if size <= _REMEMBERED and len(path) <= _REMEMBERED else _rule
    return rule(pair.key, path, pair.value, pair.quoted, pair.where, where)


def _rule(key: str, path: str, value: str, quoted: bool, form: str, where: str) -> Rule | None:
    pair = Pair(key, path, value, 1, 1, quoted, form)
    value = value.strip("\r\n") if pair.where in _SETTING_FORMATS else value
    if value.startswith("${") and (other := _FALLBACK.fullmatch(value)):
        pair, value = Pair(key, path, other[1], 1, 1, False, "prose"), other[1]
    if pair.quoted and (parameter := _PARAMETER.match(value)):
        value = value[parameter.end() :]
    if pair.where == "keypair":
        return API_KEY
    if where in (place.COPY, place.INSTALLED):
        return None
    if "://" in value and embedded.url(value, where):
        return URL
    if pair.where == "connection":
        return CONNECTION if embedded.lets_in(value, where) or embedded.is_number(value, where) else None
    if "=" in value and ";" in value and _IS_CONNECTION.search(value):
        return CONNECTION if embedded.connection(value, where) else None
    if pair.where == "header" or _is_authorization(pair.key):
        return HEADER if embedded.header(value, where) else None
    return _named(pair, value, where) or _hidden(pair, value, where)


_known = functools.lru_cache(maxsize=1 << 12)(_rule)  # the same value is told again by each version of its file


def _named(pair: Pair, value: str, where: str) -> Rule | None:
    kind = keyname.kind(pair.key) or (keyname.kind(_behind(pair.path)) if _is_nameless(pair.key) else "")
    if kind == "key" and pair.key.lower() == "key" and keyname.holds_key(pair.path):
        kind = "secret"
    if not kind or _is_short(pair, value, kind) or _is_none(pair, value, where, kind):
        return None
    stored = pair.where in _SETTING_FORMATS or pair.where == "git-credentials" or pair.quoted
    if where in (place.STORE, place.SEED) and kind == "password" and stored and not keyname.is_digest(pair.key):
        return PASSWORD  # whatever it is, the program lets in with it
    if pair.where == "taken" and where not in place.EXAMPLES:  # its position says what it is
        return None if literal.is_stand_in(value) else _BY_KIND[kind]
    real = pair.where in _SETTING_FORMATS and where not in (*place.EXAMPLES, place.PIPELINE)
    real = real or (pair.where == "code" and pair.quoted and where == place.SETTINGS)
    if kind == "password" and real and _is_given(pair.key, value):
        return PASSWORD
    setting = pair.where in _SETTING_FORMATS or where in place.IN_USE
    if literal.echoes(pair.key, value) or _says_other(pair.key, value, where, setting=setting):
        return None
    return _BY_KIND[kind] if _is_sure(pair, value, where, kind, setting=setting) else None


def _hidden(pair: Pair, value: str, where: str) -> Rule | None:
    """What settings hide a password in, base64, hides it from nobody: it is judged as what it says."""
    if pair.where not in _SETTING_FORMATS or where not in place.IN_USE or keyname.kind(pair.key) != "password":
        return None
    said = literal.decoded(value)
    return _named(pair, said, where) if said is not None and literal.classes(said) > 2 else None


def _is_short(pair: Pair, value: str, kind: str) -> bool:
    """Whether a value is too short for its kind, so that nothing else of it matters: what `_is_sure` asks, in short."""
    if kind == "password" or pair.where in _DOUBTFUL or len(value) >= _LONG:
        return False
    if kind in _DRAWN:
        return True
    return (len(value) < 8 or literal.classes(value) < 2) and not keyname.signs(pair.key)


def _is_none(pair: Pair, value: str, where: str, kind: str) -> bool:
    """Whether a name or a value says by its form that this is no credential."""
    if kind == "drawn" and (where != place.CODE or pair.where != "code" or not pair.quoted):
        return True
    if keyname.is_public(pair.key) or literal.is_no_secret(value, quoted=pair.quoted):
        return True
    if (said := literal.decoded(value)) is not None and verdict_of(pair.key, said) < Verdict.WEAK:
        return True
    if keyname.is_digest(pair.key) and literal.is_hashed(value):
        return True
    if keyname.is_signer(pair.key) and literal.is_fingerprint(value):
        return True
    # Of what stands in hex behind 0x, only a key that is called one is none of a chain's addresses and hashes.
    if kind in ("token", "salt", "drawn", "key") and literal.is_on_chain(value):
        return True
    return verdict_of(pair.key, value) < Verdict.WEAK


def _is_sure(pair: Pair, value: str, where: str, kind: str, *, setting: bool) -> bool:
    """Whether a value is likely enough to be the credential that its name speaks of."""
    # A literal that is assigned to a name, if the name does not say what went wrong with a credential.
    assigned = _is_assigned(pair) and not keyname.is_event(pair.key)
    if pair.where in _DOUBTFUL or (pair.key.lower() in _AMBIGUOUS and not setting):
        return _doubtful(value, login=pair.where == "login" and where not in place.EXAMPLES) or (
            (assigned or (pair.where == "login" and kind == "secret"))
            and where not in place.EXAMPLES
            and literal.is_numbered(value)
            and not literal.has_filler(value)
        )
    if literal.is_uuid(value):
        return kind in ("password", "api-key", "token", "secret") and where in (*place.IN_USE, place.CODE)
    if kind == "password":
        if keyname.words(pair.key)[-1:] == ("psk",) and len(value) < _SHORTEST_WPA:
            return False  # a modulation of signals
        own = (
            pair.where in _SETTING_FORMATS and where not in place.EXAMPLES and keyname.words(pair.key)[-1:] != ("key",)
        )
        if own and literal.is_own_word(value):
            return True
        if assigned and where not in place.EXAMPLES and keyname.is_of_network(pair.key) and len(value) >= _SHORTEST_WPA:
            return not literal.has_filler(value)
        # A word in quotes that is assigned to a password; labels begin with a capital.
        typed = assigned and (pair.where in _SETTING_FORMATS or value.islower())
        return _password(value, where, assigned=assigned or setting, typed=typed)
    if kind in _DRAWN:
        return _key(value, where, kind)
    signs = assigned and (pair.where == "code" or pair.key.isupper()) and keyname.signs(pair.key)
    return _secret(value, where, kind, setting=setting) or (signs and _signs(value, where))


def _says_other(key: str, value: str, where: str, *, setting: bool) -> bool:
    """Whether a value is an example of base64, a code of what went wrong, or a label."""
    if (where in place.EXAMPLES and literal.hides_short(value)) or (value.isdigit() and keyname.is_event(key)):
        return True
    return literal.is_label(value) and (not setting or where == place.LABELS)


def _is_given(name: str, value: str) -> bool:
    """Whether a variable of the environment sets a password to a word: it is no label, as its echo is elsewhere."""
    return name.isupper() and value != name.lower() and literal.is_weak_word(value)


def _is_assigned(pair: Pair) -> bool:
    if pair.where == "argument":
        # setProperty("spring.datasource.password", "x1"): a number is no label
        numbered = pair.path.count(".") > 1 and any(map(str.isdigit, pair.value))
        return numbered or keyname.words(pair.key)[:1] == ("set",)
    return pair.where in _SETTING_FORMATS or (pair.where == "code" and pair.quoted)


def _doubtful(value: str, *, login: bool) -> bool:
    """`login`: a literal in a call that signs in or signs, which is no sentence."""
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


def _password(value: str, where: str, *, assigned: bool, typed: bool) -> bool:
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


def _secret(value: str, where: str, kind: str, *, setting: bool) -> bool:
    classes = literal.classes(value)
    if len(value) < 8 or (classes < 2 and len(value) < _LONG):
        return False
    share = 1.0 if literal.is_prefixed_hex(value) else letters.share(value)
    if literal.has_filler(value) and share < 0.85:
        return False
    if where in place.EXAMPLES:
        return share >= 0.74 and len(value) >= 12 and classes > 1
    if share >= 0.72:
        return _no_name(value, share)
    if _looks_strong(value):
        return True
    return setting and kind != "token" and share >= 0.55 and classes > 1 and not literal.is_identifier(value)


def _signs(value: str, where: str) -> bool:
    """What frameworks sign with is often typed: `app.secret_key = "whiteKnight"`."""
    if where in place.EXAMPLES:
        return False
    if _looks_strong(value) or (len(value) >= _LONG and literal.is_own_word(value)):
        return True
    if len(re.split(r"[-_]", value)) >= 4:  # a sentence; names of entries are shorter
        return value[:1].isalpha()
    name = (value[:1].isalpha() or literal.is_numbered(value)) and value.isalnum() and len(value) <= 40
    return name and not literal.is_kind(value) and not literal.has_filler(value)


def _looks_strong(value: str) -> bool:
    """Whether somebody typed a value so that it looks strong: `mySecretKey2026!`, and no chord, query or reference."""
    signed = any(sign in value for sign in _STRONG) and not any(sign in value for sign in "/=+ ")
    return literal.classes(value) == 4 and len(value) >= 12 and signed


def _no_name(value: str, share: float) -> bool:
    """Names with words that nobody knows are built like names: `payments-tls`."""
    parts = share < 0.9 and any(sign in value for sign in "-_./:") and not any(map(str.isdigit, value))
    return not (parts and literal.is_identifier(value))


def _key(value: str, where: str, kind: str) -> bool:
    """Bare `key`s are mostly names of entries: only what was surely drawn is one."""
    if len(value) < (24 if where in place.EXAMPLES else _LONG) or literal.classes(value) < 2:
        return False
    if literal.is_digest(value) and kind == "key":
        return False
    return letters.share(value) >= (0.78 if kind == "key" else 0.72)


def _is_authorization(key: str) -> bool:
    return keyname.words(key)[-1:] in (("authorization",), ("authentication",))


_NAMELESS = frozenset(("value", "default", "val", "plain", "", "defaultvalue"))
_TOLD_ABOVE = _NAMELESS | {"key"}


def _is_nameless(key: str) -> bool:
    return key.lower() in _NAMELESS or key.isdigit()


def _behind(path: str) -> str:
    """The last name of a path that says something: of `db.password.default`, `password`."""
    for name in reversed(re.split(r"[.\[\]/]+", path)):
        if not _is_nameless(name):
            return name
    return ""
