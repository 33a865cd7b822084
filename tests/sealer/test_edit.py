"""Edits in place: each trap as a case, with the whole file before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from sealer.documents import document, edit, render
from sealer.documents.document import SealedSecret
from sealer.errors import DocumentError
from sealer.secret import Secret
from tests.sealer.documents import sealed

NEW = "AgBnewnewnew+/="
OTHER = "v2:AAAA"


def put(text: str, items: dict[str, str], path: str = "a.yaml", index: int = 0) -> str:
    return edit.set_items(text.encode(), path, index, items).decode()


def drop(text: str, *keys: str, path: str = "a.yaml", index: int = 0) -> str:
    return edit.remove_items(text.encode(), path, index, keys).decode()


def annotate(text: str, annotations: dict[str, str | None], path: str = "a.yaml") -> str:
    return edit.set_annotations(text.encode(), path, 0, annotations).decode()


def spec(body: str) -> str:
    return sealed(spec=body)


# What spec holds before, and after `a` was set and `zz` was added.
SETS = {
    "plain, comments": (
        "  encryptedData:  # all\n    # one\n    a: AgX  # note\n\n    b: AgY # n2\n    # last\n  template: {}\n",
        (
            f"  encryptedData:  # all\n    # one\n    a: {NEW}  # note\n\n    b: AgY # n2\n    zz: {OTHER}\n"
            "    # last\n  template: {}\n"
        ),
    ),
    "quotes stay": (
        "  encryptedData:\n    'a': \"AgX\"\n    \"b\": 'AgY'\n",
        f"  encryptedData:\n    'a': \"{NEW}\"\n    \"b\": 'AgY'\n    zz: {OTHER}\n",
    ),
    "no final newline": ("  encryptedData:\n    a: AgX", f"  encryptedData:\n    a: {NEW}\n    zz: {OTHER}"),
    "end marker": ("  encryptedData:\n    a: AgX\n...\n", f"  encryptedData:\n    a: {NEW}\n    zz: {OTHER}\n...\n"),
    "wide indent": (
        "    encryptedData:\n          a: AgX\n",
        f"    encryptedData:\n          a: {NEW}\n          zz: {OTHER}\n",
    ),
    "tabs between": (
        "  encryptedData:\n    a:\tAgX\t# t\n",
        f"  encryptedData:\n    a:\t{NEW}\t# t\n    zz: {OTHER}\n",
    ),
    "block scalars": (
        (
            "  encryptedData:\n    a: |  # folded\n      AgX\n      AgZ\n\n    # c\n    b: >-\n      AgY\n"
            "\n\n  template: {}\n"
        ),
        (
            f"  encryptedData:\n    a: {NEW}  # folded\n\n    # c\n    b: >-\n      AgY\n    zz: {OTHER}\n"
            "\n\n  template: {}\n"
        ),
    ),
    "kept line breaks": (
        "  encryptedData:\n    a: |+\n      AgX\n\n    b: |+\n      AgY\n\n  template: {}\n",
        f"  encryptedData:\n    a: {NEW}\n\n    b: |+\n      AgY\n\n    zz: {OTHER}\n  template: {{}}\n",
    ),
    "value on the next line": (
        "  encryptedData:\n    a:\n      AgX\n      AgY\n",
        f"  encryptedData:\n    a:\n      {NEW}\n    zz: {OTHER}\n",
    ),
    "explicit keys": (
        "  encryptedData:\n    ? a\n    : AgX\n",
        f"  encryptedData:\n    ? a\n    : {NEW}\n    zz: {OTHER}\n",
    ),
    "tagged": ("  encryptedData:\n    a: !!str AgX\n", f"  encryptedData:\n    a: {NEW}\n    zz: {OTHER}\n"),
    "no value": ("  encryptedData:\n    a:\n", f"  encryptedData:\n    a: {NEW}\n    zz: {OTHER}\n"),
    "flow": (
        "  encryptedData: {a: AgX, b: AgY} # c\n",
        f'  encryptedData: {{a: {NEW}, b: AgY, zz: "{OTHER}"}} # c\n',
    ),
    "flow over lines": (
        "  encryptedData: {\n    a: AgX, # one\n    b: AgY # two\n    }\n",
        f'  encryptedData: {{\n    a: {NEW}, # one\n    b: AgY, # two\n    zz: "{OTHER}"\n    }}\n',
    ),
    "flow with a last comma": (
        "  encryptedData: {\n    a: AgX,\n    b: AgY, # two\n  }\n",
        f'  encryptedData: {{\n    a: {NEW},\n    b: AgY, # two\n    zz: "{OTHER}"\n  }}\n',
    ),
    "json in yaml": (
        '  encryptedData: {"a":"AgX","b":"AgY"}\n',
        f'  encryptedData: {{"a":"{NEW}","b":"AgY","zz":"{OTHER}"}}\n',
    ),
    "a key alone": ("  encryptedData: {a}\n", f'  encryptedData: {{a: {NEW}, zz: "{OTHER}"}}\n'),
    "an anchor that nobody uses": (
        "  encryptedData:\n    b: AgY\n    c: &c\n      AgZ # c\n",
        f"  encryptedData:\n    b: AgY\n    c: &c\n      AgZ # c\n    a: {NEW}\n    zz: {OTHER}\n",
    ),
    "flow with a comment inside": (
        "  encryptedData: { # none yet\n  }\n",
        f'  encryptedData: {{a: {NEW}, zz: "{OTHER}" # none yet\n  }}\n',
    ),
    "a comment before the last of a flow": (
        "  encryptedData: {a: AgX,\n    # b is new\n    b: AgY}\n",
        f'  encryptedData: {{a: {NEW},\n    # b is new\n    b: AgY,\n    zz: "{OTHER}"}}\n',
    ),
    "empty flow": ("  encryptedData: {} # c\n", f"  encryptedData: # c\n    a: {NEW}\n    zz: {OTHER}\n"),
    "nothing": (
        "  encryptedData:\n  template: {}\n",
        f"  encryptedData:\n    a: {NEW}\n    zz: {OTHER}\n  template: {{}}\n",
    ),
    "null": ("  encryptedData: ~ # c\n", f"  encryptedData: # c\n    a: {NEW}\n    zz: {OTHER}\n"),
    "missing": (
        "  template:\n    data:\n      x: y\n\n# end\n",
        f"  template:\n    data:\n      x: y\n  encryptedData:\n    a: {NEW}\n    zz: {OTHER}\n\n# end\n",
    ),
    "anchors elsewhere": (
        "  encryptedData:\n    a: AgX\n    b: &b AgY\n    c: *b # as b\n  template: {type: &t Opaque}\n",
        (
            f"  encryptedData:\n    a: {NEW}\n    b: &b AgY\n    c: *b # as b\n    zz: {OTHER}\n"
            "  template: {type: &t Opaque}\n"
        ),
    ),
    "an anchored map": (
        "  encryptedData: &all\n    a: AgX\n",
        f"  encryptedData: &all\n    a: {NEW}\n    zz: {OTHER}\n",
    ),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["", "bom"])
@pytest.mark.parametrize("case", SETS)
def test_set_items(case: str, bom: str, newline: str) -> None:
    before, after = ((bom + "# top\n---\n" + spec(body)).replace("\n", newline) for body in SETS[case])
    assert put(before, {"a": NEW, "zz": OTHER}) == after


DROPS = {
    "block": (
        "  encryptedData:\n    # k\n    a: AgX # note\n\n    b: AgY\n",
        "  encryptedData:\n    # k\n\n    b: AgY\n",
    ),
    "last of the block": ("  encryptedData:\n    b: AgY\n    a: AgX", "  encryptedData:\n    b: AgY\n"),
    "block scalar": ("  encryptedData:\n    a: |\n      AgX\n\n    b: AgY\n", "  encryptedData:\n\n    b: AgY\n"),
    "only one": ("  encryptedData: # c\n    a: AgX\n  template: {}\n", "  encryptedData: {} # c\n  template: {}\n"),
    "flow, first": ("  encryptedData: {a: AgX, b: AgY}\n", "  encryptedData: {b: AgY}\n"),
    "flow, last": ("  encryptedData: {b: AgY, a: AgX}\n", "  encryptedData: {b: AgY}\n"),
    "flow, only": ("  encryptedData: { a: AgX }\n", "  encryptedData: {}\n"),
    "flow, comments": (
        "  encryptedData: {\n    b: AgY, # one\n    a: AgX, # two\n    c: AgZ\n    }\n",
        "  encryptedData: {\n    b: AgY, # one\n     # two\n    c: AgZ\n    }\n",
    ),
    "explicit keys": (
        "  encryptedData:\n    ? a\n    : AgX\n    ? b\n    : AgY\n",
        "  encryptedData:\n    ? b\n    : AgY\n",
    ),
}


@pytest.mark.parametrize("case", DROPS)
def test_remove_items(case: str) -> None:
    before, after = (spec(body) for body in DROPS[case])
    assert drop(before, "a") == after


META = "  name: db\n  namespace: n1\n"
ANNOTATES = {
    "missing": (META, META + '  annotations:\n    k: "1"\n    x/y: "l1\\nl2"\n'),
    "empty": (META + "  annotations: {}\n", META + '  annotations:\n    k: "1"\n    x/y: "l1\\nl2"\n'),
    "block": (
        '  annotations:\n    k: "0" # c\n    z: w\n' + META,
        '  annotations:\n    k: "1" # c\n    z: w\n    x/y: "l1\\nl2"\n' + META,
    ),
    "flow": (META + "  annotations: {z: w}\n", META + '  annotations: {z: w, k: "1", x/y: "l1\\nl2"}\n'),
}


@pytest.mark.parametrize("case", ANNOTATES)
def test_set_annotations(case: str) -> None:
    before, after = (sealed(metadata=metadata) for metadata in ANNOTATES[case])
    assert annotate(before, {"k": "1", "x/y": "l1\nl2"}) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  annotations:\n    k: v\n", ""),
        ("  annotations: {k: v}\n", ""),
        ("  annotations:\n    # why\n    k: v\n", "  annotations: {}\n    # why\n"),
        ("  annotations:\n    k: v\n    z: w\n", "  annotations:\n    z: w\n"),
        ("", ""),
        ("  annotations: {}\n", "  annotations: {}\n"),
    ],
)
def test_remove_an_annotation(before: str, after: str) -> None:
    assert annotate(sealed(metadata=META + before), {"k": None}) == sealed(metadata=META + after)


REFUSED = {
    "an alias": "  encryptedData:\n    b: &x AgY\n    a: *x\n",
    "an anchor": "  encryptedData:\n    a: &x AgX\n    b: *x\n",
    "a merge": "  template: {data: &m {a: x}}\n  encryptedData:\n    <<: *m\n    b: AgY\n",
    "nothing but a merge": "  template: {data: &m {a: x}}\n  encryptedData:\n    <<: *m\n",
    "an anchored empty map": "  encryptedData: &m {}\n  template: {data: *m}\n",
    "an aliased map": "  template: {data: &m {a: x}}\n  encryptedData: *m\n",
    "a map that others share": "  encryptedData: &m\n    a: AgX\n  template: {data: *m}\n",
    "a key without a colon": "  encryptedData:\n    ? a\n    ? b\n",
    "a list": "  encryptedData:\n    a: [x]\n",
    "no map": "  encryptedData: x\n",
}


CHANGES: list[tuple[str, Callable[[str], str]]] = [
    *((case, lambda text: put(text, {"a": NEW})) for case in REFUSED),
    *((case, lambda text: drop(text, "a")) for case in REFUSED if case not in ("a list", "a key without a colon")),
]


@pytest.mark.parametrize(("case", "change"), CHANGES)
def test_what_could_change_something_else_is_refused(case: str, change: Callable[[str], str]) -> None:
    with pytest.raises(DocumentError) as caught:
        change(spec(REFUSED[case]))
    assert caught.value.way_out
    assert caught.value.line
    assert "AgX" not in str(caught.value)
    assert "AgY" not in str(caught.value)


def test_a_document_that_cannot_be_read_is_not_edited() -> None:
    for text in (spec("  encryptedData: {a: b, a: c}\n"), "a: b: c\n"):
        with pytest.raises(DocumentError):
            put(text, {"a": NEW})
    with pytest.raises(DocumentError, match="no document number 2"):
        put(spec("  encryptedData: {}\n"), {"a": NEW}, index=1)
    for text in ("kind: ConfigMap\n", "- a\n"):
        with pytest.raises(DocumentError, match="neither"):
            annotate(text, {"k": "v"})
    with pytest.raises(DocumentError, match="not there"):
        drop(spec("  encryptedData: {}\n"), "a")


def test_keys_and_values_are_quoted_where_they_need_it() -> None:
    after = put(
        spec("  encryptedData:\n    b: AgY\n"), {"y": "n", "1": "12", "tls.crt": 'q"\\\t', ".x": "=", "-d": "a: b"}
    )
    (found,) = document.parse_strict(after.encode(), "a").documents
    assert isinstance(found, SealedSecret)
    assert dict(found.items) == {"b": "AgY", "y": "n", "1": "12", "tls.crt": 'q"\\\t', ".x": "=", "-d": "a: b"}
    assert '    "y": "n"\n    "1": "12"\n    tls.crt: ' in after


ITEM = "  kind: SealedSecret\n  metadata: {name: %s}\n  spec:\n    encryptedData:\n      a: AgX # %s\n"


@pytest.mark.parametrize("indent", ["", "  "])
def test_documents_inside_a_list(indent: str) -> None:
    items = "".join("- apiVersion: bitnami.com/v1alpha1\n" + ITEM % (name, name) for name in ("one", "two"))
    items = "".join(indent + line for line in items.splitlines(keepends=True))
    before = f"# top\napiVersion: v1\nkind: List\nitems:\n{items}# end\n---\nkind: Other\n"
    first = before.index("      a: AgX # two")
    after = put(before, {"a": NEW, "zz": OTHER}, index=1)
    changed = before[first:].replace("AgX", NEW, 1).replace("# two\n", f"# two\n{indent}      zz: {OTHER}\n")
    assert after == before[:first] + changed
    assert drop(after, "zz", index=1) == before.replace("AgX # two", NEW + " # two")


def bodies(name: str = "db") -> dict[str, object]:
    return render.secret_body(Secret(name, "payments", {"k": b"v"}, annotations={"text": "two\n\nlines\n"}))


@pytest.mark.parametrize(
    "items",
    ["[*x]", "&l [*x]\n---\nkind: Other\n---\n", "\n- *x\n", "*list"],
    ids=["flow", "several", "block", "whole"],
)
def test_an_aliased_document_of_a_list_is_refused(items: str) -> None:
    held = "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: db}, spec: {encryptedData: {a: b}}}"
    text = f"apiVersion: v1\nkind: List\nmetadata:\n  x: &x {held}\n  z: &list [*x]\nitems: {items}\n"
    for change in (lambda: put(text, {"a": NEW}), lambda: edit.replace_document(text.encode(), "a.yaml", 0, bodies())):
        with pytest.raises(DocumentError, match="alias"):
            change()
    merged = f"m: &m {{items: [{held}]}}\n<<: *m\nkind: List\napiVersion: v1\n"
    with pytest.raises(DocumentError, match="<<"):
        put(merged, {"a": NEW})


def test_nothing_is_appended_to_a_broken_file() -> None:
    with pytest.raises(DocumentError, match="twice"):
        edit.append_document(spec("  encryptedData: {a: b, a: c}\n").encode(), "a.yaml", bodies())


def test_replace_a_document_among_others() -> None:
    first, last = "# Copyright\n---\n# about it\n", "# outside\n...\n---\nkind: Other # x\nb: !x y\n"
    old = spec("  encryptedData:\n    a: AgX # was: plain\n    # inside\n\n")
    after = edit.replace_document((first + old + last).encode(), "a.yaml", 0, bodies()).decode()
    rendered = render.to_yaml(bodies()).decode()
    assert after == first + rendered + "\n" + last
    crlf = edit.replace_document((first + old + last).replace("\n", "\r\n").encode(), "a.yaml", 0, bodies())
    assert crlf.decode() == after.replace("\n", "\r\n")


@pytest.mark.parametrize("start", ["--- ", "--- # c\n", "", "%YAML 1.1\n---\n"])
@pytest.mark.parametrize("flow", [False, True])
def test_replace_a_document_however_it_begins(start: str, flow: bool) -> None:
    old = spec("  encryptedData: {a: AgX}\n")
    if flow:
        old = "{kind: SealedSecret, apiVersion: bitnami.com/v1alpha1, metadata: {name: db}, spec: {template: {}}} # c\n"
    elif start == "--- ":
        start = "--- !!map\n"
    after = edit.replace_document((start + old + "---\na: b\n").encode(), "a.yaml", 0, bodies())
    file = document.parse_strict(after, "a.yaml")
    assert len(file.documents) == 2
    assert after.endswith(b"---\na: b\n")


@pytest.mark.parametrize("indent", ["", "    "])
def test_replace_inside_a_list(indent: str) -> None:
    items = "".join("- apiVersion: bitnami.com/v1alpha1\n" + ITEM % (name, name) for name in ("one", "two"))
    items = "".join(indent + line for line in items.splitlines(keepends=True))
    before = f"kind: List\napiVersion: v1\nitems:\n{items}# end\n"
    after = edit.replace_document(before.encode(), "a.yaml", 0, bodies()).decode()
    assert after.endswith(before[before.index(f"{indent}- apiVersion", 40 + len(indent)) :])
    last = edit.replace_document(after.encode(), "a.yaml", 1, bodies("three")).decode()
    assert last.endswith("# end\n")
    assert [found.place.index for found in document.parse_strict(last.encode(), "a").documents] == [0, 1]


@pytest.mark.parametrize(
    ("before", "between"),
    [
        ("", ""),
        ("# only a comment\n", ""),
        ("# no newline", "\n"),
        ("a: b", "\n---\n"),
        ("a: b\n", "---\n"),
        ("a: b\n---\n", ""),
        ("a: b\n...\n", "---\n"),
        ("a: |+\n  b\n\n", "---\n"),
        ("\ufeffa: b\r\n", "---\r\n"),
    ],
)
def test_append_a_document(before: str, between: str) -> None:
    after = edit.append_document(before.encode(), "a.yaml", bodies()).decode()
    newline = "\r\n" if "\r" in before else "\n"
    assert after == before + between + render.to_yaml(bodies()).decode().replace("\n", newline)


def test_a_line_break_that_would_become_part_of_a_value_is_refused() -> None:
    # Without a break at the end of the file the block scalar's value has none either.
    with pytest.raises(DocumentError) as caught:
        edit.append_document(spec("  template:\n    data:\n      t: |\n        x").encode(), "a.yaml", bodies())
    assert "newline" in caught.value.way_out


def test_append_to_json() -> None:
    for before in ("", '{"a": 1}\n'):
        after = edit.append_document(before.encode(), "a.json", bodies())
        assert after == before.encode() + render.to_json(bodies())
    assert edit.append_document(b'{"a": 1}', "a.json", bodies()) == b'{"a": 1}\n' + render.to_json(bodies())


SEALED_JSON = {
    "apiVersion": "bitnami.com/v1alpha1",
    "kind": "SealedSecret",
    "metadata": {"name": "db", "annotations": {"k": "v"}},
    "spec": {"template": None, "encryptedData": {"a": "AgX", "b": "AgY"}},
}


@pytest.mark.parametrize("indent", [None, 0, 2, 4, "\t"])
@pytest.mark.parametrize("colon", [": ", ":", " : "])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_json_keeps_its_layout(indent: int | str | None, colon: str, newline: str) -> None:
    def dumped(body: object) -> str:
        comma = "," if colon == ":" or indent is not None else ", "
        return json.dumps(body, indent=indent, separators=(comma, colon)).replace("\n", newline) + newline

    def changed(**encrypted: str) -> str:
        return dumped({**SEALED_JSON, "spec": {"template": None, "encryptedData": encrypted}})

    before = dumped(SEALED_JSON)
    assert put(before, {"a": NEW, "zz": OTHER}, "a.json") == changed(a=NEW, b="AgY", zz=OTHER)
    assert drop(before, "a", path="a.json") == changed(b="AgY")
    assert drop(before, "b", path="a.json") == changed(a="AgX")
    assert drop(before, "b", "a", path="a.json") == changed()
    annotated = json.loads(annotate(before, {"k": None, "n": "1"}, "a.json"))
    assert annotated["metadata"] == {"name": "db", "annotations": {"n": "1"}}


@pytest.mark.parametrize("indent", [None, 2, 4, "\t"])
def test_json_grows_maps_in_its_layout(indent: int | str | None) -> None:
    def dumped(held: Mapping[str, object]) -> str:
        body = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db"}, "spec": held}
        return json.dumps(body, indent=indent)

    full = {"template": {"type": "x"}, "encryptedData": {"a": NEW, "zz": OTHER}}
    for held in ({"template": {"type": "x"}}, {**full, "encryptedData": {}}, {**full, "encryptedData": None}):
        assert put(dumped(held), {"a": NEW, "zz": OTHER}, "a.json") == dumped(full)


def test_a_document_in_json_is_replaced_alone() -> None:
    other = '{"z":   [1,2]}'
    before = f"{other}\n{json.dumps(SEALED_JSON, indent=4)}\n{other}"
    after = edit.replace_document(before.encode(), "a.json", 1, bodies()).decode()
    assert after == f"{other}\n{json.dumps(bodies(), indent=4, sort_keys=True)}\n{other}"
    listed = json.dumps({"kind": "List", "items": [SEALED_JSON, SEALED_JSON]}, indent=2)
    after = edit.replace_document(listed.encode(), "a.json", 1, bodies()).decode()
    ordered = json.loads(json.dumps(bodies(), sort_keys=True))
    assert after == json.dumps({"kind": "List", "items": [SEALED_JSON, ordered]}, indent=2)
