"""Which reader a file is for: by its name, else by how its text begins. Pure.

A reader takes a text and how deep it stands inside of others, and yields pairs with the lines of that text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from hooks import lazy
from hooks.keyname import word_set
from hooks.structure.pair import Pair

Reader = Callable[[str, int], Iterator[Pair]]

MAX_TREE = 1 << 19
"""How long a text may be, in characters, to be read as a tree; of a longer one only lines are looked at."""

MAX_STREAM = 1 << 14
"""How long a stream of YAML may be, in characters, to be read with those of its documents that hold no credential."""

_STRIPPED = lazy.compile(
    r"\.(?:j2|jinja2?|tpl|tmpl|gotmpl|template|erb|in|example|sample|dist|bak|backup|old|orig|save|default|local|copy|txt"
    r"|enc|dec|decrypted|plain|prod|production|dev|staging|test)$|~$"
)
_SOURCES = word_set(
    "lock sum map svg html htm md rst adoc py pyi go js mjs cjs ts tsx jsx java kt rb rs c h cc cpp hpp cs swift scala",
    "m vue pl lua r dart ex exs clj sql csv tsv css scss less po pot ipa proto s asm patch diff log",
)
"""Endings of source code, prose and what machines write: `hooks.code` reads these."""
_LOCKS = frozenset(
    ("package-lock.json", "composer.lock", "pnpm-lock.yaml", "npm-shrinkwrap.json", ".terraform.lock.hcl")
)


def yaml(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of YAML."""
    from hooks.structure import lines, walk
    from hooks.structure.yaml import roots

    if len(text) > MAX_TREE:
        yield from lines.pairs(text, "yaml")
        return
    wanted = functools.partial(lines.may_hold, form="yaml")
    for root in roots(text, wanted if not depth and len(text) > MAX_STREAM else None):
        yield from walk.pairs(root, "yaml", depth=depth)


