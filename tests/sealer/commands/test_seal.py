"""`sealer seal`: manifests and items in, sealed files out; other documents, modes and formats; and all refusals."""

from __future__ import annotations

import json
import os
import secrets
import stat
from datetime import UTC, datetime

import pytest

from sealer.documents import document
from sealer.documents.document import SealedSecret
from sealer.formats import keys
from sealer.sealing import parallel
from tests.sealer.shop import Shop, Terminal, at_terminal, manifest, said, sealer
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture
SESSION = "clusters/prod/web/session.yaml"
CONFIG = "# top\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: 'x'}  # odd\n"


@pytest.fixture
def value() -> str:
    return secrets.token_hex(16)


@pytest.fixture
def used(shop: Shop) -> Shop:
    assert sealer("seal", "--cluster", "prod", stdin=manifest("a", "b", k="x").encode()).code == 0
    return shop


def history(shop: Shop) -> None:
    """Make it a repository of Git, and use it once: its keys are pinned for it as for a new one."""
    shop.git("init", "-q")
    assert sealer("seal", "--cluster", "prod", stdin=manifest("a", "b", k="x").encode()).code == 0


def test_what_it_prints(used: Shop, value: str) -> None:
    history(used)
    text = manifest("session", "web", cookie_key=value, csrf_key=value) + "---\n" + CONFIG
    used.write(SESSION, text)
    used.git("add", ".")
    used.git("commit", "-qm", "plain")
    commit = used.git("rev-parse", "--short", "HEAD").strip()
    done = sealer("seal", "--in-place", SESSION)
    assert done.text == (
        f"sealed web/session  {SESSION}  strict, v2, prod {used['prod'].short}\n"
        "  2 items: cookie-key, csrf-key; 1 other document untouched\n"
    )
    assert done.err == f"  warning: commit {commit} holds this file in plaintext: change both values\n"
    assert all(len(line) <= 80 for line in (done.text + done.err).splitlines())
    assert used.read(SESSION).endswith(CONFIG.encode())
    assert used.opened(SESSION, "prod") == {"cookie-key": value.encode(), "csrf-key": value.encode()}


def test_only_staged_plaintext(used: Shop, value: str) -> None:
    history(used)
    used.write(SESSION, manifest("session", "web", k=value))
    used.git("add", ".")
    done = sealer("seal", "--in-place", SESSION)
    assert done.err == "  warning: the index of Git holds this file in plaintext: change its value\n"


def test_no_git_no_warning(used: Shop, value: str) -> None:
    used.write(SESSION, manifest("session", "web", k=value))
    assert sealer("seal", "--in-place", SESSION).err == ""


def test_labels_annotations_type_and_scope_travel(used: Shop, value: str) -> None:
    text = manifest("a", "b", k=value).replace(
        "metadata:\n",
        "type: kubernetes.io/tls\nimmutable: true\nmetadata:\n  labels: {app: x}\n  annotations:\n    note: text\n"
        '    sealedsecrets.bitnami.com/namespace-wide: "true"\n    sealer.dev/on-delete: retain\n'
        f"    kubectl.kubernetes.io/last-applied-configuration: '{value}'\n",
    )
    done = sealer("seal", "--cluster", "prod", stdin=text.encode())
    assert done.code == 0
    assert value not in done.text
    doc = document.parse_strict(done.out, "out").documents[0]
    assert isinstance(doc, SealedSecret)
    assert doc.scope.value == "namespace-wide"
    assert (doc.template.type, doc.template.immutable, doc.template.labels) == ("kubernetes.io/tls", True, {"app": "x"})
    assert doc.template.annotations["note"] == "text"
    assert doc.annotations["sealer.dev/on-delete"] == "retain"


