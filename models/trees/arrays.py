"""The trees of a booster as arrays, parsed once from LightGBM's text format, for `shapley_values`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fraudsieve._typing import Array

from .booster_text import parse_fields, split_trees

if TYPE_CHECKING:  # the process that compiles kernels need not import it
    from lightgbm import Booster

CATEGORICAL, DEFAULT_LEFT, MISSING_SHIFT = 1, 2, 2
"""Bits of LightGBM's ``decision_type``; from the third on: missing values are zeros, NaN, or there are none."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Concatenated trees: the splits and the leaves of all trees.

    An edge goes from a split to one of its children: the left edge of split ``i`` is ``2 * i``, the right one
    ``2 * i + 1``. "Its feature", for an edge, is the feature of the split that it leaves.

    Parameters
    ----------
    n_outputs : int
        Trees per round: one for two classes, one per class for more. Tree ``i`` adds to output ``i % n_outputs``.
    starts : ndarray of int64, shape (2, n_trees + 1)
        The splits of tree ``i`` are ``starts[0, i]`` up to ``starts[0, i + 1]``; so are its leaves, by ``starts[1]``.
    feature : ndarray of int32, shape (n_splits,)
        Column of a split.
    threshold : ndarray of float64, shape (n_splits,)
        Values up to this go left.
    missing : ndarray of int8, shape (n_splits,)
        Missing values of a split: 0 none (NaN counts as zero), 1 zero and NaN, 2 NaN.
    default_left : ndarray of bool, shape (n_splits,)
        Whether missing values go left.
    child : ndarray of int32, shape (2 * n_splits,)
        Split below an edge, counted within the tree; ``-1 - leaf`` for a leaf.
    share : ndarray of float64, shape (2 * n_splits,)
        Share of the training rows of a split that took the edge.
    path_share : ndarray of float64, shape (2 * n_splits,)
        Product of the shares of its feature, from the root to the edge.
    above : ndarray of int32, shape (2 * n_splits,)
        Nearest edge above with the same feature, counted within the tree; -1 for none.
    value : ndarray of float64, shape (n_leaves,)
        Value of a leaf.
    points : ndarray of int64, shape (n_trees,)
        Quadrature points for an exact result: half the largest number of distinct features on a path, rounded up, at
        least one.
    expected : ndarray of float64, shape (n_outputs,)
        Mean of the trees over the training rows, by the shares.
    """

    n_outputs: int
    starts: Array
    feature: Array
    threshold: Array
    missing: Array
    default_left: Array
    child: Array
    share: Array
    path_share: Array
    above: Array
    value: Array
    points: Array
    expected: Array

    @property
    def splits(self) -> tuple[Array, ...]:
        """The arrays of splits, edges and leaves, in the order of the kernels' parameters."""
        splits = self.feature, self.threshold, self.missing, self.default_left
        return (*splits, self.child, self.share, self.path_share, self.above, self.value)


def read_trees(booster: "Booster") -> Trees:
    """Read the trees of a booster.

    Parameters
    ----------
    booster : lightgbm.Booster
        With numerical columns and constant leaves.

    Returns
    -------
    Trees
        The trees as flat arrays.

    Raises
    ------
    ValueError
        If a tree is linear, splits on a categorical column or lacks the row counts of its leaves, or if the booster
        averages its trees.

    Examples
    --------
    >>> import lightgbm as lgb
    >>> x, y = np.arange(8.0)[:, None], np.arange(8) > 3
    >>> settings = {"objective": "binary", "num_leaves": 2, "min_data_in_leaf": 1, "verbosity": -1}
    >>> trees = read_trees(lgb.train(settings, lgb.Dataset(x, y), 1))
    >>> trees.feature.tolist(), trees.child.tolist(), trees.share.tolist()
    ([0], [-1, -2], [0.5, 0.5])
    """
    head, blocks, _ = split_trees(booster.model_to_string())
    if "\naverage_output\n" in f"{head}\n":
        raise ValueError("Expected a booster that sums its trees, got one that averages them. Train with boosting.")
    parts = [_read_tree(parse_fields(block)) for block in blocks]
    n_outputs = booster.num_model_per_iteration()
    expected = np.zeros(n_outputs)
    for position, part in enumerate(parts):
        expected[position % n_outputs] += part["expected"]
    columns = {name: _concatenate([part[name] for part in parts], dtype) for name, dtype in _TYPES.items()}
    starts = np.array([np.cumsum([0, *(len(part[name]) for part in parts)]) for name in ("feature", "value")])
    points = np.array([part["points"] for part in parts], np.int64)
    return Trees(n_outputs, starts, **columns, points=points, expected=expected)


