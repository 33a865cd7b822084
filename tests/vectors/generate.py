"""Writes the envelope vectors anew:  python -m tests.vectors.generate

An implementation of its own, on purpose: it shares only names (`sealer.formats.binding`) and key files with the
product, takes every random byte from a stream seeded by the vector's name, and can be told to do one thing wrong. One
scenario a file; `expect` is `value`, or the layer that must refuse:

    name        a namespace, name or item that no label or context may be built from
    parse       structure, found without a key
    bind        sealed for another scope, namespace, name or item (v2; public)
    recipient   none of the keys fits
    open        after a private-key operation; one error for every cause

HPKE itself draws its ephemeral key at random, so a new run changes the bytes of v2 files, not what they show.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from sealer.formats.binding import Binding, Scope
from tests.vectors import keys

HERE = Path(__file__).parent / "envelopes"
SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
PLACE = Binding(Scope.STRICT, "payments", "db")
ITEM = "password"
VALUE = b"correct horse"


def main() -> None:
    """Write every vector; files of vectors that are gone are removed."""
    HERE.mkdir(exist_ok=True)
    written = {}
    for vector in [*v1_vectors(), *v2_vectors()]:
        name = f"{vector['format']}-{vector['name']}.json"
        assert name not in written, name
        written[name] = json.dumps({"version": 1, **vector}, indent=2) + "\n"
    for old in HERE.glob("*.json"):
        old.unlink()
    for name, text in written.items():
        (HERE / name).write_text(text)
    print(f"{len(written)} vectors")


def vector(
    form: str, name: str, about: str, text: str, expect: str, *, at: Binding = PLACE, item: str = ITEM,
    value: bytes | None = None, key: tuple[str, ...] = ("reader",),
) -> dict[str, Any]:  # fmt: skip
    """One vector. `key` lists labels of the private keys at hand (tests/vectors/keys.py)."""
    place = {"scope": at.scope.value, "namespace": at.namespace, "name": at.name, "item": item}
    made = {"format": form, "name": name, "about": about, "keys": list(key), "place": place, "text": text}
    return {**made, "expect": expect, **({"value": b64(value)} if value is not None else {})}


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def stream(label: str, size: int) -> bytes:
    return hashlib.shake_256(f"sealer vector {label}".encode()).digest(size)


# --- v1


@dataclass(frozen=True)
class V1:
    """How one v1 envelope is made, right or wrong."""

    label: bytes = PLACE.label()
    value: bytes = VALUE
    session: bytes = stream("v1 session", 32)
    key: str = "reader"
    nonce: bytes = bytes(12)
    aad: bytes | None = None
    oaep: OAEP | None = None
    blob: Callable[[bytes], bytes] = bytes

    def make(self) -> str:
        public = keys.rsa_key(self.key).public.key
        padding = self.oaep or OAEP(MGF1(SHA256()), SHA256(), self.label)
        wrapped = public.encrypt(self.session, padding)  # type: ignore[union-attr, call-arg, arg-type]
        body = AESGCM(self.session).encrypt(self.nonce, self.value, self.aad)
        return b64(self.blob(len(wrapped).to_bytes(2, "big") + wrapped + body))


def flip(position: int) -> Callable[[bytes], bytes]:
    def change(blob: bytes) -> bytes:
        changed = bytearray(blob)
        changed[position] ^= 1
        return bytes(changed)

    return change


def v1_vectors() -> list[dict[str, Any]]:
    form = "v1"
    namespace_wide = Binding(Scope.NAMESPACE_WIDE, "payments", "db")
    cluster_wide = Binding(Scope.CLUSTER_WIDE, None, "db")
    good = V1().make()
    folded = "\n".join(good[i : i + 64] for i in range(0, len(good), 64)) + "\n"

    def refused(name: str, about: str, how: V1, **more: Any) -> dict[str, Any]:
        return vector(form, name, about, how.make(), "open", **more)

    def broken(name: str, about: str, text: str, expect: str = "parse", **more: Any) -> dict[str, Any]:
        return vector(form, name, about, text, expect, **more)

    def opens(name: str, about: str, how: V1, **more: Any) -> dict[str, Any]:
        return vector(form, name, about, how.make(), "value", value=how.value, **more)

    return [
        opens("strict", "strict scope", V1()),
        opens("namespace-wide", "namespace-wide scope", V1(label=b"payments"), at=namespace_wide),
        opens("cluster-wide", "cluster-wide scope without a namespace", V1(label=b""), at=cluster_wide),
        opens("other-item", "v1 does not bind the item: another item opens it", V1(), item="renamed"),
        opens("empty", "an empty value", V1(value=b"")),
        opens("binary", "a value that is not text", V1(value=bytes(range(256)))),
        opens("second-key", "the second key at hand fits", V1(), key=("other", "reader")),
        opens("session-16", "a session key of 16 bytes, as upstream accepts", V1(session=stream("16", 16))),
        opens("session-24", "a session key of 24 bytes, as upstream accepts", V1(session=stream("24", 24))),
        vector(form, "folded", "line breaks in the base64 are skipped", folded, "value", value=VALUE),
        broken("name-slash", "a namespace with a slash would reach into another scope", good, "name",
               at=Binding(Scope.NAMESPACE_WIDE, "payments/db", "db")),
        broken("name-upper", "an upper-case namespace", good, "name", at=Binding(Scope.STRICT, "Payments", "db")),
        broken("name-none", "strict scope without a namespace", good, "name", at=Binding(Scope.STRICT, None, "db")),
        broken("not-base64", "a character outside the alphabet", "*" + good[1:]),
        broken("url-base64", "the URL alphabet", "_-" + good[2:]),
        broken("space", "a space inside", good[:8] + " " + good[8:]),
        broken("no-padding", "base64 without its padding", V1(value=b"1").make().rstrip("=")),
        broken("trailing-bits", "non-zero trailing bits: two texts would mean the same bytes",
               trailing(V1(value=b"1234").make())),
        broken("empty-text", "nothing at all", ""),
        broken("one-byte", "cut off within the length", b64(b"\x01")),
        broken("cut-session", "cut off within the wrapped key", V1(blob=lambda b: b[:200]).make()),
        broken("cut-tag", "no room for a tag", V1(blob=lambda b: b[: 2 + 256 + 15]).make()),
        broken("length-zero", "a length of zero", V1(blob=lambda b: bytes(2) + b[2:]).make()),
        broken("length-long", "a length beyond the end", V1(blob=lambda b: b"\x03\x00" + b[2:]).make()),
        broken("other-size", "sealed to a key of 4,096 bits, the keys at hand have 2,048",
               b64(b"\x02\x00" + stream("4096", 512 + 32)), "recipient"),
        broken("no-key", "no key at hand", good, "recipient", key=()),
        refused("renamed", "sealed for another name", V1(label=b"payments/cache")),
        refused("moved", "sealed for another namespace", V1(label=b"web/db")),
        refused("scope", "sealed strict, read as namespace-wide", V1(), at=namespace_wide),
        refused("other-key", "sealed to another key of the same size", V1(key="other")),
        refused("flip-session", "one bit of the wrapped key", V1(blob=flip(100))),
        refused("flip-body", "one bit of the body", V1(blob=flip(2 + 256 + 3))),
        refused("flip-tag", "one bit of the tag", V1(blob=flip(-1))),
        refused("longer", "a byte after the tag", V1(blob=lambda b: b + b"\0")),
        refused("nonce", "another nonce than zeros", V1(nonce=b"\1" * 12)),
        refused("aad", "additional data", V1(aad=b"payments/db")),
        refused("session-31", "a session key of no AES size", replace_session(31)),
        refused("sha1", "OAEP with SHA-1", V1(oaep=OAEP(MGF1(SHA1()), SHA1(), PLACE.label()))),
        refused("mgf-sha1", "OAEP whose mask generation uses SHA-1",
                V1(oaep=OAEP(MGF1(SHA1()), SHA256(), PLACE.label()))),
    ]  # fmt: skip


def replace_session(size: int) -> V1:
    """An envelope whose wrapped session key is cut to `size` bytes; the body is made with the whole one."""

    @dataclass(frozen=True)
    class Cut(V1):
        def make(self) -> str:
            public = keys.rsa_key(self.key).public.key
            padding = OAEP(MGF1(SHA256()), SHA256(), self.label)
            wrapped = public.encrypt(self.session[:size], padding)  # type: ignore[union-attr, call-arg, arg-type]
            body = AESGCM(self.session).encrypt(self.nonce, self.value, None)
            return b64(len(wrapped).to_bytes(2, "big") + wrapped + body)

    return Cut()


def trailing(text: str) -> str:
    """The same bytes with a non-zero bit behind the last one."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = text.rstrip("=")
    assert body != text
    changed = body[:-1] + alphabet[alphabet.index(body[-1]) ^ 1] + "=" * (len(text) - len(body))
    assert base64.b64decode(changed) == base64.b64decode(text)
    return changed


