"""What the name of a key says: that its value is a credential, a setting, or nothing. Pure."""

from __future__ import annotations

import functools
import re

from hooks import lazy


def word_set(*lines: str) -> frozenset[str]:
    """The words of some lines."""
    return frozenset(word for line in lines for word in line.split())


_SPLIT = lazy.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_COMPOUND = lazy.compile(
    r"(?:pass(?:word|wd|phrase)|secret|token|apikey|privatekey|accesskey|credential|pwd)s?$"
    r"|^(?:db|my|pg|sql|mysql|root|admin|user|login|mail|smtp|imap|ftp|ssh|http|proxy|wifi|sudo|remote|local|bind|rpc)(?:pass|pwd?)$"
)

# Whatever else the name says, these make it a credential; the second set only as the last word.
_ANYWHERE = word_set(
    "password passwords passwd passwort pwd pass passphrase passcode passkey secret secrets token tokens",
    "apikey psk",
    "requirepass masterauth bindpw rootpw",
    "cred credential credentials creds bearer jwt hmac dsn webhook htpasswd privatekey accesskey secretkey",
)
_LAST = word_set("key keys auth authorization pin otp totp salt pepper cookie license licence pw private keystore")
# `PASSWORD_MIN_LENGTH`, `TOKEN_URL`: about a credential, not one. `MAX_TOKENS`: a number of them.
_ABOUT = word_set(
    "file files path paths name names id ids url uri host hostname port user username length size ttl expiry",
    "expiration expires expire lifetime age timeout days hours minutes seconds enabled disabled type kind",
    "algorithm alg header prefix suffix dir directory count limit max min policy field param issuer audience",
    "version rotation required store provider ref class interval format mode method realm domain region endpoint",
    "address server namespace scope scopes role roles email mail from reset strategy manager backend",
    # names of code: labels and texts of forms, errors, parts of a page, functions
    "label placeholder hint text title message messages msg error errors err regex regexp pattern input element",
    "selector",
    "css icon button btn form page view template tmpl route link href query sql column col table doc docs help tooltip",
    "prompt comment comments note notes validator validation rules rule check checker strength visible visibility show",
    "status exception event action request response callback function func middleware guard attribute attr property",
    "separator delimiter group section option opt flag arg context placement parameter component screen dialog caption",
    "mechanism engine driver plugin module encryption encoder encoding hasher hashing confirm confirmation again "
    "mismatch library class types state states "
    "schema helper handler factory location desc descr description summary purpose verb usage example owner",
)
_AGAIN = word_set("confirmation confirm")
_COUNTED = word_set("max min num")
# Tokens of lists in pages, of languages and of texts let nobody in.
_NO_TOKENS = word_set(
    "next page continuation continue end eof start special pad mask cls sep unk bos eos lex lexer parser syntax "
    "keyword "
    "punctuation operator position pagination sync resume change stop input output"
)
_NO_KEYS = word_set("primary foreign sort partition cache index row hot")
_PLAIN = word_set(
    "username user login host hostname server port name namespace type project region zone bucket database db dbname",
    "schema email mail from address addr domain endpoint url uri path id issuer audience scope scopes enabled insecure",
    "enable ssl tls mode sslmode version env environment level loglevel timezone tz account tenant tenantid clientid",
    "client org organization owner repo repository branch app application service cluster registry proxy engine driver",
    "dialect protocol provider lfs oci size count replicas title description locale language lang",
)
_DRAWN = word_set("nonce iv seed")
_PUBLIC = word_set("public pub publishable anon site")
_BROWSER = ("NEXT_PUBLIC_", "NUXT_PUBLIC_", "EXPO_PUBLIC_", "PUBLIC_", "VITE_", "REACT_APP_", "GATSBY_", "VUE_APP_")
_DIGESTS = word_set("hash hashes checksum checksums digest hexdigest sha md shasum sum fingerprint thumbprint")
_SIGNERS = word_set("gpg pgp release maintainer")
_STRONG = word_set("password passwd pwd passphrase secret private")
_EVENTS = word_set(
    "wrong invalid incorrect bad missing forgot forget forgotten reset change changed update edit empty null blank",
    "no need require expired mismatch unknown short long weak different same repeat retype show hide toggle has is",
)


# `password` in the languages that people name variables in; one that is a part of another word is none: `desenha`.
_FOREIGN = lazy.compile(
    r"(?i:contrase(?:ñ|n)a|passwort|kennwort|wachtwoord|mot_?de_?passe|(?<![a-z])heslo(?![a-z])|(?<![a-z])has[lł]o(?![a-z])"
    r"|пароль|密码|密碼|口令|비밀번호|パスワード)|(?<![a-z])senha|Senha|SENHA"
)
FOREIGN = (
    "senha",
    "contrase",
    "kennwort",
    "wachtwoord",
    "passe",
    "heslo",
    "haslo",
    "hasło",
    "пароль",
    "密码",
    "密碼",
    "口令",
)
"""What such names hold, in lower case."""

