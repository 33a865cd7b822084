"""What is run with a planted value: rows for each command, and malformed documents through all that read documents."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.planted import DB, Site

PLAIN = 'apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: shop}\nstringData: {password: "@J@"}\n'
WEB = "secrets/shop/web.yaml"
SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: web, namespace: shop}
spec:
  encryptedData: {password: "@J@"}
"""
PEM = "-----BEGIN PRIVATE KEY-----\n@B@\n-----END PRIVATE KEY-----\n"
APPLY = "sealer-controller apply ."
RUN = "sealer-controller run . --listen none"
ENDS = "--on-change 'sh -c \"kill $PPID\"'"
"""The command that is told of the first changes asks for the end."""
AUDIT = "00000000000000000001.jsonl"


@dataclass(frozen=True)
class Row:
    """One run; words, files and stdin may hold marks (`Plant.fill`). `purposes` are files that may hold the value."""

    words: str
    code: int | None
    says: str = ""
    stdin: str = ""
    files: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    prints: bool = False
    purposes: tuple[str, ...] = ()
    protected: bool = False

    def argv(self, site: Site) -> list[str]:
        """The words, filled in."""
        return [site.place(site.plant.fill(word)) for word in shlex.split(self.words)]


def _manifests() -> Iterator[tuple[str, str]]:
    """Secret manifests and streams that are wrong in a way that quotes well."""
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: shop}\n"
    yield "unclosed quote", head + 'stringData:\n  password: "@C@\n'
    yield "unclosed brace", head + "stringData: {password: @C@\n"
    yield "tab", head + "stringData:\n\tpassword: @C@\n"
    yield "bad indent", head + "stringData:\n    a: x\n  password: @C@\n"
    yield "colon", head + "stringData:\n  password: @C@: @C@\n"
    yield "duplicate key", head + 'stringData:\n  password: "@J@"\n  password: "@J@"\n'
    yield "wrong type", head + 'stringData: "@J@"\n'
    yield "list of values", head + 'stringData: ["@J@"]\n'
    yield "nested", head + 'stringData: {password: {deep: "@J@"}}\n'
    yield "value where metadata stands", 'apiVersion: v1\nkind: Secret\nmetadata: "@J@"\nstringData: {a: "@J@"}\n'
    yield "bad base64", head + "data: {password: '@C@!!'}\n"
    yield "base64 of another alphabet", head + "data: {password: '@C@-_@C@=='}\n"
    yield "unknown alias", head + "stringData: {password: *@C@}\n"
    yield "unknown tag", head + "stringData: {password: !@C@ x}\n"
    yield "bad directive", "%@C@ 1\n---\n" + head
    yield "bad escape", head + 'stringData: {password: "@C@\\q"}\n'
    yield "control character", head + "stringData: {password: '@C@\x07'}\n"
    yield "JSON cut off", '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"web"},"data":{"password":"@J@"'
    yield "JSON duplicate", '{"apiVersion":"v1","kind":"Secret","stringData":{"a":"@J@","a":"@J@"}}'


def _sealed() -> Iterator[tuple[str, str]]:
    """SealedSecrets that hold the value in the clear, or can't be opened."""
    yield "value for an envelope", SEALED
    yield "v2 of a value", SEALED.replace("@J@", "v2:@C@")
    yield "base64 for an envelope", SEALED.replace("@J@", "@B@")
    yield "fail in a template", SEALED + '  template: {data: {a: "{{ fail `@C@` }}"}}\n'
    yield "unclosed template", SEALED + '  template: {data: {a: "@C@ {{ .a | b64enc"}}\n'
    yield "template of a wrong type", SEALED + '  template: {data: ["@J@"], type: "@J@"}\n'
    yield "list of values", SEALED.replace('{password: "@J@"}', '["@J@"]')
    yield "duplicate key", SEALED.replace('{password: "@J@"}', '{a: "@J@", a: "@J@"}')
    yield "unclosed quote", SEALED.replace('"@J@"', '"@C@')
    yield (
        "scope of another kind",
        SEALED.replace(
            "namespace: shop", 'namespace: shop, annotations: {sealedsecrets.bitnami.com/cluster-wide: "@J@"}'
        ),
    )


