"""One booster whose scores are the mean of those of several, which differ in their seed."""

import re
from collections.abc import Sequence

import lightgbm as lgb

from .booster_text import END, as_written, split_trees

VALUES = re.compile(r"(?m)^(leaf_value|internal_value)=(.*)$")


def average_boosters(boosters: Sequence[lgb.Booster]) -> lgb.Booster:
    """Return a booster with the trees of all, whose values are divided by the number of boosters."""
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
