"""What goes, and what keeps everything (DELIVERY section 5)."""

from __future__ import annotations

import pytest

from controller import prune as pruning
from controller.configuration import Limits
from controller.model import Delivery, Document, Origin, Problem, Ref, Refusal, Snapshot, Step, Target
from controller.prune import Outcomes, prune
from sealer.formats.binding import Scope
from tests.controller.samples import SOURCE, delivery, known

REFS = [Ref("web", f"app-{number}") for number in range(20)]


def document(ref: Ref) -> Document:
    return Document(ref, Origin(SOURCE, f"secrets/{ref}.yaml", 0, ""), "d", Scope.STRICT)


def decide(
    here: list[Ref],
    deliveries: list[Delivery],
    *,
    failed: set[Ref] | None = None,
    snapshot: Snapshot | None = None,
    targets: dict[Ref, set[Target]] | None = None,
    allowed: bool = False,
    limits: Limits | None = None,
) -> tuple[Step, ...] | Refusal:
    """Prune with these documents there, all of them good but for `failed`."""
    bad = failed or set()
    wanted = {ref: (targets or {}).get(ref, {Target("local", str(ref))}) for ref in here}
    return prune(
        snapshot or Snapshot(SOURCE, "", "", True, tuple(map(document, here))),
        wanted,
        Outcomes(set(here) - bad, bad),
        {each.target: each for each in deliveries},
        {each.ref: known(each.ref) for each in deliveries},
        limits or Limits(),
        allowed=allowed,
    )


def refs(steps: tuple[Step, ...] | Refusal) -> list[Ref]:
    assert not isinstance(steps, Refusal)
    return [step.ref for step in steps]


def test_nothing_is_gone() -> None:
    assert decide(REFS, [delivery(ref) for ref in REFS]) == ()


def test_a_document_that_is_gone_is_deleted_at_the_version_that_was_recorded() -> None:
    steps = decide(REFS[1:], [delivery(ref) for ref in REFS])
    assert steps == (Step("delete", Target("local", str(REFS[0])), REFS[0], "3"),)


def test_what_was_to_be_retained_is_withdrawn_only() -> None:
    steps = decide([], [delivery(REFS[0], on_delete="retain")])
    assert steps == (Step("withdraw", Target("local", str(REFS[0])), REFS[0], "3"),)


def test_a_store_that_the_document_no_longer_names_loses_it() -> None:
    there = delivery(REFS[0], target=Target("0123456789abcdef", str(REFS[0])))
    assert refs(decide(REFS[:1], [there, delivery(REFS[0])])) == [REFS[0]]


def test_but_not_while_the_document_fails() -> None:
    there = delivery(REFS[0], target=Target("0123456789abcdef", str(REFS[0])))
    assert decide(REFS[:1], [there, delivery(REFS[0])], failed={REFS[0]}) == ()


@pytest.mark.parametrize("state", ["withdrawn"])
def test_what_stands_nowhere_can_not_go(state: str) -> None:
    assert decide([], [delivery(REFS[0], state=state), delivery(REFS[1], version="", state="pending")]) == ()


@pytest.mark.parametrize(("total", "going", "goes"), [(5, 5, True), (6, 6, False), (20, 10, True), (20, 11, False)])
def test_at_most_five_or_half_go(total: int, going: int, goes: bool) -> None:
    deliveries = [delivery(ref) for ref in REFS[:total]]
    steps = decide(REFS[going:total], deliveries)
    assert isinstance(steps, Refusal) is not goes
    assert len(refs(decide(REFS[going:total], deliveries, allowed=True))) == going


def test_the_refusal_counts_and_names_what_stays() -> None:
    refused = decide([], [delivery(ref) for ref in REFS])
    assert isinstance(refused, Refusal)
    assert refused.reason == "20 of 20 would go, and at most 10 may"
    assert [each.ref for each in refused.kept] == sorted(REFS)


def test_the_operator_sets_other_limits() -> None:
    deliveries = [delivery(ref) for ref in REFS[:4]]
    assert isinstance(decide(REFS[2:4], deliveries, limits=Limits(prune_count=1, prune_percent=25)), Refusal)
    assert len(refs(decide(REFS[1:4], deliveries, limits=Limits(prune_count=1, prune_percent=25)))) == 1


@pytest.mark.parametrize("complete", [True, False])
def test_an_unreadable_part_keeps_everything(complete: bool) -> None:
    problem = (Problem("secrets/web/other.yaml", 1, "unreadable"),) if complete else ()
    snapshot = Snapshot(SOURCE, "", "", complete, (), problem)
    refused = decide([], [delivery(REFS[0])], snapshot=snapshot)
    assert isinstance(refused, Refusal)
    assert refused.reason == pruning.INCOMPLETE


@pytest.mark.parametrize("path", [f"secrets/{REFS[0]}.yaml", "secrets/web", "secrets", "."])
def test_what_an_unreadable_file_or_folder_holds_is_not_gone_whatever_is_allowed(path: str) -> None:
    snapshot = Snapshot(SOURCE, "", "", False, (), (Problem(path, 0, "unreadable"),))
    assert decide([], [delivery(REFS[0])], snapshot=snapshot, allowed=True) == ()


def test_a_new_document_that_fails_may_be_a_renamed_one() -> None:
    refused = decide(REFS[1:2], [delivery(REFS[0])], failed={REFS[1]})
    assert isinstance(refused, Refusal)
    assert refused.reason == pruning.FAILED


def test_one_that_fails_and_was_delivered_before_keeps_nothing_else() -> None:
    assert refs(decide(REFS[1:2], [delivery(REFS[0]), delivery(REFS[1])], failed={REFS[1]})) == [REFS[0]]


def test_outside_of_the_prefix_nothing_goes_nor_counts() -> None:
    inside, outside = delivery(Ref("web", "a")), delivery(Ref("db", "b"))
    snapshot = Snapshot(SOURCE, "secrets/web", "", True, ())
    assert refs(decide([], [inside, outside], snapshot=snapshot)) == [inside.ref]
    many = [delivery(ref) for ref in REFS]
    elsewhere = [delivery(ref._replace(namespace="db")) for ref in REFS]
    assert isinstance(decide([], [*many, *elsewhere], snapshot=snapshot), Refusal)


def test_the_order_is_by_name() -> None:
    assert refs(decide([], [delivery(ref) for ref in reversed(REFS[:3])])) == sorted(REFS[:3])
