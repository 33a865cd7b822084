r"""What has to stand in a text before `hooks.code` reads it: bytes that the engine looks for. It imports nothing.

Each pattern holds one rare word and then what makes it a credential: an assignment and a literal. A literal is in
quotes, or (in prose, shell and configuration) a text that holds a digit: names of variables seldom do.
"""

# From the word to its value: the rest of the name, quotes and brackets that close it, a type, an assignment.
_GAP = rb"""[\w.\-]{0,24}["'`\])]{0,3}[ \t]{0,12}(?::[ \t]{0,3}[\w?&'<>\[\]]{1,20}[ \t]{0,3})?"""
_ASSIGNED = (
    rb"""(?:[=:,(|?]|=>|:=|==|!=|or|is)[=>~|?:]{0,2}[ \t]{0,8}(?:N?\(?[@$rbuRBU]?["'`]{1,3}|\\")[^\s"'`<>{}%$]{4}"""
)
_BARE = rb"""[\w.\-]{0,24}["'`*\])]{0,3}[ \t]{0,8}[=:][ \t]{0,8}[\w!#%&*+\-./?@^~]{0,40}\d[\w!#%&*+\-./?@^~]{3}"""
_WORDS = (
    rb"pass(?:w|p|c|_|\b|[\"'])",
    rb"pwd",
    rb"secret",
    rb"token",
    rb"cred(?:s\b|ential)",
    rb"auth",
    rb"[a-z][-_. ]?key",
    rb"salt",
)

TRIGGER: tuple[bytes, ...] = (
    *(rb"(?i)" + word + _GAP + _ASSIGNED for word in _WORDS),
    *(rb"(?i)" + word + _BARE for word in _WORDS[:5]),
    # user:password@host in a URL, or in what follows a scheme of its own
    rb"://[^\s/:@\"'<>{}$()]{0,60}:[^\s/@\"'<>{}$()]{3,100}@[\w\[]",
    # Authorization: Bearer x, Authorization: "Basic x"
    rb"(?i)(?:bearer|basic)[ \t]{1,4}[\w.~+/\-]{12}",
    # --password x, -u name:password, -pX of mysql and sshpass
    rb"(?i)--[a-z\-]{0,20}(?:pass|secret|token|key)[a-z\-]{0,20}[ \t=]{1,4}['\"]?[^\s'\"<>{}$\[\]\-]{4}",
    (
        rb"(?:curl|http|wget|sshpass|mysql\w{0,8}|mongo\w{0,8}|redis-cli|smbclient)\b"
        rb"[^\n]{1,200} (?:-u|-p|-a|-U)[ \t]?['\"]?[^\s'\"$<>\-]{4}"
    ),
    # IDENTIFIED BY 'x', PASSWORD 'x'
    rb"(?i)(?:identified[ \t]{1,9}(?:with[ \t]{1,9}\S{1,30}[ \t]{1,9})?by|password)[ \t]{1,9}['\"][^\s'\"$<>{}]{4}",
    # of connection strings, and a word alone behind the name in prose and configuration
    rb"(?i);[ \t]{0,4}(?:password|pwd)[ \t]{0,4}=[ \t]{0,4}[^\s;\"'<>{}$]{4}",
    rb"(?i)(?:password|passwd|pwd)[*`]{0,2}[ \t]{0,8}[=:][ \t]{0,8}[^\s\"'`(){}\[\]<>$,;.]{6,40}[\s,;]",
    # login/password in prose: "admin / x"
    rb"(?i)(?:password|passwd|pwd)[ \t]{1,3}(?:is|was|to)[ \t:]{1,3}[\"'`]?[^\s\"'`]{4}",
)
