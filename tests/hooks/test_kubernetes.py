"""Recall and false positives on Kubernetes manifests of every shape (kubernetes_manifests.py)."""

from __future__ import annotations

import pytest

from hooks import scanner
from hooks.blobs import Blob
from tests.hooks.kubernetes_lookalikes import CLEAN
from tests.hooks.kubernetes_manifests import LEAKS, Manifest, manifests


def found(one: Manifest) -> set[int]:
    return {finding.line for finding in scanner.scan(Blob(one.path, one.text.encode()))}


def test_the_set_is_large_and_the_same_each_time() -> None:
    whole = list(manifests())
    assert sum(bool(one.lines) for one in whole) >= 300
    assert sum(not one.lines for one in whole) >= 200
    assert list(manifests()) == whole
    assert {one.shape for one in whole if one.lines} == LEAKS.keys()
    assert {one.shape for one in whole if not one.lines} == CLEAN.keys()


@pytest.mark.parametrize("seed", [20261126, 7])
def test_plain_secrets_are_found_and_little_else(seed: int) -> None:
    whole = list(manifests(seed))
    reported = [found(one) for one in whole]
    leaking = sum(len(one.lines) for one in whole)
    hit = sum(len(one.lines & lines) for one, lines in zip(whole, reported, strict=True))
    wrong = [one.shape for one, lines in zip(whole, reported, strict=True) if lines - one.lines]
    assert hit / leaking >= 0.98
    assert len(wrong) / len(whole) <= 0.01, wrong


@pytest.mark.parametrize("shape", [*LEAKS, *CLEAN])
def test_no_shape_is_missed_as_a_whole(shape: str) -> None:
    mine = [one for one in manifests() if one.shape == shape]
    right = sum(found(one) == one.lines for one in mine)
    assert right >= 0.9 * len(mine)
