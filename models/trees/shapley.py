"""Exact Shapley values of tree ensembles, in a fraction of the time of the usual algorithm.

The value of a column is its mean effect over all orders in which columns are revealed; a hidden column follows each
edge with the share of training rows that took it (path-dependent TreeSHAP; Lundberg et al., 2018 and 2020). Take a
leaf whose path has ``d`` distinct features, ``z`` being the share of rows that follow a feature's splits on the path
and ``o`` one where the row does, else zero. The value of feature ``i`` is the leaf's times the integral over ``t`` from
0 to 1 of ``(o_i - z_i) * product over j != i of (o_j * t + z_j * (1 - t))`` (Owen's multilinear extension, 1972). That
is a polynomial of degree ``d - 1``, which Gauss-Legendre quadrature with ``d / 2`` points integrates exactly. At
each point the product is carried down the tree, edge by edge, and the sums over leaves up again. That is
``leaves * d`` steps per tree (Yu et al., 2022, do so with coefficients of polynomials), where TreeSHAP takes
``leaves * d ** 2``.
"""

from functools import cache
from typing import Any

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array

from .arrays import Trees

REASONS = "shapley"
"""Name of the method in a model's manifest: exact Shapley values."""
ZERO = 1e-35
"""LightGBM treats values up to this distance from zero as zero."""


@cache
def _quadrature(max_points: int) -> Array:
    """Return quadrature points in 0..1 and weights, for 1 to max_points points."""
    table = np.zeros((2, max_points + 1, max_points))
    for n in range(1, max_points + 1):
        nodes, weights = np.polynomial.legendre.leggauss(n)
        table[0, n, :n], table[1, n, :n] = (nodes + 1) / 2, weights / 2
    return table


@compile_inlined()
def _goes_left(value: float, threshold: float, missing: int, default_left: bool) -> bool:
    """Evaluate a split as LightGBM does."""
    is_nan = np.isnan(value)
    if is_nan and missing != 2:
        value, is_nan = 0.0, False
    if (missing == 1 and -ZERO <= value <= ZERO) or is_nan:
        return default_left
    return value <= threshold


@compile_part(error_model="numpy")
def _walk_down(row: Array, tree: Any, trees: Any, nodes: Array, products: Array, taken: Array) -> None:
    """Compute the products from the root down to the leaves, times the values of the leaves."""
    # The example of the package, at a point t with its weight; v0, v1 and v2 are the values of the leaves:
    #
    #   row 0, split 0     weight                                 written before
    #   row 1, split 1     row 0 * (t + .6 * (1 - t))             edge 0 is taken: o 1, z .6
    #   row 2, leaf 0      row 0 * v0 * .4 * (1 - t)              edge 1 is not: o 0, z .4
    #   row 3, leaf 1      row 1 * v1 * .5 * (1 - t)
    #   row 4, leaf 2      row 1 * v2 * (t + .5 * (1 - t))
    #
    # A feature has one factor per path. Where it is on the path already, its factor there is divided out.
    low, n, leaf = tree
    feature, threshold, missing, default_left, child, share, path_share, above, value = trees
    for split in range(n):
        k = low + split
        left = _goes_left(row[feature[k]], threshold[k], missing[k], default_left[k])
        for edge in range(2 * split, 2 * split + 2):
            i = 2 * low + edge
            below, up = child[i], above[i]
            to = below if below >= 0 else n - 1 - below
            times = 1.0 if below >= 0 else value[leaf - 1 - below]
            is_open = up < 0 or taken[up]
            taken[edge] = is_open and left == (edge == 2 * split)
            if not is_open:  # the row left the path at this feature above: the factor is only a share
                for q in range(nodes.size):
                    products[to, q] = products[split, q] * (times * share[i])
                continue
            on, z = 1.0 if taken[edge] else 0.0, path_share[i]
            if up < 0:
                for q in range(nodes.size):
                    products[to, q] = products[split, q] * times * (on * nodes[q] + z * (1.0 - nodes[q]))
            else:
                z_up = path_share[2 * low + up]
                for q in range(nodes.size):
                    rest = 1.0 - nodes[q]
                    products[to, q] = products[split, q] * times * (on * nodes[q] + z * rest) / (nodes[q] + z_up * rest)


