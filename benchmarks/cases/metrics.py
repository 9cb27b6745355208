"""Metrics of a partition of flagged actions into cases against true rings."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fraudsieve._typing import Array

__all__ = ["b_cubed_of_actions", "case_metrics", "pairs_of_actions"]

FOUND = 0.5
"""Share of a ring's actions that one case must hold for the ring to count as found."""
REVIEWED = 0.8
"""Share of the actions of rings up to which reviews are counted."""


@dataclass(frozen=True)
class _Overlaps:
    """Sizes of cases and rings, and of what a case and a ring have in common."""

    cases: Array
    rings: Array
    case: Array
    ring: Array
    shared: Array


def case_metrics(rings: Array, cases: Array) -> dict[str, float]:
    """Compare cases with rings.

    Parameters
    ----------
    rings : array-like of shape (n_actions,)
        The true ring of each flagged action; missing if it is in none.
    cases : array-like of shape (n_actions,)
        The case of each.

    Returns
    -------
    dict of str to float
        ``b3.precision``, ``b3.recall``, ``b3.f`` : B-cubed (Bagga and Baldwin, 1998), averaged over the actions of
        rings; actions without a ring count in the size of their case only.
        ``pairwise.precision``, ``pairwise.recall``, ``pairwise.f`` : over pairs of actions.
        ``completeness`` : 1 - H(case | ring) / H(case) over the actions of rings (Rosenberg and Hirschberg, 2007).
        ``rings_half_found`` : share of rings of which one case holds at least half.
        ``pure_cases`` : share of cases of two or more actions that hold actions of one ring and nothing else.
        ``reviews_saved`` : 1 - cases / actions to open until four fifths of the actions of rings are seen. Cases are
        opened by size, the largest first, and actions in any order.
        ``cases``, ``largest`` : number of cases, and size of the largest.

    Examples
    --------
    >>> figures = case_metrics(["a", "a", "b", None], [0, 0, 1, 1])
    >>> round(figures["b3.precision"], 3), figures["b3.recall"], figures["pure_cases"]
    (0.833, 1.0, 0.5)
    """
    overlaps = _count(rings, cases)
    return {
        **_b_cubed(overlaps),
        **_pairwise(overlaps),
        "completeness": _completeness(overlaps),
        "rings_half_found": float(np.mean(_largest_share(overlaps) >= FOUND)),
        "pure_cases": _pure_cases(overlaps),
        "reviews_saved": _reviews_saved(overlaps),
        "cases": float(len(overlaps.cases)),
        "largest": float(overlaps.cases.max()),
    }


def b_cubed_of_actions(rings: Array, cases: Array) -> tuple[Array, Array]:
    """Return the B-cubed precision and recall of single actions.

    Parameters
    ----------
    rings, cases : array-like of shape (n_actions,)
        As for `case_metrics`.

    Returns
    -------
    precision, recall : ndarray of float64, shape (n_actions,)
        NaN without a ring.

    Examples
    --------
    >>> [column.tolist() for column in b_cubed_of_actions(["a", "a", None], [0, 1, 1])]
    [[1.0, 0.5, nan], [0.5, 0.5, nan]]
    """
    overlaps = _count(rings, cases)
    ring = pd.factorize(np.asarray(rings, object))[0]
    case = np.unique(np.asarray(cases), return_inverse=True)[1]
    n_cases = len(overlaps.cases)
    row = np.searchsorted(overlaps.ring * np.int64(n_cases) + overlaps.case, ring * np.int64(n_cases) + case)
    shared = np.where(ring >= 0, overlaps.shared[np.minimum(row, len(overlaps.shared) - 1)], np.nan)
    return shared / overlaps.cases[case], shared / overlaps.rings[np.maximum(ring, 0)]


