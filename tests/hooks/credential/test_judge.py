"""What a name, a value and a place make of each other."""

from __future__ import annotations

import random
import string

import pytest

from hooks import keyname, letters, place
from hooks.credential import RULES, judge
from hooks.structure.pair import Pair
from tests.hooks.credential.finder import found
from tests.hooks.labelled import random_text

ALPHABETS = {
    "base62": string.ascii_letters + string.digits,
    "base36": string.ascii_lowercase + string.digits,
    "hex": "0123456789abcdef",
    "signs": string.ascii_letters + string.digits + "!@#%^&*-_=+?",
}


def rule(key: str, value: str, path: str = "src/app.py", where: str = "code", *, quoted: bool = True) -> str:
    judged = judge(Pair(key, key, value, 1, 1, quoted, where), path)
    return judged.id if judged else ""


@pytest.mark.parametrize("path", ["src/app.py", "config/app.yaml", "tests/test_app.py", "docs/setup.md"])
@pytest.mark.parametrize("key", ["password", "api_key", "client_secret", "accessToken"])
@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_what_was_drawn_is_a_secret_wherever_it_stands(alphabet: str, key: str, path: str) -> None:
    rng = random.Random(f"{alphabet}{key}{path}")
    drawn = ["".join(rng.choice(ALPHABETS[alphabet]) for _ in range(20)) for _ in range(300)]
    assert sum(bool(rule(key, value, path)) for value in drawn) >= 285


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("password", "generic-password"),
        ("DB_PASS", "generic-password"),
        ("smtpPasswd", "generic-password"),
        ("apiKey", "generic-api-key"),
        ("aws_secret_access_key", "generic-api-key"),
        ("SECRET_KEY_BASE", "generic-secret"),
        ("client_secret", "generic-secret"),
        ("authToken", "generic-token"),
        ("dbpass", "generic-password"),
        ("next_page_token", ""),
        ("public_key", ""),
        ("passwordPlaceholder", ""),
        ("primary_key", ""),
        ("username", ""),
    ],
)
def test_the_name_says_the_rule(key: str, expected: str) -> None:
    assert rule(key, random_text("alnum", 24)) == expected


@pytest.mark.parametrize(
    "value",
    ["get_password()", "self.password", "Enter your password", "{password}", "%s", "${PASSWORD}", "string", "password",
     "/run/secrets/db", "https://acme.example/reset", "AES/GCM/NoPadding", "scram-sha-256", "your-api-key",
     "xxxxxxxxxxxx",
     "RESET_PASSWORD", "auth/setToken", r"^(?=.*[A-Z]).{8,}$", "#password", "v1.2.3", "payments-db-credentials"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["password", "token", "api_key", "secret"])
def test_what_stands_where_a_secret_would(key: str, value: str) -> None:
    assert rule(key, value) == ""


def test_a_weak_password_opens_something_in_settings_and_nothing_in_tests() -> None:
    weak = "Winter" + "2019!"
    assert rule("password", weak, "deploy/values.yaml", "yaml") == "generic-password"
    assert rule("password", weak, "src/app.py") == "generic-password"
    assert rule("password", weak, "tests/test_login.py") == ""
    assert rule("password", "rosebud", "deploy/values.yaml", "yaml") == "generic-password"
    assert rule("password", "rosebud", "tests/values.yaml", "yaml") == ""


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("password", "1" + "23456", "code"),
        ("password", "nodeseeker@" + "123456", "json"),
        ("password", "Lovebird" + "79", "code"),
        ("setPassword", "9" + "876501", "argument"),
        ("dbpass", "Aditya" + "@1399", "code"),
        ("pass", "hero" + "2019", "code"),
        ("adminPassword", "admin" + "123", "code"),
        ("secret_key", "white" + "Knight", "code"),
        ("SECRET_KEY", "shop_jwt_" + "signing_key_2026", "code"),
        ("x-api-key", "pro_" + "67f8" * 8, "code"),
        ("secret", "carpathian" + "16", "login"),
        ("salt", "6sds2816asFR" + "FRds814849AS", "code"),
    ],
)
def test_what_people_type_opens_something_in_programs(key: str, value: str, where: str) -> None:
    assert rule(key, value, "src/app.js", where)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "1" + "23456"),
        ("password", "Lovebird" + "79"),
        ("adminPassword", "admin" + "123"),
        ("secret_key", "white" + "Knight"),
        ("SECRET_KEY", "shop_jwt_" + "signing_key_2026"),
    ],
)
@pytest.mark.parametrize("path", ["tests/test_app.js", "docs/setup.md"])
def test_what_people_type_opens_nothing_in_tests_and_documents(key: str, value: str, path: str) -> None:
    assert rule(key, value, path) == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("WRONG_PASSWORD", "10" + "0234"),
        ("resetPassword", "4" + "0021"),
        ("passwordMismatch", "code" + "17"),
        ("password", "required|string|min:8|confirmed"),
        ("password", "hashed"),
        ("storePassword", "android"),
        ("password", "SUA_SENHA"),
        ("password", "contraseña"),
        ("passwd", "paswoord"),
        ("PWD", "%~dp0"),
        ("x-api-key", "a1b2c3d4e5f6" + "g7h8i9j0k1l2"),
        ("SECRET_KEY", "settings.secretShown"),
        ("secret", "db-credentials"),
        ("secret_key", "my_secret_key"),
        ("admin_password", "admin1"),
    ],
)
def test_what_programs_say_of_credentials_is_none(key: str, value: str) -> None:
    assert rule(key, value) == ""


