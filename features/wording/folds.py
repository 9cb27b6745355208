"""Folds that keep campaigns whole and classes balanced, in time linear in the number of rows."""

import numpy as np

from fraudsieve._typing import Array


def campaign_folds(y: Array, groups: Array, n_folds: int, random_state: int) -> Array:
    """Assign campaigns to folds.

    Campaigns are assigned in turn, class by class and the large ones first. Each fold gets its share of each class, as
    far as whole campaigns allow. scikit-learn's `StratifiedGroupKFold` loops over groups in Python, which
    takes longer than fitting the model if there are 70,000 groups.
    """
    _, first, inverse, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    _, classes = np.unique(y, return_inverse=True)
    rng = np.random.default_rng(random_state)
    order = np.lexsort((rng.random(len(first)), -sizes, classes[first]))
    fold_of = np.empty(len(first), np.int64)
    fold_of[order] = rng.permutation(n_folds)[np.arange(len(first)) % n_folds]
    return np.asarray(fold_of[inverse])
