r"""Where `hooks.code` looks for credentials: bytes that the engine looks for.

Each pattern holds one rare word, what may stand between it and a value, and a value. A value is in quotes and holds a
digit; of passwords any will do, if it is assigned. Without quotes (prose, shells, settings) it holds a digit as well:
names of variables seldom do. A match ends in the value, and only its line is read.
"""

from hooks.keyname import ASIAN, ASIAN_IS, STRONG_KEYS
from hooks.structure.trigger import FOREIGN

_TEXT = rb"""(?:[^\s"'`<>{}$]|\\\$)"""
# Templates begin sooner than behind six characters; what was drawn from all signs has brackets anywhere.
_QUOTED = rb"""["'`](?:""" + _TEXT + rb"""{3,60}\d|""" + _TEXT + rb"""{0,2}\d""" + _TEXT + rb"{3}"
_QUOTED += rb"|" + _TEXT + rb"""{6}[^\s"'`]{1,24}\d)"""
_NAMED = rb"""[\w.\-"'`*\])}\\]{0,30}[ \t]{0,8}(?:[:?]?=|:|->|>|\bis\b|\bwas\b|[ \t])[ \t*`'"]{0,4}"""
_BARE = _NAMED + rb"""(?:[\w!#%&*+\-./?@^~$]{3,40}\d|[\w!#%&*+\-./?@^~$]{0,2}\d[\w!#%&*+\-./?@^~$]{3})"""
_NEXT_LINE = rb"""[\w"'\])]{0,24}\s{0,8}[=:(,][>=]?[ \t(\[]{0,8}\r?\n\s{0,40}""" + _QUOTED
# Any literal that a password is given: the rest of its name, a type, an assignment.
_ASSIGNED = (
    rb"""[\w.\-]{0,24}[\\"'`\[\])]{0,3}[ \t]{0,12}(?:[: ][ \t]{0,3}[\w?&'<>\[\] *]{1,24}[ \t]{0,3})?"""
    rb"""(?:[=:,(|?]|!=|<-|or)[=>~|?:]{0,2}\s{0,40}(?:\w{1,16}\(|\[\]byte\()?(?:N?\(?[@$rbuRBU]?["'`]{1,3}|\\")"""
    rb"""[^\s"'`<>{}%$]{4}"""
)
_PASS = (rb"pass(?:w|p|c|_|\b|[\"'])", rb"pwd")
_DRAWN = rb"""["'\])]{0,3}(?:[ \t]{0,4}:[ \t]?[\w\[\]]{1,12})?[ \t]{0,4}:?=[ \t]{0,4}(?:[\w\[\].]{1,16}\()?[ub@]?"""
_DRAWN += rb"""["'`][^\s"'`<>{}$]{16}"""
_KEY = rb"(?:pass|" + "|".join(sorted(STRONG_KEYS)).encode() + rb")[-_. ]?key"
_WORDS = (*_PASS, rb"secret", rb"token", rb"cred", rb"auth", _KEY, rb"salt")

# Of a key of no kind only what was drawn is one, and has sixteen characters (`hooks.credential`): so most names of
# entries, which code is full of, are none by their form.
_DRAWN_SIGN = rb"[\w+/=~\-!@#$%^&*?]"
_DRAWN_KEY = rb"(?:" + _DRAWN_SIGN + rb"{9,60}\d|" + _DRAWN_SIGN + rb"{0,8}\d" + _DRAWN_SIGN + rb"{7})"
_OTHER_KEY = rb"(?i)[a-z][-_. ]?key"

_ASIAN_IS = b"|".join(map(str.encode, ASIAN_IS))

