"""SealedSecrets, Secrets and Lists as they are read, and everything that is refused."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealer import schema
from sealer.documents import document, stream
from sealer.documents.document import Manifest, Other, SealedSecret
from sealer.errors import DocumentError, NameRefused
from sealer.formats import envelope_v1
from sealer.formats.binding import Binding, Scope
from sealer.secret import Ref
from tests.sealer.documents import envelope, sealed, secret
from tests.sealer.test_peers import rsa


def parse(text: str | bytes, path: str = "a.yaml") -> document.File:
    return document.parse(text.encode() if isinstance(text, str) else text, path)


def one(text: str | bytes, path: str = "a.yaml") -> document.Document:
    file = document.parse_strict(text.encode() if isinstance(text, str) else text, path)
    assert len(file.documents) == 1
    return file.documents[0]


def sealed_one(text: str) -> SealedSecret:
    found = one(text)
    assert isinstance(found, SealedSecret)
    return found


def manifest(text: str, path: str = "a.yaml") -> Manifest:
    found = one(text, path)
    assert isinstance(found, Manifest)
    return found


def refused(text: str | bytes, path: str = "a.yaml") -> DocumentError:
    file = parse(text, path)
    assert file.documents == ()
    (problem,) = file.problems
    assert problem.file == path
    assert problem.line
    assert problem.way_out
    with pytest.raises(DocumentError):
        document.parse_strict(text.encode() if isinstance(text, str) else text, path)
    return problem


def test_a_sealed_secret() -> None:
    first, second = envelope(), envelope()
    text = sealed(
        metadata="  name: db\n  namespace: payments\n  labels: {app: x}\n  annotations:\n    sealer.dev/x: local\n",
        spec=f"""  encryptedData:
    # a comment
    password: {first}
    tls.crt: >-
      {second[:20]}
      {second[20:]}
  template:
    type: kubernetes.io/tls
    immutable: true
    metadata: {{name: db, creationTimestamp: null, labels: {{app: z}}, annotations: {{note: "1"}}, finalizers: [a]}}
    data:
      config.ini: |
        p={{{{ .password }}}}
      tls.crt: null