def test_stdin_to_stdout_keeps_format_and_other_documents(used: Shop, value: str) -> None:
    stream = CONFIG + "---\n" + manifest("a", "b", k=value) + "---\n" + manifest("c", "d", k=value)
    done = sealer("seal", "--cluster", "prod", "-", stdin=stream.encode())
    assert done.text.startswith(CONFIG + "---\n")
    assert done.text.count("kind: SealedSecret") == 2
    assert said(done, "sealed b/a  stdout  strict, v2, prod", "sealed d/c", "1 other document untouched")
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a", "namespace": "b"},
        "stringData": {"k": value},
    }
    as_json = sealer("seal", "--cluster", "prod", stdin=json.dumps(body).encode())
    assert json.loads(as_json.out)["kind"] == "SealedSecret"
    listed = {"apiVersion": "v1", "kind": "List", "items": [body, body | {"kind": "ConfigMap", "stringData": None}]}
    found = json.loads(sealer("seal", "--cluster", "prod", stdin=json.dumps(listed).encode()).out)
    assert [each["kind"] for each in found["items"]] == ["SealedSecret", "ConfigMap"]


def test_format(used: Shop, value: str) -> None:
    text = manifest("a", "b", k=value).encode()
    assert json.loads(sealer("seal", "--cluster", "prod", "--format", "json", stdin=text).out)["kind"] == "SealedSecret"
    done = sealer("seal", "--cluster", "prod", "--format", "json", stdin=text + b"---\n" + CONFIG.encode())
    assert done.code == 2
    assert said(done, "no Secret", "json")
    assert sealer("seal", "-o", "x/a.json", stdin=text).code == 0
    assert used.read("x/a.json").startswith(b"{")


def test_several_inputs_to_stdout_are_one_stream(used: Shop, value: str) -> None:
    for name in ("a", "b"):
        used.write(f"{name}.yaml", manifest(name, "ns", k=value).rstrip("\n"))
    done = sealer("seal", "--cluster", "prod", "a.yaml", "b.yaml")
    docs = document.parse_strict(done.out, "out").documents
    assert [each.name for each in docs if isinstance(each, SealedSecret)] == ["a", "b"]


@pytest.mark.parametrize("word", ["yaml", "json", "yml"])
@pytest.mark.parametrize("command", [("seal",), ("unseal", "x.yaml"), ("check",), ("diff",)])
def test_a_format_is_no_file(used: Shop, word: str, command: tuple[str, ...]) -> None:
    done = sealer(*command, "-o", word)
    assert done.code == 2
    assert said(done, "-o names a file", "--format", f"-o ./{word}")
    assert not (used.root / word).exists()


def test_directories(used: Shop, value: str) -> None:
    for path in ("web/a", "web/deep/b", "api/c"):
        used.write(f"vault/{path}.yaml", manifest(path[-1], "billing", k=value))
    used.write("vault/.hidden/d.yaml", manifest("d", "billing", k=value))
    used.write("vault/notes.txt", manifest("e", "billing", k=value))
    used.write("vault/config.yaml", CONFIG)
    used.write("vault/empty.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: f}\n")
    done = sealer("seal", "--in-place", "vault")
    assert done.code == 0
    assert done.text.count("sealed billing/") == 3
    assert used.read("vault/.hidden/d.yaml") == manifest("d", "billing", k=value).encode()
    again = sealer("seal", "--in-place", "vault")
    assert (again.code, again.text) == (0, "")
    assert said(again, "vault: nothing to seal")


def test_a_directory_of_several_files_does_not_go_to_one(used: Shop, value: str) -> None:
    target = "clusters/prod/x/a.yaml"
    used.write("plain/a.yaml", manifest("a", "x", k=value))
    assert sealer("seal", "plain", "-o", target).code == 0
    before = used.read(target)
    used.write("plain/b.yaml", manifest("b", "x", k=value))
    for path in (target, "clusters/prod/x/b.yaml"):
        done = sealer("seal", "plain", "-o", path)
        assert done.code == 2
        assert said(done, "several files", "--in-place")
    assert used.read(target) == before
    assert not (used.root / path).exists()