def pairs_of_actions(rings: Array, cases: Array) -> tuple[Array, Array, Array]:
    """Return how many other actions are with each one in its ring and case, in its case, and in its ring.

    Parameters
    ----------
    rings, cases : array-like of shape (n_actions,)
        As for `case_metrics`.

    Returns
    -------
    together, in_case, in_ring : ndarray of float64, shape (n_actions,)
        NaN without a ring, except for `in_case`.

    Examples
    --------
    >>> [column.tolist() for column in pairs_of_actions(["a", "a", None], [0, 1, 1])]
    [[0.0, 0.0, nan], [0.0, 1.0, 1.0], [1.0, 1.0, nan]]
    """
    precision, recall = b_cubed_of_actions(rings, cases)
    case = np.unique(np.asarray(cases), return_inverse=True)[1]
    in_case = np.bincount(case)[case].astype(np.float64)
    shared = precision * in_case
    return shared - 1, in_case - 1, shared / recall - 1


def _count(rings: Array, cases: Array) -> _Overlaps:
    ring = pd.factorize(np.asarray(rings, object))[0]
    case = np.unique(np.asarray(cases), return_inverse=True)[1]
    has_ring = ring >= 0
    n_cases = int(case.max()) + 1
    pairs, shared = np.unique(ring[has_ring] * np.int64(n_cases) + case[has_ring], return_counts=True)
    return _Overlaps(np.bincount(case), np.bincount(ring[has_ring]), pairs % n_cases, pairs // n_cases, shared)


def _b_cubed(overlaps: _Overlaps) -> dict[str, float]:
    squares, n_actions = overlaps.shared.astype(float) ** 2, overlaps.rings.sum()
    precision = float((squares / overlaps.cases[overlaps.case]).sum() / n_actions)
    recall = float((squares / overlaps.rings[overlaps.ring]).sum() / n_actions)
    return {"b3.precision": precision, "b3.recall": recall, "b3.f": _harmonic_mean(precision, recall)}


def _pairwise(overlaps: _Overlaps) -> dict[str, float]:
    together, within_cases, within_rings = map(_pairs, (overlaps.shared, overlaps.cases, overlaps.rings))
    precision, recall = (together / pairs if pairs else 0.0 for pairs in (within_cases, within_rings))
    return {
        "pairwise.precision": precision,
        "pairwise.recall": recall,
        "pairwise.f": _harmonic_mean(precision, recall),
    }


def _pairs(sizes: Array) -> float:
    return float((sizes.astype(float) * (sizes - 1)).sum() / 2)


def _harmonic_mean(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _completeness(overlaps: _Overlaps) -> float:
    share = overlaps.shared / overlaps.shared.sum()
    case = np.bincount(overlaps.case, share)
    entropy = -float((case[case > 0] * np.log(case[case > 0])).sum())
    conditional = -float((share * np.log(overlaps.shared / overlaps.rings[overlaps.ring])).sum())
    return 1 - conditional / entropy if entropy else 1.0


def _largest_share(overlaps: _Overlaps) -> Array:
    """Return the share of each ring that is in one case, at most."""
    largest = np.zeros(len(overlaps.rings))
    np.maximum.at(largest, overlaps.ring, overlaps.shared)
    return largest / overlaps.rings


def _pure_cases(overlaps: _Overlaps) -> float:
    of_one_ring = np.zeros(len(overlaps.cases))
    np.maximum.at(of_one_ring, overlaps.case, overlaps.shared)
    several = overlaps.cases > 1
    return float(np.mean(of_one_ring[several] == overlaps.cases[several])) if several.any() else 1.0


def _reviews_saved(overlaps: _Overlaps) -> float:
    found = np.bincount(overlaps.case, overlaps.shared, len(overlaps.cases))
    # Of cases of one size, those that hold less come first: ties must not flatter.
    order = np.lexsort((found, -overlaps.cases))
    target = REVIEWED * overlaps.rings.sum()
    opened = int(np.searchsorted(np.cumsum(found[order]), target - 1e-9)) + 1
    return float(1 - opened / (REVIEWED * overlaps.cases.sum()))
