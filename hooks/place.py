"""What a file's path says of the values in it: settings, code, tests, documents, texts for users, or machines' work.

It only shifts how sure a value has to be: a secret of a clear form is one wherever it stands. What is above the folder
that was asked for says nothing: whoever scans /data/test/app scans an app. Pure, but for that (`asked`).
"""

from __future__ import annotations

import functools

from hooks import lazy

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterable

SETTINGS = "settings"
CODE = "code"
TEST = "test"
DOCUMENT = "document"
LABELS = "labels"
MACHINE = "machine"
STORE = "store"
"""What programs keep credentials in, and nothing but those that they use: none of them is an example."""
SEED = "seed"
"""What a program fills its database with: whom it makes there may sign in."""
INSTALLED = "installed"
"""A package of others, as its manager put it there: everybody can read it where it came from."""
COPY = "copy"
"""An environment that is made to be copied and filled in."""

PIPELINE = "pipeline"
"""Settings of a build, whose servers live as long as it does and may have any word for a password."""

_SEED = lazy.compile(
    r"(?:^|[/_.\-])(?:db|database)?(?:seed(?:s|er|ers|ing)?|initdb)[/_.\-]|seeder\.\w+$|(?:^|/)seed[a-z]*\.\w+$"
)
_PIPELINE = lazy.compile(
    r"(?:^|/)\.(?:github|gitea|forgejo|circleci|buildkite|woodpecker|drone|semaphore)/"
    r"|(?:^|/)\.?(?:gitlab-ci|travis|appveyor|drone|woodpecker|azure-pipelines|bitbucket-pipelines|cirrus)[\w.\-]*\.ya?ml$"
    r"|(?:^|[/_.\-])ci(?:[/_.\-][\w.\-]*)?\.ya?ml$"
)
_COPY = lazy.compile(
    r"(?:^|/)(?:[\w.\-]*\.)?(?:env|envrc)[._\-][\w.\-]*(?:example|sample|template|tmpl|dist|defaults?)\b[\w.\-]*$"
    r"|(?:^|/)(?:[\w.\-]*[._\-])?(?:example|sample|template|dist|default)s?\.env$"
)
_TEST = lazy.compile(
    r"(?:^|[/_.\-])(?:tests?|testing|testdata|test[-_]?(?:data|suite|utils?|helpers?)|specs?|e2e|fixtures?|mocks?|__tests__|__mocks__"
    r"|stubs?|fakes?|dummy|testcases?|unittests?|cypress|playwright|benchmarks?|cassettes?|vectors?|conftest)(?:[/_.\-]|$)"
    r"|(?:tests?|spec|testcase|it)\.(?:java|kt|scala|cs|php|swift|groovy|go|rs|cpp|cc|m|dart)$|/test[a-z]*[_-]|^test_"
)
_TEST_NAME = lazy.compile(r"(?:[a-z](?:Tests?|Spec|TestCase|IT)|^Test[A-Z]\w*|Mock\w*|Fake\w*)\.[a-z]+$")
_DOCUMENT = lazy.compile(
    r"(?:^|[/_.\-])(?:docs?|documentation|examples?|samples?|demos?|tutorials?|guides?|readme|changelog|changes|history|man\d?"
    r"|quickstarts?|templates?|dist|skeleton|boilerplate|howto|website|cookbook|snippets?)(?:[/_.\-]|$)"
    r"|\.(?:md|markdown|rst|adoc|asciidoc|html?|tex|org|mdx|[1-8]|pod|textile)$"
)
_COMMANDS = lazy.compile(r"(?:^|/)(?:\.\w+_history|fish_history|\.histfile|\.dbshell|consolehost_history\.txt)$")
"""What shells and consoles remember of what was typed into them."""
_LABELS = lazy.compile(
    r"(?:^|[/_.\-])(?:locales?|i18n|l10n|lang|langs|languages?|translations?|intl|messages|strings|resources?[-_.]?strings"
    r"|values-[a-z]{2}(?:-r[A-Z]{2})?|nls)(?:[/_.\-]|$)|\.(?:po|pot|mo|xlf|xliff|resx|arb|strings|lproj|ftl)$"
    # Languages that people translate into, not `db.js`, `io.ts` or `my.properties`.
    r"|(?:^|/)(?:af|ar|az|be|bg|bn|bs|ca|cn|cs|cy|da|de|el|en|eo|es|et|eu|fa|fi|fil|fr|ga|gl|gu|he|hi|hr|hu|hy|in|it|ja"
    r"|ka|kk|km|kn|ko|kr|ku|ky|lt|lv|mk|ml|mn|mr|ms|nb|ne|nl|nn|no|pa|pl|ps|pt|ro|ru|si|sk|sl|sq|sr|sv|sw|ta|te|th|tr|uk"
    r"|ur|uz|vi|zh|zu|[a-z]{2}[-_][a-z]{2})(?:[-_][a-z]{2,4})?\.(?:json|ya?ml|js|ts|php|properties)$"
)
_MACHINE = lazy.compile(
    r"\.min\.(?:js|css)$|\.(?:map|lock|sum|svg|css|scss|less|csv|tsv|snap|pb\.go|bundle\.js|chunk\.js)$"
    r"|(?:^|[/_.\-])(?:package-lock|yarn\.lock|pnpm-lock|composer\.lock|poetry\.lock|npm-shrinkwrap|go\.sum|gemfile\.lock"
    r"|cargo\.lock|zz_generated|generated|autogen)"
    r"|_pb2\.pyi?$|(?:^|/)(?:vendor|third[-_]party)/"
)
_INSTALLED = lazy.compile(
    r"(?:^|/)(?:node_modules|bower_components|site-packages|dist-packages|vendor/[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,6})/"
)
_SETTINGS = lazy.compile(
    r"\.(?:ya?ml|json5?|jsonc|toml|ini|cfg|cnf|conf|config|properties|props|env|envrc|tf|tfvars|tfstate|hcl|xml|plist|reg|netrc"
    r"|pgpass|npmrc|pypirc|cnf|settings|publishsettings|pubxml|dockercfg|ovpn|rdp|service|nomad|sls|pp|j2|erb|tpl|dist|local"
    r"|production|dev|secret|secrets|credentials|gradle|vault|htpasswd|ldif|kdl|cue|nix|bicep)$"
    r"|(?:^|/)(?:\.?env|dockerfile|docker-compose|settings|config|configuration|credentials|secrets|local_settings"
    r"|wp-config|database|application|appsettings|jenkinsfile|vagrantfile|makefile)(?:[._\-][\w.\-]*)?$"
)
_STORE = lazy.compile(
    # of FTP, SSH and remote desktops
    r"(?:^|/)(?:filezilla\.xml|recentservers\.xml|sitemanager\.xml|\.ftpconfig|\.ftppass|sftp\.json|sftp-config(?:-alt\d?)?\.json"
    r"|\.remote-sync\.json|webservers\.xml|winscp\.ini|confcons\.xml|[^/]+\.(?:remmina|rdp)|deployment-config\.json"
    # of databases
    r"|\.pgpass|pgpass\.conf|\.my\.cnf|(?:dbeaver-)?data-?sources(?:\.local)?\.xml|robo(?:mongo|3t)\.json"
    # of mail, Git, browsers, networks
    r"|\.?(?:esmtprc|msmtprc|fetchmailrc|mbsyncrc|offlineimaprc|netrc|smbcredentials)|_netrc|\.git-credentials|logins\.json"
    r"|(?:chap|pap)-secrets|sasl_passwd|[._]curlrc|davfs2\.secrets|userlist\.txt|[^/]+\.nmconnection|wpa_supplicant(?:-\w+)?\.conf"
    # of servers and installers
    r"|ventrilo_srv\.ini|wp-config\.php|(?:auto)?unattend\.xml|sysprep\.inf|tomcat-users\.xml)$"
)

