"""Edits of generated files: exactly what was meant changes, every other line survives in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from sealer.documents import document, edit, render
from sealer.documents.document import SealedSecret
from sealer.errors import DocumentError
from sealer.secret import Secret

KEYS = ["a", "b", "tls.crt", ".hidden", "UPPER_1", "long-" + "k" * 120]
VALUES = st.text("ABCDEFabcdef0123456789+/=", min_size=1, max_size=90).map(lambda text: "Ag" + text)

STYLES: dict[str, Callable[[str, str], list[str]]] = {
    "plain": lambda pad, value: [f" {value}"],
    "single": lambda pad, value: [f" '{value}'"],
    "double": lambda pad, value: [f' "{value}"'],
    "tab": lambda pad, value: [f"\t{value}"],
    "below": lambda pad, value: ["", f"{pad}  {value}"],
    "literal": lambda pad, value: [" |-", f"{pad}  {value}"],
    "folded": lambda pad, value: [" >2-", f"{pad}  {value}"],
    "kept": lambda pad, value: [" >-  # kept", f"{pad}    {value}", ""],
    "tagged": lambda pad, value: [f" !!str {value}"],
}


@dataclass
class Line:
    text: str
    owner: str | None = None  # the item that the line belongs to; an edit of another item may not touch it


@st.composite
def items_block(draw: st.DrawFn, pad: str, items: dict[str, str]) -> list[Line]:
    lines = []
    for key, value in items.items():
        if draw(st.booleans()):
            lines.append(Line(f"{pad}# about {key[:5]}"))
        name = draw(st.sampled_from([key, f'"{key}"', f"'{key}'"]))
        head, *rest = STYLES[draw(st.sampled_from(sorted(STYLES)))](pad, value)
        comment = draw(st.sampled_from(["", " # note", "\t# ü"])) if not rest else ""
        lines.append(Line(f"{pad}{name}:{head}{comment}", key))
        lines += [Line(line, key if line else None) for line in rest]
        if draw(st.integers(0, 4)) == 0:
            lines.append(Line(""))
    return lines


@st.composite
def items_lines(draw: st.DrawFn, pad: str, step: str, items: dict[str, str]) -> list[Line]:
    style = draw(st.sampled_from(["block", "block", "flow", "flow lines"]))
    comment = draw(st.sampled_from(["", "  # all"]))
    if not items:
        return [Line(f"{pad}encryptedData:{draw(st.sampled_from([' {}', '', ' ~', ' { }']))}{comment}", "*")]
    if style == "block":
        return [Line(f"{pad}encryptedData:{comment}", "*"), *draw(items_block(pad + step, items))]
    if style == "flow":
        inside = ", ".join(f"{key}: {value}" for key, value in items.items())
        return [Line(f"{pad}encryptedData: {{{inside}}}{comment}", "*")]
    last = draw(st.sampled_from(["", ","]))
    texts = [f'{pad}{step}"{key}": "{value}"' for key, value in items.items()]
    lines = [Line(f"{text}, # c", key) for text, key in zip(texts[:-1], items, strict=False)]
    return [
        Line(f"{pad}encryptedData: {{", "*"),
        *lines,
        Line(f"{texts[-1]}{last} # d", list(items)[-1]),
        Line(f"{pad}{step}}}"),
    ]


@st.composite
def sealed_lines(draw: st.DrawFn, items: dict[str, str]) -> list[Line]:
    step = draw(st.sampled_from(["  ", "    "]))
    annotations = draw(
        st.sampled_from(
            [
                [],
                ["annotations: {}"],
                ["annotations: {k: v}  # c"],
                ["annotations:", step + "k: v # c", step + "z: 'w'"],
            ]
        )
    )
    metadata = [Line("metadata:")]
    metadata += [Line(step + text) for text in draw(st.permutations(["name: db", "namespace: payments"]))]
    metadata += [Line(step + text, "!") for text in annotations]
    template = [
        Line(f"{step}template:"),
        Line(f"{step}{step}data:"),
        Line(f"{step}{step}  t: |-"),
        Line(f"{step * 2}    x"),
    ]
    held = draw(items_lines(step, step, items))
    spec = [Line("spec:"), *(draw(st.sampled_from([[*held, *template], [*template, *held], held])))]
    head = [[Line("apiVersion: bitnami.com/v1alpha1")], [Line("kind: SealedSecret")], metadata, spec]
    parts = draw(st.permutations(head))
    return [line for part in parts for line in (*part, *([Line("# between")] if draw(st.booleans()) else []))]


@dataclass
class Sample:
    lines: list[Line]
    newline: str
    bom: str
    final: bool
    index: int
    items: dict[str, str]

    @property
    def data(self) -> bytes:
        text = self.newline.join(line.text for line in self.lines) + (self.newline if self.final else "")
        return (self.bom + text).encode()

    def survivors(self, *touched: str) -> list[str]:
        return [line.text for line in self.lines if line.text.strip() and line.owner not in touched]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    items = draw(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
    lines = draw(sealed_lines(items))
    index = 0
    if draw(st.booleans()):
        pad = draw(st.sampled_from(["", "  "]))
        lines = [
            Line(f"{pad}{'  ' if number else '- '}{line.text}" if line.text else "", line.owner)
            for number, line in enumerate(lines)
        ]
        before = [f"{pad}- kind: Other", f"{pad}  x: 1"] if draw(st.booleans()) else []
        index = 1 if before else 0
        lines = [*map(Line, ["apiVersion: v1", "kind: List", "items:", *before]), *lines, Line("# end of the list")]
    if draw(st.booleans()):
        lines = [Line("# top"), Line("kind: First"), Line("x: !tag y"), Line("---"), *lines]
        index += 1
    elif draw(st.booleans()):
        lines = [Line("--- # start"), *lines]
    if draw(st.booleans()):
        lines += [Line("---"), Line("# last"), Line("kind: Last"), Line("x: {a: b}")]
    elif draw(st.booleans()):
        lines += [Line("...")]
    return Sample(
        lines,
        draw(st.sampled_from(["\n", "\r\n"])),
        draw(st.sampled_from(["", "\ufeff"])),
        draw(st.booleans()) or not lines[-1].text.strip(),
        index,
        items,
    )


def found(data: bytes, index: int) -> SealedSecret:
    file = document.parse_strict(data, "a.yaml")
    (one,) = (one for one in file.documents if one.place.index == index)
    assert isinstance(one, SealedSecret)
    return one


def assert_kept(sample: Sample, after: bytes, *touched: str) -> None:
    text = after.decode()
    assert text.startswith(sample.bom)
    assert ("\r" in text) == (sample.newline == "\r\n")
    assert text.count("\r") in (0, text.count("\n"))
    lines = iter(text.removeprefix(sample.bom).split(sample.newline))
    for line in sample.survivors(*touched):
        assert line in lines, line  # consumes: the order is kept as well


@given(samples(), st.sampled_from(KEYS), VALUES)
@settings(max_examples=400)
def test_set_changes_one_item(sample: Sample, key: str, value: str) -> None:
    before = found(sample.data, sample.index)
    assert dict(before.items) == sample.items
    after = edit.set_items(sample.data, "a.yaml", sample.index, {key: value})
    now = found(after, sample.index)
    assert dict(now.items) == {**sample.items, key: value}
    assert (now.template, now.annotations) == (before.template, before.annotations) or now.template.lines
    # A flow map over lines gets a comma behind its last item.
    assert_kept(sample, after, key, "*", *list(sample.items)[-1:])
    assert edit.set_items(after, "a.yaml", sample.index, {key: value}) == after


@given(samples(), st.data())
@settings(max_examples=400)
def test_remove_takes_one_item(sample: Sample, data: st.DataObject) -> None:
    if not sample.items:
        return
    key = data.draw(st.sampled_from(sorted(sample.items)))
    after = edit.remove_items(sample.data, "a.yaml", sample.index, [key])
    assert dict(found(after, sample.index).items) == {name: sample.items[name] for name in sample.items if name != key}
    assert_kept(sample, after, key, "*", *list(sample.items)[:1], *list(sample.items)[-1:])


@given(
    samples(),
    st.dictionaries(st.sampled_from(["k", "z", "sealer.dev/stores", "y"]), st.one_of(st.none(), st.text()), max_size=3),
)
@settings(max_examples=300)
def test_annotations(sample: Sample, changes: dict[str, str | None]) -> None:
    before = found(sample.data, sample.index)
    after = edit.set_annotations(sample.data, "a.yaml", sample.index, changes)
    now = found(after, sample.index)
    merged = {**before.annotations, **changes}
    assert now.annotations == {key: text for key, text in merged.items() if text is not None}
    assert now.items == before.items
    assert_kept(sample, after, "!")


@given(samples())
@settings(max_examples=200)
def test_add_and_remove_is_no_change_but_for_braces(sample: Sample) -> None:
    added = edit.set_items(sample.data, "a.yaml", sample.index, {"zz": "AgA"})
    after = edit.remove_items(added, "a.yaml", sample.index, ["zz"])
    assert found(after, sample.index).items == sample.items
    assert_kept(sample, after, "*", *list(sample.items)[-1:])


@given(samples())
@settings(max_examples=200)
def test_replace_and_append_touch_no_other_document(sample: Sample) -> None:
    body = render.secret_body(Secret("db", "payments", {"k": b"v"}, annotations={"text": "two\n\nlines\n"}))
    count = len(document.parse_strict(sample.data, "a.yaml").documents)
    for after, index in (
        (edit.replace_document(sample.data, "a.yaml", sample.index, body), sample.index),
        (edit.append_document(sample.data, "a.yaml", body), count),
    ):
        documents = document.parse_strict(after, "a.yaml").documents
        assert isinstance(documents[index], document.Manifest)
        assert len(documents) == max(count, index + 1)
        assert after.startswith(sample.bom.encode())
        assert after.count(b"\r") in (0, after.count(b"\n"))
        lines = iter(after.decode().removeprefix(sample.bom).split(sample.newline))
        for line in sample.survivors():
            if line.startswith(("# top", "kind: First", "x: ", "# last", "kind: Last", "# end")):
                assert line in lines
    appended = edit.append_document(sample.data, "a.yaml", body)
    assert appended.startswith(sample.data)


FRAGMENTS = [
    *":{}[],\"'#&*!|>-?\t \n",
    ": ",
    "- ",
    "---\n",
    "...\n",
    "&x ",
    "*x",
    "<<: *x\n",
    "? ",
    "|+\n",
    "\u2028",
    "\r",
]


@given(samples(), st.data())
@settings(max_examples=600)
def test_an_edit_of_a_damaged_file_is_right_or_refused(sample: Sample, data: st.DataObject) -> None:
    text = sample.data.decode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.sampled_from(FRAGMENTS)) + text[at + data.draw(st.integers(0, 2)) :]
    body = render.secret_body(Secret("db"))
    key = data.draw(st.sampled_from(KEYS))
    changes: list[Callable[[], bytes]] = [
        lambda: edit.set_items(text.encode(), "a.yaml", sample.index, {key: "AgNEW"}),
        lambda: edit.remove_items(text.encode(), "a.yaml", sample.index, [key]),
        lambda: edit.set_annotations(text.encode(), "a.yaml", sample.index, {"k": None, "n": "1"}),
        lambda: edit.replace_document(text.encode(), "a.yaml", sample.index, body),
        lambda: edit.append_document(text.encode(), "a.yaml", body),
    ]
    before = document.parse(text.encode(), "a.yaml")
    for change in changes:
        try:
            after = change()
        except DocumentError as error:
            assert error.way_out  # noqa: PT017  # a refusal is as good as a result
            continue
        count = len(before.documents) + len(before.problems)
        now = document.parse(after, "a.yaml")
        assert len(now.documents) + len(now.problems) in (count, count + 1)
