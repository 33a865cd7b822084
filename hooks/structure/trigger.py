"""What has to stand in a file before its structure is read: bytes that the engine looks for. It imports nothing.

Each pattern holds one rare word, so that each can be looked for by itself at several GB/s; one of all words can't.
"""

# What stands between such a word and a value that may be a secret, to its fourth character: the rest of the name,
# quotes, then an assignment, the end of an XML tag, or a comma: `define('DB_PASSWORD', 'x')`, `"--password", "x"`.
# A value is in quotes or not, a block, an alias, a list, or on the next line. Most files with such words hold none.
_ASSIGNED = (
    rb"""[\w.\-]{0,24}[\\"'\]]{0,4}[ \t]{0,24}(?:(?:=>|:=|[:=])[ \t]{0,24}(?:[&!]\S{1,60}[ \t]{1,8})?(?:"""
    rb"""\\{0,3}["'][^"'\n]{4}|[^\s{}\[\]"'#,|>*\\][^\s{}\[\],]{3}"""
    rb"""|[|>][-+0-9]{0,3}[ \t]{0,8}\r?\n|\*\w|\[\s{0,40}["'\w]|\r?\n[ \t]{0,60}(?:-[ \t]{1,4})?[^\s:]{4,100}\s)"""
    rb"""|>\s{0,40}[^\s<>{}]{3}|,\s{0,60}["'][^"'\n]{4})"""
)
# `- name: DB_PASSWORD` and then `value: x`, the same in JSON, <add key="..." value="...">, <key>...</key><string>
_NAMED = rb"""[\w.\-]{0,24}["']?[\s,]{1,80}["']?(?:value|default|connectionString)\b"""

# `password` in other languages, in UTF-8: contraseña, hasło, пароль, 密码, 密碼, 口令
FOREIGN: tuple[bytes, ...] = (
    rb"senha",
    rb"contrase(?:n|\xc3\xb1)a",
    rb"kennwort",
    rb"wachtwoord",
    rb"mot_?de_?passe",
    rb"heslo",
    rb"has(?:l|\xc5\x82)o",
    rb"\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c",
    rb"\xe5\xaf\x86\xe7(?:\xa0\x81|\xa2\xbc)",
    rb"\xe5\x8f\xa3\xe4\xbb\xa4",
)

_WORDS = (
    rb"pass",
    rb"pwd",
    rb"secret",
    rb"token",
    rb"cred",
    rb"auth",
    (
        rb"(?:api|app|access|account|private|auth|encrypt|encryption|signing|signature|master|license|session|shared|storage"
        rb"|client|service|consumer|deploy|admin|subscription|write|read|root|data|host|webhook|jwt|integration|sender"
        rb"|server|user|function|primary|secondary|crypto|cipher|hash|cookie)[-_. ]?key"
    ),
    rb"(?:webhook|connection[-_ ]?string|bearer)",
    rb"(?:jwt|\bdsn\b)",
    *FOREIGN,
)

TRIGGER: tuple[bytes, ...] = (
    *(rb"(?i)" + word + _ASSIGNED for word in _WORDS),
    rb"(?i)(?:pass|secret)" + _NAMED,
    rb"(?i)(?:pass(?:w|p|_)|pwd|secret|token|_key)\w{0,16}[\"']?[:=][ \t]{0,4}[\"']?\$\{[\w.]{1,60}[:-]-?[^\s{}$?+]{4}",
    rb"(?i)(?:token|[_-]key|apikey)" + _NAMED,
    # <key>APISecret</key><string>x</string>, <AdministratorPassword><Value>x
    rb"(?i)(?:pass|pwd|secret|token|cred|[a-z_. -]key)[\w.\-]{0,24}</key>\s{0,40}<(?:string|data)>[^<\s]{4}",
    rb"(?i)passw\w{0,16}>\s{0,40}<value>[^<\s]{3}",
    # `db_pw: x`; requirepass x of Redis; variables of Terraform, passwords in its state
    rb"(?i)(?:\b|_)pw" + _ASSIGNED.replace(rb"""[\w.\-]{0,24}[\\""", rb"""[\\""", 1),
    rb"(?i)\bpsk[ \t]{0,4}=[ \t]{0,4}[\"']?[^\s\"']{8}",
    # "Jwt": {"Key": "x"}, <crypt><key>x</key></crypt>: the name above says which key it is
    rb"(?i)jwt\w{0,16}[\"']?[ \t]{0,4}:\s{0,40}\{?[^{}]{0,200}?\bkey[\"']?[ \t]{0,4}:[ \t]{0,4}[\"']?[^\s{}\"']{8}",
    rb"<crypt>\s{0,40}<key>",
    rb"<Pass encoding=",
    rb"(?:requirepass|masterauth|masteruser)[ \t]{1,8}[\"']?\S{4}",
    rb"""variable[ \t]{1,4}"[\w\-]{0,40}(?i:passw|secret|token|_key|_pw|_pwd|cred)""",
    rb"""random_password"[ \t]{0,4},""",
    rb""":[ \t]{0,4}\r?\n[ \t]{1,16}content:[ \t]{1,4}\S""",
    # ENV DB_PASSWORD x, set -x DB_PASSWORD x, setx
    rb"\b(?:ENV|set -[Ugx]{1,3}|setx)[ \t]{1,8}[\w.\-]{0,40}(?i:pass|secret|token|_key)",
    rb"\blogin\s{1,20}\S{1,80}\s{1,40}(?:account|password)\b",
    rb":(?:5432|6432|\*):[^\s:]{1,100}:[^\s:]{1,100}:[^\s:]",
    rb":\$(?:apr1|2[aby]|5|6|y)\$",
)

# A Secret of Kubernetes, however its kind is written: in any quotes, as a block, behind an anchor or a tag, as an alias
# or with escapes in the name or in the word; and the two marks that need no kind.
MANIFEST: tuple[bytes, ...] = (
    (
        rb"""kind["'\\]*\s{0,9}:\s{0,40}(?:#[^\n]{0,80}\s{1,40})?(?:[&!]\S{1,60}\s{1,9}){0,3}"""
        rb"""(?:[|>][-+0-9]{0,3}\s{1,40})?["'\\]*Secret(?:List|Generator)?\b"""
    ),
    rb"""kind["']?[ \t]{0,9}:[ \t]{0,9}(?:[&!]\S{1,60}[ \t]{1,9}){0,3}(?:\*\w|"[A-Za-z]{0,9}\\[ux\r\n])""",
    rb"""\\[ux][0-9A-Fa-f]{2,8}[A-Za-z]{0,6}"[ \t]{0,9}:[ \t]{0,9}["'&*!|>]{0,4}Secret""",
    rb"tringData",
    rb"string_data",
    rb"\"kubernetes_secret",
    rb"""kind["']?\s{0,20}=\s{0,20}["']Secret["']""",
    rb"secretGenerator",
    (
        rb"""path["'\\]{0,4}[ \t]{0,9}:[ \t]{0,9}["'\\]{0,4}/data(?:/[^/\s"'\\]{1,80})?["'\\]{0,4}"""
        rb"""[ \t,]{0,9}(?:\r?\n|["'\\]{0,4}value)"""
    ),
    rb"\bpatch[ \t]{1,9}secrets?[ \t/]",
    rb"--from-literal",
    rb"--docker-password",
    rb"SealedSecret",
)