def test_a_directory_with_helm_templates(used: Shop, value: str) -> None:
    used.write("vault/a.yaml", manifest("a", "billing", k=value))
    used.write("vault/helm.yaml", "kind: Secret\n{{- if .Values.x }}\nmetadata: {{ .x }}\n{{ end }}\n")
    done = sealer("seal", "--in-place", "vault")
    assert done.code == 0
    assert said(done, "warning: vault/helm.yaml: left out")
    assert "sealed billing/a" in done.text
    used.write("vault/b.yaml", manifest("b", "billing", k=value))
    used.write("vault/broken.yaml", "kind: Secret\nmetadata: {\n")
    failed = sealer("seal", "--in-place", "vault")
    assert failed.code == 2
    assert "broken.yaml:" in failed.err
    assert b"kind: Secret\n" in used.read("vault/b.yaml")


def test_an_empty_file_in_history_is_no_plaintext(used: Shop, value: str) -> None:
    history(used)
    used.write(SESSION, "")
    used.git("add", ".")
    done = sealer("seal", "-o", SESSION, stdin=manifest("session", "web", k=value).encode())
    assert (done.code, done.err) == (0, "")


def test_a_thousand_files_are_what_one_is(used: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_cores", lambda: 2)
    values = {f"s{number}": secrets.token_hex(8) for number in range(250)}
    for name, value in values.items():
        used.write(f"vault/{name}.yaml", manifest(name, "billing", k=value))
    done = sealer("seal", "--in-place", "vault")
    assert done.code == 0
    assert done.text.count("\n") == 500
    for name, value in values.items():
        assert used.opened(f"vault/{name}.yaml", "prod") == {"k": value.encode()}
    bad = used.write("vault/zz.yaml", manifest("zz", "other", k="x"))
    for number in range(210):
        used.write(f"vault/t{number}.yaml", manifest(f"t{number}", "billing", k="x"))
    failed = sealer("seal", "--in-place", "vault")
    assert failed.code == 2
    assert said(failed, "zz.yaml", "says other", "says billing")
    assert b"kind: Secret" in bad.read_bytes()
    assert b"kind: Secret" in used.read("vault/t0.yaml")  # nothing was written


def test_a_write_that_fails_says_what_was_written(used: Shop, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        used.write(f"vault/{name}.yaml", manifest(name, "billing", k=value))
    real = os.replace

    def replace(source: str, target: str) -> None:
        if str(target).endswith("b.yaml"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    done = sealer("seal", "--in-place", "vault")
    assert done.code == 2
    assert said(done, "vault/b.yaml: can't be written", "written before it, 1 of 3: vault/a.yaml")
    assert sorted(os.listdir("vault")) == ["a.yaml", "b.yaml", "c.yaml"]


def test_mode_and_links_stay(used: Shop, value: str) -> None:
    place = used.write(SESSION, manifest("session", "web", k=value))
    place.chmod(0o600)
    assert sealer("seal", "--in-place", SESSION).code == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_new_file_takes_the_rule_of_its_path(used: Shop, value: str) -> None:
    done = sealer("seal", "-o", "shared/web/session.yaml", stdin=manifest("session", "web", k=value).encode())
    assert done.text.startswith("sealed web/session  shared/web/session.yaml\n  namespace-wide, v2, ")
    assert used.opened("shared/web/session.yaml", "staging") == {"k": value.encode()}
    assert sealer("seal", "-o", "vault/new/a.yaml", stdin=manifest("a", None, k=value).encode()).code == 0
    assert used.sealed("vault/new/a.yaml").annotations == {"sealer.dev/stores": "vault-prod,local"}


def test_onto_a_sealed_file(used: Shop, value: str) -> None:
    text = manifest("session", "web", a=value, b=value)
    used.write(SESSION, CONFIG + "---\n" + text)
    sealer("seal", "--in-place", SESSION)
    new = manifest("session", "web", b="new", c="new").encode()
    merged = sealer("seal", "-o", SESSION, "--merge", stdin=new)
    assert merged.code == 0, merged.err
    assert "  2 items: b, c; kept: a; 1 other document untouched\n" in merged.text
    assert used.opened(SESSION, "prod", 1) == {"a": value.encode(), "b": b"new", "c": b"new"}
    replaced = sealer("seal", "-o", SESSION, stdin=new)
    assert "dropped: a (--merge keeps them)" in replaced.text
    assert used.opened(SESSION, "prod", 1) == {"b": b"new", "c": b"new"}
    assert used.read(SESSION).startswith(CONFIG.encode())


def test_merge_takes_labels_and_keeps_the_rest(used: Shop, value: str) -> None:
    used.write(SESSION, manifest("session", "web", a=value))
    sealer("seal", "--in-place", SESSION)
    used.write(SESSION, used.read(SESSION).replace(b"  template:\n", b"  template:\n    data: {conf: 'x'}\n"))
    labelled = manifest("session", "web", b="1").replace("metadata:\n", "metadata:\n  labels: {app: x}\n")
    assert sealer("seal", "-o", SESSION, "--merge", stdin=labelled.encode()).code == 0
    doc = used.sealed(SESSION)
    assert doc.template.labels == {"app": "x"}
    assert used.opened(SESSION, "prod") == {"a": value.encode(), "b": b"1", "conf": b"x"}


def test_merge_of_another_scope_or_cluster(used: Shop, value: str) -> None:
    named = ("--namespace", "a", "--name", "b")
    sealer("set", "x.yaml", "k", "--cluster", "staging", *named, stdin=b"1")
    wide = sealer(
        "seal", "-o", "x.yaml", "--merge", "--scope", "cluster-wide", stdin=manifest("b", "a", l=value).encode()
    )
    assert wide.code == 2
    assert said(wide, "scope:", "says strict", "says cluster-wide")
    other = sealer("seal", "-o", "x.yaml", "--merge", "--cluster", "prod", stdin=manifest("b", "a", l=value).encode())
    assert said(other, "--cluster says prod", "other items says staging")
    moved = sealer("seal", "-o", "x.yaml", "--cluster", "prod", stdin=manifest("b", "a", l=value).encode())
    assert moved.code == 0
    assert used.opened("x.yaml", "prod") == {"l": value.encode()}


@pytest.mark.parametrize("content", [CONFIG, manifest("other", "web", k="x"), "", "not: a manifest\n"])
def test_onto_anything_else_is_refused(used: Shop, value: str, content: str) -> None:
    used.write(SESSION, content)
    done = sealer("seal", "-o", SESSION, stdin=manifest("session", "web", k=value).encode())
    if content:
        assert done.code == 2
        assert said(done, "holds no SealedSecret web/session")
        assert used.read(SESSION) == content.encode()
    else:
        assert done.code == 0


def test_from_items(used: Shop, value: str) -> None:
    used.write(".env", f"API_KEY='{value}'\nURL=https://x\n")
    used.write("blob.bin", b"\0\xff\n")
    done = sealer(
        "seal", "-o", SESSION, "--from-env-file", ".env", "--from-file", "blob.bin", "--from-file", "in=-", stdin=b"s\n"
    )
    assert done.code == 0, done.err
    expected = {"API_KEY": value.encode(), "URL": b"https://x", "blob.bin": b"\0\xff\n", "in": b"s\n"}
    assert used.opened(SESSION, "prod") == expected
    named = ("--namespace", "a", "--name", "b", "--cluster", "prod")
    out = sealer("seal", *named, "--from-file", "k=blob.bin", "--type", "my/type", "--format", "json")
    assert json.loads(out.out)["spec"]["template"]["type"] == "my/type"


def test_certificate(used: Shop, value: str) -> None:
    fresh = keys.generate_rsa(now=datetime.now(UTC), bits=2048)
    used.write("cert.pem", fresh.public.certificate)
    used["prod"].keys.append(fresh)
    text = manifest("a", "b", k=value).encode()
    done = sealer("seal", "--cert", "cert.pem", stdin=text)
    assert done.code == 0, done.err
    assert said(done, f"strict, v1, certificate {fresh.id[:8]}")
    used.write("out.yaml", done.out)
    assert used.opened("out.yaml", "prod") == {"k": value.encode()}
    ruled = sealer("seal", "--cert", "cert.pem", "-o", SESSION, stdin=manifest("session", "web", k=value).encode())
    assert ruled.code == 2
    assert said(ruled, f"--cert is key {fresh.id[:8]}", "says prod")
    used.write("old.pem", keys.generate_rsa(now=datetime(2020, 3, 1, tzinfo=UTC), bits=2048).public.certificate)
    assert said(sealer("seal", "--cert", "old.pem", stdin=text), "old.pem: the certificate expired on 2021-02-28")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("x.yaml", "--from-file", "a"), ("FILE and items",)),
        (("--in-place",), ("--in-place needs files",)),
        (("--in-place", "-"), ("--in-place needs files",)),
        (("--in-place", "x.yaml", "-o", "y.yaml"), ("both say where",)),
        (("--in-place", "x.yaml", "--format", "json"), ("keeps each file's format",)),
        (("--merge",), ("-o",)),
        (("x.yaml", "y.yaml", "-o", "z.yaml"), ("several files",)),
        (("--type", "a"), ("--type is for a Secret made of items",)),
        (("--format", "json", "-o", "z.yaml"), ("--format says json",)),
        (("none.yaml",), ("none.yaml", "no such file")),
        (("cm.yaml",), ("holds no Secret",)),
        (("--scope", "wide"), ("--scope",)),
        (("--cluster", "prod", "--namespace", "web"), ("--namespace says web", "stdin:1 says b")),
        (("--cluster", "prod", "--name", "web"), ("--name says web", "stdin:1 says a")),
        ((), ("staging, prod", "--cluster NAME")),
        (("--cluster", "prod", "--cluster", "staging", "--envelope", "v1"), ("no active RSA key", "one recipient")),
        (("--from-file", "a=", "--cluster", "prod"), ("KEY=PATH",)),
        (("--from-file", "k=cm.yaml", "--from-file", "k=cm.yaml"), ("item k comes a second time",)),
        (("--from-file", "k=cm.yaml", "--cluster", "prod"), ("the name is not known",)),
        (("-o", SESSION), ("name", "says a", "says session")),
    ],
)
def test_refusals(used: Shop, value: str, args: tuple[str, ...], words: tuple[str, ...]) -> None:
    used.write("cm.yaml", CONFIG)
    done = sealer("seal", *args, stdin=manifest("a", "b", k=value).encode())
    assert done.code in (1, 2)
    assert done.out == b""
    assert "error:" in done.err
    assert any(word in done.err for word in words), done.err
    assert value.encode() not in done.all
    assert not (used.root / SESSION).exists()