def test_the_password_of_a_host_that_anybody_reaches_may_be_weak() -> None:
    row = "123" + "45678"
    assert rule("url", f"mongodb+srv://app:{row}@cluster0.a9nya.mongodb.net/x") == "basic-auth-url"
    assert rule("url", f"mongodb://app:{row}@localhost/x") == ""
    assert rule("url", f"mongodb+srv://app:{row}@cluster0.a9nya.mongodb.net/x", "tests/test_db.py") == ""
    assert rule("url", "mongodb+srv://user:password@cluster0.a9nya.mongodb.net/x") == ""
    assert rule("dsn", f"Data Source=.;Initial Catalog=x;User ID=sa;Password={row};") == "connection-string-password"


def test_a_token_that_is_cut_or_has_no_body_is_shown_not_leaked() -> None:
    drawn = random_text("alnum", 24)
    head = "eyJ" + "hbGciOiJIUzI1NiJ9"
    assert rule("Authorization", f"Bearer {drawn}...", where="header") == ""
    assert rule("Authorization", f"Bearer {head}.abc.def", where="header") == ""
    assert rule("Authorization", f"Bearer {head}.{drawn}.{drawn}", where="header") == "authorization-header"


def test_base64_of_words_hides_nothing() -> None:
    assert rule("password", "bm90IG15IHJlYWwg" + "cGFzc3dvcmQ=") == ""
    found = [rule("password", random_text("base64", 24)) for _ in range(400)]
    # One in a hundred reads as a path or as words.
    assert found.count("generic-password") > 0.95 * len(found)


def test_urls_connections_and_headers() -> None:
    drawn = random_text("alnum", 16)
    assert rule("url", f"postgres://app:{drawn}@db.acme.io/x") == "basic-auth-url"
    assert rule("url", "postgres://user:password@localhost/x") == ""
    assert rule("dsn", f"Server=db.acme.io;User Id=sa;Password={drawn};") == "connection-string-password"
    assert rule("Authorization", f"Bearer {drawn}", where="header") == "authorization-header"
    assert rule("Authorization", "Bearer your-token-goes-here", where="header") == ""


def test_private_keys_in_base64_are_told_from_public_ones() -> None:
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert rule("signing_key", base64.b64encode(private).decode()) == "generic-api-key"
    assert rule("signing_key", base64.b64encode(public).decode()) == ""


def test_words_cost_less_than_what_was_drawn() -> None:
    assert letters.share("correct-horse-battery") < 0.5
    assert letters.share("P@ssw0rd!") < 0.6
    assert letters.share(random_text("alnum", 24)) > 0.78
    assert letters.share("") == 0.0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/app.py", place.CODE),
        ("tests/test_app.py", place.TEST),
        ("src/main/java/LoginTest.java", place.TEST),
        ("docs/setup.md", place.DOCUMENT),
        ("config/app.yaml", place.SETTINGS),
        ("locales/de.json", place.LABELS),
        ("src/pt-BR.ts", place.LABELS),
        ("src/db.js", place.CODE),
        ("lib/io.ts", place.CODE),
        ("blog/models.py", place.CODE),
        ("notes/0042.txt", place.CODE),
        ("static/app.min.js", place.MACHINE),
        ("contest/latest.py", place.CODE),
        ("web/node_modules/left-pad/index.js", place.INSTALLED),
        (".venv/lib/python3.11/site-packages/a/b.py", place.INSTALLED),
        ("vendor/github.com/acme/lib/a.go", place.INSTALLED),
        ("vendor/models.py", place.MACHINE),
        ("shop/node_modules.py", place.CODE),
    ],
)
def test_places(path: str, expected: str) -> None:
    assert place.of(path) == expected


