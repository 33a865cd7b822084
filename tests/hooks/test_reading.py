"""The parts that read: the loose reader against a real parser, private keys, `.env` names, verdicts on values."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks import dotenv, loose, manifest, privatekey
from hooks.keyname import is_credential
from hooks.randomness import looks_random
from hooks.structure.tree import maps
from hooks.value import Verdict, judge, judge_base64
from sealer.documents import yamlio
from tests.hooks.labelled import pem, random_text

KEYS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9._-]{0,12}", fullmatch=True)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30) | st.sampled_from(
    ["two\nlines", "it's", 'say "x"', "a # b", "a: b", "- a", "|", "{x}", "[x]", "yes", "12"]
)


@settings(max_examples=300, deadline=None)
@given(items=st.dictionaries(KEYS, TEXTS, min_size=1, max_size=5), nested=st.booleans())
def test_the_loose_reader_finds_the_items_that_a_parser_finds(items: dict[str, str], nested: bool) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": items}
    text = yamlio.dump({"items": [body, body]} if nested else body)
    found = [one for one, _ in maps(loose.read(text)) if "Secret" in one.texts("kind")]
    assert len(found) == (2 if nested else 1)
    for one in found:
        (child,) = one.all("stringData")
        assert sorted((key.strip("\"'"), node.text.strip()) for key, node in child.entries) == sorted(
            (key, value.strip()) for key, value in items.items()
        )


@settings(max_examples=100, deadline=None)
@given(
    items=st.dictionaries(KEYS, st.sampled_from(["aB3dE5fG7hJ9kL1m", "${X}", "changeme", ""]), min_size=1, max_size=5)
)
def test_both_readers_find_the_same_leaks(items: dict[str, str]) -> None:
    text = yamlio.dump({"apiVersion": "v1", "kind": "Secret", "stringData": items})
    exact = {(hit.line, hit.key) for hit in manifest.hits(text, manifest=True, json=False)}
    loosely = {(hit.line, hit.key) for hit in manifest.hits(text + "---\nx: !tag y\n", manifest=True, json=False)}
    assert exact == loosely


# --- private keys ---------------------------------------------------------------------------------------------------


def rules(text: str) -> list[str]:
    return [hit.rule.id for hit in privatekey.hits(text)]


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "ecdsa"])
@pytest.mark.parametrize("passphrase", ["", "correct horse"])
@pytest.mark.parametrize("format_", ["RFC4716", "PEM", "PKCS8"])
def test_keys_as_ssh_keygen_writes_them(tmp_path: Path, kind: str, passphrase: str, format_: str) -> None:
    if kind == "ed25519" and format_ != "RFC4716":
        format_ = "RFC4716"  # the only one it has for this kind
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-m", format_, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    expected = ["encrypted-private-key" if passphrase else "private-key"]
    text = path.read_text()
    assert rules(text) == expected
    assert rules(text.replace("\n", "\\n")) == expected
    assert rules(text.replace("\n", "\r\n")) == expected
    assert rules("key: " + base64.b64encode(text.encode()).decode()) == expected
    assert rules("\n".join(f"    {line}" for line in text.splitlines())) == expected
    assert rules(path.with_suffix(".pub").read_text()) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["genpkey", "-algorithm", "ed25519"], ["private-key"]),
        (["genpkey", "-algorithm", "x25519"], ["private-key"]),
        (["ecparam", "-name", "prime256v1", "-genkey"], ["private-key"]),
        (["genrsa", "-traditional", "1024"], ["private-key"]),
        (["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:horse"], ["encrypted-private-key"]),
        (["genrsa", "-traditional", "-aes128", "-passout", "pass:horse", "1024"], ["encrypted-private-key"]),
    ],
)
def test_keys_as_openssl_writes_them(options: list[str], expected: list[str]) -> None:
    done = subprocess.run(["openssl", *options], check=True, capture_output=True, text=True)
    assert rules(done.stdout) == expected


def test_our_own_keys() -> None:
    from sealer.formats.keys import generate_kem
    from sealer.formats.wire import pem_encode

    assert rules(generate_kem().pem) == ["private-key"]
    assert rules(pem_encode("SEALER STATE KEY", bytes.fromhex(random_text("hex", 64)))) == ["private-key"]


def test_puttys_files() -> None:
    body = "\n".join(random_text("base64", 48) for _ in range(4))
    for version in ("2", "3"):
        for cipher, rule in (("none", "private-key"), ("aes256-cbc", "encrypted-private-key")):
            head = (
                f"PuTTY-User-Key-File-{version}: ssh-ed25519\nEncryption: {cipher}\nComment: x\nPublic-Lines: 1\nAAAA\n"
            )
            assert rules(f"{head}Private-Lines: 4\n{body}\nPrivate-MAC: {random_text('hex', 40)}\n") == [rule]


def test_a_header_is_no_key() -> None:
    header, footer = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
    for body in ("", "...", "<key>", "MIIEowIBAAKCAQEA...", "A" * 64, "your private key here", "\n".join(["abcd"] * 3)):
        assert rules(f"{header}\n{body}\n{footer}\n") == [], body
    for label in ("CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "PGP PUBLIC KEY BLOCK", "AGE ENCRYPTED FILE"):
        assert rules("\n".join(pem(label))) == []


# --- names and values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [".env", ".env.local", ".env.production", "prod.env", "a/b/.env", ".envrc", ".ENV", ".env.test"]
)
def test_environment_files(name: str) -> None:
    assert dotenv.is_env_file(name)


@pytest.mark.parametrize(
    "name",
    [".env.example", ".env.sample", ".env.template", ".env.dist", "example.env", ".env.local.example", ".env.vault",
     ".env.schema", "env.py", ".environment", "my.env.ts", ".env.enc", ".env/bin/activate", "test.env.example"],
)  # fmt: skip
def test_files_that_are_no_environment(name: str) -> None:
    assert not dotenv.is_env_file(name)


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "apiKey",
        "api-key",
        "AWS_SECRET_ACCESS_KEY",
        "TOKEN",
        "clientSecret",
        "PRIMARY_DB_PASSWORD",
        "PASSWORD2",
    ],
)
def test_names_of_credentials(name: str) -> None:
    assert is_credential(name)


@pytest.mark.parametrize(
    "name",
    ["DB_HOST", "PASSWORD_MIN_LENGTH", "SECRET_NAME", "TOKEN_URL", "PUBLIC_KEY", "MAX_TOKENS", "CACHE_KEY", "MONKEY",
     "KEYBOARD", "NEXT_PUBLIC_API_KEY", "TOKENIZER", "AUTHOR", "", "1", "STRIPE_PUBLISHABLE_KEY"],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert not is_credential(name)


@pytest.mark.parametrize(
    ("key", "text", "verdict"),
    [
        ("password", "", Verdict.EMPTY),
        ("password", "null", Verdict.EMPTY),
        ("password", "ENC[AES256_GCM,data:x]", Verdict.SEALED),
        ("password", "{{ .Values.password }}", Verdict.TEMPLATE),
        ("password", "${PASSWORD:-}", Verdict.TEMPLATE),
        ("password", "${PASSWORD:-changeme}", Verdict.TEMPLATE),
        ("password", "prefix-{{ .x }}-suffix", Verdict.TEMPLATE),
        ("password", "<your password>", Verdict.PLACEHOLDER),
        ("password", "changeme123", Verdict.PLACEHOLDER),
        ("password", "password", Verdict.WEAK),
        ("password", "hunter2", Verdict.SECRET),
        ("password", "pa$$w0rd-{x", Verdict.SECRET),
        ("password", "Tr0ub" + "4dor&3", Verdict.SECRET),
        ("username", "app", Verdict.PLAIN),
        ("username", "", Verdict.EMPTY),
        ("port", "5432", Verdict.PLAIN),
        ("token", "5432", Verdict.SECRET),
        ("ca.crt", "/etc/ssl/ca.crt", Verdict.PLAIN),
        ("url", "https://db.internal/x", Verdict.PLAIN),
        ("url", "postgres://app:changeme@db/x", Verdict.PLAIN),
        ("url", "postgres://app:hunter" + "22@db.example.com/x", Verdict.SECRET),
        ("url", "amqp://guest:guest@mq", Verdict.WEAK),
        ("x", "https://h/x?sig=hunter22hunter", Verdict.SECRET),
        ("config", '{"a": {"password": "hunter22"}}', Verdict.SECRET),
        ("config", '{"a": {"password": ""}, "b": [true, 1]}', Verdict.EMPTY),
    ],
)
def test_verdicts(key: str, text: str, verdict: Verdict) -> None:
    assert judge(key, text) is verdict
    if text:
        assert judge_base64(key, base64.b64encode(text.encode()).decode()) is verdict


@pytest.mark.parametrize(
    ("alphabet", "share"),
    [(string.ascii_letters + string.digits, 0.97), ("0123456789abcdef", 0.75), (string.ascii_letters, 0.75)],
)
def test_random_texts_look_random(alphabet: str, share: float) -> None:
    drawn = ["".join(map(secrets.choice, [alphabet] * 24)) for _ in range(1000)]
    assert sum(map(looks_random, drawn)) > 1000 * share


def test_identifiers_digests_and_paths_do_not() -> None:
    written = """
        tlsClientConfig AWSAccessKeyId base64EncodedValue utf8mb4_unicode_ci RS256PublicKeyId
        us-east-1-prod-cluster-03 2024-01-15T10:30:00Z 1.27.3-gke.100-alpine3.18 ghcr.io/example/app:v1.2.3
        bitnami.com/v1alpha1 my-super-secret-token arn:aws:iam::123456789012:role/eks-node-group
        /var/lib/a1b2c3d4e5f6 123e4567-e89b-42d3-a456-426614174000 0123456789abcdef org.postgresql.Driver
        kubernetes.io/dockerconfigjson x-amz-server-side-encryption ProductionDatabasePassword
    """
    assert [text for text in (*written.split(), hashlib.sha256(b"x").hexdigest()) if looks_random(text)] == []


def test_a_literal_default_in_a_template_leaks_if_it_is_real() -> None:
    real = random_text("alnum", 20)
    assert judge("password", f"${{PASSWORD:-{real}}}") is Verdict.SECRET
    assert judge("password", f'{{{{ .Values.password | default "{real}" }}}}') is Verdict.SECRET
    assert judge("password", '{{ .Values.password | default "changeme" }}') is Verdict.TEMPLATE
    assert judge("url", f"postgres://{{{{ user }}}}:{real}@db/x") is Verdict.SECRET
    assert judge("url", "postgres://{{ user }}:{{ password }}@db/x") is Verdict.TEMPLATE


def test_binary_values_are_secrets_and_encoded_certificates_are_not() -> None:
    keystore = base64.b64encode(bytes.fromhex("feedfeed" + random_text("hex", 200))).decode()
    assert judge_base64("keystore.jks", keystore) is Verdict.SECRET
    certificate = base64.b64encode("\n".join(pem("CERTIFICATE")).encode()).decode()
    assert judge_base64("tls.crt", certificate) is Verdict.PUBLIC
    assert judge("config", f'{{"caData": "{certificate}"}}') is Verdict.PUBLIC