def test_empty_values_and_secrets(used: Shop) -> None:
    for text in (
        manifest("a", "b", k="", l="x"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\n",
    ):
        done = sealer("seal", "--cluster", "prod", stdin=text.encode())
        assert done.code == 2
        assert said(done, "--allow-empty")
        assert sealer("seal", "--cluster", "prod", "--allow-empty", stdin=text.encode()).code == 0


def test_already_sealed(used: Shop, value: str) -> None:
    used.write(SESSION, manifest("session", "web", k=value))
    sealer("seal", "--in-place", SESSION)
    before = used.read(SESSION)
    done = sealer("seal", "--in-place", SESSION)
    assert (done.code, done.text) == (0, "")
    assert said(done, "already sealed")
    assert used.read(SESSION) == before


def test_broken_manifests_quote_nothing(used: Shop, value: str) -> None:
    for text in (
        f"kind: Secret\nstringData: [{value}\n",
        f"kind: Secret\napiVersion: v1\nmetadata: {{name: a}}\ndata: {{k: '{value}!'}}\n",
    ):
        done = sealer("seal", "--cluster", "prod", stdin=text.encode())
        assert done.code == 2
        assert "stdin:" in done.err
        assert value.encode() not in done.all


def test_at_a_terminal_there_is_a_bar_and_none_elsewhere(used: Shop, value: str) -> None:
    for number in range(60):
        used.write(f"vault/{number}.yaml", manifest(f"s{number}", "billing", k=value))
    plain = sealer("seal", "--in-place", "vault")
    assert "\x1b" not in plain.text + plain.err
    for number in range(60):
        used.write(f"vault/{number}.yaml", manifest(f"s{number}", "billing", k=value))
    shown: Terminal = at_terminal("seal", "--in-place", "vault")
    assert shown.code == 0
    assert "sealing" in shown.screen
    assert value not in shown.screen