def test_every_rule_says_what_to_do() -> None:
    assert all(one.description and one.remediation and one.id == name for name, one in RULES.items())
    assert keyname.kind("") == ""


def test_any_text_is_read() -> None:
    for text in (
        "",
        "\0",
        "password=",
        "password='",
        '"' * 500,
        "token" * 5000,
        "key: " + "\\" * 3000,
        "pa" + "ss = '\ud800'",
    ):
        assert found("x", text.encode("utf-8", "replace").decode()) == {}


@pytest.mark.parametrize(
    "key",
    ["senha", "minhaSenha", "DB_SENHA", "contraseña", "CONTRASENA", "dbPasswort", "kennwort", "mot_de_passe",
     "motDePasse", "hasło", "heslo", "пароль", "密码", "密碼"],
)  # fmt: skip
def test_a_password_is_one_in_any_language(key: str) -> None:
    assert rule(key, random_text("alnum", 12)) == "generic-password"
    assert rule(key, "sua_senha") == ""


@pytest.mark.parametrize("key", ["desenha", "hasLogin", "passenger", "resenhas"])
def test_a_word_that_holds_one_by_chance_is_none(key: str) -> None:
    assert rule(key, random_text("alnum", 12)) == ""


@pytest.mark.parametrize("key", ["iv", "AES_IV", "hashIV", "nonce", "seed"])
def test_what_is_drawn_anew_is_a_secret_as_a_literal_in_code_alone(key: str) -> None:
    drawn = random_text("alnum", 24)
    assert rule(key, drawn, "src/crypt.go") == "generic-secret"
    assert rule(key, drawn, "src/crypt_test.go") == ""
    assert rule(key, drawn, "config/app.yaml", "yaml") == ""
    assert rule(key, "42", "src/crypt.go") == ""


@pytest.mark.parametrize(
    "path", [".pgpass", "home/.esmtprc", "filezilla/sitemanager.xml", ".vscode/sftp.json", "db/data-sources.xml",
             ".git-credentials", "ventrilo_srv.ini"]
)  # fmt: skip
def test_what_a_program_lets_in_with_is_one_whatever_it_is(path: str) -> None:
    for value in ("password", "hunter22", "ExamplePass" + "123", "sword" + "fish!23"):
        assert rule("password", value, path, "ini", quoted=False) == "generic-password"
        assert rule("password", value, f"tests/fixtures/{path}", "ini", quoted=False) == ""
    assert rule("password", "${FTP_PASSWORD}", path, "ini", quoted=False) == ""


def test_the_keys_of_emulators_are_everybodys() -> None:
    for begin in ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1", "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM"):
        rest = random_text("alnum", 86 - len(begin))
        assert rule("account_key", f"{begin}{rest}==") == ""
    assert rule("account_key", random_text("alnum", 86) + "==") == "generic-api-key"


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [
        ("redis://:redis-{word}@localhost", "src/app.py", False),
        ("postgres://postgres:{user}@db:5432/x", "config/app.yaml", False),
        ("postgres://app:sunflower@10.0.0.7/x", "src/app.py", True),
        ("mongodb+srv://app:sunflower@c0.ab1cd.mongodb.net/x", "src/app.py", True),
        ("https://bob:{alnum}#{alnum}@db.acme.dev/x", "src/app.py", True),
        ("https://db.acme.dev:443/#bob@home", "src/app.py", False),
    ],
)
def test_the_host_and_the_place_say_whether_a_password_in_a_url_opens_something(
    url: str, path: str, *, expected: bool
) -> None:
    url = url.format(word="pass" + "word", user="post" + "gres", alnum=random_text("alnum", 8))
    assert bool(rule("url", url, path)) is expected