EXAMPLES = (TEST, DOCUMENT, MACHINE, LABELS, INSTALLED)
"""Where most of what looks like a credential opens nothing."""
UNNAMED = (COPY, INSTALLED)
"""Where no name makes a credential of a value: what is to be filled in, and what others published."""
IN_USE = (SETTINGS, STORE, PIPELINE)
"""Where what looks like one most likely is."""

_above: tuple[str, ...] = ()


def asked(folders: Iterable[str]) -> None:
    """Take what a scan was asked for, as its paths begin: what stands up to there is none of a project's folders."""
    global _above
    _above = tuple(sorted((folder.rstrip("/") + "/" for folder in folders if folder), key=len, reverse=True))
    of.cache_clear()


def _below(path: str) -> str:
    return next((path[len(folder) :] for folder in _above if path.startswith(folder)), path)


@functools.lru_cache(maxsize=256)
def of(path: str) -> str:
    """The kind of place that a path is, the most doubtful one of those that fit."""
    path = _below(path)
    low = path.lower().lstrip("/")
    name = path.rpartition("/")[2]
    if _INSTALLED.search(low):
        return INSTALLED
    if _COPY.search(low):
        return COPY
    if _MACHINE.search(low):
        return MACHINE
    if _LABELS.search(low):
        return LABELS
    if _TEST.search(low) or _TEST_NAME.search(name):
        return TEST
    if _COMMANDS.search(low):
        return SETTINGS
    if _DOCUMENT.search(low):
        return DOCUMENT
    if _STORE.search(low):
        return STORE
    if _SEED.search(low):
        return SEED
    if _PIPELINE.search(low):
        return PIPELINE
    return SETTINGS if _SETTINGS.search(low) else CODE