ENV_FILES = {
    "no equals sign": "A=1\n@C@\n",
    "export alone": "export @C@\n",
    "no name": "=@V@\n",
    "bad name": "A B=@V@\n",
    "unclosed quote": 'A="@C@\nB=1\n',
    "twice": "A=@V@\nA=@C@\n",
    "NUL": "A=@C@\0\n",
}

ROWS: dict[str, dict[str, Row]] = {
    "sealer init": {
        "passes": Row("sealer init", 0, files={WEB: PLAIN}),
        "configuration is malformed": Row(
            "sealer init", 2, ".sealer.yaml:3", files={".sealer.yaml": "version: 1\nclusters: {a: '@C@\n"}
        ),
        "configuration holds it": Row(
            "sealer init", 2, ".sealer.yaml", files={".sealer.yaml": "version: 1\nclusters: {prod: {url: '@V@'}}\n"}
        ),
        "hooks file is malformed": Row(
            "sealer init", 0, "no hooks", files={".pre-commit-config.yaml": "repos: '@C@\n"}
        ),
        "keys are no keys": Row("sealer init --keys - --cluster x", 2, stdin="@V@"),
        "keys are a private key": Row(
            "sealer init --keys ../inputs/key.pem --cluster x", 2, files={"../inputs/key.pem": PEM}
        ),
        "keys have a password": Row("sealer init --keys https://me:@C@@localhost:1/keys", 2, "user name or password"),
        "keys have a token": Row("sealer init --keys https://localhost:1/keys?token=@C@", 2, "localhost:1"),
        "argument": Row("sealer init @V@", 2, "too many arguments"),
    },
    "sealer set": {
        "passes": Row(f"sealer set {DB} password", 0, "replaced", stdin="@V@\n"),
        "from file": Row(
            f"sealer set {WEB} password --from-file ../inputs/value", 0, "new file", files={"../inputs/value": "@V@"}
        ),
        "argument": Row(f"sealer set {DB} password @V@", 2, stdin="x"),
        "argument after =": Row(f"sealer set {DB}=@V@", 2),
        "item=value": Row(f"sealer set {DB} password=@V@", 2, stdin="x"),
        "only a value": Row(f"sealer set {DB} @V@", 2, stdin="x"),
        "option": Row(f"sealer set {DB} password --value=@V@", 2),
        "short option": Row(f"sealer set {DB} password -Z@C@", 2),
        "file is missing": Row(f"sealer set {DB} password --from-file ../inputs/none", 2, "no such file"),
        "file is a Secret": Row(f"sealer set {WEB} password", 2, "plaintext", stdin="@V@", files={WEB: PLAIN}),
        "no such cluster": Row(f"sealer set {DB} password --cluster none", 2, stdin="@V@"),
        "pinned keys are malformed": Row(
            f"sealer set {DB} password", 2, "bundle", stdin="@V@", files={".sealer/keys/prod.bundle": '{"kind": "@J@'}
        ),
        "trust.json is malformed": Row(
            f"sealer set {DB} password",
            2,
            "trust",
            stdin="@V@",
            env={"XDG_CONFIG_HOME": "@IN@"},
            files={"../inputs/sealer/trust.json": '{"version": 1, "identities": "@J@'},
        ),
    },
    "sealer unset": {
        "passes": Row(f"sealer unset {DB} password", 0),
        "no such item": Row(f"sealer unset {DB} other", 2),
        "file is a Secret": Row(f"sealer unset {WEB} password", 2, files={WEB: PLAIN}),
    },
    "sealer seal": {
        "stdin": Row("sealer seal", 0, stdin=PLAIN),
        "in place": Row(f"sealer seal --in-place {WEB}", 0, "sealed shop/web", files={WEB: PLAIN}),
        "folder": Row("sealer seal --in-place secrets", 0, "sealed shop/web", files={WEB: PLAIN}),
        "to a file": Row(f"sealer seal ../inputs/p.yaml -o {WEB}", 0, files={"../inputs/p.yaml": PLAIN}),
        ".env": Row(
            f"sealer seal --from-env-file ../inputs/.env -o {WEB}", 0, files={"../inputs/.env": "A=@C@\nB='@C@'\n"}
        ),
        "key=path": Row(f"sealer seal --from-file k=../inputs/v -o {WEB}", 0, files={"../inputs/v": "@V@"}),
        "committed before": Row(
            f"sealer seal --in-place {WEB}",
            0,
            "plaintext",
            files={WEB: PLAIN},
            before=("git add .", "git commit -q -m x"),
        ),
        "one of two is bad": Row(
            f"sealer seal --in-place {WEB} secrets/shop/b.yaml",
            2,
            files={WEB: PLAIN, "secrets/shop/b.yaml": "a: '@C@\n"},
        ),
        "target holds another thing": Row(f"sealer seal -o {WEB}", 2, stdin=PLAIN, files={WEB: "kind: Pod\n"}),
        "two namespaces": Row(f"sealer seal -n other -o {WEB}", 2, stdin=PLAIN),
        "no such key=path": Row("sealer seal --from-file k=../inputs/none --name a -n b", 2),
        "value for a path": Row("sealer seal --from-file password=@V@ --name a -n b", 2),
        "literal as with kubectl": Row("sealer seal --from-literal=password=@V@ --name a -n b", 2),
        "certificate is none": Row(
            "sealer seal --cert ../inputs/cert.pem", 2, stdin=PLAIN, files={"../inputs/cert.pem": PEM}
        ),
    },
    "sealer render": {
        "manifest": Row(f"sealer render {DB}", 0, prints=True),
        "to a file": Row(f"sealer render {DB} -o ../inputs/rendered.yaml", 0, purposes=("../inputs/rendered.yaml",)),
        "no such item": Row(f"sealer render {DB} none", 2),
        "argument": Row(f"sealer render {DB} password @V@", 2),
        "key for its path": Row(f"sealer render {DB} --private-key '{PEM}'", 2),
    },
    "sealer unseal": {
        "manifest": Row(f"sealer unseal {DB}", 0, prints=True),
        "item": Row(f"sealer unseal {DB} password", 0, prints=True),
        "to a file": Row(f"sealer unseal {DB} -o ../inputs/out.yaml", 0, purposes=("../inputs/out.yaml",)),
        "no such item": Row(f"sealer unseal {DB} none", 2),
        "argument": Row(f"sealer unseal {DB} password @V@", 2),
        "to where nothing can be": Row(f"sealer unseal {DB} -o ../inputs/none/out.yaml", 2),
        "key is malformed": Row(f"sealer unseal {DB} --private-key ../inputs/k", 2, files={"../inputs/k": PEM}),
        "key for its path": Row(f"sealer unseal {DB} --private-key '{PEM}'", 2),
        "key for its path's variable": Row(f"sealer unseal {DB}", 2, env={"SEALER_PRIVATE_KEY_FILE": PEM}),
        "key in a variable": Row(f"sealer unseal {DB}", 2, env={"SEALER_PRIVATE_KEY": PEM}),
        "wrong passphrase": Row(
            f"sealer unseal {DB}",
            2,
            "passphrase",
            env={"SEALER_PASSPHRASE_FILE": "@IN@/p"},
            files={"../inputs/p": "@V@ no"},
            protected=True,
        ),
        "passphrase for its path": Row(f"sealer unseal {DB}", 2, env={"SEALER_PASSPHRASE_FILE": "@V@"}, protected=True),
    },
    "sealer check": {
        "passes": Row("sealer check", 0, before=("git add .",)),
        "plaintext": Row("sealer check", 1, files={WEB: PLAIN}, before=("git add .",)),
        "explains": Row(f"sealer check --explain {WEB} {DB}", 1, files={WEB: PLAIN}),
        "json": Row(f"sealer check {WEB} --format json", 1, files={WEB: PLAIN}),
        "markdown": Row(f"sealer check {WEB} --format markdown -o ../inputs/report", 1, files={WEB: PLAIN}),
    },
    "sealer diff": {
        "passes": Row(
            "sealer diff",
            0,
            "password",
            before=("git add .", "git commit -q -m x", f"sealer set {DB} password"),
            stdin="@V@\n",
        ),
        "was plaintext": Row(
            "sealer diff HEAD",
            0,
            files={WEB: PLAIN},
            before=("git add .", "git commit -q -m x", f"sealer seal --in-place {WEB}"),
        ),
        "is plaintext": Row(
            "sealer diff HEAD --format json",
            0,
            before=("git add .", "git commit -q -m x", f"copy ../inputs/plain.yaml {DB}"),
            files={"../inputs/plain.yaml": PLAIN},
        ),
        "no such commit": Row("sealer diff HEAD~99..HEAD", 2),
    },
    "sealer run": {
        "passes": Row(f"sealer run -f {DB} -- sh -c 'test -n \"$password\"'", 0),
        "files": Row(f"sealer run -f {DB} --files -- sh -c 'test -s \"$SEALER_FILES/password\"'", 0),
        "command fails": Row(f"sealer run -f {DB} -- sh -c 'exit 7'", 7),
        "files, command fails": Row(f"sealer run -f {DB} --files -- sh -c 'exit 7'", 7),
        "files, command is killed": Row(f"sealer run -f {DB} --files -- sh -c 'kill -KILL $$'", 137),
        "no such command": Row(f"sealer run -f {DB} -- none-such", 127),
        "files, no such command": Row(f"sealer run -f {DB} --files -- none-such", 127),
        "can't be executed": Row(f"sealer run -f {DB} -- ./{DB}", 126),
        "no such item": Row(f"sealer run -f {DB} --only none -- true", 125),
        "no key": Row(f"sealer run -f {DB} -- true", 125, before=("remove DIR",)),
    },
    "sealer scan": {
        "passes": Row("sealer scan", 0),
        "finds": Row("sealer scan", 1, WEB, files={WEB: PLAIN, ".env": "PASSWORD=@C@\n", "id_rsa": PEM}),
        "json": Row(
            "sealer scan --format json -o ../inputs/report.json",
            1,
            files={WEB: PLAIN, ".env": "PASSWORD=@C@\n", "k.pem": PEM},
        ),
        "stdin": Row("sealer scan --stdin", 1, stdin=PLAIN),
        "staged": Row("sealer scan --staged", 1, files={WEB: PLAIN, ".env": "PASSWORD=@C@\n"}, before=("git add .",)),
        "range": Row(
            "sealer scan --range HEAD~1..HEAD",
            1,
            before=("git commit -q --allow-empty -m x", "git add .", "git commit -q -m x"),
            files={WEB: PLAIN},
        ),
        "fixes": Row("sealer scan --fix", 0, files={WEB: PLAIN}),
        "option": Row("sealer scan --@C@", 2),
        "configuration is malformed": Row(
            "sealer scan", 2, files={WEB: PLAIN, ".sealer.yaml": "version: 1\nscan: {exclude: '@C@\n"}
        ),
    },
    "sealer keys list": {
        "passes": Row("sealer keys list", 0),
        "bundle is malformed": Row("sealer keys list", 2, files={".sealer/keys/prod.bundle": '{"@J@": "@J@'}),
        "bundle is another thing": Row("sealer keys list --format json", 2, files={".sealer/keys/prod.bundle": "@V@"}),
        "argument": Row("sealer keys @C@", 2),
    },
    "sealer keys fetch": {
        "passes": Row("sealer keys fetch DIR", 0),
        "private key": Row("sealer keys fetch -", 2, stdin=PEM),
        "Secret with a private key": Row("sealer keys fetch -", 2, stdin=PLAIN),
        "malformed": Row(
            "sealer keys fetch ../inputs/b --check", 2, files={"../inputs/b": '{"kind": "KeyBundle", "cluster": "@J@'}
        ),
        "trust": Row("sealer keys fetch DIR --trust @V@", 2),
        "password in a URL": Row("sealer keys fetch https://me:@C@@localhost:1/", 2),
        "cluster": Row(
            "sealer keys fetch --from-cluster --kubeconfig k",
            2,
            files={
                "k": "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], "
                "clusters: [{name: a, cluster: {server: '127.0.0.1:1'}}], users: [{name: a, user: {token: '@V@'}}]}"
            },
        ),
        "kubeconfig is malformed": Row(
            "sealer keys fetch --from-cluster --kubeconfig k", 2, files={"k": "users: [@V@"}
        ),
    },
    "sealer-controller init": {
        "passes": Row(
            "sealer-controller init --cluster two --passphrase-file ../inputs/p", 0, files={"../inputs/p": "@V@\n"}
        ),
        "passphrase for its path": Row("sealer-controller init --cluster two --passphrase-file @V@", 2),
        "passphrase of two lines": Row(
            "sealer-controller init --cluster two --passphrase-file -", 2, stdin="@V@\n@V@\n"
        ),
        "passphrase that is no text": Row(
            "sealer-controller init --cluster two --passphrase-file ../inputs/p", 2, files={"../inputs/p": "@V@\n\n"}
        ),
        "passphrase as an argument": Row("sealer-controller init --passphrase @V@", 2),
        "passphrase behind =": Row("sealer-controller init --passphrase=@V@", 2),
        "exists": Row(
            "sealer-controller init --cluster prod --passphrase-file ../inputs/p", 1, files={"../inputs/p": "@V@\n"}
        ),
    },
    "sealer-controller keys list": {
        "passes": Row("sealer-controller keys list", 0),
        "json": Row("sealer-controller keys list --format json", 0),
        "keyring.json is malformed": Row(
            "sealer-controller keys list",
            2,
            files={"../inputs/ring/keyring.json": '{"version": 1, "cluster": "@J@'},
            env={"SEALER_KEYRING": "@IN@/ring"},
        ),
        "keyring.json holds it": Row(
            "sealer-controller keys list",
            2,
            files={"../inputs/ring/keyring.json": '{"version": 1, "cluster": "@J@"}'},
            env={"SEALER_KEYRING": "@IN@/ring"},
        ),
    },
    "sealer-controller keys generate": {
        "passes": Row(
            "sealer-controller keys generate --passphrase-file ../inputs/p",
            0,
            files={"../inputs/p": "@V@\n"},
            protected=True,
        ),
        "wrong passphrase": Row(
            "sealer-controller keys generate --passphrase-file ../inputs/p",
            2,
            "wrong passphrase",
            files={"../inputs/p": "@V@.\n"},
            protected=True,
        ),
        "algorithm": Row("sealer-controller keys generate @V@", 2),
    },
    "sealer-controller keys import": {
        "passes": Row("sealer-controller keys import ../inputs/key.pem ../inputs/cert.pem", 0),
        "malformed": Row("sealer-controller keys import -", 2, stdin=PEM),
        "Secret of another kind": Row("sealer-controller keys import -", 2, stdin=PLAIN),
        "Secret with a malformed key": Row(
            "sealer-controller keys import -",
            2,
            stdin='kind: Secret\napiVersion: v1\nmetadata: {name: a}\ndata: {tls.key: "@B@", tls.crt: "@B@"}\n',
        ),
        "malformed YAML": Row("sealer-controller keys import -", 2, stdin="kind: Secret\nstringData: {tls.key: '@C@\n"),
        "PEM as an argument": Row(f"sealer-controller keys import '{PEM}'", 2),
    },
    "sealer-controller keys retire": {
        "passes": Row("sealer-controller keys retire KEY", 0),
        "no such key": Row("sealer-controller keys retire ffffffff", 2),
        "argument": Row("sealer-controller keys retire KEY @V@", 2),
        "value for an id": Row("sealer-controller keys retire @V@", 2),
    },
    "sealer-controller keys compromise": {
        "passes": Row("sealer-controller keys compromise KEY", 0, "payments/db", before=(APPLY,)),
        "wrong passphrase": Row(
            "sealer-controller keys compromise KEY --passphrase-file ../inputs/p",
            2,
            "wrong passphrase",
            files={"../inputs/p": "@V@.\n"},
            protected=True,
        ),
    },
    "sealer-controller keys bundle": {
        "passes": Row(
            "sealer-controller keys bundle -o ../inputs/b --passphrase-file ../inputs/p",
            0,
            files={"../inputs/p": "@V@\n"},
            protected=True,
        ),
        "certificate": Row("sealer-controller keys bundle --cert", 0),
        "wrong passphrase": Row(
            "sealer-controller keys bundle --passphrase-file -", 2, "wrong passphrase", stdin="@C@\n", protected=True
        ),
    },
    "sealer-controller keys rotate-state": {
        "passes": Row("sealer-controller keys rotate-state", 0, before=(APPLY,)),
        "without a state": Row("sealer-controller keys rotate-state", 0),
        "argument": Row("sealer-controller keys rotate-state @V@", 2, before=(APPLY,)),
        "passphrase for its path": Row("sealer-controller keys rotate-state --passphrase-file @V@", 2, protected=True),
    },
    "sealer-controller keys backup": {
        "passes": Row(
            "sealer-controller keys backup ../inputs/b --passphrase-file ../inputs/p", 0, files={"../inputs/p": "@V@\n"}
        ),
        "of a protected one": Row(
            "sealer-controller keys backup ../inputs/b --passphrase-file ../inputs/p",
            0,
            files={"../inputs/p": "@C@\n"},
            protected=True,
        ),
        "exists": Row(
            "sealer-controller keys backup ../inputs/b --passphrase-file ../inputs/p",
            1,
            files={"../inputs/p": "@V@\n", "../inputs/b": "x"},
        ),
        "argument": Row("sealer-controller keys backup ../inputs/b @V@", 2),
        "passphrase as an option": Row("sealer-controller keys backup ../inputs/b --passphrase @V@", 2),
    },
    "sealer-controller keys restore": {
        "passes": Row(
            "sealer-controller keys restore ../inputs/b --passphrase-file ../inputs/p --keyring ../inputs/new",
            0,
            files={"../inputs/p": "@V@\n"},
            before=("sealer-controller keys backup ../inputs/b --passphrase-file ../inputs/p",),
        ),
        "wrong passphrase": Row(
            "sealer-controller keys restore ../inputs/b --passphrase-file - --keyring ../inputs/new",
            2,
            stdin="@V@.\n",
            files={"../inputs/p": "@V@\n"},
            before=("sealer-controller keys backup ../inputs/b --passphrase-file ../inputs/p",),
        ),
        "no backup": Row(
            "sealer-controller keys restore ../inputs/b --passphrase-file ../inputs/p",
            2,
            files={"../inputs/p": "@V@\n", "../inputs/b": "@V@"},
        ),
    },
    "sealer-controller apply": {
        "passes": Row(APPLY, 0, "created"),
        "again": Row(APPLY, 0, "unchanged", before=(APPLY,)),
        "changed": Row(
            APPLY,
            0,
            "updated",
            before=(APPLY, f"sealer set {DB} password", f"sealer set {DB} other --generate hex"),
            stdin="@V@@C@",
        ),
        "plan": Row(f"{APPLY} --dry-run", 0, "payments/db"),
        "plan without keys": Row(f"{APPLY} --dry-run --format markdown", 0, before=(APPLY, "remove DIR")),
        "plaintext in the source": Row(APPLY, 0, files={WEB: PLAIN}),
        "json": Row(f"{APPLY} --format json -o ../inputs/report.json", 0),
        "argument": Row(f"{APPLY} @V@", 2),
        "passphrase for its path": Row(f"{APPLY} --passphrase-file @V@", 2, protected=True),
        "password in a URL": Row("sealer-controller apply https://me:@C@@example.invalid/shop.git", 2),
    },
    "sealer-controller run": {
        "passes": Row(f"{RUN} {ENDS}", 0, "created"),
        "debug, for people": Row(f"{RUN} {ENDS} --log-level debug --log-format text", 0, "created"),
        "plaintext in the source": Row(f"{RUN} {ENDS}", 0, files={WEB: PLAIN}),
        "argument": Row(f"{RUN} @V@", 2),
        "value for an address": Row("sealer-controller run . --listen @V@", 2),
        "passphrase for its path": Row(f"{RUN} --passphrase-file @V@", 2, protected=True),
        "password in a URL": Row("sealer-controller run https://me:@C@@example.invalid/shop.git --listen none", 2),
    },
    "sealer-controller get": {
        "manifest": Row("sealer-controller get payments/db", 0, before=(APPLY,), prints=True),
        "item": Row("sealer-controller get payments/db password", 0, before=(APPLY,), prints=True),
        "to a file": Row(
            "sealer-controller get payments/db -o ../inputs/out", 0, before=(APPLY,), purposes=("../inputs/out",)
        ),
        "no such item": Row("sealer-controller get payments/db none", 1, before=(APPLY,)),
        "value for an item": Row("sealer-controller get payments/db @V@", 1, before=(APPLY,)),
        "argument": Row("sealer-controller get payments/db password @V@", 2, before=(APPLY,)),
        "no keyring": Row("sealer-controller get payments/db", 2, before=(APPLY, "remove DIR")),
    },
    "sealer-controller audit verify": {
        "passes": Row(
            "sealer-controller audit verify", 0, "whole", before=(APPLY, "sealer-controller get payments/db")
        ),
        "json": Row("sealer-controller audit verify --format json", 0, before=(APPLY,)),
        "holds it": Row(
            "sealer-controller audit verify ../inputs", 1, files={"../inputs/" + AUDIT: '{"a":"@J@"}\n@V@\n'}
        ),
        "argument": Row("sealer-controller audit verify --state . @V@", 2, before=(APPLY,)),
    },
    "sealer-controller audit query": {
        "passes": Row(
            "sealer-controller audit query", 0, "payments/db", before=(APPLY, "sealer-controller get payments/db")
        ),
        "jsonl": Row("sealer-controller audit query --verb get --format jsonl", 0, before=(APPLY,)),
        "holds it": Row(
            "sealer-controller audit query ../inputs", 0, files={"../inputs/" + AUDIT: '{"a":"@J@"}\n@V@\n'}
        ),
        "no time": Row("sealer-controller audit query --since @C@", 2, before=(APPLY,)),
    },
    "sealer-controller audit restart": {
        "passes": Row(
            "sealer-controller audit restart --reason lost",
            0,
            "restarted",
            before=(APPLY, "remove LOG"),
        ),
        "nothing to restart": Row("sealer-controller audit restart --reason lost", 1, before=(APPLY,)),
        "no reason": Row("sealer-controller audit restart @V@", 2, before=(APPLY,)),
    },
    "sealer-controller manifests": {
        "passes": Row("sealer-controller manifests", 0, "sealed-secrets-controller"),
        "argument": Row("sealer-controller manifests @V@", 2),
        "name": Row("sealer-controller manifests --namespace @V@", 2),
        "neither": Row("sealer-controller manifests --crd-only --without-crd --image @V@", 2, "pass one of the two"),
    },
    "sealer-controller status": {
        "passes": Row("sealer-controller status", 0, "delivered", before=(APPLY,)),
        "json": Row("sealer-controller status --format json", 0, "delivered", before=(APPLY,)),
        "failed": Row(
            "sealer-controller status --failed",
            1,
            "stale",
            before=(APPLY, f"sealer unset {DB} password", f"copy ../inputs/bad.yaml {DB}", APPLY),
            files={"../inputs/bad.yaml": SEALED.replace("web", "db").replace("shop", "payments")},
        ),
        "no state": Row("sealer-controller status", 2),
    },
    "sealer-scan": {
        "passes": Row("sealer-scan --staged", 0, before=("git add .",)),
        "finds": Row("sealer-scan", 1, WEB, files={WEB: PLAIN, ".env": "PASSWORD=@C@\n", "id_rsa": PEM}),
        "every format": Row(
            "sealer-scan --format github -o ../inputs/f.json -o ../inputs/f.jsonl -o ../inputs/f.sarif"
            " -o ../inputs/f.xml -o ../inputs/f.csv -o ../inputs/f.html -o ../inputs/f.md -o ../inputs/f.txt",
            1,
            "::error file=",
            files={WEB: PLAIN, ".env": "PASSWORD=@C@\n", "id_rsa": PEM},
        ),
        "accepts": Row(
            "sealer-scan baseline --reason fixture",
            0,
            "added to .sealer/baseline.yaml",
            files={WEB: PLAIN, ".env": "PASSWORD=@C@\n", "id_rsa": PEM},
        ),
        "explains a value": Row("sealer-scan explain @V@", 2, "no rule has this id"),
        "another tool's file": Row(
            "sealer-scan", 2, "is not TOML", files={".gitleaks.toml": "[a]\nb = @V@\n", WEB: PLAIN}
        ),
        "option": Row("sealer-scan --password=@V@", 2),
        "option of another value": Row("sealer-scan --format @C@", 2),
        "no such commit": Row("sealer-scan --range HEAD~99..HEAD", 2),
        "option with a value": Row("sealer-scan --staged=@V@", 2, "takes no value"),
    },
    "sealer-check": {
        "passes": Row("sealer-check", 0, before=("git add .",)),
        "plaintext": Row("sealer-check", 1, files={WEB: PLAIN}, before=("git add .",)),
        "option": Row("sealer-check --password=@V@", 2),
        "option of another value": Row("sealer-check --format @C@", 2),
    },
}


