"""What gitleaks leaves out for every rule of a file that says `useDefault`: files of others, and values of no worth.

It counts for the rules of that file alone; ours leave out what is no leak in their own way.
"""

from __future__ import annotations

_FILES = (
    r"gitleaks\.toml",
    r"(?i)\.(?:bmp|gif|jpe?g|png|svg|tiff?|eot|[ot]tf|woff2?)$",
    r"(?i)\.(?:docx?|xlsx?|pdf|bin|socket|vsidx|v2|w?suo|.dll|pdb|exe|gltf)$",
    r"go\.(?:mod|sum|work(?:\.sum)?)$",
    r"\.gem$|verification-metadata\.xml|Database.refactorlog",
)
_NAMES = (
    r"gradlew(?:\.bat)?$",
    r"gradle\.lockfile$",
    r"mvnw(?:\.cmd)?$",
    r"\.mvn/wrapper/MavenWrapperDownloader\.java$",
    r"(?:node_modules|bower_components)(?:/.*)?$",
    r"(?:deno|Pipfile|poetry|yarn)\.lock$",
    r"(?:npm-shrinkwrap\.json|package-lock\.json|pnpm-lock\.yaml)$",
    r"(?:angular|bootstrap|jquery(?:-?ui)?|plotly|swagger-?ui)[a-zA-Z0-9.-]*(?:\.min)?\.js(?:\.map)?$",
    r"javascript\.json$",
    r"vendor/modules\.txt$",
    r"vendor/(?:github\.com|golang\.org/x|google\.golang\.org|gopkg\.in|istio\.io|k8s\.io|sigs\.k8s\.io)(?:/.*)?$",
    r"vendor/(?:bundle|ruby)(?:/.*)?$",
    r"(?i:(?:v?env|virtualenv)/lib(?:64)?(?:/.*)?)$",
    r"(?i:(?:lib(?:64)?/python[23](?:\.\d{1,2})+|python/[23](?:\.\d{1,2})+/lib(?:64)?)(?:/.*)?)$",
    r"(?i:[a-z0-9_.]+-[0-9.]+\.dist-info(?:/.+)?)$",
    r"\.git$",
)
_LETTERS = "|".join(f"{letter}+" for letter in "abcdefghijklmnopqrstuvwxyz")

FIELDS = {
    "paths": [*_FILES, *(f"(?:^|/){name}" for name in _NAMES)],
    "regexes": [
        r"(?i)^true|false|null$",
        rf"^(?i:{_LETTERS}|\*+|\.+)$",
        r"^\$(?:\d+|\{\d+\}|[A-Z_]+|[a-z_]+|\{[A-Z_]+\}|\{[a-z_]+\})$",
        r"^\{\{[ \t]*[\w ().|]+[ \t]*\}\}$",
        r"""^\$\{\{[ \t]*(?:(?:env|github|secrets|vars)(?:\.[A-Za-z]\w+)+[\w "'&./=|]*)[ \t]*\}\}$""",
        r"^%(?:[A-Z_]+|[a-z_]+)%$|^%[+\-# 0]?[bcdeEfFgGoOpqstTUvxX]$",
        r"^\{\d{0,2}\}$|^@(?:[A-Z_]+|[a-z_]+)@$",
        r"^/Users/(?i:[a-z0-9]+/[\w .-/]+)$|^/(?:bin|etc|home|opt|tmp|usr|var)/[\w ./-]+$",
    ],
    "stopwords": ["014df517-39d1-4453-b7b3-9930c563627c", "abcdefghijklmnopqrstuvwxyz"],
}
