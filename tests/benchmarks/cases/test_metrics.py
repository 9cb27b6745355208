"""Metrics of cases: against loops that follow the definitions, and at their limits."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from benchmarks.cases.metrics import case_metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import completeness_score

PARTITIONS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 3)), min_size=1, max_size=30)


def by_definition(rings: list[str | None], cases: list[int]) -> dict[str, float]:
    """Compute B-cubed and the pairwise metrics in loops."""
    of_rings = [k for k, ring in enumerate(rings) if ring is not None]
    shared = {k: sum(rings[m] == rings[k] and cases[m] == cases[k] for m in of_rings) for k in of_rings}
    precision = np.mean([shared[k] / cases.count(cases[k]) for k in of_rings])
    recall = np.mean([shared[k] / rings.count(rings[k]) for k in of_rings])
    pairs = list(combinations(range(len(rings)), 2))
    of_ring = [rings[a] is not None and rings[a] == rings[b] for a, b in pairs]
    in_case = [cases[a] == cases[b] for a, b in pairs]
    together = sum(a and b for a, b in zip(of_ring, in_case, strict=True))
    return {
        "b3.precision": float(precision),
        "b3.recall": float(recall),
        "pairwise.precision": together / sum(in_case) if any(in_case) else 0.0,
        "pairwise.recall": together / sum(of_ring) if any(of_ring) else 0.0,
    }


@given(PARTITIONS.filter(lambda rows: any(ring is not None for ring, _ in rows)))
def test_metrics_follow_their_definitions(rows: list[tuple[str | None, int]]) -> None:
    rings, cases = [ring for ring, _ in rows], [case for _, case in rows]
    figures = case_metrics(np.array(rings, object), np.array(cases))
    expected = by_definition(rings, cases)
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    known = [(ring, case) for ring, case in rows if ring is not None]
    assert figures["completeness"] == pytest.approx(completeness_score(*zip(*known, strict=True)))


@pytest.mark.parametrize(
    ("rings", "cases", "expected"),
    [
        (["a", "a", "b", "b"], [0, 0, 1, 1], {"b3.f": 1, "pairwise.f": 1, "pure_cases": 1, "rings_half_found": 1}),
        (["a", "a", "b", "b"], [0, 1, 2, 3], {"b3.recall": 0.5, "pairwise.f": 0, "pure_cases": 1}),
        (["a", "a", "b", "b"], [0, 0, 0, 0], {"b3.precision": 0.5, "completeness": 1, "pure_cases": 0}),
        (["a", "a", "a", "b"], [0, 1, 2, 0], {"rings_half_found": 0.5, "cases": 3, "largest": 2}),
        (["a"] * 5 + [None] * 5, [0] * 5 + [1, 2, 3, 4, 5], {"reviews_saved": 1 - 1 / 8}),
        (["a"] * 5 + [None] * 5, list(range(10)), {"reviews_saved": 1 - 9 / 8}),
    ],
)
def test_metrics_at_their_limits(rings: list[Any], cases: list[int], expected: dict[str, float]) -> None:
    figures = case_metrics(np.array(rings, object), np.array(cases))
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
