"""One booster whose scores are the mean of those of several, which differ in their seed."""

import re
from collections.abc import Sequence

import lightgbm as lgb

from .booster_text import END, as_written, split_trees

VALUES = re.compile(r"(?m)^(leaf_value|internal_value)=(.*)$")


def average_boosters(boosters: Sequence[lgb.Booster]) -> lgb.Booster:
    """Return a booster with the trees of all, whose values are divided by the number of boosters.

    Parameters
    ----------
    boosters : sequence of lightgbm.Booster
        Trained on the same columns and classes.

    Returns
    -------
    lightgbm.Booster
        The sum of its trees is the mean of the log-odds. Its parameters are those of the first.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> settings = {"objective": "binary", "bagging_fraction": 0.5, "bagging_freq": 1, "verbosity": -1}
    >>> seeds = [lgb.train({**settings, "seed": seed}, lgb.Dataset(x, x[:, 1] > 0), 3) for seed in (1, 2)]
    >>> mean = np.mean([one.predict(x, raw_score=True) for one in seeds], axis=0)
    >>> bool(np.allclose(average_boosters(seeds).predict(x, raw_score=True), mean, atol=1e-12))
    True
    """
    if len(boosters) == 1:
        return boosters[0]
    parts = [split_trees(booster.model_to_string(num_iteration=-1)) for booster in boosters]
    trees = [_divide(tree, len(boosters)) for _, trees, _ in parts for tree in as_written(trees)]
    blocks = [f"Tree={number}\n{tree.partition(chr(10))[2]}\n" for number, tree in enumerate(trees)]
    sizes = " ".join(str(len(block.encode())) for block in blocks)
    head = re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={sizes}", parts[0][0])
    return lgb.Booster(model_str=f"{head}\n{''.join(blocks)}{END}{parts[0][2]}")


def _divide(tree: str, n: int) -> str:
    return VALUES.sub(
        lambda field: f"{field[1]}={' '.join(repr(float(value) / n) for value in field[2].split())}", tree
    )