ASIAN = ("비밀번호", "비번", "암호", "패스워드", "パスワード", "暗証番号", "密码", "密碼", "口令")
"""`password` as notes in Korean, Japanese and Chinese have it, and what stands between it and the value."""
ASIAN_IS = ("=>", "->", ":", "=", "\uff1a", "는", "은", "は", "是", "为", "為")


@functools.lru_cache(maxsize=4096)
def words(key: str) -> tuple[str, ...]:
    """The words of a name in lower case: `dbPassword`, `DB_PASSWORD2` and `db.password` are the same two."""
    key = _FOREIGN.sub("_password_", key)
    return tuple(word.lower() for word in _SPLIT.findall(key))


def is_credential(key: str) -> bool:
    """Whether the name says that its value is a credential: API_KEY, but not PASSWORD_MIN_LENGTH or PUBLIC_KEY."""
    parts = words(key)
    if len(parts) > 1 and parts[-1] in _AGAIN and parts[-2] in _PASSWORD:
        parts = parts[:-1]
    if (
        not parts
        or parts[-1] in _ABOUT
        or parts[-1].removesuffix("s") in _ABOUT
        or parts[0] in _COUNTED
        or _PUBLIC.intersection(parts)
    ):
        return bool(key.startswith(_BROWSER) and _is_private(parts) and parts[-1] not in _ABOUT)
    if parts[-1].startswith("key") and parts[0] in _NO_KEYS:
        return False
    if parts[-1].startswith("token") and len(parts) > 1 and parts[-2] in _NO_TOKENS:
        return False
    named = _ANYWHERE.intersection(parts) or parts[-1] in _LAST or _COMPOUND.search(parts[-1])
    return bool(named) and (not key.startswith(_BROWSER) or _is_private(parts))


def _is_private(parts: tuple[str, ...]) -> bool:
    """Whether a name says that its value is none of what a page shows to everybody."""
    return not _STRONG.isdisjoint(parts) or parts[-1] == "pass"


def is_plain(key: str) -> bool:
    """Whether the name says that its value is a setting: DB_HOST, username."""
    parts = words(key)
    return bool(parts) and parts[-1] in _PLAIN and not is_credential(key)


def is_public(key: str) -> bool:
    """Whether the name says that its value is for everybody: NEXT_PUBLIC_..., STRIPE_PUBLISHABLE_KEY."""
    return not is_credential(key) and (bool(_PUBLIC.intersection(words(key))) or key.startswith(_BROWSER))


def is_digest(key: str) -> bool:
    """Whether the name says that its value is a hash: passwordSha256, `checksum/secret` of charts."""
    if key.lower().startswith("md5"):
        return True
    if "hashed" in words(key):
        return True
    return any(parts[-1] in _DIGESTS for part in (key, key.partition("/")[0]) if (parts := words(part)))


def is_signer(key: str) -> bool:
    """Whether the name says who signs, which a fingerprint tells: GPG_KEY, not GPG_PRIVATE_KEY or GPG_PASSPHRASE."""
    parts = words(key)
    if parts == ("signingkey",):  # of Git
        return True
    return parts[-1:] == ("key",) and not _SIGNERS.isdisjoint(parts) and _STRONG.isdisjoint(parts)


def is_words(text: str) -> bool:
    """Whether a text reads as words of letters."""
    return re.fullmatch(r"[A-Za-z]+(?:[-_. ][A-Za-z]+)*", text) is not None


_PASSWORD = word_set(
    "password passwords passwd passwort pwd pass passphrase passcode pw userpass psw psk passwrd contrasena senha",
    "requirepass masterauth bindpw rootpw",
)
STRONG_KEYS = word_set(
    "api apikey app access account private secret encryption encrypt signing master license session shared storage",
    "client service consumer deploy admin subscription webhook jwt auth integration crypto cipher cookie aes hmac",
    "security server ssh gpg rsa des primary secondary instrumentation functions function host read write root ingest",
)
_NETWORKS = word_set("wifi wlan wpa ssid hotspot wi")
_KEY_HOLDERS = word_set("jwt crypt signing encryption")
_SIGNS = lazy.compile(
    r"(?i:(?:[a-z]+_)?secret_key(?:_base)?|(?:[a-z]+_)?(?:jwt|session|cookie|token)_secret(?:_key)?)"
    r"|(?:jwt|session|cookie|token)Secret(?:Key)?|secret"
)
_SECRET = word_set(
    "secret secrets secretkey credential credentials creds cred dsn webhook htpasswd privatekey accesskey jwt hmac"
)
_TOKEN = word_set("token tokens bearer auth authorization authentication otp totp authtoken accesstoken")
_ENDS = (
    (lazy.compile(r"(?:pass(?:word|wd|phrase)|passw)s?$|\w(?:pass|pwd?)$"), "password"),
    (
        lazy.compile(r"(?:api|access|private|secret|encrypt(?:ion)?|sign(?:ing)?|app|master|account|pass)key$"),
        "api-key",
    ),
    (lazy.compile(r"(?:secret|credential)s?$"), "secret"),
    (lazy.compile(r"token$"), "token"),
)


