"""Values that their form alone explains: nothing, ciphertext, references, public keys, settings. Pure."""

from __future__ import annotations

import binascii
import re

from hooks import keyname, lazy, letters
from hooks.randomness import looks_random

_DRAWN = 0.85
_MODULUS = range(256, 1025, 64)
"""Sizes of RSA ciphertexts in bytes: those of keys of 2,048 to 8,192 bits."""
_TAG = 16
"""Bytes of the tag of AES-GCM, the shortest ciphertext."""
_SHORTEST = 364
"""Characters of the shortest envelope: 2 + 256 + 16 bytes in base64, of which the last group may be missing."""
_NOTHING = {"", "null", "~", '""', "''", "nil", "none", "undefined", "n/a", "{}", "[]", "-"}
_SEALED = lazy.compile(
    r"ENC(?:\[.*\]|\([\w+/=-]+\))\s*$|\{(?:[A-Za-z0-9+/]{40,}={0,2}|[A-Za-z0-9+/]{12,}={1,2})\}\s*$"
    r"|\$ANSIBLE_VAULT;|age-encryption\.org/|-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE|PKCS7|CMS)-----"
    r"|vault:v\d+:|\{cipher\}|Ag[A-Za-z0-9+/=]{300,}\s*$|v2:[A-Za-z0-9+/=_-]{300,}\s*$",
    re.DOTALL,
)
_REFERENCE = lazy.compile(
    r"<?(?:op|ref\+\w+|vault|secretref\+\w+|awssm|awsps|gcpsm|akvs?|azkv|bao|keyring|keychain|doppler|infisical|file"
    r"|env)://\S*|<(?:path|secret|vault):[^<>]*>|vault:[\w./-]+#\S+|arn:aws[\w-]*:(?:secretsmanager|ssm|kms|iam):\S+"
    r"|projects/[^/\s]+/secrets/\S+|@Microsoft\.KeyVault\(.*\)|!(?:Ref|Sub|GetAtt|ImportValue|vault|secret|env_var)\b.*"
    r"|[\"']?\$(?:[A-Z_][A-Z0-9_]*|[a-z_][a-z0-9_]{2,})[\"']?|\{[A-Za-z_][\w.]*\}|~[A-Z][A-Z0-9_]*~|`[^`\n]+`|%[sv]",
    re.DOTALL,
)
_PUBLIC_BLOCK = lazy.compile(
    r"-----BEGIN ((?:X509 |TRUSTED |NEW )?CERTIFICATE(?: REQUEST)?|(?:RSA |EC |DSA )?PUBLIC KEY|X509 CRL|DH PARAMETERS"
    r"|EC PARAMETERS|PGP PUBLIC KEY BLOCK|SSH2 PUBLIC KEY|PGP SIGNATURE)-----[^-]*-----END \1-----"
)
_SSH_PUBLIC = lazy.compile(
    r"(?:\S+\s+)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+@openssh\.com)\s+AAAA[\w+/=]{20,}.*"
)
_RECIPIENT = lazy.compile(
    r"age1[a-z0-9]{50,}|B[\w-]{86}=?|pk_(?:live|test)_\w+|sha256[:~][A-Fa-f0-9]{64}|[\w-]+\.apps\.googleusercontent\.com"
)
_FLAG = lazy.compile(r"(?i:true|false|yes|no|on|off|enabled|disabled)")
_NUMBER = lazy.compile(r"[-+]?\d{1,6}(?:\.\d+)?(?:ms|s|m|h|d|[kmgKMG]i?[bB]?|%)?")
_PATH = lazy.compile(r"(?:file:)?(?:~|\.{1,2})?/(?:[\w.@%+-]+/)*[\w.@%+-]*|[A-Za-z]:\\[\w\\. -]+")
_HOST = lazy.compile(r"(?:\w[-\w]*\.)*[a-zA-Z][-\w]*(?::\d{1,5})?|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\d+)?")
_PROSE = lazy.compile(r"[\w .,:;/@+'\"()!?&-]{1,200}")
_ACCOUNT = lazy.compile(r"AC[0-9a-f]{32}")
_TIME = lazy.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[-+]\d\d:?\d\d)?)?")
_SUBJECTS = lazy.compile(r"system:[a-z][a-z:.-]*(?:, ?system:[a-z][a-z:.-]*)*")
"""User names and groups that Kubernetes reserves, as bootstrap tokens hold them: system:bootstrappers:NAME."""
_ENVELOPE = lazy.compile(r"A[A-Za-z0-9+/]{2}|BA[A-D]")
_BASE64 = lazy.compile(r"[A-Za-z0-9+/\s]+={0,2}")


def is_nothing(bare: str) -> bool:
    """Whether a value is empty, or a word for it."""
    return bare.lower() in _NOTHING


def is_sealed(bare: str) -> bool:
    """Whether a value is ciphertext: of SOPS, age, PGP, ansible-vault, eyaml, Jasypt, Maven, transit, an envelope."""
    return _SEALED.match(bare) is not None or _is_envelope(bare)


def _is_envelope(bare: str) -> bool:
    """Whether a value has the form of Bitnami's envelope in base64 (schemas/README.md, section 3).

    Two bytes give the length of an RSA ciphertext; behind that stands one of AES-GCM, of a tag at least.
    """
    if len(bare) < _SHORTEST or not _ENVELOPE.match(bare) or not _BASE64.fullmatch(bare):
        return False
    text = "".join(bare.split()).rstrip("=")
    if len(text) < _SHORTEST:
        return False
    size = int.from_bytes(binascii.a2b_base64(text[:4])[:2], "big")
    return size in _MODULUS and len(text) * 3 // 4 >= 2 + size + _TAG


def is_reference(bare: str) -> bool:
    """Whether a value says where the secret is: op://..., ref+vault://..., an ARN, $NAME."""
    return _REFERENCE.fullmatch(bare) is not None


def is_public(bare: str) -> bool:
    """Whether a value is made for everybody: certificates, public keys, known_hosts, recipients."""
    if _RECIPIENT.fullmatch(bare):
        return True
    if "-----BEGIN" in bare:
        rest = _PUBLIC_BLOCK.sub("", bare)
        # Bundles name each certificate in a comment, or say subject and issuer.
        return rest != bare and not any(looks_random(word) for word in rest.split())
    lines = [line.strip() for line in bare.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and all(_SSH_PUBLIC.fullmatch(line) for line in lines)


def is_setting(key: str, bare: str) -> bool:
    """Whether a value is a setting. Under a key that names a credential only flags, paths, times and groups are."""
    if _ACCOUNT.fullmatch(bare) and not {"sid", "account"}.isdisjoint(keyname.words(key)):
        return True  # who asks Twilio, not what lets in
    if _TIME.fullmatch(bare) or _SUBJECTS.fullmatch(bare):
        return True
    if _FLAG.fullmatch(bare) or _PATH.fullmatch(bare):
        # One in 64 of all base64 begins with a slash.
        drawn = keyname.is_credential(key) and bare.count("/") < 3 and letters.share(bare) >= _DRAWN
        return not (looks_random(bare.rpartition("/")[2]) or drawn)
    if keyname.is_credential(key):
        return False
    if _NUMBER.fullmatch(bare):
        return True
    if not keyname.is_plain(key) or "://" in bare or looks_random(bare):
        return False
    return _HOST.fullmatch(bare) is not None or _PROSE.fullmatch(bare) is not None
