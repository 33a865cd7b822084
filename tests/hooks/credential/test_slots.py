"""Credentials that a column, a command or the name above tells, where no name beside the value does."""

from __future__ import annotations

import base64
import random
import string

import pytest

from hooks import scanner, spread
from hooks.blobs import Blob
from hooks.text import Text

_RNG = random.Random(7)
WORD = "harbor" + str(_RNG.randrange(1000, 2000))
DRAWN = "k4" + "".join(_RNG.choices(string.ascii_letters + string.digits, k=22))
HEX = "c0" + "".join(_RNG.choices("0123456789abcdef", k=62))
HIDDEN = base64.b64encode(("HARbor_" + WORD[-4:] + "x").encode()).decode()
HASHED = base64.b64encode(_RNG.randbytes(36)).decode()
SIGNS = "et+nWhUB>." + "Dg[c4z"
OK = "PASS" + ":"
BYTES = ", ".join(f"0x{byte:02X}" for byte in _RNG.sample(range(256), 16))
HALVES = BYTES[:47] + "\n    " + BYTES[48:]
# Tools draw these from mnemonics in their documentation, and whoever looks has them.
KNOWN = "0xac0974bec39a17e3" + "6ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
VECTOR = ", ".join(f"0x{byte:02X}" for byte in bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))
COUNTED = ", ".join(f"0x{byte:02X}" for byte in range(16))
TYPED = ", ".join(f"0x{byte:02X}" for byte in b"Ur@LinkLoRa2018#")
HARDHAT = 'require("hardhat");\n'


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
        # calls and lists over several lines
        ("src/auth.js", f"t = jwt.sign({{\n  login: u[0].L,\n  id: String(u.N)\n}}, '{DRAWN}',\n{{}});\n", 4),
        ("src/auth.js", f"t = jwt.sign(\n  {{ who: {{ id: f(u) }} }},\n  '{DRAWN}'\n);\n", 3),
        ("src/Ad.cs", f'new DirectoryEntry("LDAP://shop.io",\n  "cn=ro",\n  "{DRAWN}");\n', 3),
        ("hardhat.config.js", f'{HARDHAT}  accounts: ["0x{HEX}"],\n', 2),
        ("hardhat.config.js", f'{HARDHAT}  accounts: [\n    "{HEX}",\n  ],\n', 3),
        ("hardhat.config.js", f"{HARDHAT}accounts: ['{KNOWN}', '0x{HEX}'],\n", 2),
        ("src/post.py", f"t = OAuth('the-token-of-shop', \n  '{DRAWN}', 'consumer-of-the-shop', '{DRAWN[::-1]}')\n", 2),
        # keys of LoRaWAN as arrays of bytes
        ("src/secrets.h", f"#define SECRET_APP_KEY {{ {BYTES} }}\n", 1),
        ("src/node.ino", f"static const u1_t PROGMEM NWKSKEY[16] = {{ {BYTES} }};\n", 1),
        ("src/node.ino", f"uint8_t nodeAppKey[] =\n  {{\n    {HALVES} }};\n", 3),
        ("src/node.h", f"#define LORAWAN_APP_S_KEY  \\\n  {{ {BYTES} }}\n", 2),
        # a table of names and values, without outer bars
        ("team.md", f"Variables of shop\nName | Value\napiKey |{HEX[:40]}\nhost | db\n", 3),
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
        ("notes.txt", "pw: 1200px\nph: 12em\n"),
        ("conf/app.yaml", "pw: 1200px\n"),
        # what a package manager put there
        ("web/node_modules/a/config.js", f'password = "{DRAWN}"\n'),
        ("lib/python3/site-packages/a/settings.json", f'{{"password": "{DRAWN}"}}\n'),
        # what follows in a query is another parameter
        ("src/a.js", 'url = "https://h/t?client_secret=" + secret + "&grant_type=client_credentials9"\n'),
        ("docs/a.md", "https://h/t?client_secret=YOUR_SECRET1&grant_type=client_credentials\n"),
        ("docs/a.md", f"https://h/list?pageToken={DRAWN}&maxResults=5\n"),
        ("src/oauth.go", f'w.Write([]byte("access_token={HEX[:40]}&scope=user&token_type=bearer"))\n'),
        ("src/oauth.py", f"url = 'https://h/callback?oauth_token={DRAWN}&oauth_verifier=w34o89'\n"),
        # SQL that names no password
        ("db/a.sql", "ALTER ROLE shop PASSWORD NULL;\n"),
        ("db/a.sql", "ALTER USER shop IDENTIFIED BY :newPass1;\n"),
        ("db/a.sql", "ALTER USER shop IDENTIFIED BY new_password1;\n"),
        ("db/a.sql", "-- rows are IDENTIFIED BY Column2Name\n"),
        # notes that tell none
        ("notes.md", "pw: 1200px\npw = 640x480px\n"),
        ("src/layout.js", "pw = width1Box.Height\n"),
        ("notes.txt", "password for root: required\nPassword for user Admin1: please enter\n"),
        ("notes.txt", f"PASS - TestLogin_v2\nPASS - {DRAWN}\nPassword ---- Required2Fields\n"),
        ("db/a.sql", "SELECT PASSWORD(column1Name);\n"),
        ("notes.txt", "비밀번호는 8자 이상이어야 합니다\n비밀번호: SHA256으로 암호화\n암호: AES256Cipher 방식\n"),
        ("notes.txt", "密码: 8-16位字母和数字\nパスワード: 8文字以上\n"),
        ("src/user.rb", "password=>params[:p1]\n:password=>user.passwordV2\n"),
        # commands and calls with a variable, or with a word for what stands there
        ("bin/a.ps1", "ConvertTo-SecureString -String $Pass1word -AsPlainText -Force\n"),
        ("bin/a.ps1", f"ConvertTo-SecureString -String 01000000d08c9ddf0115d1118c7a00c0{HEX}\n"),
        ("bin/a.bat", "psexec \\\\10.0.9.1 -u Administrator -p %PASS1% cmd\n"),
        ("bin/a.bat", "psexec \\\\10.0.9.1 -u Administrator -p password cmd\n"),
        ("src/Ad.cs", 'new DirectoryEntry("LDAP://x", "user", "password");\n'),
        ("bin/a.sh", "  --proxy-user name:$PASS1 \\\n  --proxy-user user:password \\\n"),
        ("sw.conf", "pac key 0 <key>\nthe pac key is used for provisioning\n"),
        ("src/a.js", 'mail = "smtps://user@acme.io:${pass1}@smtp.acme.io:465";\n'),
        ("src/a.py", 'url = f"https://{user}:{password1}@git.acme.io/"\nurl = f"redis://{host}:6379@{x}"\n'),
        ("src/auth.js", "t = jwt.sign({\n  id: String(u)\n}, process.env.JWT1,\n{ expiresIn: '60days1' });\n"),
        # keys of nobody: tools' own, vectors, counting bytes; and addresses, which are public
        ("hardhat.config.js", f'{HARDHAT}accounts: ["{KNOWN}"],\n'),
        ("hardhat.config.js", f"{HARDHAT}accounts: [PRIVATE_KEY],\n"),
        ("src/aptos.js", f'accounts: ["0x{HEX}"],\n'),
        (
            "src/secrets.h",
            f"#define APPKEY {{ {VECTOR} }}\n#define NWKKEY {{ {COUNTED} }}\n#define APP_KEY {{ {TYPED} }}\n",
        ),
        (
            "src/secrets.h",
            f"#define APPEUI {{ {BYTES[:46]} }}\n#define AES_IV {{ {BYTES} }}\n#define SBOX {{ {BYTES} }}\n",
        ),
        ("test/vectors.h", f"#define APPKEY {{ {BYTES} }}\n"),
        ("api.md", "Name | Value\napiKey | string of 20 characters\npassword | Required8Characters\n"),
        ("docs/pip.md", "pip install --index-url https://user:he%2F%2Fo@pypi.shop.com/simple\n"),
    ],
)
def test_what_only_stands_there_is_none(path: str, text: str) -> None:
    assert found(path, text) == []