# GITHUBKEY, azureFunctionkey; but no animals, no keys of keyboards and of tables, and none for everybody.
_RUN_TOGETHER = lazy.compile(
    r"(?!(?:\w*(?:pub|public|site|cache|sort|primary|foreign|partition|row|index|object|map|hash|lang|msg|message|hot"
    r"|short|form|resource|file|item|event|issue|project|page|mon|tur|don|hoc|joc|whis|lac|dic|mic|ran|dis)key)$)[a-z]{3,20}key"
)
_OF_SERVICE = lazy.compile(
    r"(?:mqtt|broker|db|database|sql|mongo|mongodb|postgres|redis|influx|smtp|mail|email|imap|ftp|ssh|wifi|wlan|ap|ota"
    r"|router|server|host|vpn|proxy|http|telnet|rdp|samba|smb|admin|root|sudo|user|account)[-_.]?(?:pass(?:w(?:or)?d)?|pwd)$"
)
_PASSWORD_OF = lazy.compile(
    r"(?:^|[_\-.])(?:password|passwd|pwd)[_\-.]?(?:(?:for|of|to)[_\-.]\w{2,40}|e?mail|smtp|db|database|host|server|user)$"
)


def is_event(key: str) -> bool:
    """Whether the name says what happens with a credential: WRONG_PASSWORD. Its value is a code of that."""
    return not _EVENTS.isdisjoint(words(key))


def is_of_network(key: str) -> bool:
    """Whether the name says that it is a wireless network's."""
    return not _NETWORKS.isdisjoint(words(key))


def holds_key(path: str) -> bool:
    """Whether what is above a key says what it does: `Jwt.Key`, `crypt.key`."""
    above = path.rpartition(".")[0].rpartition(".")[2]
    return not _KEY_HOLDERS.isdisjoint(words(above))


def signs(key: str) -> bool:
    """Whether the name says that sessions or tokens are signed with the value: SECRET_KEY, JWT_SECRET."""
    return _SIGNS.fullmatch(key) is not None


_SIGNERS_ABOVE = word_set("jwt session cookie token signing")


def signs_in(path: str) -> bool:
    """Whether the names down to a value say that something is signed with it: `jwt.secret`, `app.secretKey`."""
    parts = words(path)
    if "".join(parts[-2:]).endswith("secretkey"):
        return True
    if parts[-1:] == ("key",):
        return not _SIGNERS_ABOVE.isdisjoint(parts[:-1]) and "public" not in parts
    return parts[-1:] == ("secret",) and "client" not in parts


def is_of_service(key: str) -> bool:
    """Whether the name says whose password it is: MQTT_PASSWORD, dbPassword."""
    return _OF_SERVICE.search(key.lower()) is not None


def is_password_of(key: str) -> bool:
    """Whether the name says last what a password is for: password_for_email, password_db."""
    return _PASSWORD_OF.search(key.lower()) is not None


@functools.lru_cache(maxsize=4096)
def kind(key: str) -> str:
    """What kind of credential a name speaks of: password, api-key, secret, token, key (of some sort), salt; or none.

    `drawn`: what programs draw anew each time, and which is a secret only as a literal in code: nonce, iv, seed.
    """
    parts = words(key)
    if parts and parts[-1] in _DRAWN:
        return "drawn"
    if not is_credential(key):
        return "key" if parts and _RUN_TOGETHER.fullmatch(parts[-1]) and _PUBLIC.isdisjoint(parts) else ""
    has = frozenset(parts)
    last = parts[-1]
    if _PASSWORD & has:
        return "password"
    for end, found in _ENDS:
        if end.search(last):
            return found
    if last in ("key", "keys"):
        service = last == "key" and len(parts) > 1 and parts[-2].endswith(("app", "api"))  # hockeyapp_key
        return "api-key" if STRONG_KEYS & has or service else "key"
    if "apikey" in has:
        return "api-key"
    if _SECRET & has:
        return "secret"
    if _TOKEN & has:
        return "token"
    return "salt" if last in ("salt", "pepper") else "key"
