"""Credentials that a column, a command or the name above tells, where no name beside the value does."""

from __future__ import annotations

import base64
import random
import string

import pytest

from hooks import scanner
from hooks.blobs import Blob

_RNG = random.Random(7)
WORD = "harbor" + str(_RNG.randrange(1000, 2000))
DRAWN = "k4" + "".join(_RNG.choices(string.ascii_letters + string.digits, k=22))
HEX = "c0" + "".join(_RNG.choices("0123456789abcdef", k=62))
HIDDEN = base64.b64encode(("HARbor_" + WORD[-4:] + "x").encode()).decode()
HASHED = base64.b64encode(_RNG.randbytes(36)).decode()
SIGNS = "et+nWhUB>." + "Dg[c4z"
OK = "PASS" + ":"


def found(path: str, text: str) -> list[int]:
    """The lines that leak."""
    return sorted({finding.line for finding in scanner.scan(Blob(path, text.encode()))})


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        # files of columns
        ("etc/ppp/chap-secrets", f"# client server secret\njoe l2tpd {WORD} *\n", 2),
        ("etc/ppp/pap-secrets", f'"joe" * "{WORD}"\n', 1),
        ("etc/postfix/sasl_passwd", f"[smtp.shop.io]:587 user@shop.io:{WORD}\n", 1),
        ("home/davfs2.secrets", f"https://cloud.shop.io/dav joe {WORD}\n", 1),
        ("pgbouncer/userlist.txt", f'"app" "{WORD}"\n', 1),
        ("home/.curlrc", f'silent\nuser = "joe:{WORD}"\n', 2),
        # settings
        ("nm/Home.nmconnection", f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={WORD}\n", 3),
        ("home/.offlineimaprc", f"[Repository a]\nremotepass = {WORD}\n", 2),
        ("config/env.dev.json", f'{{"a": [\n {{"key": "client_secret",\n  "value": "{DRAWN}"}}]}}\n', 3),
        ("src/application.yml", f"spring:\n  datasource:\n    password: ${{DB_PW:{DRAWN[:10]}}}\n", 3),
        ("appsettings.json", f'{{"Jwt": {{\n  "Issuer": "shop",\n  "Key": "{DRAWN}"\n}} }}\n', 3),
        ("app/etc/local.xml", f"<config><crypt>\n<key><![CDATA[{HEX[:32]}]]></key>\n</crypt></config>\n", 2),
        ("FileZilla/recentservers.xml", f'<a><Server>\n<Pass encoding="base64">{HIDDEN}</Pass></Server></a>\n', 2),
        ("rails/master.key", f"{HEX[:32]}\n", 1),
        ("mpesa.py", f'MPESA_PASSKEY = "{HEX}"\n', 1),
        ("composer/auth.json", f'{{"github-oauth": {{"github.com": "{HEX[:40]}"}}}}\n', 1),
        ("home/.bash_profile", f"export GPG_PASSPHRASE={DRAWN}{DRAWN[::-1]}\n", 1),
        # keys of any name
        ("src/map.go", f'\tMapsKey = "{DRAWN}"\n', 1),
        ("src/map.go", f'\tmaps_key :=\n\t\t"{DRAWN}"\n', 2),
        ("notes.txt", f"the maps key is {DRAWN}\n", 1),
        ("src/map.go", f'\tapiKey = "{DRAWN[:9]}"\n', 1),
        # what is none of a suite's results, and tables with a heading
        ("notes.txt", f"USER: bob\nPASS: {WORD}\nHOST: db\n", 2),
        ("notes.txt", f"PASS: {WORD} USER: bob\n", 1),
        ("_netrc", f"machine a login anonymous_reader password {DRAWN}\n", 1),
        ("app.env", f"MD_API_KEY={DRAWN}{DRAWN[::-1]}\n", 1),
        ("users.csv", f"# exported\nname,password\nalice,{DRAWN}\n", 3),
        ("users.csv", f"name,password\nalice,{DRAWN}\n", 2),
        ("team.md", f"| host | password |\n|------|----------|\n| db1 | {DRAWN} |\n", 3),
        ("team.rst", f"+------+----------+\n| host | password |\n+------+----------+\n| db1 | {DRAWN} |\n", 4),
        # devices and servers
        ("junos.conf", f"set snmp community {DRAWN[:10]} authorization read-only\n", 1),
        ("ks.cfg", f"rootpw {WORD}\n", 1),
        ("sw.conf", f"hostname sw\nenable password {WORD}\n", 2),
        ("sw.conf", f"crypto isakmp key {DRAWN} address 10.0.0.1\n", 1),
        ("redis.conf", f"user worker on >{WORD} ~* +@all\n", 1),
        ("sip.conf", f"register => user:{WORD}@sip.shop.io\n", 1),
        ("ks.cfg", f"install\nrootpw --plaintext {WORD}\n", 2),
        ("bin/up.sh", f"echo {WORD} | sudo -S mount /mnt\n", 1),
        # calls
        ("lib/Db.pm", f'return DBI->connect($self->dsn(), "kevin", "{WORD}", {{ RaiseError => 1 }});\n', 1),
        ("src/store.py", f'keyring.set_password("shop", "convoy", "{DRAWN[:9]}")\n', 1),
        ("src/Camera.cs", 'var c = new NetworkCredential("admin", "admin");\n', 1),
        ("main.go", 'db, err := sql.Open("mysql", "root:root@tcp(10.0.3.7:3306)/shop")\n', 1),
        # values with signs
        ("lib/keys.dart", f"const String clientSecret = '{SIGNS}';\n", 1),
        ("lib/keys.dart", "static const String bearerToken = 'kP" + r"\$" + "7g@2n!Vx3X#wQ5^z';\n", 1),
        ("src/a.kt", f'const val API_KEY = "39118956-{HEX[:25]}"\n', 1),
        ("src/a.swift", f'static let apiKey = "APPID={HEX[:32]}"\n', 1),
        ("src/db.js", "  password: 's.flores" + "9',\n", 1),
        ("src/db.js", 'open("mongodb+srv://anna:anna' + '.in@cluster0.j9fvny4.mongodb.net/?w=majority")\n', 1),
        ("src/env.js", "jwtSecret: process.env.JWT_SECRET || 'supersecretkeyforhostel" + "supermart',\n", 1),
    ],
)
def test_its_place_tells_it(path: str, text: str, line: int) -> None:
    assert found(path, text) == [line]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("etc/ppp/chap-secrets", "# client server secret IP\n"),
        ("_netrc", "default login anonymous password guest@\n"),
        ("x/winlogon.reg", '"PasswordExpiryWarning"=dword:00000005\n'),
        ("src/radio.py", 'psk = "qpsk"\n'),
        ("home/pom.xml", f"<a><commons.releaseManagerKey>{HEX[:16]}</commons.releaseManagerKey></a>\n"),
        ("nsswitch.conf", "passwd:         files\n"),
        ("notes.txt", "/etc/passwd:eli:x:2098:1000:Eli Smith:/home/eli:/bin/bash\n"),
        ("notes.txt", "pw_name:pw_passwd:pw_uid:pw_gid:pw_dir:pw_shell9\n"),
        ("man/update.8", "\\-\\-passwd=DATEI\\fP\n"),
        # results of tests
        ("results.log", f"{OK} i386 suffix\nFAIL: x86_64\n"),
        ("results.log", f"{OK} vers26b1\n{OK} vers28a\nXFAIL: vers30\n"),
        ("results.log", f"{OK} gas/elf23b\n"),
        # a row that only speaks of tokens is no heading
        ("list.tsv", f"name\tversion\tuses\nhubot-auth\t2.1.0\t696\n{DRAWN}\t1.2.3\t77\n"),
        ("list.tsv", f"hubot-auth\t2.1.0\t696\n{DRAWN}\t1.2.3\t77\n"),
        ("list.csv", f"alice,first\npassword,second\n{DRAWN},third\n"),
        ("notes.txt", "enable password authentication\n"),
        ("notes.txt", "user clicks on <b>Saving</b>\n"),
        ("home/.bash_profile", f"export GPG_KEY={HEX[:40]}\n"),
        ("rabbit/definitions.json", f'{{"users": [{{"name": "a", "password_hash": "{HASHED}"}}]}}\n'),
        ("sip.conf", f"md5secret={HEX[:32]}\n"),
        ("pgbouncer/userlist.txt", '"app" "SCRAM-SHA-256$4096:c2FsdA==$abcd:efgh"\n'),
        ("doc/userlist.txt", "alice bob carol smith\n"),
        ("nm/Home.nmconnection", "[wifi-security]\nkey-mgmt=wpa-psk\n"),
        ("src/application.yml", "spring:\n  datasource:\n    password: ${DB_PW:?set it before the start}\n"),
        ("src/application.yml", "spring:\n  datasource:\n    password: ${DB_PW:}\n"),
        ("appsettings.json", '{"Jwt": {\n  "Key": "your-secret-key-here"\n} }\n'),
        ("src/form.js", 'passkey: "Sign in with a passkey"\n'),
        ("src/form.js", 'passkey = "userVerification"\n'),
        ("src/db.js", "secret: 'auth.members',\n"),
        ("ks.cfg", "install\nrootpw --iscrypted $6$abcdefgh$K8OZrlT\n"),
        ("bin/up.sh", "echo $PASSWORD | sudo -S mount /mnt\n"),
        ("lib/Db.pm", 'DBI->connect("dbi:Pg:dbname=x", "", "");\n'),
        ("src/store.py", 'keyring.set_password("shop-db9", "convoy", value)\n'),
        ("src/Camera.cs", 'var c = new NetworkCredential("user", "password");\n'),
        ("main.go", 'db, err := sql.Open("mysql", "root:root@tcp(127.0.0.1:3306)/shop")\n'),
        ("src/a.kt", "const val TOKEN_TIME_OUT = 1000*60*30\n"),
        # what a package manager put there
        ("web/node_modules/a/config.js", f'password = "{DRAWN}"\n'),
        ("lib/python3/site-packages/a/settings.json", f'{{"password": "{DRAWN}"}}\n'),
        ("docs/pip.md", "pip install --index-url https://user:he%2F%2Fo@pypi.shop.com/simple\n"),
    ],
)
def test_what_only_stands_there_is_none(path: str, text: str) -> None:
    assert found(path, text) == []