def json(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of JSON, with comments and whatever people do to it; of JSON lines as well."""
    return _braces(text, depth, "json")


def hcl(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of HCL: a block is a map under its last label."""
    return _braces(text if text.lstrip()[:1] == "{" else "{" + text, depth, "hcl")


def _braces(text: str, depth: int, where: str) -> Iterator[Pair]:
    from hooks.structure import json5, lines, walk

    if len(text) > MAX_TREE:
        yield from lines.pairs(text, where)
        return
    yield from walk.pairs(json5.tree(text), where, depth=depth)


def toml(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of TOML."""
    from hooks.structure.toml import pairs

    return pairs(text, depth)


def ini(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of INI; units of systemd hold assignments inside of theirs."""
    from hooks.structure.ini import pairs

    yield from pairs(text, depth)
    if "Environment=" in text or "SetEnv" in text:
        yield from shell(text, depth)


def properties(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of Java's properties."""
    from hooks.structure.ini import properties as read

    return read(text, depth)


def xml(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of XML."""
    from hooks.structure.xml import pairs

    return pairs(text, depth)


def shell(text: str, depth: int = 0) -> Iterator[Pair]:
    """The assignments of a script."""
    from hooks.structure.shell import pairs

    return pairs(text, depth)


def env(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs of a `.env` file."""
    from hooks.structure.shell import environment

    return environment(text, depth)


def notebook(text: str, depth: int = 0) -> Iterator[Pair]:
    """The pairs in the cells of a notebook."""
    from hooks.structure.notebook import pairs

    return pairs(text, depth)


def _special(name: str) -> Reader:
    def read(text: str, depth: int = 0) -> Iterator[Pair]:
        from hooks.structure import special

        found: Iterator[Pair] = getattr(special, name)(text, depth)
        return found

    return read


def _each(read: Reader, *lines: str) -> dict[str, Reader]:
    return {ending: read for line in lines for ending in line.split()}


_ENDINGS: dict[str, Reader] = {
    **_each(yaml, "yaml yml sls raml eyaml"),
    **_each(
        json,
        "json jsonc json5 jsonl ndjson tfstate webmanifest code-workspace har dockercfg dockerconfigjson babelrc",
        "geojson avsc postman_collection postman_environment",
    ),
    **_each(notebook, "ipynb"),
    **_each(toml, "toml pipfile"),
    **_each(
        ini,
        "ini cfg conf cnf gitconfig desktop service timer socket npmrc pypirc s3cfg boto yarnrc piprc odbc ora rdp",
        "ovpn inf reg credentials condarc muttrc hgrc editorconfig nmconnection offlineimaprc",
    ),
    **_each(properties, "properties prefs"),
    **_each(env, "env envrc flaskenv"),
    **_each(
        shell,
        "sh bash zsh fish ksh csh ps1 psm1 psd1 bat cmd bashrc bash_profile zshrc zshenv profile bash_aliases",
        "bash_history zsh_history mk dockerfile containerfile command",
    ),
    **_each(
        xml,
        "xml config plist csproj vbproj fsproj props targets pom xaml wsdl jnlp resx nuspec settings pubxml dtsx",
        "jrxml xsl xslt xsd mobileconfig entitlements storyboard jmx ktr kjb rdlc iml wsdd",
    ),
    **_each(hcl, "tf tfvars hcl nomad tofu"),
    **_each(_special("netrc"), "netrc _netrc"),
    **_each(_special("curl"), "curlrc _curlrc"),
    **_each(_special("pgpass"), "pgpass"),
    **_each(_special("htpasswd"), "htpasswd"),
    **_each(_special("credentials"), "git-credentials"),
    **_each(_special("mail"), "esmtprc msmtprc fetchmailrc mbsyncrc"),
    **_each(_special("defines"), "php"),
}
_WHOLE: dict[str, Reader] = {
    "pgpass.conf": _special("pgpass"),
    **_each(_special("columns"), "chap-secrets pap-secrets sasl_passwd davfs2.secrets"),
    "userlist.txt": _special("pgbouncer"),
    "dockerfile": shell,
    "containerfile": shell,
    "makefile": shell,
    "procfile": shell,
    "credentials": ini,
    "config": ini,
    "rclone.conf": ini,
    "pip.conf": ini,
    ".dockercfg": json,
    "kubeconfig": yaml,
    "tnsnames.ora": ini,
    "pipfile": toml,
    ".babelrc": json,
    ".eslintrc": json,
    ".yarnrc": ini,
}


TREES: dict[Reader, str] = {yaml: "yaml", json: "json", hcl: "hcl"}
"""The readers of formats with levels, and what their pairs say of where they stand."""


def _name(path: str) -> str:
    return path.rpartition("/")[2].rpartition("!")[2].lower()


def is_unread(path: str) -> bool:
    """Whether a file's name alone says that it is no format of ours."""
    name = _name(path)
    return name in _LOCKS or (_is_source(name) and name not in _WHOLE)


def _is_source(name: str) -> bool:
    return re.split(r"[-.]", name)[-1] in _SOURCES


def reader(path: str, text: str) -> Reader | None:
    """The reader of a file; None if its format is none of ours."""
    name = _name(path)
    for _ in range(3):
        if name in _WHOLE and name != "config":
            return _WHOLE[name]
        found = _ENDINGS.get(name.rpartition(".")[2])
        environment = name.startswith((".env.", "env.", "dockerfile.", "dockerfile-")) and not _is_source(name)
        if environment and found not in TREES:
            return shell if name.startswith("docker") else env
        if found is not None:
            # By its name it is XML or INI, and JSON or YAML by its text: `app.config`, `x.conf`.
            return _unlike(found, text)
        if name in _LOCKS or _is_source(name):
            return None
        stripped = _STRIPPED.sub("", name)
        if stripped == name:
            break
        name = stripped
    return sniffed(text)


def _unlike(found: Reader, text: str) -> Reader:
    begin = text[:4000].lstrip()
    if found is xml and not begin.startswith("<"):
        return sniffed(text) or ini
    if found is ini and begin[:1] in ("{", "<"):
        return json if begin[:1] == "{" else xml
    if found in (yaml, toml) and begin[:1] == "{" and begin[:2] not in ("{{", "{%") and text.rstrip()[-1:] == "}":
        return json
    return found


_SNIFF: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (
        lazy.compile(
            r"\s*<(?:\?xml|!--|!DOCTYPE (?!html)|[A-Za-z][\w:.-]*[\s>/])(?!.{0,300}<(?:body|head)\b)", re.DOTALL
        ),
        xml,
    ),
    (lazy.compile(r"\s*(?:\{\s*[\"'}]|\[\s*[\[{\"'\]\d-])"), json),
    (lazy.compile(r"\s*(?:machine\s+\S+\s+login\s|default\s+login\s)"), _special("netrc")),
    (lazy.compile(r"#!.{0,60}\b(?:ba|z|k|c|fi)?sh\b"), shell),
    (lazy.compile(r"(?:\s*(?:[#;].*)?\n)*+\s*\[[^\[\]\n]{1,80}\][ \t\r]*\n"), ini),
    (lazy.compile(r"(?:\s*(?:#.*)?\n)*+(?:---\s|%YAML|apiVersion:|[A-Za-z_][\w.-]*:(?:[ \t]|\r?\n))"), yaml),
    (
        lazy.compile(
            r"(?:\s*(?:#.*)?\n)*+\s*(?:resource|variable|provider|terraform|locals|module|output|data)\s+(?:\"|\{)"
        ),
        hcl,
    ),
    (
        lazy.compile(
            r"(?:\s*(?:[#;!].*)?\n)*+\s*(?:export\s+|set\s+)?[A-Za-z_][\w.-]*[ \t]*=",
        ),
        env,
    ),
)


def sniffed(text: str) -> Reader | None:
    """The reader of a text by how it begins."""
    head = text[:4000]
    return next((read for pattern, read in _SNIFF if pattern.match(head)), None)


_COMMANDS = frozenset(
    ("command", "cmd", "args", "run", "script", "before_script", "after_script", "entrypoint", "user_data", "userdata",
     "shell", "exec", "inline", "commands", "java_opts", "runcmd", "bash", "powershell")
)  # fmt: skip


def inner(key: str, text: str) -> Reader | None:
    """The reader of a text that stands in a file under a key: by the key, if it is a file's name, else by itself."""
    name = key.rpartition("/")[2].lower()
    found = _ENDINGS.get(name.rpartition(".")[2]) if "." in name else None
    if found is not None and found is not notebook:
        return _unlike(found, text)
    if name in _COMMANDS:
        return shell
    if len(text) > MAX_TREE or ("\n" not in text and text.lstrip()[:1] not in ("{", "[")):
        return None
    return sniffed(text) or (shell if "=" in text else yaml if ": " in text else None)