def test_each_key_of_a_device_is_found() -> None:
    keys = [", ".join(f"0x{byte:02X}" for byte in _RNG.sample(range(256), 16)) for _ in range(3)]
    names = ("SECRET_APP_KEY", "SECRET_NWK_SKEY", "SECRET_APP_SKEY")
    text = "".join(f"#define {name} {{ {key} }}\n" for name, key in zip(names, keys, strict=True))
    assert found("src/secrets.h", text) == [1, 2, 3]


class Counted(bytes):
    """Bytes that count how many of them are gone through for the numbers of lines."""

    read = 0

    def count(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        Counted.read += (len(self) if end is None else end) - start
        return super().count(sub, start, end)


@pytest.mark.parametrize(
    "line",
    [
        f'jwt.sign({{a: 1}}, "{DRAWN}");\n',
        f'OAuth("{DRAWN}", "{DRAWN}", "{DRAWN}", "{DRAWN}")\n',
        f'accounts: ["0x{HEX}"],\n',
    ],
)
def test_of_many_lines_that_begin_such_a_form_each_is_counted_once(line: str) -> None:
    data = Counted((HARDHAT + line * 500).encode())
    Counted.read = 0
    starts = [at for at in range(len(data)) if data[at - 1 : at] == b"\n"]
    text = Text("hardhat.config.js", data)
    told = {pair.line for at in starts for pair in spread.pairs(text, at, at + len(line))}
    assert told == set(range(2, 502))
    assert Counted.read < 10 * len(data)