status: {{anything: [1, 2.5]}}
""",
    )
    found = sealed_one(text)
    assert (found.name, found.namespace, found.scope) == ("db", "payments", Scope.STRICT)
    assert found.ref == Ref("payments", "db")
    assert found.binding == Binding(Scope.STRICT, "payments", "db")
    assert found.items == {"password": first, "tls.crt": f"{second[:20]} {second[20:]}"}
    assert found.lines == {"password": 12, "tls.crt": 13}
    assert found.labels == {"app": "x"}
    assert found.annotations == {"sealer.dev/x": "local"}
    template = found.template
    assert (template.type, template.immutable, template.name, template.namespace) == (
        "kubernetes.io/tls", True, "db", None,
    )  # fmt: skip
    assert (template.labels, template.annotations) == ({"app": "z"}, {"note": "1"})
    assert template.data == {"config.ini": "p={{ .password }}\n", "tls.crt": None}
    assert template.lines == {"config.ini": 21, "tls.crt": 23}
    assert (str(found.place), found.place.index) == ("a.yaml:1", 0)
    assert found.body["status"] == {"anything": [1, 2.5]}
    schema.validate(found.body, "sealed-secret", file="a.yaml")


@pytest.mark.parametrize(
    ("annotation", "scope"),
    [("cluster-wide", Scope.CLUSTER_WIDE), ("namespace-wide", Scope.NAMESPACE_WIDE), ("other", Scope.STRICT)],
)
def test_the_scope_is_the_documents_own_annotation(annotation: str, scope: Scope) -> None:
    metadata = f'  name: db\n  annotations: {{sealedsecrets.bitnami.com/{annotation}: "true"}}\n'
    found = sealed_one(sealed(metadata=metadata))
    assert found.scope is scope
    assert found.namespace is None
    with pytest.raises(NameRefused, match="no namespace"):
        _ = found.ref


def test_template_data_alone_is_enough_and_nulls_count_as_absent() -> None:
    found = sealed_one(sealed(spec="  template:\n    data: {a: b}\n"))
    assert found.items == {}
    spec = "  encryptedData:\n  template: {metadata: null, data: ~, type: null, immutable: null}\n"
    assert sealed_one(sealed(spec=spec)).template == document.Template()
    assert sealed_one(sealed(spec="  encryptedData: {}\n  template:\n")).template == document.Template()


REFUSED_SEALED = {
    "spec.data": sealed(spec="  data: AgAAAA==\n"),
    "spec.encryptedDat": sealed(spec="  encryptedDat: {}\n"),
    "spec.template.stringData": sealed(spec="  encryptedData: {}\n  template:\n    stringData: {a: b}\n"),
    "spec.encryptedData": sealed(spec="  template: {}\n"),
    "spec.encryptedData.a": sealed(spec="  encryptedData:\n    a: 1\n"),
    "spec.encryptedData.b": sealed(spec="  encryptedData:\n    b:\n"),
    "spec.encryptedData.c": sealed(spec="  encryptedData:\n    c: [x]\n"),
    "spec": sealed(spec="  - a\n"),
    "metadata.name": sealed(metadata="  namespace: x\n"),
    "metadata.namespace": sealed(metadata="  name: x\n  namespace: 5\n"),
    "metadata.annotations.a": sealed(metadata="  name: x\n  annotations: {a: true}\n"),
    "metadata.labels": sealed(metadata="  name: x\n  labels: [a]\n"),
    "spec.template.immutable": sealed(spec="  encryptedData: {}\n  template: {immutable: 'true'}\n"),
    "spec.template.data.a": sealed(spec="  template:\n    data: {a: 1}\n"),
    "spec.template.metadata.labels.b": sealed(spec="  encryptedData: {}\n  template: {metadata: {labels: {b: 1}}}\n"),
    "stringData": sealed() + "stringData: {a: b}\n",
    "apiVersion": sealed().replace("v1alpha1", "v1"),
}


@pytest.mark.parametrize("path", REFUSED_SEALED)
def test_sealed_secrets_are_read_strictly(path: str) -> None:
    assert refused(REFUSED_SEALED[path]).path == path


@pytest.mark.parametrize("key", ["..", "../x", "a/b", "", ".", "ä", "a b", "x" * 254])
@pytest.mark.parametrize(
    "build", [lambda k: sealed(spec=f"  encryptedData: {{{k}: x}}\n"), lambda k: secret(f"stringData: {{{k}: x}}\n")]
)
def test_item_keys_that_no_secret_can_have_are_refused(key: str, build: object) -> None:
    assert callable(build)
    assert "is not a key of a secret" in refused(build(json.dumps(key, ensure_ascii=False))).what


def test_the_same_rules_hold_for_json() -> None:
    body = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db"},
        "spec": {"encryptedData": {"a": 1}},
    }
    error = refused(json.dumps(body, indent=2))
    assert (error.path, error.line) == ("spec.encryptedData.a", 9)
    body["spec"] = {"encryptedData": {"a": "x"}}
    assert one(json.dumps(body)).body == body  # type: ignore[union-attr]


def test_a_secret_manifest() -> None:
    value = secrets.token_bytes(99)
    encoded = base64.encodebytes(value).decode().replace("\n", "\n    ").rstrip()
    found = manifest(
        secret(
            f"type: kubernetes.io/tls\nimmutable: true\ndata:\n  a: |\n    {encoded}\n  b: eA==\n"
            "stringData:\n  b: wins ü\n  c: ''\n  d: 2001-12-14\n  e: 1:30\n  f: =\n",
            metadata="  name: db\n  namespace: payments\n  labels: {l: m}\n  annotations: {note: o}\n",
        )
    )
    held = found.secret
    assert dict(held.items) == {
        "a": value, "b": "wins ü".encode(), "c": b"", "d": b"2001-12-14", "e": b"1:30", "f": b"=",
    }  # fmt: skip
    assert (held.type, held.immutable, held.labels, held.annotations) == (
        "kubernetes.io/tls", True, {"l": "m"}, {"note": "o"},
    )  # fmt: skip
    assert found.lines["a"] == 11
    assert found.lines["b"] > found.lines["a"] + 3
    assert manifest(secret("")).secret.type == "Opaque"


@pytest.mark.parametrize("text", ["eA", "e A==", "eA==eA==", "*", "eA=", "=", "e\tA==", "eä=="])
def test_data_that_is_not_base64_is_refused(text: str) -> None:
    error = refused(secret(f'data:\n  a: "{text}"\n'))
    assert error.path == "data.a"
    assert "stringData" in error.way_out


@pytest.mark.parametrize("word", ["yes", "0123", "1.5", "1e3", "null", "~", "y", "on", "0x1F", "[a]", "{a: b}", "-.5"])
@pytest.mark.parametrize("field", ["data", "stringData"])
def test_values_that_are_not_text_are_refused_with_a_way_out(word: str, field: str) -> None:
    error = refused(secret(f"{field}:\n  a: {word}\n"))
    assert error.path == f"{field}.a"
    assert error.line == 7
    assert '"' in error.way_out or "one text" in error.way_out


def test_unknown_fields_of_a_secret_are_refused() -> None:
    assert refused(secret("stringdata: {a: b}\n")).path == "stringdata"
    assert refused("kind: Secret\nmetadata: {name: x}\n").path == "apiVersion"
    assert refused("apiVersion: v1\nkind: Secret\nmetadata: {}\n").path == "metadata.name"
    assert refused("apiVersion: v1\nkind: Secret\n").path == "metadata.name"


def test_other_documents_are_left_alone() -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: 1, b: !x y}\nx: 1\nx: 2\n"
        "---\n- a\n- !vault b\n---\nplain\n---\n# nothing\n---\nkind: Secret\napiVersion: other/v1\n---\n{}\n"
    )
    file = parse(text)
    assert file.problems == ()
    others = [(other.api_version, other.kind, other.name) for other in file.documents if isinstance(other, Other)]
    assert others == [("v1", "ConfigMap", "c"), ("", "", ""), ("", "", ""), ("other/v1", "Secret", ""), ("", "", "")]
    assert [other.place.index for other in file.documents] == [0, 1, 2, 3, 4]


def test_a_kind_cannot_hide_behind_another() -> None:
    assert "twice" in refused("kind: ConfigMap\nkind: Secret\napiVersion: v1\nmetadata: {name: x}\n").what
    merged = "x: &x {kind: Secret, apiVersion: v1}\n<<: *x\nmetadata: {name: y}\n"
    assert refused(merged).path == "x"


def test_lists_are_taken_apart() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n  stringData: {k: v}\n"
        "- kind: SecretList\n  apiVersion: v1\n  items:\n  - metadata: {name: b}\n    data: {k: 1}\n"
        "  - metadata: {name: c}\n"
        "- 5\n---\n" + sealed()
    )
    file = parse(text)
    assert [(found.place.index, found.place.line) for found in file.documents] == [(0, 4), (2, 13), (4, 16)]
    assert [(error.path, error.line) for error in file.problems] == [
        ("items[1].items[0].data.k", 12),
        ("items[2]", 14),
    ]


@pytest.mark.parametrize("items", ["", "items: {}\n", "items: x\n"])
def test_a_list_without_items_is_refused(items: str) -> None:
    assert refused(f"apiVersion: v1\nkind: List\n{items}").path == "items"
    assert parse("apiVersion: v1\nkind: List\nitems:\n").documents == ()


def test_one_bad_document_hides_no_other() -> None:
    file = parse(f"{sealed()}---\n{sealed(spec='  data: x')}\n---\n{sealed()}---\na: b: c\n")
    assert [found.place.index for found in file.documents] == [0, 2]
    assert [error.path for error in file.problems] == ["spec.data", ""]


def test_encodings() -> None:
    text = sealed()
    assert parse(b"\xef\xbb\xbf" + text.encode()).documents == parse(text).documents
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        error = refused(text.encode(encoding))
        assert "UTF-16" in error.what
        assert "UTF-8" in error.way_out
    assert refused(text.encode() + b"# \xe9\n").line == 8


def test_windows_and_mac_line_endings() -> None:
    text = sealed(spec="  encryptedData:\n    a: AgX\n")
    for newline in ("\r\n", "\r"):
        found = sealed_one(text.replace("\n", newline))
        assert found.items == {"a": "AgX"}
        assert found.lines == {"a": 8}


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{}", "a.yaml", "json"),
        (" \n[1]", "-", "json"),
        ("{a: b}", "a.yaml", "yaml"),
        ('{"a": 1,}', "a.yaml", "yaml"),
        ('{"a": 1}\n---\n{"a": 2}\n', "-", "yaml"),
        ("a: b", "a.yaml", "yaml"),
        ("", "a.json", "json"),
        ("", "-", "yaml"),
    ],
)
def test_the_format_of_a_file(text: str, path: str, expected: str) -> None:
    file = parse(text, path)
    assert file.format == expected
    assert file.problems == ()


def test_a_json_file_is_never_yaml() -> None:
    assert refused("a: b\n", "a.json").line == 1
    assert refused('{"a": 1,}\n', "a.JSON").line == 1


@pytest.mark.parametrize("path", ["a b.yaml", "a b.json"])
def test_the_marks_of_a_merge_are_named(path: str) -> None:
    ours, theirs = (json.dumps({"a": envelope()})[1:-1] for _ in range(2))
    text = f"{{\n<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> feature\n}}\n"
    if path.endswith(".yaml"):
        text = sealed(spec="  encryptedData:\n" + text.strip("{}\n").replace('"a"', "    a"))
    error = refused(text, path)
    assert error.what.endswith("a merge conflict")
    assert error.line == text[: text.index("<<<<<<<")].count("\n") + 1
    assert error.way_out == "git checkout --ours 'a b.yaml'; or --theirs".replace(".yaml", path[-5:])
    marks = f"{'<' * 7} HEAD\n" * 20_000  # no end: told in no time
    assert "merge" not in refused(f"{marks}a: [\n").what


def test_no_value_shows_in_a_repr() -> None:
    planted = secrets.token_hex(8)
    encoded = base64.b64encode(planted.encode()).decode()
    text = secret(
        f"stringData: {{a: {planted}}}\ndata: {{b: {encoded}}}\n",
        metadata=f"  name: x\n  annotations: {{kubectl.kubernetes.io/last-applied-configuration: {planted}}}\n",
    )
    file = parse(text)
    assert file.problems == ()
    assert planted not in repr(file)
    assert encoded not in repr(file)
    source = stream.read(text.encode(), "a")
    assert planted not in repr(source)


# --- properties -----------------------------------------------------------------------------------------------------

WORDS = (
    "a kind Secret SealedSecret List items data stringData spec encryptedData metadata name apiVersion v1 null 1 yes"
)
SPACES = ["\n", "\n  ", "\n    ", "\t", "\r\n", " "]
MARKS = [*":{}[],\"'\\", ": ", "- ", "---\n", "...\n", ">-\n", "&x ", "*x", "<<", "!x ", "!!str ", "# c", "? "]
STRANGE = [
    "|\n",
    ".inf",
    "NaN",
    "\\ud800",
    "\ufeff",
    "\u2028",
    "\x85",
    "\x00",
    "é",
    "%YAML 1.1\n",
    "bitnami.com/v1alpha1",
]
fragments = st.sampled_from([*WORDS.split(), *SPACES, *MARKS, *STRANGE])
texts = st.one_of(st.text(), st.lists(fragments, max_size=40).map("".join))


@given(
    st.one_of(st.binary(), texts.map(lambda text: text.encode("utf-8", "surrogatepass"))),
    st.sampled_from(["a.yaml", "a.json", "-"]),
)
@settings(max_examples=500)
def test_parse_raises_nothing_but_collects_problems(data: bytes, path: str) -> None:
    file = document.parse(data, path)
    assert all(isinstance(problem, DocumentError) and problem.way_out for problem in file.problems)
    if file.problems:
        with pytest.raises(DocumentError):
            document.parse_strict(data, path)


PLANT = "hunter2hunter2"
MANIFESTS = [
    secret(f"stringData:\n  a: {PLANT}\n  b: |\n    {PLANT}\n"),
    secret(f'stringData: {{a: {PLANT}, "b": "{PLANT}"}}\n'),
    secret(f"data:\n  a: {base64.b64encode(PLANT.encode()).decode()}\n"),
    json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": PLANT}}, indent=1),
    f"apiVersion: v1\nkind: List\nitems:\n- {secret(f'stringData: {{a: {PLANT}}}').replace(chr(10), chr(10) + '  ')}",
]


@given(st.sampled_from(MANIFESTS), st.data())
@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
def test_no_error_repeats_a_planted_value(text: str, data: st.DataObject) -> None:
    # Breaks the text at one place outside the value; whatever goes wrong, the value must not show.
    at = data.draw(st.integers(0, len(text)))
    inside = any(text[max(0, at - n) :].startswith(PLANT) for n in range(1, len(PLANT)))
    cut = 0 if inside else data.draw(st.integers(0, 3))
    broken = text[:at] + data.draw(fragments) + text[at + (cut if PLANT[0] not in text[at : at + cut] else 0) :]
    for path in ("a.yaml", "a.json"):
        for problem in parse(broken, path).problems:
            said = f"{problem} {problem.way_out} {problem!r}"
            assert PLANT not in said
            assert base64.b64encode(PLANT.encode()).decode() not in said
            assert problem.__cause__ is None
            assert problem.__suppress_context__ or problem.__context__ is None


# --- kubeseal as the judge --------------------------------------------------------------------------------------------

SCALARS = [
    "2001-12-14",
    "2001-12-14T21:59:43Z",
    "1:20",
    "190:20:30",
    "=",
    "yEs",
    "Y3",
    "0b2",
    "_1",
    "a #b",
    "v2:A",
    "0x",
]
CHANGED = ["0123", "yes", "y", "1e3", "0128", "1_000", "0x1F", "True"]


def test_scalars_are_read_as_kubeseal_reads_them(kubeseal: Path, tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_text(rsa().public.certificate)

    def through_kubeseal(words: list[str]) -> dict[str, bytes]:
        text = secret("stringData:\n" + "".join(f"  k{n}: {word}\n" for n, word in enumerate(words)))
        run = subprocess.run(
            [kubeseal, "--cert", certificate, "-o", "yaml"], input=text.encode(), capture_output=True, check=True
        )
        found = one(run.stdout)
        assert isinstance(found, SealedSecret)
        label = found.binding.label()
        parsed = {key: envelope_v1.parse(value) for key, value in found.items.items()}
        return {key: envelope_v1.open_envelope(value, label, [rsa()])[0] for key, value in parsed.items()}

    text = secret("stringData:\n" + "".join(f"  k{n}: {word}\n" for n, word in enumerate(SCALARS)))
    assert dict(manifest(text).secret.items) == through_kubeseal(SCALARS)
    # And what we refuse is indeed not what was written.
    for key, value in through_kubeseal(CHANGED).items():
        assert value.decode() != CHANGED[int(key[1:])]
