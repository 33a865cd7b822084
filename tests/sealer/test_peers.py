"""Interoperation with implementations that we did not write: kubeseal, npm's aes-gcm-rsa-oaep, Go's crypto/hpke."""

from __future__ import annotations

import base64
import datetime
import functools
import json
import os
import secrets
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealer.errors import CannotOpen
from sealer.formats import envelope_v1, envelope_v2, keys
from sealer.formats.binding import Binding, Scope, scope_annotations

NOW = datetime.datetime.now(datetime.UTC)
PLACES = [
    Binding(Scope.STRICT, "payments", "db"),
    Binding(Scope.NAMESPACE_WIDE, "payments", "db"),
    Binding(Scope.CLUSTER_WIDE, "payments", "db"),
]
by_scope = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.scope.value)


@functools.cache
def rsa(bits: int = 2048) -> keys.PrivateKey:
    return keys.generate_rsa(now=NOW, bits=bits)


def sealed_manifest(place: Binding, items: dict[str, str]) -> str:
    metadata = {"name": place.name, "namespace": place.namespace, "annotations": scope_annotations(place.scope)}
    spec = {"encryptedData": items, "template": {"metadata": metadata}}
    return json.dumps(
        {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": metadata, "spec": spec}
    )


@by_scope
@pytest.mark.parametrize("bits", [2048, 4096])
def test_we_open_what_kubeseal_seals(kubeseal: Path, tmp_path: Path, place: Binding, bits: int) -> None:
    value = secrets.token_bytes(100)
    certificate = tmp_path / "cert.pem"
    certificate.write_text(rsa(bits).public.certificate)
    command = [kubeseal, "--raw", "--cert", certificate, "--scope", place.scope.value, "--from-file=/dev/stdin"]
    command += ["--namespace", place.namespace or "", "--name", place.name]
    text = subprocess.run(command, input=value, capture_output=True, check=True).stdout.decode()
    opened, key = envelope_v1.open_envelope(envelope_v1.parse(text), place.label(), [rsa(bits)])
    assert (opened, key) == (value, rsa(bits))


@by_scope
def test_kubeseal_opens_what_we_seal(kubeseal: Path, tmp_path: Path, place: Binding) -> None:
    values = {"token": secrets.token_bytes(1000), "empty": b"", "text": b"line\n"}
    key = tmp_path / "key.pem"
    key.write_text(rsa().pem)
    items = {item: envelope_v1.seal(value, place.label(), rsa().public) for item, value in values.items()}
    command = [kubeseal, "--recovery-unseal", "--recovery-private-key", key]
    run = subprocess.run(command, input=sealed_manifest(place, items).encode(), capture_output=True, check=True)
    # Go prints an empty value as null.
    assert {k: base64.b64decode(v or "") for k, v in json.loads(run.stdout)["data"].items()} == values


@by_scope
def test_npm_opens_what_we_seal_and_we_open_what_npm_seals(npm_v1: Path, place: Binding) -> None:
    value = secrets.token_hex(20)
    theirs = {"op": "seal", "certificate": rsa().public.certificate, "value": value, "scope": place.scope.value}
    pkcs8 = rsa().key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[union-attr]
    ours = envelope_v1.seal(value.encode(), place.label(), rsa().public)
    requests = [
        {**theirs, "namespace": place.namespace, "name": place.name},
        {"op": "open", "pkcs8": base64.b64encode(pkcs8).decode(), "label": place.label().decode(), "text": ours},
        {"op": "open", "pkcs8": base64.b64encode(pkcs8).decode(), "label": "elsewhere/db", "text": ours},
    ]
    feed = "\n".join(json.dumps(request) for request in requests)
    environment = {"PATH": os.environ["PATH"]}
    run = subprocess.run(["node", npm_v1], input=feed, capture_output=True, text=True, check=True, env=environment)
    sealed, opened, refused = (json.loads(line) for line in run.stdout.splitlines())
    envelope = envelope_v1.parse(sealed["text"])
    assert envelope_v1.open_envelope(envelope, place.label(), [rsa()])[0] == value.encode()
    assert opened == {"value": value}
    assert refused == {"refused": True}


def test_openssl_opens_the_session_key(tmp_path: Path) -> None:
    """OAEP with a label, by a third program: the session key that it finds opens the body."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    place, value = PLACES[0], secrets.token_bytes(40)
    envelope = envelope_v1.parse(envelope_v1.seal(value, place.label(), rsa().public))
    key = tmp_path / "key.pem"
    key.write_text(rsa().pem)
    options = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]
    options.append(f"rsa_oaep_label:{place.label().hex()}")
    command = ["openssl", "pkeyutl", "-decrypt", "-inkey", str(key)]
    command += [part for option in options for part in ("-pkeyopt", option)]
    session = subprocess.run(command, input=envelope.session, capture_output=True, check=True).stdout
    assert AESGCM(session).decrypt(bytes(12), envelope.body, None) == value


def test_go_and_we_exchange_whole_v2_envelopes(crosscheck: Path) -> None:
    seeds = [secrets.token_bytes(32) for _ in range(3)]
    group = [keys.kem_from_seed(seed) for seed in seeds]
    values = [b"", b"x", secrets.token_bytes(60), secrets.token_bytes(61), secrets.token_bytes(5000)]
    contexts = [place.context("password") for place in PLACES]

    def b64(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    requests: list[dict[str, object]] = [{"op": "public", "seed": b64(seed)} for seed in seeds]
    cases = [(value, context) for value in values for context in contexts]
    recipients = [b64(key.public.raw) for key in group]
    for value, context in cases:
        requests.append({"op": "seal", "context": b64(context), "recipients": recipients, "value": b64(value)})
        text = envelope_v2.seal(value, context, [key.public for key in group])
        requests.append({"op": "open", "context": b64(context), "seed": b64(seeds[1]), "text": text})
    feed = "\n".join(json.dumps(request) for request in requests)
    run = subprocess.run([crosscheck], input=feed, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [answer["public"] for answer in answers[:3]] == recipients
    for (value, context), sealed, opened in zip(cases, answers[3::2], answers[4::2], strict=True):
        assert base64.b64decode(opened["value"]) == value
        envelope = envelope_v2.parse(sealed["text"])
        assert [envelope_v2.open_envelope(envelope, context, key) for key in group] == [value] * 3


def test_a_wrong_label_is_refused_by_both(kubeseal: Path, tmp_path: Path) -> None:
    text = envelope_v1.seal(b"value", b"payments/db", rsa().public)
    moved = Binding(Scope.STRICT, "web", "db")
    with pytest.raises(CannotOpen):
        envelope_v1.open_envelope(envelope_v1.parse(text), moved.label(), [rsa()])
    key = tmp_path / "key.pem"
    key.write_text(rsa().pem)
    command = [kubeseal, "--recovery-unseal", "--recovery-private-key", key]
    manifest = sealed_manifest(moved, {"token": text})
    run = subprocess.run(command, input=manifest, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "no key could decrypt secret (token)" in run.stderr
