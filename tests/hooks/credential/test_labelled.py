"""Recall and precision on the labelled set, each half by itself: the one that was tuned on, and the one held out."""

from __future__ import annotations

import pytest

from tests.hooks.credential.finder import found
from tests.hooks.labelled_credentials import Sample, samples

SAMPLES = list(samples())


def figures(chosen: list[Sample]) -> tuple[float, float]:
    """Recall and precision, by line."""
    true = reported = expected = 0
    for sample in chosen:
        lines = set(found(sample.path, sample.text))
        true += len(lines & sample.lines)
        reported += len(lines)
        expected += len(sample.lines)
    return true / expected, true / reported


def test_the_set_is_large_and_the_same_each_time() -> None:
    assert sum(bool(one.lines) for one in SAMPLES) >= 600
    assert sum(not one.lines for one in SAMPLES) >= 900
    assert list(samples()) == SAMPLES


@pytest.mark.parametrize(("held_out", "recall", "precision"), [(False, 0.97, 0.99), (True, 0.91, 0.97)])
def test_recall_and_precision(
    held_out: bool, recall: float, precision: float, capsys: pytest.CaptureFixture[str]
) -> None:
    got = figures([one for one in SAMPLES if one.held_out is held_out])
    with capsys.disabled():
        print(f"\n  {'held out' if held_out else 'development'}: recall {got[0]:.3f}, precision {got[1]:.3f}")
    assert got[0] >= recall
    assert got[1] >= precision


def test_other_draws_are_found_as_well() -> None:
    got = figures([one for one in samples(seed=7) if not one.held_out])
    assert got[0] >= 0.96
    assert got[1] >= 0.98