def crossed() -> dict[str, list[tuple[str, Row]]]:
    """Every malformed document through every command that reads documents, whether it refuses it or not."""
    found: dict[str, list[tuple[str, Row]]] = {}
    for label, text in (*_manifests(), *_sealed()):
        for words in ("sealer seal -", "sealer unseal -", "sealer scan --stdin"):
            found.setdefault(words, []).append((label, Row(words, None, stdin=text)))
        for words in (
            f"sealer seal --in-place {WEB}",
            f"sealer check {WEB}",
            "sealer diff",
            APPLY,
            f"sealer-controller keys import {WEB}",
            "sealer-scan --fix",
            f"sealer-check --explain {WEB}",
        ):
            found.setdefault(words, []).append((label, Row(words, None, files={WEB: text})))
        for words in (f"sealer set {WEB} password", f"sealer unset {WEB} password"):
            # What else the file holds stays.
            row = Row(words, None, stdin="x", files={WEB: text}, purposes=(WEB,))
            found.setdefault(words, []).append((label, row))
    words = f"sealer run -f {WEB} -- true"
    found[words] = [(label, Row(words, None, files={WEB: text})) for label, text in _sealed()]
    for label, text in ENV_FILES.items():
        for row in (
            Row("sealer seal --from-env-file - --name a -n b", None, stdin=text),
            Row("sealer-scan .env", None, files={".env": text}),
        ):
            found.setdefault(row.words, []).append((label, row))
    return found
