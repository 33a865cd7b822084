"""What `apply` says of anything: columns, 80 of them, strangers' texts (DESIGN section 13)."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from controller import reason, report, report_forms
from controller.reason import Cause
from controller.report import Change, Report
from sealer import schema

BOUND = reason.dump(Cause(reason.BOUND, ("cookie-key",)))


def made(*changes: Change, dry_run: bool = True, **fields: object) -> Report:
    base: dict[str, object] = {
        "cluster": "prod",
        "source": "shop",
        "shown": ".",
        "revision": "4f2c91e",
        "key": "9f3a12c4",
        "dry_run": dry_run,
        "opened": True,
        "remembered": True,
        "changes": changes,
        "unchanged": 38,
        "others": 41,
        "seconds": 0.42,
    }
    return Report(**{**base, **fields})  # type: ignore[arg-type]


EXAMPLE = (
    Change(
        "fail", "web/session", "clusters/prod/web/session.yaml", 14, (("local", "2"),), kept="2026-03-02", why=BOUND
    ),
    Change("update", "payments/stripe", "s.yaml", 1, (("local", "4"), ("vault", "4")), ("api-key",)),
    Change("create", "payments/db", "d.yaml", 1, (("local", "1"),), ("password", "url")),
)


def test_the_plan_of_the_design() -> None:
    assert [line.text for line in report.text(made(*EXAMPLE))] == [
        "Plan for cluster prod, source . at 4f2c91e (clean), key 9f3a12c4",
        "  + payments/db       local         password, url",
        "  ~ payments/stripe   local, vault  api-key",
        "  ! web/session       clusters/prod/web/session.yaml:14",
        "      cookie-key was not sealed for web/session: renamed, moved or pasted",
        "      way out: sealer set clusters/prod/web/session.yaml cookie-key",
        "1 to create, 1 to update, 1 failed, 38 unchanged, 41 not for prod",
        "Dry run: nothing written.",
    ]


def test_the_result_of_the_design() -> None:
    assert [line.text for line in report.text(made(*EXAMPLE, dry_run=False)) if not line.aside] == [
        "created  payments/db      local v1",
        "updated  payments/stripe  local v4, vault v4",
        "FAILED   web/session      keeps v2 of 2026-03-02; cookie-key: bound elsewhere",
        "1 created, 1 updated, 1 failed, 38 unchanged, 41 not for prod (0.4 s)",
    ]


def test_colour_is_around_signs_only() -> None:
    painted = [line.text for line in report.text(made(*EXAMPLE), lambda text, _: f"<{text}>")]
    assert painted[1] == "  <+> payments/db       local         password, url"


def test_a_plan_without_changes() -> None:
    assert [line.text for line in report.text(made(unchanged=3, others=0))][1:] == [
        "3 unchanged",
        "Dry run: nothing written.",
    ]


def test_an_unreadable_file_is_named_by_its_place() -> None:
    why = reason.dump(Cause(reason.UNREADABLE, (), "is not UTF-8", "save it as UTF-8"))
    lines = [line.text for line in report.text(made(Change("fail", "a/b.yaml", "a/b.yaml", 3, why=why)))]
    assert lines[1:4] == ["  ! a/b.yaml:3", "      is not UTF-8", "      way out: save it as UTF-8"]


def test_long_reasons_are_wrapped_and_ways_out_are_not() -> None:
    why = reason.dump(Cause(reason.STORE, (), "word " * 40, "command " * 20))
    lines = [line.text for line in report.text(made(Change("fail", "a/b", "x.yaml", 3, why=why)))]
    assert all(len(line) <= 80 for line in lines if "way out" not in line)
    assert sum("way out" in line for line in lines) == 1


def test_markup_in_strangers_texts_stays_text() -> None:
    why = reason.dump(Cause(reason.UNREADABLE, (), "a | b <img src=x> `c`", "d\n| e"))
    shown = report_forms.markdown(made(Change("fail", "x|y.yaml", "x|y.yaml", 1, why=why)))
    assert r"a \| b \<img src=x\> \`c\`" in shown
    assert "x|y" not in shown
    assert shown.count("\n|") == 3


_NAMES = st.from_regex(r"[a-z0-9]{1,20}/[a-z0-9]{1,40}", fullmatch=True)
_ITEMS = st.lists(st.from_regex(r"[-._A-Za-z0-9]{1,40}", fullmatch=True), max_size=30)


_OPS = st.sampled_from(["create", "update", "delete", "withdraw", "gone"])


@given(st.lists(st.tuples(_NAMES, _ITEMS, _OPS), max_size=5), st.booleans())
def test_every_report_obeys_its_schema_and_a_plan_its_width(found: list[tuple[str, list[str], str]], dry: bool) -> None:
    changes = [Change(op, name, "x.yaml", 1, (("local", None),), tuple(items)) for name, items, op in found]  # type: ignore[arg-type]
    value = made(*changes, dry_run=dry)
    schema.validate(json.loads(report_forms.as_json(value)), "plan" if dry else "apply", file="report")
    if dry:
        assert all(len(line.text) <= 120 for line in report.text(value))


_TEXT = st.text().map(lambda text: "".join(filter(str.isprintable, text)))


@given(st.lists(st.builds(Cause, st.text(max_size=9), st.tuples(st.text()), _TEXT, _TEXT), max_size=4))
def test_reasons_survive_their_stored_form(causes: list[Cause]) -> None:
    assert reason.load(reason.dump(*causes)) == tuple(causes)
    assert len(reason.explain(reason.dump(*causes), "a/b", "x.yaml", "prod")) == len(causes)


@given(st.text(), st.text())
def test_a_reason_is_one_line_that_a_terminal_shows_as_it_is(what: str, way_out: str) -> None:
    stored = reason.dump(Cause(reason.NEVER, (), what, way_out))
    said = [reason.short(stored), *reason.explain(stored, "a/b", "x.yaml", "prod")[0]]
    assert all(text.isprintable() for text in said)