TRIGGER: tuple[bytes, ...] = (
    *(
        word.encode() + rb"[ \t]{0,3}(?:" + _ASIAN_IS + rb")[ \t]{0,3}(?:[`*]{0,2}|\xe3\x80[\x8c\x8e])[!-~]{8}"
        for word in ASIAN
    ),
    *(rb"(?i)" + word + rb"(?:[^\n]{0,60}" + _QUOTED + rb"|" + _NEXT_LINE + rb"|" + _BARE + rb")" for word in _WORDS),
    _OTHER_KEY + rb"[^\n]{0,60}[\"'`]" + _DRAWN_KEY,
    _OTHER_KEY + rb"""[\w"'\])]{0,24}\s{0,8}[=:(,][>=]?[ \t(\[]{0,8}\r?\n\s{0,40}["'`]""" + _DRAWN_KEY,
    _OTHER_KEY + _NAMED + _DRAWN_KEY,
    *(rb"(?i)" + word + _ASSIGNED for word in (*_PASS, *FOREIGN)),
    *(rb"(?i)" + word + _DRAWN for word in (rb"nonce", rb"seed", rb"\biv", rb"_iv")),
    *(word + _DRAWN for word in (rb"Iv", rb"[a-z]IV")),
    # login("name", "v"), where no v holds a digit
    rb"""\.(?:log_?in|Log_?[Ii]n)\([ \t]{0,4}["'][^"'\n]{1,60}["'],[ \t]?["'][^\s"']{12}""",
    # What frameworks sign with, which people type: SECRET_KEY = "x", session({ secret: "x" })
    (
        rb"(?i)(?:secret_key|(?:jwt|session|cookie|token)_?secret)[\"'\])]{0,3}[ \t]{0,8}"
        rb"(?:[:=]|or|\|\||\?\?)[ \t]{0,4}[ub]?[\"'`][^\s\"'`<>{}%$]{4}"
    ),
    (
        rb"session\([ \t]{0,4}\{\s{0,20}(?:\w{2,20}:[ \t]?[\w.]{1,40},\s{0,20}){0,3}secret:[ \t]{0,4}"
        rb"[\"'`][^\s\"'`<>{}%$]{4}"
    ),
    # "x".equals(password)
    rb"(?i)\.equals\([\w.]{0,40}(?:pass|secret|token|key)",
    # sign-ins: connect("x", "user", "pw"); keys of crypto: createHmac("sha256", "key")
    (
        rb"""(?i)(?:(?:connect|log_?in)[\w.!?]{0,20}(?:[ ]?\(|[ ]["'])|PDO\()"""
        rb"""[^\n]{0,120}["'][,:][ \t]?["'][^\s"']{0,40}\d"""
    ),
    # and those whose position says it, where a word will do: mysqli_connect($host, "root", "x")
    (
        rb"(?:getConnection|mysqli?_p?connect|mysql_real_connect|new[ ]\\?(?:mysqli|PDO|Sequelize))"
        rb"\([^\n]{1,200}[\w\"'\])],[ \t]{0,4}[\"'][^\s\"'$]{4}"
    ),
    rb"""WiFi\.begin\([^\n]{1,80},[ \t]{0,4}"[^\s"]{8}""",
    *(
        word + rb"[^\n]{0,60}" + _QUOTED
        for word in (rb"jwt\.", rb"reateHmac", rb"(?i)hmac\.new", rb"signWith", rb"Fernet")
    ),
    # user:password@host in a URL, or in what follows a scheme of its own
    rb"://[^\s/:@\"'<>{}$()]{0,60}:[^\s/@\"'<>{}$()]{3,100}@[\w\[]",
    # whose user is an address, or is put in: smtps://user@host:x@host, f"https://{user}:x@host"
    rb"://[^\s/:@\"'<>{}$()]{1,60}@[\w.\-]{3,60}:[^\s/@\"'<>{}$()]{3,100}@[\w\[]",
    rb"://\$?\{[\w.()\[\]]{1,40}\}:[^\s/@\"'<>{}$()]{3,100}@[\w\[]",
    rb"""["'][\w.\-]{1,40}:[^\s"'@/:]{4,60}@(?:tcp|unix)\(""",
    # and without a scheme, before a port of databases, queues, mail and proxies
    (rb""":[^\s"'@/:]{4,60}@[\w.\-]{2,80}:[1-9]\d{1,4}\b"""),
    rb"""[^\s"]{4}"\.toCharArray""",
    # Authorization: Bearer x, Authorization: "Basic x"
    rb"(?i)bearer[: \t]{1,4}(?:\d{1,9}\|)?[\w.~+/\-]{12}",
    rb"Basic[ \t]{1,4}[\w.~+/\-]{12}",
    # -u name:password, -pX of mysql and sshpass
    (
        rb"(?:curl|http|wget|sshpass|mysql\w{0,8}|mongo\w{0,8}|redis-cli|smbclient|ldap\w{2,10}|login|openssl)\b"
        rb"[^\n]{0,200}[ \"'](?:--user[ =]|-[upaUwk][ \t]?)['\"]?[^\s'\"$<>\-][^\s'\"$<>]{3}"
    ),
    rb"(?:useradd|usermod|zip|7z[ar]?|rar)\b[^\n]{0,100} -h?[pP][ \t]?['\"]?[^\s'\"$<>\-][^\s'\"$<>]{3}",
    (
        rb"(?:add_user|change_password|htpasswd[ ]-\w{0,4}b\w{0,4})[ \t]{1,4}(?:\S{1,60}[ \t]{1,4}){1,3}"
        rb"[^\s$<>{}\-][^\s$<>{}]{3}"
    ),
    rb" -(?:(?:src|dest)?(?:store|key)|new)pass(?:wd)?[ \t]{1,4}[^\s$<>\-][^\s$<>]{3}",
    rb"(?:enable[ \t]{1,4}password|isakmp[ \t]{1,4}key|(?:^|\n)rootpw)[ \t]{1,4}\S",
    rb"user[ \t]{1,4}\S{1,60}[ \t]{1,4}on[ \t][^\n]{0,200}>\S{4}",
    rb"echo[^\n]{1,100}\|[ \t]{0,4}sudo[ ][^\n]{0,20}-\w?S",
    rb"register[ \t]{0,4}=>[ \t]{0,4}[^\s:@]{1,80}:[^\s:@]{4}",
    rb"(?:DBI->connect|keyring\.set_password|NetworkCredential\()[^\n]{1,200}[\w\"'\])],[ \t]{0,4}@?[\"'][^\s\"'$]{4}",
    rb"SQLConnectInfo[ \t]{1,9}\S{1,80}[ \t]{1,9}\S{1,80}[ \t]{1,9}\S{4}",
    rb"(?:buildConfigField|resValue)[ (\t]{1,4}[\"'][sS]tring[\"'],[ \t]{0,4}[\"']\w{2,80}[\"'],[ \t]{0,4}[\"']\S{6}",
    rb"lftp[^\n]{0,80} (?:-u|--user)[^\n]{1,60},[^\s$]{4}",
    rb"ansible_\w{0,20}pass(?:word)?=[\\\"']{0,2}[^\s\"'{}$]{4}",
    rb"mysqladmin[^\n]{1,100}[ ]password[ \t]{1,4}[^\s$<>]{4}",
    (
        rb"/[\w\-]{0,30}pass(?:word|wd|phrase)?(?:[-_](?:again|confirm))?[ \t]{1,4}(?:password|select|string)"
        rb"[ \t]{1,4}[^\s$<>]{4}"
    ),
    rb"git[ ]config[ ][^\n]{1,80}token[ ][^\s$<>]{8}",
    (
        rb"(?:Hash::make|bcrypt\w{0,10}\.(?:[hH]ash\w{0,10}|GenerateFromPassword)|argon2\w{0,4}\.hash|BCrypt\.hashpw|[pP]assword_?[hH]ash"
        rb"|[hH]ash_?[pP]assword|make_password|(?:[pP]assword|[cC]rypt)Encoder(?:\(\))?\.encode)\((?:\[\]byte\()?b?[\"'][^\s\"'$]{4}"
    ),
    rb"jwt\.(?:sign|verify|encode)\([^\n]{1,100},[ ]?(?:[\w.]{1,60}[ ]?(?:\|\||\?\?)[ ]?)?[\"'][^\s\"'$]{4}",
    rb"vault[ ]login[ ][^\s$<>\-]{8}",
    rb"""(?:NewCipher\(|Cryptr\(|SymmetricSecurityKey\()(?:\[\]byte\(|[\w.]{1,40}GetBytes\()?[\"'`][^\s\"'`]{6}""",
    rb"""CryptoJS\.\w{2,20}(?:\.(?:en|de)crypt)?\([^,\n]{1,80},[ ]?[\"'`][^\s\"'`]{6}""",
    (
        rb"""(?i)(?:\.(?:type|fill|setValue|send_?Keys|setInput\w{0,9})\(|\bfill_in[ (])["'][^\n]{0,40}passw(?:or)?d"""
        rb"""[^\n]{0,30},[ ](?:with:[ ])?["'`][^\s"'`]{4}"""
    ),
    rb"""(?i)\(["'][^"'\n]{0,60}passw(?:or)?d[^\n]{0,60}\)\.(?:type|fill|setValue|send_?Keys|val)\(["'`][^\s"'`]{4}""",
    rb"(?i)(?:pass\w{0,12}|pwd|secret\w{0,8}|token|key)><!\[CDATA\[\s{0,20}[^\s\]]{4}",
    rb"echo[ ][^\n]{1,200}--password-stdin",
    rb"aws[ ]configure[ ]set[ ][\w.\-]{0,60}(?:secret|token)\w{0,20}[ ][\"']?[^\s$<>]{8}",
    rb"CURLOPT_(?:PROXY)?USERPWD[^\n]{1,60}:[^\s\"']{4}",
    # - --password, and on the next line what it is
    rb"- [\"']?--?[\w\-]{0,40}(?:pass|pwd|secret|token|key)\w{0,12}[\"']?[ \t]{0,4}\r?\n",
    rb"--from-literal[= \t][\"']?[\w.\-]{1,60}=[\"']?[^\s\"'$<>{}]{4}",
    rb"echo[^\n]{1,60}\|[ \t]?(?:sudo[ \t])?(?:ch)?passwd",
    rb"(?i)net user [^\n]{1,60}\d",
    rb"(?i)securestring[^\n]{1,40}[\"'][^\s\"'$]{4}",
    rb"(?i)securestring[ \t]{1,4}(?:-\w{5,11}[ \t]{1,4}){1,3}[^\s\"'$()%@\-]{6}",
    rb"(?i)psexec[^\n]{1,160}[ ]-p[ \t]{1,4}\\?[\"']?[^\s$<>%\[\-]{4}",
    rb"\bbind[ \t]{1,4}[\"'][^\"'\n]{1,120}[\"'][ \t]{1,4}pass(?:word)?[ \t]{1,4}[\"'][^\s\"']{4}",
    rb"\bDirectoryEntry\([^)]",
    rb"--proxy-user[ =][\"']?[^\s:\"'$]{1,80}:[^\s\"'$<>@]{4}",
    rb"\bpac[ ]key[ ]{1,4}[^\s<]",
    # IDENTIFIED BY 'x', PASSWORD 'x', INSERT INTO t (password) VALUES ('x')
    rb"(?i)identified[ \t]{1,9}(?:with[ \t]{1,9}\S{1,30}[ \t]{1,9})?by[ \t]{1,9}['\"][^\s'\"$<>{}]{4}",
    rb"(?i)identified[ \t]{1,9}by[ \t]{1,9}[\w!#%*+./?^~\-]{0,40}\d",
    rb"(?i)password[ \t]{1,9}['\"][^\s'\"$<>{}]{4}",
    rb"(?i)insert[ \t]into[^\n]{1,200}(?:pass|pwd|secret|token|_key)[^\n]{1,300}values",
    rb"(?i)insert[ \t]into[^\n]{1,200}(?:pass|pwd|secret|token|_key)[^\n]{0,200}\)[ \t]{0,9}\r?\n",
    rb"(?i)sp_add[^\n]{1,60}'[^\s']{4}",
    # of connection strings, and a word alone behind the name in prose and settings
    rb"(?i);[ \t]{0,4}(?:password|pwd)[ \t]{0,4}=[ \t]{0,4}[^\s;\"'<>{}$][^\s;\"'<>{}]{3}",
    rb"(?i)(?:password|passwd|pwd)[*`]{0,2}[ \t]{0,8}[=:][ \t]{0,8}[^\s\"'`(){}\[\]<>$,;.]{6,40}[\s,;]",
    rb"(?i)<\w{0,30}pass\w{0,12}>[^\s<>{}$]{4,60}</",
    # login/password in prose: "admin / x"
    rb"(?i)(?:cred|log ?in)[^\n]{0,40}[/:|] ?[`\"'*]{0,2}[\w!@#$%^&*\-]{0,30}\d[\w!@#$%^&*\-]{2}",
    # devices
    rb"(?i)(?:password|secret)[ ][0579][ ][\w$./]{6}",
    rb"(?i)(?:snmp(?:-server)?[ ]community|pre-shared-key)[ ]",
    rb"""(?i)(?:\b|_)pw["']?\s{0,4}[:=]{1,2}\s{0,4}["'][^\s"']{4}""",
    # notes: (PW:x), ID/PW: name / x, PASS - x, PASSWORD(x), password=>x, and in other languages
    (
        rb"""(?i)\bpw[ ]?[:=][ \t]{0,4}(?:[^\s"'`;<>{}$/]{1,40}[ ]?/[ ]?)?"""
        rb"""(?:[^\s"'`;<>{}$()]{1,40}\d|\d[^\s"'`;<>{}$()]{7})"""
    ),
    (
        rb"(?:PASS|PW|pw|[pP]ass|[pP]wd|PWD)\w{0,6}"
        rb"(?:[ \t]{1,40}(?:-{1,8}|\xe2\x80[\x93\x94])[ \t]{1,20}|[ \t]?=>[ \t]?)"
        rb"[^\s\"'`<>(){}$,;:@%&=\-][^\s\"'`<>(){},;]{7}"
    ),
    rb"PASSWORD\([^\s\"'`<>(){}$,;:@%&=\-][^\s\"'`<>(){},;]{7}",
    # tables with a column of passwords; `the password for X is y`
    rb"""(?i)[|,;\t"][ \t]{0,4}[\w ]{0,12}(?:passw(?:or)?d|secret|token|api.key)["`*]{0,3}[ \t]{0,40}[|,;\t\r\n]""",
    rb"""(?i)(?:^|\n)"?(?:passw(?:or)?d|secret|token)"?[|,;\t]""",
    rb"(?i)(?:api.?key|passw(?:or)?d|secret|token)[`*]{0,3}[ ]{0,20}\|[ ]{0,4}[`*]{0,3}[\w+/=.~\-]{11,60}\d",
    (
        rb"(?i)(?:password|passwd|passphrase|pwd)[ ](?:for|of|on|to|in)[ ]"
        rb"[^\n=]{1,60}(?:\bis[ ]|\bwas[ ]|:)[ ]{0,3}[`'\"*]{0,3}[^\s`]{6}"
    ),
    # over several lines: calls that sign, keys of LoRaWAN and of accounts
    rb"jwt\.sign\([ \t]{0,4}[{\r\n]",
    rb"OAuth1?(?:Session)?\(\s{0,40}[\"'][\w\-]{16}",
    (
        rb"(?i)(?:app|nwk|nws|dev)_?(?:s_?)?(?:int_?|enc_?)?key\w{0,12}(?:\[\w{0,24}\])?[ \t=\\\r\n]{1,80}"
        rb"\{[ \t\r\n\\]{0,60}0x[0-9a-f]"
    ),
    rb"accounts[\"']?:[ ]?\[\s{0,40}[\"'](?:0x)?[0-9a-fA-F]{64}[\"']",
)