_TYPES: dict[str, Any] = {
    "feature": np.int32,
    "threshold": np.float64,
    "missing": np.int8,
    "default_left": np.bool_,
    "child": np.int32,
    "share": np.float64,
    "path_share": np.float64,
    "above": np.int32,
    "value": np.float64,
}


def _concatenate(parts: Sequence[Array], dtype: Any) -> Array:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)


def _read_tree(fields: dict[str, str]) -> dict[str, Any]:
    """Return the arrays of one tree."""
    kinds = np.array(fields.get("decision_type", "").split(), np.int64)
    if fields.get("is_linear", "0") != "0":
        raise ValueError("Expected trees with constant leaves, got a linear tree. Train with linear_tree=False.")
    if (kinds & CATEGORICAL).any():
        raise ValueError("Expected splits of numbers, got one of a categorical column. Encode categories as numbers.")
    left, right = (np.array(fields.get(f"{side}_child", "").split(), np.int32) for side in ("left", "right"))
    child = np.column_stack([left, right]).ravel()
    feature = np.array(fields.get("split_feature", "").split(), np.int32)
    value = np.array(fields["leaf_value"].split(), np.float64)
    counts = _counts(fields, child)
    share = counts[1] / np.repeat(counts[0], 2)
    path_share, above, leaf_reach, points = _follow_paths(feature, child, share)
    return {
        "feature": feature,
        "threshold": np.array(fields.get("threshold", "").split(), np.float64),
        "missing": kinds >> MISSING_SHIFT,
        "default_left": (kinds & DEFAULT_LEFT) > 0,
        "child": child,
        "share": share,
        "path_share": path_share,
        "above": above,
        "value": value,
        "points": points,
        "expected": float(leaf_reach @ value),
    }


def _counts(fields: dict[str, str], child: Array) -> tuple[Array, Array]:
    """Return the training rows of every split, and of the node below every edge."""
    splits, leaves = (np.array(fields.get(f"{node}_count", "").split(), np.float64) for node in ("internal", "leaf"))
    if len(child) and (len(splits) != len(child) // 2 or len(leaves) != len(splits) + 1 or not (splits > 0).all()):
        raise ValueError("Expected the row count of every split and leaf, got a booster without them. Train it again.")
    if not len(child):
        return splits, leaves[:0]
    return splits, np.where(child >= 0, splits[np.maximum(child, 0)], leaves[np.maximum(-1 - child, 0)])


def _follow_paths(feature: Array, child: Array, share: Array) -> tuple[Array, Array, Array, int]:
    """Return path shares, edges above with the same feature, the share of rows of every leaf, and quadrature points."""
    path_share, above = share.copy(), np.full(len(child), -1, np.int32)
    leaf_reach = np.ones(len(feature) + 1)
    seen: list[dict[int, int]] = [{}]  # for every split, the last edge of each feature on the path to it
    seen += [{} for _ in feature[1:]]
    split_reach, longest = np.ones(max(len(feature), 1)), 0
    for edge, below in enumerate(child.tolist()):
        split, of = edge // 2, int(feature[edge // 2])
        if split >= below >= 0:
            raise ValueError("Expected parent splits before their children, got another order. Train it again.")
        above[edge] = seen[split].get(of, -1)
        if above[edge] >= 0:
            path_share[edge] *= path_share[above[edge]]
        path = {**seen[split], of: edge}
        if below >= 0:
            seen[below], split_reach[below] = path, split_reach[split] * share[edge]
        else:
            leaf_reach[-1 - below], longest = split_reach[split] * share[edge], max(longest, len(path))
    return path_share, above, leaf_reach, max((longest + 1) // 2, 1)
