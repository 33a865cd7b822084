"""Which connection goes when there are too many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.connections import Table, address, holder


@dataclass(eq=False)
class Held:
    """A connection."""

    source: str
    ours: bool = False

    def waits(self) -> bool:
        return not self.ours


def test_who_holds_most_loses_its_oldest() -> None:
    table: Table[Held] = Table(3)
    probe, first, second, third = Held("node"), Held("stranger"), Held("stranger"), Held("stranger")
    assert [table.enter(each, each.source) for each in (probe, first, second)] == [None, None, None]
    assert table.enter(third, "stranger") is first
    assert table.enter(Held("node"), "node") is second


def test_of_one_each_the_oldest_goes() -> None:
    table: Table[Held] = Table(2)
    first = Held("a")
    table.enter(first, "a")
    table.enter(Held("b"), "b")
    assert table.enter(Held("c"), "c") is first


def test_what_waits_for_us_stays_while_another_can_go() -> None:
    table: Table[Held] = Table(2)
    works, idle = Held("a", ours=True), Held("a")
    table.enter(works, "a")
    table.enter(idle, "a")
    assert table.enter(Held("a", ours=True), "a") is idle
    assert table.enter(Held("a"), "a") is works


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans(), st.integers(0, 9)), max_size=60),
)
def test_the_newest_is_in_and_no_more_than_there_may_be(most: int, steps: list[tuple[str, bool, bool, int]]) -> None:
    table: Table[Held] = Table(most)
    there: list[Held] = []
    for source, ours, closes, which in steps:
        if closes and there:
            table.leave(there.pop(which % len(there)))
        else:
            new, counts = Held(source, ours), Counter(each.source for each in there)
            loser = table.enter(new, source)
            assert (loser is not None) == (len(there) == most)
            if loser is not None:
                assert counts[loser.source] == max(counts.values())
                there.remove(loser)
                table.leave(loser)  # its end is told of, too
            there.append(new)
        assert len(table) == len(there) <= most


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "others"),
        ("unix", "others"),
    ],
)
def test_whose_an_address_is(text: str, whose: str) -> None:
    assert holder(address(text)) == whose