@compile_part(error_model="numpy")
def _walk_up(tree: Any, trees: Any, nodes: Array, products: Array, taken: Array, out: Array) -> None:
    """Sum the leaves below every edge, and add the result to the feature of the edge."""
    # The example goes on, from the last split to the first. What is read below an edge is the sum of its leaves:
    #
    #   x1 gets            (1 - .5) * row 4 / (t + .5 * (1 - t)) - row 3 / (1 - t)
    #   row 1              row 3 + row 4
    #   x0 gets            (1 - .6) * row 1 / (t + .6 * (1 - t)) - row 2 / (1 - t)
    #
    # This is o - z times the product without the factor of the feature; without z, for o = 0, it is -1 / (1 - t).
    low, n, _ = tree
    feature, _, _, _, child, _, path_share, above, _ = trees
    for split in range(n - 1, -1, -1):
        total = 0.0
        for edge in range(2 * split, 2 * split + 2):
            i = 2 * low + edge
            below, up = child[i], above[i]
            product_row = below if below >= 0 else n - 1 - below
            if up < 0 or taken[up]:
                if taken[edge]:
                    total += _taken_contribution(products[product_row], nodes, path_share[i])
                else:
                    total += _other_contribution(products[product_row], nodes)
                if up >= 0:  # the edge above with this feature counts these leaves too
                    total -= _taken_contribution(products[product_row], nodes, path_share[2 * low + up])
            for q in range(nodes.size):
                products[split, q] = products[product_row, q] + (products[split, q] if edge % 2 else 0.0)
        out[feature[low + split]] += total


@compile_part(error_model="numpy")
def _taken_contribution(below: Array, nodes: Array, share: float) -> float:
    """Return the contribution of a feature through an edge that the row takes, from the products of the leaves."""
    total = 0.0
    for q in range(nodes.size):
        total += below[q] / (nodes[q] + share * (1.0 - nodes[q]))
    return (1.0 - share) * total


@compile_part(error_model="numpy")
def _other_contribution(below: Array, nodes: Array) -> float:
    """Return the contribution of a feature through the edge that the row does not take."""
    total = 0.0
    for q in range(nodes.size):
        total -= below[q] / (1.0 - nodes[q])
    return total


@compile_kernel(error_model="numpy")
def _shapley_kernel(
    X: Array, tree_ids: Array, starts: Array, widest: int, points: Array, quadrature: Array, trees: Any, out: Array
) -> None:
    products = np.empty((2 * widest + 1, quadrature.shape[2]))  # a row per split, then a row per leaf
    taken = np.empty(2 * widest, np.bool_)
    for i in tree_ids:
        tree = starts[0, i], starts[0, i + 1] - starts[0, i], starts[1, i]
        nodes, weight = quadrature[0, points[i], : points[i]], quadrature[1, points[i], : points[i]]
        for row in range(X.shape[0]):
            for q in range(nodes.size):
                products[0, q] = weight[q]
            _walk_down(X[row], tree, trees, nodes, products, taken)
            _walk_up(tree, trees, nodes, products, taken, out[row])


def shapley_values(trees: Trees, X: Array, output: int = 0) -> Array:
    """Attribute the raw score of each row to the columns.

    Parameters
    ----------
    trees : Trees
        From `read_trees`.
    X : ndarray of float64, shape (n_rows, n_columns)
        Feature rows; NaN is missing.
    output : int, default=0
        The output to explain.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_columns)
        Together with ``trees.expected[output]`` they sum to the raw score. Runs on one core; rows are independent.

    Raises
    ------
    ValueError
        If the rows have too few columns, or the output does not exist.

    Examples
    --------
    >>> import lightgbm as lgb
    >>> from fraudsieve.models.trees.arrays import read_trees
    >>> x, y = np.arange(8.0)[:, None], np.arange(8) > 3
    >>> settings = {"objective": "binary", "num_leaves": 2, "min_data_in_leaf": 1, "verbosity": -1}
    >>> booster = lgb.train(settings, lgb.Dataset(x, y), 3)
    >>> bool(np.allclose(shapley_values(read_trees(booster), x), booster.predict(x, pred_contrib=True)[:, :1]))
    True
    """
    needed = int(trees.feature.max(initial=-1)) + 1
    if X.ndim != 2 or X.shape[1] < needed:
        raise ValueError(f"Expected rows of at least {needed} columns, got an array of shape {X.shape}.")
    if not 0 <= output < trees.n_outputs:
        raise ValueError(f"Expected an output below {trees.n_outputs}, got {output}.")
    out = np.zeros(X.shape)
    tree_ids = np.arange(output, len(trees.points), trees.n_outputs)
    if len(tree_ids):
        quadrature = _quadrature(int(trees.points.max()))
        rows = np.ascontiguousarray(X, np.float64)
        widest = int(np.diff(trees.starts[0]).max())
        _shapley_kernel(rows, tree_ids, trees.starts, widest, trees.points, quadrature, trees.splits, out)
    return out
