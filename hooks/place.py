"""What a file's path says of the values in it: settings, code, tests, documents, texts for users, or machines' work.

It only shifts how sure a value has to be: a secret of a clear form is one wherever it stands. Pure.
"""

from __future__ import annotations

import functools

from hooks import lazy

SETTINGS = "settings"
CODE = "code"
TEST = "test"
DOCUMENT = "document"
LABELS = "labels"
MACHINE = "machine"
COPY = "copy"
"""An environment that is made to be copied and filled in."""

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
    r"|\.(?:md|markdown|rst|adoc|asciidoc|html?|ipynb|tex|org|mdx|[1-8]|pod|textile)$"
)
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
    r"|_pb2\.pyi?$|(?:^|/)(?:vendor|node_modules|third[-_]party|bower_components|site-packages)/"
)
_SETTINGS = lazy.compile(
    r"\.(?:ya?ml|json5?|jsonc|toml|ini|cfg|cnf|conf|config|properties|props|env|envrc|tf|tfvars|tfstate|hcl|xml|plist|reg|netrc"
    r"|pgpass|npmrc|pypirc|cnf|settings|publishsettings|pubxml|dockercfg|ovpn|rdp|service|nomad|sls|pp|j2|erb|tpl|dist|local"
    r"|production|dev|secret|secrets|credentials|gradle|vault|htpasswd|ldif|kdl|cue|nix|bicep)$"
    r"|(?:^|/)(?:\.?env|dockerfile|docker-compose|settings|config|configuration|credentials|secrets|local_settings"
    r"|wp-config|database|application|appsettings|jenkinsfile|vagrantfile|makefile)(?:[._\-][\w.\-]*)?$"
)


@functools.lru_cache(maxsize=256)
def of(path: str) -> str:
    """The kind of place that a path is, the most doubtful one of those that fit."""
    low = path.lower().lstrip("/")
    name = path.rpartition("/")[2]
    if _COPY.search(low):
        return COPY
    if _MACHINE.search(low):
        return MACHINE
    if _LABELS.search(low):
        return LABELS
    if _TEST.search(low) or _TEST_NAME.search(name):
        return TEST
    if _DOCUMENT.search(low):
        return DOCUMENT
    return SETTINGS if _SETTINGS.search(low) else CODE
