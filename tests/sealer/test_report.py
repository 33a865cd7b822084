"""The columns of what is printed, at 80 columns."""

from __future__ import annotations

from sealer import report


def test_columns_are_aligned_as_far_as_they_fit() -> None:
    rows = [
        ("sealed password", "clusters/staging/payments/db.yaml", "new file", "staging 52be90f1"),
        ("sealed password", "clusters/prod/payments/db.yaml", "replaced", "prod 9f3a12c4"),
    ]
    assert report.table(rows) == [
        ["sealed password  clusters/staging/payments/db.yaml  new file  staging 52be90f1"],
        ["sealed password  clusters/prod/payments/db.yaml     replaced  prod 9f3a12c4"],
    ]


def test_a_name_from_a_stranger_is_neither_a_line_nor_a_colour() -> None:
    assert report.table([("sealed a", "x\n\x1b[31mfailed b")]) == [["sealed a  x\\n\\x1b[31mfailed b"]]


def test_a_long_row_goes_on_below() -> None:
    path = "clusters/" + "x" * 50
    assert report.table([("sealed password", path, "new file", "prod 9f3a12c4")]) == [
        [f"sealed password  {path}", "  new file  prod 9f3a12c4"]
    ]
    path += "x" * 10
    assert report.table([("sealed password", path, "new file", "prod 9f3a12c4")]) == [
        ["sealed password", f"  {path}", "  new file  prod 9f3a12c4"]
    ]


def test_wrapped_and_counted() -> None:
    lines = report.wrapped("30 items: " + ", ".join(f"item-{n}" for n in range(30)))
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("  30 items")
    assert all(line.startswith("    ") for line in lines[1:])
    assert [report.count(n, "item") for n in (0, 1, 2000)] == ["0 items", "1 item", "2,000 items"]
