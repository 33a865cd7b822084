"""Whether a name and its value are a credential: what the name says, how the value was made, where both stand. Pure.

Three questions, each of them open to doubt, and the doubts add up. The name says which kind of credential it would be
(`hooks.keyname`). The value says by its form that it is something else (`hooks.value`, `hooks.literal`), or by its
letters how likely people wrote it and no generator (`hooks.letters`). The path says how common lookalikes are there
(`hooks.place`): tests and documentation hold passwords made of words that open nothing, settings hold those that do.
"""

from __future__ import annotations

import functools
import re

from hooks import digest, embedded, keyname, lazy, likely, literal, place
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
_TAKEN = frozenset(("taken", "hashed"))
_DRAWN = frozenset(("key", "salt", "drawn"))
_SHORTEST_WPA = 8
"""Characters of a passphrase of a wireless network (IEEE 802.11i); no text that is shown tells anybody one."""
_AMBIGUOUS = frozenset(("pass", "pwd", "pw"))
_SETTING_FORMATS = frozenset(("yaml", "json", "toml", "ini", "env", "xml", "hcl", "properties", "shell"))

_FALLBACK = lazy.compile(r"\$\{[A-Za-z_][\w.]*(?::[-=]?|[-=])(?![?+=])([^{}$]+)\}")
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
        value = other[1]
        # What stands in for a variable that nobody set is used as it stands; a plain word there opens what is at hand.
        pair = Pair(key, path, value, 1, 1, False, "prose" if likely.is_trivial(key, value) else form)
    if pair.quoted and (parameter := _PARAMETER.match(value)):
        value = value[parameter.end() :]
    if pair.where == "keypair":
        return API_KEY
    if where in place.UNNAMED:
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
    if not kind and keyname.is_password_of(pair.key) and likely.is_drawn(value):
        pair, kind = Pair("password", pair.path, value, 1, 1, pair.quoted, pair.where), "password"
    if kind == "key" and pair.key.lower() == "key" and keyname.holds_key(pair.path):
        kind = "secret"
    if not kind or _is_short(pair, value, kind) or _is_none(pair, value, where, kind):
        return None
    stored = pair.where in _SETTING_FORMATS or pair.where == "git-credentials" or pair.quoted
    if where in (place.STORE, place.SEED) and kind == "password" and stored and not keyname.is_digest(pair.key):
        return PASSWORD  # whatever it is, the program lets in with it
    if pair.where in _TAKEN and where not in place.EXAMPLES:  # its position says what it is
        return None if literal.is_stand_in(value) else _BY_KIND[kind]
    if pair.where == "hashed" and where == place.TEST:
        return None  # what the test of a hash is given, at random
    real = pair.where in _SETTING_FORMATS and where not in (*place.EXAMPLES, place.PIPELINE)
    real = real or (pair.where == "code" and pair.quoted and where == place.SETTINGS)
    if kind == "password" and real and likely.is_given(pair.key, value):
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
    if kind == "password" or pair.where in _DOUBTFUL or len(value) >= likely.LONG:
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
    if keyname.is_digest(pair.key) and digest.is_hashed(value):
        return True
    if kind == "token" and literal.is_formatted(value):
        return True
    if keyname.is_signer(pair.key) and digest.is_fingerprint(value):
        return True
    # Of what stands in hex behind 0x, only a key that is called one is none of a chain's addresses and hashes.
    if kind in ("token", "salt", "drawn", "key") and digest.is_on_chain(value):
        return True
    return verdict_of(pair.key, value) < Verdict.WEAK


def _is_sure(pair: Pair, value: str, where: str, kind: str, *, setting: bool) -> bool:
    """Whether a value is likely enough to be the credential that its name speaks of."""
    # A literal that is assigned to a name, if the name does not say what went wrong with a credential.
    assigned = _is_assigned(pair) and not keyname.is_event(pair.key)
    if pair.where in _DOUBTFUL or (pair.key.lower() in _AMBIGUOUS and not setting):
        return likely.doubtful(value, login=pair.where == "login" and where not in place.EXAMPLES) or (
            (assigned or (pair.where == "login" and kind == "secret"))
            and where not in place.EXAMPLES
            and literal.is_numbered(value)
            and not literal.has_filler(value)
        )
    if digest.is_uuid(value):
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
        if assigned and where not in place.EXAMPLES and keyname.is_of_service(pair.key) and literal.is_joined(value):
            return True
        # A word in quotes that is assigned to a password; labels begin with a capital.
        typed = assigned and (pair.where in _SETTING_FORMATS or value.islower())
        return likely.password(value, where, assigned=assigned or setting, typed=typed)
    if kind in _DRAWN:
        return likely.key(value, where, kind)
    signs = assigned and (pair.where == "code" or pair.key.isupper()) and keyname.signs(pair.key)
    if likely.secret(value, where, kind, setting=setting) or (signs and likely.signs(value, where)):
        return True
    # Names of Secrets, which look like it, stand in YAML and JSON.
    if kind == "secret" and pair.where in ("ini", "properties") and likely.is_numbered_word(value, where):
        return True
    return assigned and keyname.signs_in(pair.path) and likely.is_typed_key(value, where)


def _says_other(key: str, value: str, where: str, *, setting: bool) -> bool:
    """Whether a value is an example of base64, a code of what went wrong, or a label."""
    if (where in place.EXAMPLES and literal.hides_short(value)) or (value.isdigit() and keyname.is_event(key)):
        return True
    return literal.is_label(value) and (not setting or where == place.LABELS)


def _is_assigned(pair: Pair) -> bool:
    if pair.where == "argument":
        # setProperty("spring.datasource.password", "x1"): a number is no label
        numbered = pair.path.count(".") > 1 and any(map(str.isdigit, pair.value))
        return numbered or keyname.words(pair.key)[:1] == ("set",)
    return pair.where in _SETTING_FORMATS or (pair.where == "code" and pair.quoted)


def _is_authorization(key: str) -> bool:
    return keyname.words(key)[-1:] in (("authorization",), ("authentication",))


_NAMELESS = frozenset(("value", "default", "val", "plain", "", "defaultvalue"))
_TOLD_ABOVE = _NAMELESS | {"key", "secret"}


def _is_nameless(key: str) -> bool:
    return key.lower() in _NAMELESS or key.isdigit()


def _behind(path: str) -> str:
    """The last name of a path that says something: of `db.password.default`, `password`."""
    for name in reversed(re.split(r"[.\[\]/]+", path)):
        if not _is_nameless(name):
            return name
    return ""
