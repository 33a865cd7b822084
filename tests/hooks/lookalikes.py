"""Lines that look as if they leaked and don't: as `PATH | TEXT`, see `labelled_credentials`."""

LOOKALIKES = r"""
src/a.py | password = get_password()
src/a.py | password = os.environ["DB_PASSWORD"]
src/a.py | password = config.get("database", "password")
src/a.py | password = self.settings.password
src/a.py | token = request.headers.get("Authorization")
src/a.py | password: str = Field(..., description="The password of the user")
src/a.py | password = None
src/a.py | password = ""
src/a.py | api_key = f"{prefix}-{suffix}"
src/a.py | query = "SELECT * FROM users WHERE password = %s"
src/a.py | url = "postgres://{}:{}@{}/{}".format(user, password, host, name)
src/a.py | url = f"postgres://{user}:{password}@{host}/orders"
src/a.py | url = "postgresql://user:password@localhost/dbname"
src/a.py | raise ValueError("password must not be empty")
src/a.py | PASSWORD_FIELD = "password"
src/a.py | TOKEN_TYPE = "bearer"
src/a.py | SECRET_NAME = "payments-db-credentials"
src/a.py | token_url = "https://login.acme-corp.net/oauth/token"
src/a.py | parser.add_argument("--password", help="password of the database")
src/a.py | parser.add_argument("--token", default="")
src/a.py | auth = HTTPBasicAuth(username, password)
src/a.py | headers = {"Authorization": f"Bearer {token}"}
src/a.py | headers = {"Authorization": "Bearer " + token}
src/a.py | cache_key = "<md5>"
src/a.py | commit = "<sha1>"
src/a.py | checksum = "<sha256>"
src/a.py | password = getpass.getpass("Password: ")
src/a.py | password = "********"
src/a.py | password = "<your-password>"
src/a.py | api_key = "YOUR_API_KEY"
src/a.py | api_key = "your-api-key-here"
src/a.py | secret = "changeme"
src/a.py | secret_key = "REPLACE_WITH_SECRET_KEY"
src/a.py | password = "xxxxxxxxxxxx"
src/a.py | SECRET_PATH = "/run/secrets/db_password"
src/a.py | private_key = "/etc/ssl/private/server.key"
src/a.py | public_key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE<b64>"
src/a.py | key = "user:profile:name"
src/a.py | primary_key = "order_id"
src/a.py | secret_id = "<uuid>"
src/a.py | tokens = ["if", "else", "while", "for"]
src/a.py | if token == "EOF":
src/a.py | if token_type == "access_token":
src/a.py | PASSWORD_REGEX = r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$"
src/a.py | password_hash = hashlib.sha256(password.encode()).hexdigest()
src/a.py | logger.info("token expired: %s", token)
src/a.py | assert auth_token != "invalid-token"
src/a.py | keyboard = "qwertz-layout-de"
src/a.py | author = "Jane Doe <jane@acme-corp.net>"
src/a.py | password_validators = "django.contrib.auth.password_validation"
src/a.js | const password = req.body.password;
src/a.js | const token = localStorage.getItem('token');
src/a.js | const { password } = this.state;
src/a.js | <input type="password" name="password" placeholder="Enter password" />
src/a.js | const label = { password: 'Password', confirm: 'Confirm password' };
src/a.js | password: 'Enter your password',
src/a.js | passwordLabel: 'Passwort vergessen?',
src/a.js | type: 'password',
src/a.js | const RESET_PASSWORD = 'RESET_PASSWORD';
src/a.js | export const SET_TOKEN = 'auth/setToken';
src/a.js | tokenKey: 'access_token',
src/a.js | apiKey: process.env.API_KEY,
src/a.js | headers: { Authorization: `Bearer ${token}` },
src/a.js | const secret = generateSecret(32);
src/a.js | document.querySelector('#password').value
src/a.js | $('input[name=password]').val('');
src/a.js | password: yup.string().required('Password is required'),
src/a.js | password: { type: String, required: true },
src/a.js | integrity: "sha512-<b64>"
src/a.js | key: 'ArrowDown',
src/a.js | key="user-settings-panel"
src/a.js | case 'token': return parse(token);
src/a.js | const keyPath = './certs/server.key';
src/a.js | const tokenEndpoint = '/oauth2/token';
src/a.js | { key: '<md5>', size: 12 }
src/a.ts | password: string;
src/a.ts | token?: string | null;
src/a.ts | constructor(private authService: AuthService) {}
src/a.ts | @Input() password: string = '';
src/a.ts | this.form.get('password').setErrors({ required: true });
src/a.ts | secretName: "db-credentials",
src/a.ts | enum Field { Password = 'password', Token = 'token' }
src/a.ts | i18n.t('auth.password.reset')
src/A.java | private String password;
src/A.java | String password = System.getenv("DB_PASSWORD");
src/A.java | String token = jwtService.createToken(user);
src/A.java | public static final String PASSWORD = "password";
src/A.java | public static final String TOKEN_HEADER = "X-Auth-Token";
src/A.java | @Value("${spring.datasource.password}") private String password;
src/A.java | throw new BadCredentialsException("Bad credentials");
src/A.java | user.setPassword(passwordEncoder.encode(request.getPassword()));
src/A.java | @JsonProperty("access_token") private String accessToken;
src/A.java | private static final String KEY_ALGORITHM = "AES/GCM/NoPadding";
src/A.java | keystore.load(stream, password.toCharArray());
src/A.java | String secretKey = props.getProperty("secret.key");
src/A.java | map.put("token", tokenValue);
src/A.java | getPassword("db.alias")
src/A.java | private static final long serialVersionUID = -7034897190745766939L;
src/A.java | LOGGER.debug("password changed for {}", user);
src/A.kt | val password: String? = null
src/A.kt | const val KEY_TOKEN = "key_token"
src/A.kt | preferences.getString("auth_token", "")
src/A.cs | public string Password { get; set; }
src/A.cs | var password = Configuration["Db:Password"];
src/A.cs | [Required(ErrorMessage = "Password is required")]
src/A.cs | var connection = $"Server={host};User Id={user};Password={password};";
src/A.cs | const string PasswordPlaceholder = "{password}";
src/A.cs | PublicKeyToken=b77a5c561934e089
src/A.cs | Type.GetType("System.Data, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089")
cmd/a.go | Password string `json:"password" yaml:"password"`
cmd/a.go | password := os.Getenv("DB_PASSWORD")
cmd/a.go | token, err := client.Token(ctx)
cmd/a.go | var ErrInvalidToken = errors.New("invalid token")
cmd/a.go | flag.StringVar(&password, "password", "", "the password")
cmd/a.go | dsn := fmt.Sprintf("%s:%s@tcp(%s)/%s", user, password, host, name)
cmd/a.go | const secretKind = "kubernetes.io/tls"
cmd/a.go | SecretKeyRef: &v1.SecretKeySelector{Key: "password"},
cmd/a.go | if cfg.Password != "" {
cmd/a.go | case "password":
cmd/a.go | tokenPath := "/var/run/secrets/kubernetes.io/serviceaccount/token"
cmd/a.go | annotationKey = "sealer.dev/last-applied-secret"
cmd/a.go | labelKey := "app.kubernetes.io/managed-by"
src/a.rs | let password = env::var("DB_PASSWORD").unwrap();
src/a.rs | pub token: Option<String>,
src/a.rs | const KEY: &str = "settings.window.size";
src/a.rs | TokenKind::Ident => "identifier",
lib/a.rb | password = params[:password]
lib/a.rb | validates :password, presence: true, length: { minimum: 8 }
lib/a.rb | attr_accessor :password, :password_confirmation
lib/a.rb | password: <%= ENV['DB_PASSWORD'] %>
lib/a.rb | f.password_field :password, class: "form-control"
src/a.php | $password = $_POST['password'];
src/a.php | $password = getenv('DB_PASSWORD');
src/a.php | 'password' => 'required|string|min:8|confirmed',
src/a.php | 'password' => env('DB_PASSWORD', ''),
src/a.php | define('AUTH_KEY', 'put your unique phrase here');
src/a.php | $this->password = $password;
src/a.php | 'passwords' => 'The password is incorrect.',
lib/A.pm | my $password = shift;
lib/A.pm | my $password = $opts{password};
Sources/a.swift | let password = passwordField.text
Sources/a.swift | case password = "password"
src/a.c | char *password = getpass("Password: ");
src/a.c | static const char *token_names[] = { "IDENT", "NUMBER" };
src/a.c | if (strcmp(token, "END") == 0)
src/a.c | #define TOKEN_EOF "end-of-file"
src/a.c | #define KEY_LENGTH "256"
src/a.sql | password VARCHAR(255) NOT NULL,
src/a.sql | CREATE USER app IDENTIFIED BY :password;
src/a.sql | ALTER USER app WITH PASSWORD '${DB_PASSWORD}';
src/a.sh | read -s -p "Password: " PASSWORD
src/a.sh | PASSWORD=$(openssl rand -hex 16)
src/a.sh | export TOKEN=${TOKEN:?token is needed}
src/a.sh | curl -H "Authorization: Bearer $TOKEN" https://api.acme-corp.net
src/a.sh | curl -u "$USER:$PASSWORD" https://nexus.acme-corp.net
src/a.sh | mysql -u root -p"$MYSQL_PASSWORD" orders
src/a.sh | docker login -u "$CI_USER" --password-stdin registry.acme-corp.net
src/a.sh | ./run --password-file /run/secrets/db --token "$TOKEN"
src/a.sh | vault kv get -field=password secret/payments
src/a.sh | kubectl create secret generic db --from-literal=password="$PASSWORD"
src/a.sh | SSH_KEY=~/.ssh/id_ed25519
src/a.sh | DB_PASSWORD_FILE=/run/secrets/db_password
src/a.sh | psql "postgres://$USER:$PASS@$HOST/orders"
config/a.yaml | password: ${DB_PASSWORD}
config/a.yaml | password: "{{ .Values.password }}"
config/a.yaml | password: !vault secret/db
config/a.yaml | existingSecret: payments-db
config/a.yaml | secretKeyRef:\n  name: db\n  key: password
config/a.yaml | secretName: tls-payments
config/a.yaml | passwordKey: postgres-password
config/a.yaml | token: null
config/a.yaml | api_key: ""
config/a.yaml | password: ENC[AES256_GCM,data:<b64>,iv:<b64>,tag:<b64>,type:str]
config/a.yaml | image: registry.acme-corp.net/app@sha256:<sha256>
config/a.yaml | automountServiceAccountToken: false
config/a.yaml | passwordPolicy: strong
config/a.yaml | token_ttl: 3600s
config/a.yaml | auth: enabled
config/a.yaml | tokenReviewer: true
config/a.yaml | key: app.kubernetes.io/name
config/a.yaml | client_secret: <%= ENV["CLIENT_SECRET"] %>
config/a.yaml | uses: actions/checkout@<sha1>
config/a.yaml | token: ${{ secrets.GITHUB_TOKEN }}
config/a.json | "password": "string"
config/a.json | "password": { "type": "string", "format": "password" }
config/a.json | "passwordResetUrl": "https://acme-corp.net/reset"
config/a.json | "token": "$TOKEN"
config/a.json | "secretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf"
config/a.json | "integrity": "sha512-<b64>"
config/a.json | "resolved": "https://registry.npmjs.org/jsonwebtoken/-/jsonwebtoken-9.0.0.tgz#<sha1>"
config/a.json | "public_key": "<b64>"
config/a.json | "keywords": ["password", "token", "secret"]
config/a.json | "tokenizer_class": "GPT2Tokenizer",
config/a.json | "pad_token": "<|endoftext|>"
config/a.properties | spring.datasource.password=${DB_PASSWORD}
config/a.properties | password.min.length=12
config/a.properties | login.password.label=Password
config/a.properties | auth.token.header=X-Auth-Token
config/a.properties | jwt.issuer=https://login.acme-corp.net
config/a.ini | password_file = /run/secrets/db
config/a.ini | auth_type = scram-sha-256
config/a.ini | ; password =
config/a.xml | <password>${env.DB_PASSWORD}</password>
config/a.xml | <string name="password_hint">Password</string>
config/a.xml | <add key="PasswordPolicy" value="Strict" />
config/a.xml | <EditText android:inputType="textPassword" android:hint="@string/password" />
config/a.tf | password = var.db_password
config/a.tf | password = random_password.db.result
config/a.tf | secret_id = aws_secretsmanager_secret.db.id
config/a.tf | kms_key_id = "arn:aws:kms:eu-central-1:123456789012:key/<uuid>"
config/a.tf | key_name = "deployer-key"
config/a.toml | token = "${TOKEN}"
config/a.toml | checksum = "<sha256>"
locales/en.json | "password": "Password", "token": "Access token"
locales/de.json | "password": "Passwort", "forgotPassword": "Passwort vergessen?"
locales/fr.yml | password: "Mot de passe"
tests/test_a.py | password = "password"
tests/test_a.py | password = "test123"
tests/test_a.py | client.login("admin", "admin")
tests/test_a.py | token = "test-token"
tests/test_a.py | api_key = "fake-api-key"
tests/test_a.py | secret = "my-secret-value"
tests/test_a.py | User(name="x", password="password123")
tests/test_a.py | url = "http://user:pass@example.com/"
tests/test_a.py | headers = {"Authorization": "Bearer some-token"}
tests/test_a.py | assert parse("key=value") == {"key": "value"}
tests/a_test.go | password := "correct horse battery staple"
tests/a_test.go | wantToken := "expected-token"
tests/a.spec.ts | cy.get('#password').type('Secret123');
tests/a.spec.ts | const token = 'dummy-jwt-token';
src/test/java/ATest.java | String password = "wrongPassword";
docs/a.md | password = "<password>"
docs/a.md | Set `password` to the password of your account.
docs/a.md | export API_KEY=your_api_key
docs/a.md | curl -u username:password https://api.acme-corp.net
docs/a.md | curl -H "Authorization: Bearer YOUR_TOKEN" https://api.acme-corp.net
docs/a.md | postgres://user:password@localhost:5432/db
docs/a.md | The token is valid for 30 minutes, the password is case sensitive.
docs/a.md | | `auth.token` | string | token used for access |
docs/a.md | password: changeme
docs/a.md | mysql -u root -ppassword
docs/a.md | login with your username/password
docs/a.rst | :param password: the password, as text
docs/a.rst | :type token: str or None
README.md | API_KEY=xxxxxxxxxxxxxxxxxxxx
README.md | TOKEN=<token> ./run.sh
.env.example | DB_PASSWORD=secret
.env.example | API_KEY=
CHANGELOG.md | - password: fixed the reset of tokens (#1234)
src/a.css | .password-input { color: #aabbcc; }
src/a.html | <label for="password">Password</label>
src/a.html | <meta name="csrf-token" content="{{ csrf_token() }}">
src/a.html | <input name="token" type="hidden" value="{{ token }}">
src/a.graphql | mutation login($password: String!) { token }
src/a.proto | string password = 3;
src/a.proto | optional string access_token = 12;
src/a.py | ALGORITHM = "HS256"
src/a.py | SECRET_ALGORITHM = "pbkdf2_sha256"
src/a.py | user_id = "<uuid>"
src/a.py | session_key_prefix = "session:"
src/a.py | AUTH_USER_MODEL = "accounts.User"
src/a.py | AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
src/a.py | translate_key = "settings.security.password.title"
src/a.py | password_reset_token = default_token_generator.make_token(user)
src/a.py | fernet = Fernet(key)
src/a.py | s3_key = "uploads/2024/05/report.pdf"
src/a.py | partition_key = "customer#orders"
src/a.py | sort_keys = "name,created_at"
src/a.py | foreign_key = "orders.customer_id"
src/a.py | ssh_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA<b64> jane@laptop"
src/a.py | STRIPE_PUBLISHABLE_KEY = "pk_live_<key>"
src/a.py | recaptcha_site_key = "<key>"
src/a.py | message = "Your password is: %s" % password
src/a.py | return jsonify({"error": "invalid_token"}), 401
src/a.py | WWW_AUTHENTICATE = 'Basic realm="Login Required"'
src/a.py | token = token.strip().lower()
src/a.py | secret = base64.b64decode(value)
src/a.py | passed = "all tests"
src/a.py | compass = "north-north-west"
src/a.java | public static final String WRONG_PASSWORD = "<pin>";
src/a.js | const codes = { resetPassword: '<pin>', passwordMismatch: '<pin>' };
src/a.php | $passwd = 'paswoord'; // paswoord gebruiker
src/a.js | const config = { user: 'root', password: 'SUA_SENHA' };
docs/a.md | postgresql://usuario:contraseña@host:5432/tienda
docs/a.es.po | "postgresql://USUARIO:CONTRASEÑA@host:5432/tienda"
run.bat | set PWD=%~dp0
src/a.php | self::PASSWORD => 'hashed',
docs/a.md | Authorization: Bearer eyJ0eXAiOiJKV1QiLCJhbGmJlNmV2ZWJPamg2...
src/a.py | out = mask("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.abc.def")
docs/a.md | curl -H "X-API-Key: a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"
app/build.gradle.kts | storePassword = "android"
tests/a.spec.ts | await login({ user: 'jane', password: '<row>' });
tests/test_a.py | user.set_password("monkey79")
src/a.ts | const SECRET_KEY = 'settings.secretShown';
src/a.ts | const store = new Store({ secret: 'db-credentials' });
src/a.py | app.secret_key = 'your_secret_key'
src/a.js | app.use(session({ secret: process.env.SESSION_SECRET, resave: false }));
src/a.js | app.use(session({ secret: 'secret', resave: false }));
src/a.js | const token = jwt.sign({ id: user.id }, process.env.JWT_SECRET);
src/a.cs | var c = "Data Source=.;User ID=sa;Password=password;";
tests/a_test.go | redis := "redis://:hunter2@cache.local:6379"
docs/a.md | pass: 'your pass word here'
src/a.js | pass: 'some text that will not',
""".strip().splitlines()
