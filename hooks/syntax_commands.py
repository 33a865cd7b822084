"""Credentials that commands take as arguments, of shells and of network devices. Pure."""

from __future__ import annotations

from hooks.syntax_row import CLEAR, Row

_UNCIPHERED = r"(?!01000000d08c9ddf|76492d1116743f04)"
"""What ConvertFrom-SecureString writes begins so: behind DPAPI's header, or PowerShell's own for AES."""

COMMANDS = (
    # curl -u name:v
    Row(
        "curl http wget xh",
        r"\b(?:curl|https?|wget|xh)\b.{0,300}?\s(?:-u|--user|-a|--auth|-U|--proxy-user)[ =]?[\"']?"
        r"[^\s:\"'$]{0,80}:(?P<value>[^\s\"'@]{3,200})",
        "password",
        "command",
        quoted=False,
        part=r"\s-(?:[uaU]|-user|-auth|-proxy-user)",
    ),
    # and for a proxy, where curl stands on a line above
    Row(
        "--proxy-user",
        r"\s--proxy-user[ =][\"']?[^\s:\"'$]{1,80}:(?P<value>[^\s\"'@]{3,200})",
        "password",
        "command",
        quoted=False,
    ),
    # mysql -pv
    Row(
        "sshpass mysql mongo redis docker ldap net smbclient az helm pass:",
        r"\b(?:(?:sshpass\b.{0,40}?\s-p|mysql\w{0,8}\b.{0,200}?[\s\"']-p(?=\S)|(?:mongo\w{0,8}|docker\s+login|az\s+login|helm\s+\w+)\b"
        r".{0,200}?\s-p\s|redis-cli\b.{0,200}?\s-a\s|ldap\w+\b.{0,200}?\s-w\s|net\s+use\b.{0,200}?/user:\S++"
        r"|smbclient\b.{0,200}?\s-U\s?[^\s%]+%)\s*|pass:)\\?[\"']?(?P<value>" + CLEAR + "+)(?![{(])",
        "password",
        "taken",
        quoted=False,
        part=r"-[pawU]|/user:|pass:",
    ),
    # host1 ansible_user=name ansible_password=v, a line of an inventory or of what writes one
    Row(
        "ansible_",
        r"\bansible_\w{0,20}pass(?:word)?=(?P<q>\\?[\"']?)(?P<value>[^\s\"'\\{}$][^\s\"'\\{}]{3,200})(?P=q)(?=[\s\"'\\]|$)",
        "password",
        "command",
        quoted=False,
    ),
    # mysqladmin -u root password v, db/root_password password v, of debconf, git config x.token v
    Row(
        "mysqladmin pass",
        r"(?:\bmysqladmin\b[^\n|;]{0,100}?\spassword\s+[\"']?|/(?:[\w\-]{0,40}/)?[\w\-]{0,30}pass(?:word|wd|phrase)?(?:[-_](?:again|confirm))?\s+"
        r"(?:password|select|string)\s+)(?P<value>" + CLEAR + ")",
        "password",
        "taken",
        quoted=False,
        part=r"(?:password|select|string)\s",
    ),
    Row(
        "--password-stdin",
        r"\becho\s+(?:-n\s+)?[\"']?(?P<value>" + CLEAR + r")[\"']?\s*\|[^|\n]{1,80}\s--password-stdin",
        "password",
        "taken",
        quoted=False,
    ),
    Row(
        "configure",
        r"\baws\s+configure\s+set\s+(?P<key>[\w.\-]{0,60}(?:secret|token)\w*)\s+[\"']?(?P<value>" + CLEAR + ")",
        where="command",
        quoted=False,
    ),
    Row(
        "curlopt_userpwd",
        r"CURLOPT_(?:PROXY)?USERPWD\W{1,8}?[\"'][^\s\"':]{1,80}:(?P<value>[^\s\"']{4,200})[\"']",
        "password",
        "login",
        literal=True,
    ),
    Row(
        "git config",
        r"\bgit\s+config\s+(?:-\S{1,20}\s+)*[\w.\-]{0,60}token\s+[\"']?(?P<value>" + CLEAR + ")",
        "token",
        "command",
        quoted=False,
        part=r"token\s",
    ),
    # kubectl create secret generic x --from-literal=name=v: whatever its name, it goes into a Secret
    Row(
        "--from-literal",
        r"--from-literal[= \t]{1,4}[\"']?[\w.\-]{1,80}=[\"']?(?P<value>" + CLEAR + ")",
        "secret",
        "command",
        quoted=False,
    ),
    # ConvertTo-SecureString "v" -AsPlainText -Force, with its parameters in any order; not what DPAPI or AES ciphered
    Row(
        "securestring",
        r"(?i:ConvertTo-SecureString\s+(?:-(?:String|AsPlainText|Force)\s+){0,3})(?P<q>\\?[\"'])"
        + _UNCIPHERED
        + r"(?P<value>[^\"'$\\]{4,200})(?P=q)",
        "password",
        "command",
        literal=True,
    ),
    Row(
        "securestring",
        r"(?i:ConvertTo-SecureString\s+(?:-(?:AsPlainText|Force)\s+){0,2}-String\s+(?:-(?:AsPlainText|Force)\s+){0,2})"
        + _UNCIPHERED
        + r"(?=\S{0,60}\d)(?=\S{0,60}[A-Za-z])"
        r"(?P<value>(?![-@\[%])" + CLEAR + r"(?=[\s\"';|)]|$))",
        "password",
        "command",
        quoted=False,
    ),
    # psexec host -u name -p v, of Sysinternals; bind 'name' pass 'v'
    Row(
        "psexec",
        r"(?i:\bpsexec(?:64)?(?:\.exe)?)\s[^\n|]{0,160}?\s-u\s+\S+\s+-p\s+\\?[\"']?(?P<value>(?![-@\[%])" + CLEAR + ")",
        "password",
        "taken",
        quoted=False,
    ),
    Row(
        "bind",
        r"\bbind\s+[\"'][^\"'\n]{1,160}[\"']\s+(?:pass|password)\s+(?P<q>[\"'])(?P<value>(?:(?!(?P=q))\S){4,200})(?P=q)",
        "password",
        "login",
        literal=True,
    ),
    Row(
        "passwd",
        r"\becho\s+(?:-n\s+)?[\"']?(?:\w+:)?(?P<value>[^\s\"'|:$]{4,200})[\"']?\s*\|\s*(?:sudo\s+)?(?:ch)?passwd\b",
        "password",
        "command",
    ),
    Row("user", r"\bnet\s+user\s+\S+\s+(?P<value>[^\s/]{4,100})\s", "password", "command", part=r"net\s+user\s"),
    Row(
        "openssl",
        r"\bopenssl\s.{0,80}-(?:k|passin|passout)\s+(?:pass:)?(?P<value>[^\s:$]{4,200})",
        "password",
        "command",
    ),
    # network devices and others: enable secret 5 v
    Row(
        "enable username key-string pre-shared community sp_add",
        r"\b(?:enable\s+secret|username\s+\S+(?:\s+privilege\s+\d+)?\s+(?:password|secret)|key-string|pre-shared-key"
        r"|snmp(?:-server)?\s+community|sp_add\w+\s+N?'[^']+',)\s+(?:[0-9]\s+)?"
        r"N?['\"]?(?P<value>[^\s'\"]{5,200})",
        "secret",
        "login",
    ),
    # enable password v, crypto isakmp key v address, of Cisco; rootpw v, of Anaconda; user x on >v, of Redis
    Row(
        "enable isakmp rootpw",
        r"(?:^\s*enable\s+password(?:\s+0)?(?!\s+(?:auth|protect|encrypt|login|reset|polic|chang|recover|prompt|hash|expir|sync"
        r"|complex|for\b|on\b|in\b|to\b|and\b))|\bcrypto\s+isakmp\s+key(?:\s+0)?|^\s*rootpw(?:\s+--plaintext)?)\s+(?P<value>(?![0-9-][\s-])"
        + CLEAR
        + r")",
        "password",
        "taken",
        quoted=False,
    ),
    # pac key 7 v, of Cisco TrustSec
    Row(
        "pac",
        r"^\s*pac\s+key\s+(?:[0-7]\s+)?(?P<value>" + CLEAR + r")\s*$",
        "password",
        "taken",
        quoted=False,
    ),
    Row(
        "user",
        r"^\s*user\s+\S+\s+on\s(?=[^\n]*(?:\s[~+&]|\sall))[^\n]*?>(?P<value>\S{4,200})",
        "password",
        "taken",
        quoted=False,
        part=r"\son\s.*>",
    ),
    # echo v | sudo -S; register => name:v@host, of Asterisk
    Row(
        "sudo",
        r"\becho\s+(?:-\w+\s+)?[\"']?(?P<value>" + CLEAR + r")[\"']?\s*\|\s*sudo\s+(?:-\w+\s+)*-\w*S",
        "password",
        "taken",
        quoted=False,
    ),
    Row(
        "register",
        r"^\s*register\s*=>\s*[^\s:@]{1,80}:(?P<value>[^\s:@]{4,200})(?::[^\s@]*)?@[\w.-]+",
        "password",
        "taken",
        quoted=False,
    ),
    # useradd -p v, zip -P v, 7z a -pv
    Row(
        "useradd usermod zip 7z rar",
        r"\b(?:user(?:add|mod)\b.{0,200}?\s-p\s|(?:^|[;&|(]\s*|\bsudo\s+)(?:un)?zip\b.{0,100}?\s-P\s+|(?:7z[ar]?|(?:un)?rar)\s+[a-z]\b.{0,100}?\s-h?p)"
        r"[\"']?(?P<value>" + CLEAR + ")",
        "password",
        "command",
        quoted=False,
        part=r"\s-h?[pP]",
    ),
    # keytool -storepass v; SQLConnectInfo name@host user v, of proftpd
    Row(
        "storepass keypass sqlconnectinfo",
        r"(?:\s-(?:(?:src|dest)?(?:store|key)|new)pass(?:wd)?\s+|\bSQLConnectInfo\s+\S+\s+\S+\s+)[\"']?(?P<value>"
        + CLEAR
        + ")",
        "password",
        "command",
        quoted=False,
    ),
    # the name of a user, then the password
    Row(
        "rabbitmqctl htpasswd lftp",
        r"\b(?:rabbitmqctl\s.{0,80}?\b(?:add_user|change_password)\s+\S+\s+|htpasswd\s+-\w*b\w*\s+(?:-\w+\s+)*(?:\S+\s+)?\S+\s+"
        r"|lftp\b.{0,80}?\s(?:-u|--user)[ =]?[\"']?[^\s,\"'$]{1,80},)[\"']?(?P<value>" + CLEAR + ")",
        "password",
        "command",
        quoted=False,
    ),
    Row("vault", r"\bvault\s+login\s+(?:token=)?[\"']?(?P<value>" + CLEAR + ")", "token", "command", quoted=False),
)
"""Rows of `hooks.syntax`."""
