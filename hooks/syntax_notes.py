"""Credentials that people tell each other in notes, mail and documentation. Pure.

Sentences speak of passwords without telling one far more often, so that a value is doubted (`said`, `login` in
`hooks.credential`); where only a dash or a bracket stands between, it has digits, and letters of both cases or signs.
"""

from __future__ import annotations

from hooks.keyname import ASIAN, ASIAN_IS
from hooks.syntax_row import Row

_MIXED = (
    r"(?=\S{0,40}\d)(?=\S{0,40}[A-Za-z])(?=\S{0,40}(?:[a-z]\S{0,40}[A-Z]|[A-Z]\S{0,40}[a-z]|[A-Z]\S{0,40}[!@#$%^&*+?]))"
)
_VALUE = r"[^\s\"'`<>(){}$,;:@%&=\-][^\s\"'`<>(){},;]{7,40}"

NOTES = (
    # the password for x is v
    Row(
        "password passwd passphrase pwd",
        r"\b(?i:password|passwd|passphrase|pwd) (?i:for|of|on|to|in) [^\n=]{1,60}?"
        r"(?:\s(?i:is|was):?\s{1,3}|:(?!//)\s{0,3})[`\"'*]{0,3}(?P<value>[^\s`\"'*<>{}$]{6,60}?)[`\"'*]{0,3}[.,;)]?(?=\s|$)",
        "password",
        "said",
        quoted=False,
    ),
    # login: name / v, ID/PW: name / v
    Row(
        "login cred user account log /pw",
        r"(?i:\b(?:log\s?in|credentials?|creds|user(?:name)?/pass(?:word)?|login/password|account|id\s?/\s?pw)\b)[^\n\w]{0,4}"
        r"(?:\s?(?:with|as|is|are|using))?[\s:=`\"'*]{1,5}[\w.@\-]{2,60}[`\"'*]{0,2}\s?[/:|]\s?[`\"'*]{0,2}"
        r"(?P<value>[^\s`\"'*/|,;()<>]{4,60})(?![^\s`\"'*,.;)])",
        "password",
        "login",
        quoted=False,
    ),
    # PASS - v, Ldap password ---- v, password=>v
    Row(
        "pass pwd pw",
        # PASS alone is a result of a test, where nobody is named before it.
        r"(?:\b(?:PASS(?:WORD|WD)|[pP]ass(?:word|wd|phrase)|PWD|[pP]wd)"
        r"|(?i:\b(?:id|user\w{0,4}|login|account|host)\b)[^\n]{1,60}[/,;|(] (?:PASS|[pP]ass|PW|pw))"
        r"(?:\s{1,40}(?:-{1,8}|\u2013|\u2014)\s{1,20}|\s?=>\s?)" + _MIXED + rf"(?P<value>{_VALUE})(?=\s*$|\s*[,;/|)])",
        "password",
        "said",
        quoted=False,
    ),
    # PASSWORD(v)
    Row(
        "password(",
        r"\bPASSWORD\(" + _MIXED + rf"(?P<value>{_VALUE})\)",
        "password",
        "said",
        quoted=False,
    ),
    # the word for it in Korean, Japanese and Chinese, with a colon or the particle that says `is`
    Row(
        " ".join(ASIAN),
        rf"(?:{'|'.join(ASIAN)})\s{{0,3}}(?:{'|'.join(ASIAN_IS)})\s{{0,3}}"
        r"[`\"'*\u300c\u300e]{0,2}(?=[!-~]{0,40}\d)(?=[!-~]{0,40}[A-Za-z])"
        r"(?P<value>(?![\"'`(\[<{$%&@:,;/\\-])(?:(?![\"'`<>(){},;])[!-~]){8,40}?)[`\"'*]{0,2}(?=[^!-~]|[.,;)]|$)",
        "password",
        "said",
        quoted=False,
    ),
)
