"""LightGBM trees: prediction, a fast path for single rows, and Shapley values.

The kernels of `shapley_values` read the arrays of `Trees`, which owns them and is never changed. The splits of all
trees stand end to end, and so do their edges and leaves. What refers to one of them counts within its tree. So a kernel
adds where the tree begins: ``low`` for a split, ``2 * low`` for an edge, ``leaf`` for a leaf. A split comes before
those below it. A call has two buffers, which hold one tree and one row of features at a time:

``products``, float64, shape (2 * widest + 1, n_points)
    A row for each split of the tree, then one for each leaf. A column for each point of the quadrature.
``taken``, bool, shape (2 * widest,)
    Of each edge: whether the row of features takes it, and took every edge above that has the same feature.

A tree of two splits, for a row with x0 = 2 and x1 = 9::

    split 0: x0 <= 3
    ├── edge 0, share .6 ── split 1: x1 <= 5
    │                       ├── edge 2, share .5 ── leaf 1
    │                       └── edge 3, share .5 ── leaf 2
    └── edge 1, share .4 ── leaf 0

    edge          0    1    2    3
    child         1   -1   -2   -3        a split, or -1 - leaf
    share        .6   .4   .5   .5        and ``path_share`` too, since no feature is twice on a path
    above        -1   -1   -1   -1        for the same reason
    taken         1    0    0    1
    products     rows 0 and 1 are splits, rows 2, 3 and 4 the leaves 0, 1 and 2
"""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .arrays import Trees as Trees
    from .arrays import read_trees as read_trees
    from .ensemble import Ensemble as Ensemble
    from .shapley import shapley_values as shapley_values

__getattr__, __dir__, __all__ = attach(__name__, __file__)
