"""Which connection is next, and which goes when there are too many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.connections import Table, Turns, address, holder


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


def test_sources_have_turns() -> None:
    turns: Turns[str] = Turns(9)
    for each in ("a1", "a2", "a3", "b1", "c1", "c2"):
        assert turns.put(each, each[0]) is None
    assert [turns.take() for _ in range(len(turns))] == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert turns.take() is None


def test_who_comes_too_often_loses_the_oldest_that_waits() -> None:
    turns: Turns[str] = Turns(3)
    losers = [turns.put(each, each[0]) for each in ("a1", "b1", "b2", "b3", "c1")]
    assert losers == [None, None, None, "b1", "b2"]
    assert [turns.take() for _ in range(len(turns))] == ["a1", "b3", "c1"]


@given(st.integers(1, 5), st.lists(st.sampled_from("abcd-"), max_size=60))
def test_what_waits_comes_once_or_loses(most: int, steps: list[str]) -> None:
    """`-` takes one: of a source that was not passed over by another one with two turns."""
    turns: Turns[str] = Turns(most)
    waits: list[str] = []
    passed: dict[str, set[str]] = {}
    for number, source in enumerate(steps):
        if source == "-":
            if (found := turns.take()) is not None:
                waits.remove(found)
                of = found[0]
                passed[of] = set()
                for other in {each[0] for each in waits} - {of}:
                    assert of not in passed.setdefault(other, set())
                    passed[other].add(of)
            continue
        counts = Counter(each[0] for each in waits)
        loser = turns.put(f"{source}{number}", source)
        assert (loser is not None) == (len(waits) == most)
        if loser is not None:
            assert counts[loser[0]] == max(counts.values())
            assert loser == next(each for each in waits if each[0] == loser[0])
            waits.remove(loser)
        for gone in set("abcd") - {each[0] for each in waits}:
            passed[gone] = set()
        waits.append(f"{source}{number}")
        assert len(turns) == len(waits) <= most
    while (found := turns.take()) is not None:
        waits.remove(found)
    assert not waits