# --- v2


@dataclass(frozen=True)
class V2:
    """How one v2 envelope is made, right or wrong."""

    context: bytes = PLACE.context(ITEM)
    value: bytes = VALUE
    to: tuple[str, ...] = ("reader",)
    content: bytes = stream("v2 content", 32)
    version: int = 2
    suite: int = 1
    count: int | None = None
    bind: bytes | None = None
    order: Callable[[list[bytes]], list[bytes]] = sorted
    wrap_context: bytes | None = None
    mac_context: bytes | None = None
    mac_header: Callable[[bytes], bytes] = bytes
    padded: Callable[[bytes], bytes] | None = None
    blob: Callable[[bytes], bytes] = bytes
    entry: Callable[[str, bytes], bytes] = field(default=lambda _label, entry: entry)

    def make(self) -> str:
        entries = [self.entry(label, self._entry(label)) for label in self.to]
        entries = self.order(entries)
        bound = self.bind if self.bind is not None else hashlib.sha256(self.context).digest()[:8]
        count = len(entries) if self.count is None else self.count
        header = bytes([self.version, self.suite]) + bound + bytes([count]) + b"".join(entries)
        mac_context = self.mac_context if self.mac_context is not None else self.context
        mac = hmac.digest(hkdf(self.content, b"", b"sealer/v2 mac"), self.mac_header(header) + mac_context, "sha256")
        padded = (self.padded or pad)(self.value)
        body = AESGCM(hkdf(self.content, mac, b"sealer/v2 body")).encrypt(bytes(12), padded, None)
        return "v2:" + b64(self.blob(header + mac + body))

    def _entry(self, label: str) -> bytes:
        public = keys.kem(label).public
        info = self.wrap_context if self.wrap_context is not None else self.context
        return public.id_bytes + SUITE.encrypt(self.content, public.key, info)  # type: ignore[arg-type]


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return hmac.digest(hmac.digest(salt or bytes(32), key, "sha256"), info + b"\x01", "sha256")


