"""What people type for passwords where programs take them: words, at the place that says that it is one."""

from __future__ import annotations

import base64
import random
import string

import pytest

from hooks import place, scanner
from hooks.blobs import Blob

_RNG = random.Random(5)


def _draw(letters: str, size: int) -> str:
    return "".join(_RNG.choice(letters) for _ in range(size))


def found(path: str, text: str) -> list[int]:
    """The lines that leak."""
    return sorted({finding.line for finding in scanner.scan(Blob(path, text.encode()))})


WORD = "toor"
HEX = _draw("0123456789abcdef", 39)
DRAWN = _draw(string.ascii_lowercase + string.digits, 7) + "4"
SIGNED = "571h*AH*" + "8PuMy*Au3#kQ"
TYPED = "GreenOrchard" + "Signing2024"
LEET = b"P@ss" + b"w0rd123"
OWN = "acme" + "secret" + "password"


@pytest.mark.parametrize(
    ("path", "line", "value"),
    [
        # functions that say which argument is the password
        ("src/db.php", '$con = mysqli_connect("10.0.0.2", "shop", "VALUE", "orders");', WORD),
        ("src/db.php", '$con = mysqli_connect($host, $user, "VALUE");', WORD),
        ("src/db.php", '$db = new PDO($dsn, "shop", "VALUE");', WORD),
        ("src/Dao.java", 'c = DriverManager.getConnection("jdbc:mysql://db/x","shop","VALUE");', WORD),
        ("src/Dao.java", 'c = DriverManager.getConnection(url, "shop", "VALUE");', "1234"),
        ("src/main.cpp", 'WiFi.begin("upstairs", "VALUE");', DRAWN),
        ("src/Dao.java", 'cfg.setProperty("hibernate.connection.password", "VALUE");', "1234"),
        # a word and a year, and a sign
        ("src/Api.cs", 'c.Credentials = new NetworkCredential("shop", "VALUE");', "Winter" + "2020!"),
        ("src/api.py", 'requests.get(url, auth=("shop", "VALUE"))', "Winter" + "2020!"),
        # what begins as formats do, and keys of no kind, drawn from signs as well
        ("src/app.ts", "const secretKey = 'VALUE';", "%c^" + SIGNED),
        ("src/app.ts", "const o = { sendgridKey: 'VALUE' };", SIGNED),
        ("src/app.py", 'x["maps_key"] = "VALUE"', SIGNED),
        ("src/app.py", 'passkey = "VALUE"', "x9Kq" + "2m#w"),
        # names and values that elements part
        ("ios/Info.plist", "<plist><dict>\n<key>APISecret</key>\n<string>VALUE</string></dict></plist>", HEX[:32]),
        (
            "x/autounattend.xml",
            "<u>\n<AdministratorPassword>\n<Value>VALUE</Value></AdministratorPassword></u>",
            WORD,
        ),
        ("src/api.py", 'u = "https://api.openweathermap.org/data/2.5/weather?q=Rome&appid=VALUE"', HEX[:31] + "7"),
        # as people type it so that it looks strong, and words that end like a filler
        ("src/api.ts", "const o = { clientSecret: 'VALUE' };", "Zebr4Tr33" + "Hous3!"),
        ("app.ini", "gpg_passphrase = VALUE", "W1nterIs" + "Here"),
        # words of few letters, and four letters that are no word
        ("src/main/resources/application.properties", "spring.datasource.password=VALUE", "root"),
        ("app/dev.py", "    'PASSWORD': 'VALUE',", "uqxm"),
        # a blank before the bracket that closes a key
        ("src/conf.php", "$conf[ 'db_password' ] = 'VALUE';", DRAWN + "!"),
        # what is marked by several words
        ("src/app.js", "var token = 'VALUE';", "SECRET_TOKEN_" + HEX),
        # what the environment sets is no label
        ("deploy/compose.yaml", "services:\n  db:\n    environment:\n      - DB_PASSWORD=VALUE", OWN),
        ("deploy/compose.yaml", "services:\n  db:\n    environment:\n      MYSQL_PASSWORD: VALUE", "password"),
        ("deploy/compose.yaml", "services:\n  db:\n    environment:\n      - SHOP_DB_PASSWORD=VALUE", "shop"),
        ("deploy/db.yaml", "env:\n- name: POSTGRES_PASSWORD\n  value: VALUE", "postgres"),
        ("deploy/compose.yaml", "services:\n  api:\n    environment:\n      - JWT_SECRET=VALUE", "orchard"),
        ("deploy/values.yaml", "db:\n  mongoPassword: VALUE", OWN),
        # base64 hides it from nobody
        ("src/main/resources/application.properties", "db.password=VALUE", base64.b64encode(LEET).decode()),
        # by an address of one's own machine, but one's own word
        ("src/app.py", "DB = 'postgresql://shop:VALUE@localhost:5432/shop'", "harborlight" + "271"),
        # in quotes that a text escapes; with signs that end it elsewhere
        ("bin/help.sh", 'echo "  mysql -u root -p\\"VALUE\\" trading"', "Nobody" + "@4453"),
        ("hosts", "db1 ansible_user=ops ansible_ssh_pass=VALUE", "5;LF+" + "J4Rfqds:DZ8"),
        # where the position says what a word is
        ("db/init.sql", "CREATE USER 'shop'@'%' IDENTIFIED BY 'VALUE';", "root"),
        ("bin/a.sh", 'mysql -uroot -pVALUE -e "SELECT 1"', "orchard"),
        ("bin/a.sh", "mysqladmin -u root password VALUE", "orchard"),
        ("src/a.js", "const token = jwt.sign(payload, 'VALUE');", "orchardkey"),
        ("src/app.js", 'app.use(session({ resave: false, secret: "VALUE" }));', "bigOrchard"),
        ("database/seeders/AdminSeeder.php", "'password' => Hash::make('VALUE'),", "password"),
        ("db/seeds.rb", 'User.create(email: "a@acme.io", password: "VALUE")', "Chandler"),
        ("scripts/seedAdmin.ts", 'await create({ email: "a@acme.io", password: "VALUE" });', "Chandler"),
        ("db/seeds.rb", 'password: "VALUE", password_confirmation: "x"', "password" + "123"),
        # a word for a password, varied as a rule for passwords asks
        ("src/Program.cs", 'builder.Password = "VALUE";', "secret" + "@2011"),
        ("src/main.cpp", 'const char* PASSWORD = "VALUE";', "Test" + "1234"),
        ("src/wifi.cpp", 'const char WIFI_PASSWORD[] = "VALUE";', "ExpectoRouter"),
        ("app/config.py", "POSTGRES_PASSWORD = 'VALUE'", "password"),
        # on the next line
        ("deploy/a.yaml", "args:\n- --user=shop\n- --password\n- VALUE", DRAWN + "Xy1"),
        ("deploy/a.yaml", 'args:\n  - "--token"\n  - "VALUE"', HEX[:32]),
        ("db/a.sql", "INSERT INTO users (name, password)\nvalues ('shop', 'VALUE');", DRAWN + "X"),
        ("deploy/compose.yaml", "environment:\n  POSTGRES_PASSWORD: ${PW:-VALUE}", DRAWN + "X9q"),
        # words of which one is `correct`
        ("src/a.js", "const password = 'VALUE';", "correct-" + "Horse7battery"),
        # a bracket that closes nothing
        ("src/Db.java", 'private static final String PASSWORD = "VALUE";', "orchard" + "s01)"),
        ("src/wp-config.php", "define( 'NONCE_KEY',   'VALUE');", HEX + "0"),
        # what signs tokens, in settings: long, of both cases, with a number
        ("src/application.properties", "jwt.secret=VALUE", TYPED),
        ("src/application.yml", "jwt:\n  secret: VALUE", TYPED),
        ("run.bat", "java -jar shop.jar --jwt.secret=VALUE --server.port=80", TYPED),
        ("config.json", '{"secretkey": "VALUE"}', TYPED),
        ("config.json", '{"secretKey": "VALUE"}', TYPED),
        ("config.json", '{"secretkey": "VALUE"}', "SecretKeyFor" + "OrchardShop-0287362-"),
        ("src/application.yml", "jwt:\n  secret-key: VALUE", "OrchardSuper" + "SecretJwtKey2024Secure!!"),
        # what stands in for a variable that nobody set
        ("bin/a.sh", 'DB_PASSWORD="${DB_PASSWORD:-VALUE}"', "orchard" + "77"),
        ("bin/a.sh", 'DOCKER_PASSWORD="${DOCKER_PASSWORD:-VALUE}"', "Ochardswem"),
        ("bin/a.sh", "export PGPASSWORD=${PGPASSWORD:=VALUE}", "orchard" + "77"),
        ("bin/a.sh", "export PGPASSWORD=${PGPASSWORD-VALUE}", "orchard" + "77"),
        ("deploy/compose.yaml", "environment:\n  - DB_PASSWORD=${PW:-VALUE}", "Ochardswem"),
        ("bin/a.sh", ": ${PGPASSWORD:=VALUE}", "orchard" + "77"),
        ("bin/a.sh", ': "${PGPASSWORD=VALUE}"', "orchard" + "77"),
        # of a telephone, in a format in which no Secret is named
        ("etc/sip.conf", "[bob]\nsecret=VALUE", "juniper" + "1320"),
        # words of somebody's own without a number
        ("src/secrets.h", '#define MQTT_PASSWORD "VALUE"', "GreenOrchard" + "SG"),
        ("src/secrets.h", '#define MQTTPASSWORD "VALUE"', "GreenOrchard" + "SG"),
        ("deploy/compose.yaml", "environment:\n  POSTGRES_PASSWORD: VALUE", "ochardswem" + "_info"),
        # names that say last what a password is for, or run together, or are short
        ("src/mail.py", "secret_password_for_email = 'VALUE'", "d6s$f9g!" + "j8mg7hw?n&2"),
        ("src/mail.py", "password_email = 'VALUE'", "d6s$f9g!" + "j8mg7hw?n&2"),
        ("src/conn.go", 'cred = "VALUE"', DRAWN + "Xk3R/dIq8LmZ"),
        ("deploy/func.yaml", "azureFunctionkey: VALUE", DRAWN + "Xk3RdIq8LmZ"),
        ("bin/a.sh", "GITHUBKEY=VALUE", DRAWN + "Xk3RdIq8LmZ"),
        ("res/values/keys.xml", '<resources><string name="hockeyapp_key">VALUE</string></resources>', HEX[:32]),
        ("web/.env", "REACT_APP_AUTH_PASS=VALUE", DRAWN + "Xk3R"),
        # files that are one secret
        ("keys/group-0_pwd.txt", "VALUE", DRAWN + "Xk3RdIq8LmZ"),
        ("keys/bot.token", "VALUE", DRAWN + "Xk3RdIq8LmZ"),
        # a token that somebody thought up, behind its scheme
        ("shop/settings.py", "AUTHORIZATION = 'Token VALUE'", "Orchard" + "28072021Trainer"),
    ],
)
def test_what_is_typed_where_a_program_takes_it_is_found(path: str, line: str, value: str) -> None:
    text = line.replace("VALUE", value) + "\n"
    assert found(path, text) == [line.count("\n") + 1]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/db.php", '$con = mysqli_connect($host, $user, "", "orders");'),
        ("src/db.php", '$con = mysqli_connect($host, $user, $pass, "orders");'),
        ("src/db.php", '$con = mysqli_connect($host, "shop", $pass, "orders");'),
        ("src/db.php", '$link = mysqli_connect("localhost", "my_user", "my_password", "world");'),
        ("src/Dao.java", 'c = DriverManager.getConnection(url, "shop", password);'),
        ("src/main.cpp", "WiFi.begin(ssid, password);"),
        ("config/a.properties", "db.password=ENC(" + "q1Zk" * 8 + "=)"),
        ("config/initializers/devise.rb", "config.reset_password_within = 6.hours"),
        ("config/a.rb", "password_expires_after = 30.days"),
        ("prod.tfvars", 'secret_arn = "arn:aws:secretsmanager:eu-west-1:112233445566:secret:prod/db-7IvdNC"'),
        (".env", "TWILIO_ACCOUNT_SID=AC" + HEX[:32]),
        ("src/a.py", 'token = "put-your-value-here-1"'),
        ("ios/Info.plist", "<dict>\n<key>PasswordLabel</key>\n<string>Password</string>\n</dict>"),
        ("app/build.gradle", 'buildConfigField "String", "API_KEY", "\\"${apiKey}\\""'),
        ("app/build.gradle", 'resValue "string", "app_name", "Orchard"'),
        ("bin/a.sh", "keytool -genkey -storepass $PASS -keypass changeit"),
        ("src/Dao.java", 'if (key.equals("password")) {'),
        ("src/Dao.java", 'store.load(stream, "changeit".toCharArray());'),
        ("src/Dao.java", 'char[] letters = "abcdef".toCharArray();'),
        ("src/Hex.java", 'char[] digits = "0123456789abcdef".toCharArray();'),
        ("deploy/compose.yaml", "image: shop/api:v1.24.3@sha256:" + "01" * 32),
        ("deploy/app.yaml", "registry: shop:PASSWORD@registry.shop.internal:5432"),
        ("deploy/app.yaml", "queue: ${USER}:${PASSWORD}@queue.shop.internal:5672"),
        ("docs/a.md", "proxies are written as user:password@host:3128"),
        ("bin/a.sh", "zip -P $PW all.zip all"),
        ("bin/a.sh", "unzip -p app.jar META-INF/MANIFEST.MF"),
        ("bin/a.sh", "useradd -p $(openssl passwd -1 x) bob"),
        ("bin/a.sh", 'rabbitmqctl add_user "$USER" "$PW"'),
        ("bin/a.sh", "rabbitmqctl add_user shop <password>"),
        ("bin/a.sh", "htpasswd -c -B -b /auth/htpasswd $USER $PW"),
        ("bin/a.sh", "vault login -method=github"),
        ("src/form.js", "await page.type('#password', process.env.PW);"),
        ("src/form.js", "await page.fill('[placeholder=Password]', 'valid-password');"),
        ("src/form.js", 'element.sendKeys("password", "submit")'),
        ("src/form.js", "const box = new Cryptr(process.env.KEY);"),
        ("src/form.js", 't("users.form.password", "kennwort")'),
        ("src/mail.php", "$mail->Password = 'your pass word here';"),
        ("docs/setup.md", "MYSQL_PASSWORD=" + "password"),
        (".github/workflows/ci.yml", "env:\n  POSTGRES_PASSWORD: postgres"),
        (".gitlab-ci.yml", "variables:\n  POSTGRES_PASSWORD: " + "password"),
        ("deploy/compose.yaml", "services:\n  db:\n    environment:\n      DB_PASSWORD: test"),
        ("deploy/compose.yaml", "services:\n  db:\n    environment:\n      MYSQL_PASSWORD: yourpassword"),
        ("deploy/values.yaml", "db:\n  passwordKey: acmepassword\n  existingSecret: acmepassword"),
        ("deploy/external.yaml", "data:\n- secretKey: orchard\n  remoteRef: {key: shop}"),
        ("src/A.java", 'String s = URLEncoder.encode("a1-b2&c3");'),
        ("src/A.java", 'String s = punycodeEncoder.encode("muenchen1");'),
        ("src/A.java", 'char[] letters = "ybndrfg8ejkmcpqxot1uwisza345h769".toCharArray();'),
        ("src/A.java", 'if (token.equals("UTF-16LE")) {'),
        ("src/a.js", 'authenticate("Policy", "Admin-2.0")'),
        ("src/a.js", 'db.connection("utf8", "SQL_Latin1_General_CP1_CI_AS")'),
        ("src/a.js", 'connectSignal("Button", "Clicked!1")'),
        ("src/a.js", 'const accessKey = "Ctrl+Shift+F12";'),
        ("src/a.js", 'const o = { client_secret: "kv/data/App1?version=2" };'),
        ("src/a.js", 'const tokenData = "Type=Access2,Scope=Read";'),
        ("src/a.go", 'connect("dns", "2001:4860:4860::8888")'),
        ("src/a.js", "export const VAPID_KEY = 'B" + "aZ3-" * 21 + "x_';"),
        ("bin/a.sh", "wget https://acme.io/all.zip -P vendor-2024"),
        ("bin/a.sh", "mysql -h db -u shop -p orders24"),
        ("bin/a.sh", "mysql -u shop -pDBPASS orders"),
        ("docs/a.md", "write to mailto:ops2024@acme.io:587"),
        ("src/Seed.php", "'password' => Hash::make($request->password),"),
        ("src/Factory.php", "'password' => Hash::make('password'),"),
        ("src/a.js", "const token = jwt.sign(payload, process.env.JWT_SECRET);"),
        ("db/seeds/1.js", "{ username: 'admin', password_hash: 'hashedpassword' },"),
        ("deploy/a.yaml", "args:\n- --password-file\n- secret-1"),
        ("deploy/a.yaml", "args:\n- --password\n- $(PASSWORD)"),
        ("deploy/a.yaml", "args:\n- --token\n- --verbose2"),
        ("deploy/compose.yaml", "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}"),
        ("bin/a.sh", 'echo "$TOKEN" | docker login -u bot --password-stdin'),
        ("etc/a.cfg", "config /app/pass_count string value99x"),
        ("src/User.php", "'password_confirmation' => 'required|same:password',"),
        ("app.properties", "SEALED_PASSWORD=if_you_see_this_please_use_k8s"),
        ("app.properties", "vaultpassword=if-you-see-this-please-set-one-in-2024"),
        # names of Secrets and of classes, and what is to be replaced, under the names of what signs
        ("deploy/values.yaml", "jwtSecret: payments-jwt-2024"),
        ("deploy/values.yaml", "jwt:\n  key: tls.key"),
        ("src/application.yml", "oauth:\n  client:\n    secret: HireFlow" + "Registration2024"),
        ("deploy/external.yaml", "data:\n- secretKey: DatabasePassword1234\n  remoteRef: {key: x}"),
        ("src/application.properties", "jwt.secret=MySuper" + "SecretKey123"),
        ("src/application.yml", "jwt:\n  secret: ChangeMe" + "InProduction2024"),
        ("src/a.ts", "const secretKey = 'UserAccountStorageKeyV1';"),
        ("src/application.yml", "jwt:\n  secret: ChangeMe" + "_InProduction_2024!"),
        ("deploy/values.yaml", "secret: juniper1320"),
        ("etc/clients.conf", "secret = testing123"),
        ("bin/a.sh", ": ${PGPASSWORD:=postgres}"),
        ("bin/a.sh", ": ${PGPASSWORD:?set it}"),
        # what stands in for a variable on everybody's machine
        ("bin/a.sh", 'DB_PASSWORD="${DB_PASSWORD:-postgres}"'),
        ("bin/a.sh", 'DB_PASSWORD="${DB_PASSWORD:-sunflower}"'),
        ("deploy/compose.yaml", "environment:\n  DB_PASSWORD: ${DB_PASSWORD:-changeme123}"),
        ("deploy/compose.yaml", "environment:\n  DB_PASSWORD: ${DB_PASSWORD:-my_db}"),
        ("deploy/compose.yaml", "environment:\n  DB_PASSWORD: ${DB_PASSWORD:?set it before}"),
        # labels, routes, names of databases
        ("src/a.h", '#define DB_PASSWORD "DatabasePassword"'),
        ("src/a.ts", "ADMIN_PASSWORD = 'AdminLogin',"),
        ("src/a.ts", 'accountPassword: "AccountSettings",'),
        ("deploy/compose.yaml", "environment:\n  DB_PASSWORD: app_db"),
        # names that only look alike
        ("src/a.py", "password_user = 'resetPasswordForUser'"),
        ("src/a.c", 'cred = "user-credential-cache"'),
        ("src/a.yml", "monkey: " + DRAWN + "Xk3RdIq8LmZ"),
        ("src/a.py", "u = 'https://docs.google.com/document/d/1x/edit?resourcekey=0-" + DRAWN + "Xk3RdIq8LmZ'"),
        ("src/a.yml", "pubkey: " + DRAWN + "Xk3RdIq8LmZ"),
        ("res/values/keys.xml", '<resources><string name="cache_key">' + HEX[:32] + "</string></resources>"),
        (".gitconfig", "[user]\n\tsigningkey = " + HEX[:16]),
        ("web/.env", "REACT_APP_PASS_RATE=0.85"),
        ("keys/token.txt", "placeholder"),
        ("shop/settings.py", "AUTHORIZATION = 'Bearer TestToken" + "12345678'"),
        # of environments: references, identifiers, addresses, lists, nothing
        ("web/.env", "RESET_PASSWORD=$BASE_URL/rooms/#/forgot_password"),
        ("web/.env", "MYSQL_USER=" + DRAWN + ".root"),
        ("web/.env", "AUTH0_CLIENT_ID='" + DRAWN + "Xk3RdIq8LmZ'"),
        ("web/.env", "CONTRACT_ADDRESS=0x" + HEX[:39] + "a"),
        ("web/.env", "ORIGIN = ['http://localhost:3000']"),
        ("web/.env", "COMPOSIO_API_KEY=ak_test"),
        ("web/.env", "AZURE_CLIENT_SECRET=00000000-0000-0000-0000-000000000000"),
        # hashes, ciphertext, formats, parts of a text, and what tests of hashes are given
        ("a/baseline.json", '"hashed_secret": "' + HEX[:32] + '",'),
        (
            "home/settings.xml",
            "<server>\n<passphrase>gpgPassphrase</passphrase>\n<password>{"
            + DRAWN
            + "Xk3RdIq8=}</password>\n</server>",
        ),
        ("src/a.go", 'shopToken := "%c^' + DRAWN + '-eab8-"'),
        ("src/Const.cs", 'String usernamePassword = "application:" + appKey + ":" + appSecret;'),
        ("__tests__/a.test.js", "expect(hashPassword('" + DRAWN + "X}').length).toBe(60)"),
    ],
)
def test_what_only_looks_like_it_is_not(path: str, line: str) -> None:
    assert found(path, line + "\n") == []


def test_what_identifies_an_account_at_twilio_is_a_key_under_the_name_of_one() -> None:
    assert found("src/a.env", f"API_KEY=AC{HEX[:32]}\n") == [1]


@pytest.mark.parametrize(
    "path",
    [".github/workflows/test-db.yaml", ".gitlab-ci.yml", "azure-pipelines.yml", ".circleci/config.yml", "ci.yml"],
)
def test_the_settings_of_a_build_are_told_from_those_of_what_runs(path: str) -> None:
    assert place.of(path) in (place.PIPELINE, place.TEST)
    assert found(path, f"env:\n  DB_PASSWORD: {DRAWN}X!\n") == [2]


def test_an_environment_is_still_read_for_what_lets_in() -> None:
    for line in (
        f"HOSTS=['https://bob:{DRAWN}Xk@shop.io/x']",
        f"ADDRESS_KEY=0x{HEX}{HEX[:25]}",
        f"SIGNING_SECRET=0x{HEX}a",
        f"VAULT_SECRET_ID={DRAWN}Xk3RdIq8LmZ",
        f"PASSWORD=$a{DRAWN}/Xk3",
    ):
        assert found("web/.env", line + "\n") == [1], line