def pad(value: bytes) -> bytes:
    framed = len(value).to_bytes(4, "big") + value
    return framed + bytes(-len(framed) % 64)


def v2_vectors() -> list[dict[str, Any]]:
    return [*_v2_good(), *_v2_structure(), *_v2_bound(), *_v2_sealed()]


def _v2(name: str, about: str, how: V2, expect: str, **more: Any) -> dict[str, Any]:
    value = how.value if expect == "value" else None
    return vector("v2", name, about, how.make(), expect, value=value, **more)


def _v2_good() -> list[dict[str, Any]]:
    namespace_wide = Binding(Scope.NAMESPACE_WIDE, "payments", "db")
    cluster_wide = Binding(Scope.CLUSTER_WIDE, None, "db")
    many = (*(f"reader {n}" for n in range(31)), "reader")
    return [
        _v2("strict", "strict scope", V2(), "value"),
        _v2("namespace-wide", "namespace-wide scope", V2(context=namespace_wide.context(ITEM)), "value",
            at=namespace_wide),
        _v2("namespace-wide-renamed", "namespace-wide: the name is not bound",
            V2(context=namespace_wide.context(ITEM)), "value", at=replace(namespace_wide, name="cache")),
        _v2("cluster-wide", "cluster-wide scope without a namespace", V2(context=cluster_wide.context(ITEM)), "value",
            at=cluster_wide),
        _v2("cluster-wide-moved", "cluster-wide: neither namespace nor name is bound",
            V2(context=cluster_wide.context(ITEM)), "value", at=Binding(Scope.CLUSTER_WIDE, "web", "cache")),
        _v2("empty", "an empty value", V2(value=b""), "value"),
        _v2("block-60", "a value that fills its block", V2(value=bytes(60)), "value"),
        _v2("block-61", "a value one byte longer than a block", V2(value=bytes(61)), "value"),
        _v2("binary", "a value that is not text", V2(value=bytes(range(256))), "value"),
        _v2("two-recipients", "two recipients, read by either", V2(to=("reader", "other")), "value", key=("other",)),
        _v2("32-recipients", "as many recipients as there may be", V2(to=many), "value"),
    ]  # fmt: skip


def _v2_structure() -> list[dict[str, Any]]:
    good = V2().make()
    pair = ("reader", "other")

    def broken(name: str, about: str, how: V2 | str) -> dict[str, Any]:
        return vector("v2", name, about, how if isinstance(how, str) else how.make(), "parse")

    return [
        broken("prefix", "an upper-case prefix", "V2:" + good[3:]),
        broken("prefix-only", "a prefix and nothing else", "v2:"),
        broken("space", "a space behind the prefix", "v2: " + good[3:]),
        broken("newline", "a line break inside", good[:40] + "\n" + good[40:]),
        broken("no-padding", "base64 without its padding", unpadded(V2)),
        broken("trailing-bits", "non-zero trailing bits", trailing_v2()),
        broken("url-base64", "the URL alphabet", "v2:_-" + good[5:]),
        broken("version-1", "an older version", V2(version=1)),
        broken("version-3", "a later version", V2(version=3)),
        broken("suite-0", "suite 0 is never assigned", V2(suite=0)),
        broken("suite-2", "a suite that is reserved", V2(suite=2)),
        broken("count-0", "no recipient", V2(to=())),
        broken("count-33", "more recipients than there may be", V2(to=tuple(f"r{n}" for n in range(33)))),
        broken("count-high", "a count beyond the end", V2(count=30)),
        broken("descending", "recipients in descending order", V2(to=pair, order=lambda e: sorted(e)[::-1])),
        broken("twice", "one recipient twice", V2(to=("reader", "reader"))),
        broken("cut-header", "cut off within the header", V2(blob=lambda b: b[:500])),
        broken("cut-mac", "cut off within the mac", V2(blob=lambda b: b[: 11 + 1176 + 20])),
        broken("cut-body", "cut off within the body", V2(blob=lambda b: b[:-1])),
        broken("longer", "a byte after the tag", V2(blob=lambda b: b + b"\0")),
        broken("no-body", "nothing but a tag", V2(blob=lambda b: b[:-64])),
        broken("unpadded", "a body that is no multiple of 64", V2(padded=lambda v: len(v).to_bytes(4, "big") + v)),
    ]  # fmt: skip


def unpadded(kind: type[V2]) -> str:
    """An envelope whose base64 has padding, without it."""
    text = next(t for n in range(3) if (t := kind(to=("reader",) * 1, value=b"x" * (60 + 64 * n)).make()).endswith("="))
    return text.rstrip("=")


def trailing_v2() -> str:
    text = next(t for n in range(3) if (t := V2(value=b"x" * (60 + 64 * n)).make()).endswith("="))
    return "v2:" + trailing(text[3:])


def _v2_bound() -> list[dict[str, Any]]:
    def elsewhere(name: str, about: str, at: Binding = PLACE, item: str = ITEM) -> dict[str, Any]:
        return _v2(name, about, V2(), "bind", at=at, item=item)

    def refused(name: str, about: str, at: Binding = PLACE, item: str = ITEM) -> dict[str, Any]:
        return _v2(name, about, V2(), "name", at=at, item=item)

    return [
        elsewhere("renamed", "the document was renamed", Binding(Scope.STRICT, "payments", "cache")),
        elsewhere("moved", "the document was moved", Binding(Scope.STRICT, "web", "db")),
        elsewhere("item", "the item was renamed or pasted", item="user"),
        elsewhere("scope-widened", "read as namespace-wide", Binding(Scope.NAMESPACE_WIDE, "payments", "db")),
        elsewhere("scope-cluster", "read as cluster-wide", Binding(Scope.CLUSTER_WIDE, None, "db")),
        _v2("bind-flipped", "one bit of bind", V2(bind=flip(0)(hashlib.sha256(PLACE.context(ITEM)).digest()[:8])),
            "bind"),
        refused("name-slash", "a name with a slash", Binding(Scope.STRICT, "payments", "d/b")),
        refused("name-dotdot", "an item that leaves its directory", item="..password"),
        refused("name-dot", "an item that is a directory", item="."),
        refused("name-none", "strict scope without a namespace", Binding(Scope.STRICT, None, "db")),
        refused("name-long", "a namespace of 64 characters", Binding(Scope.STRICT, "a" * 64, "db")),
        _v2("not-for-us", "sealed to another key", V2(to=("other",)), "recipient"),
        _v2("no-key", "no key at hand", V2(), "recipient", key=()),
    ]  # fmt: skip


def _v2_sealed() -> list[dict[str, Any]]:
    other = PLACE.context("user")
    own_bind = hashlib.sha256(PLACE.context(ITEM)).digest()[:8]
    pair = ("reader", "other")
    one = 8 + 1120 + 48

    def strip(blob: bytes) -> bytes:
        """Without the recipient that is not the reader."""
        mine = keys.kem("reader").public.id_bytes
        keep = next(blob[at : at + one] for at in (11, 11 + one) if blob[at : at + 8] == mine)
        return blob[:10] + b"\x01" + keep + blob[11 + 2 * one :]

    def to_other(label: str, entry: bytes) -> bytes:
        public = keys.kem("other").public
        return entry[:8] + SUITE.encrypt(V2().content, public.key, PLACE.context(ITEM))  # type: ignore[arg-type]

    def refused(name: str, about: str, how: V2) -> dict[str, Any]:
        return _v2(name, about, how, "open")

    return [
        refused("flip-key-id", "enc of another message", V2(blob=flip(11 + 8))),
        refused("flip-enc", "one bit of enc's X25519 part", V2(blob=flip(11 + 8 + 1110))),
        refused("flip-wrapped", "one bit of the wrapped key", V2(blob=flip(11 + 8 + 1125))),
        refused("flip-mac", "one bit of the mac", V2(blob=flip(11 + one + 3))),
        refused("flip-body", "one bit of the body", V2(blob=flip(11 + one + 32 + 5))),
        refused("flip-tag", "one bit of the tag", V2(blob=flip(-1))),
        refused("stripped", "a recipient was removed", V2(to=pair, blob=strip)),
        refused("mac-header", "the mac covers another header", V2(mac_header=lambda h: h + b"\0")),
        refused("mac-context", "the mac covers another context", V2(mac_context=other)),
        refused("wrap-context", "wrapped for another context", V2(wrap_context=other)),
        refused("forged-bind", "made for another item, with bind changed to fit", V2(context=other, bind=own_bind)),
        refused("wrong-key-id", "our key id above a message to another key", V2(entry=to_other)),
        refused("padding-dirty", "padding that is not zero", V2(padded=lambda v: pad(v)[:-1] + b"\1")),
        refused("padding-long", "a block more than needed", V2(padded=lambda v: pad(v) + bytes(64))),
        refused("padding-short", "a length beyond the end", V2(padded=lambda v: b"\0\0\xff\xff" + pad(v)[4:])),
    ]


if __name__ == "__main__":
    main()
