"""Texts of a booster with changed fields, whose sizes match, as by a forger who knows the format."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from fraudsieve.models.trees.booster_text import check_booster, parse_fields, split_trees
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.trees.shapley import shapley_values
from tests.attack.changes import change_bytes
from tests.attack.outcomes import Attempt, Outcome, judge

COLUMNS, ROWS = 6, 400
WORDS = ("0", "-1", "1", "-0", "9999999999", "nan", "inf", "-inf", "1e308", "1e9", "0.5", "", "x", "6", "-7", "1_0")


def prepare(folder: Path) -> Attempt:
    """Train boosters of two and of three classes, and return a function that forges one of them."""
    X = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    X[::7, 2] = np.nan
    y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 3] > 1)
    settings: dict[str, Any] = {"verbosity": -1, "num_leaves": 7, "min_data_in_leaf": 5, "num_threads": 1}
    settings["deterministic"] = True
    two = lgb.train(settings | {"objective": "binary"}, lgb.Dataset(X, y.clip(0, 1)), 3)
    three = lgb.train(settings | {"objective": "multiclass", "num_class": 3}, lgb.Dataset(X, y), 3)
    return partial(_attempt, {1: two.model_to_string(), 3: three.model_to_string()}, X[:50])


def _attempt(texts: dict[int, str], X: np.ndarray, rng: np.random.Generator) -> Outcome:
    n_outputs = 1 if rng.random() < 0.7 else 3
    text = texts[n_outputs]
    if rng.random() < 0.3:
        content = change_bytes(text.encode(), rng, likely=b"0123456789 -.e=\n")
    else:
        for _ in range(int(rng.integers(1, 3))):
            text = _change_field(text, rng)
        content = resized(text).encode("utf-8", "replace")
    # A model folder turns both into an error of ours that does not quote the file.
    return judge(lambda: _agrees(content, n_outputs, X), refusals=(ValueError, lgb.basic.LightGBMError))


def _change_field(text: str, rng: np.random.Generator) -> str:
    """Change a word of a field of a tree or, rarely, of the head."""
    head, trees, _ = split_trees(text)
    blocks = [head, *trees] if rng.random() < 0.1 else trees
    block = blocks[int(rng.integers(len(blocks)))]
    fields = {name: value for name, value in parse_fields(block).items() if value}
    name = list(fields)[int(rng.integers(len(fields)))]
    words = fields[name].split(" ")
    at, way = int(rng.integers(len(words))), int(rng.integers(5))
    if way == 0:
        del words[at]
    elif way == 1:
        words.insert(at, words[int(rng.integers(len(words)))])
    elif way == 2:
        words[at] = words[int(rng.integers(len(words)))]
    else:
        words[at] = WORDS[int(rng.integers(len(WORDS)))]
    changed = block.replace(f"\n{name}={fields[name]}\n", f"\n{name}={' '.join(words)}\n", 1)
    return text.replace(block, changed, 1)


def resized(text: str) -> str:
    """Write the sizes of the trees into the head, as LightGBM does."""
    head, trees, _ = split_trees(text)
    sizes = [len(f"Tree={tree}\n".encode()) for tree in trees]
    if sizes:
        sizes[-1] -= 1
    return text.replace(head, re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(map(str, sizes)), head), 1)


def _agrees(content: bytes, n_outputs: int, X: np.ndarray) -> bool:
    """Check a text, load it, and return whether single rows, many rows and the sums of the reasons agree."""
    booster = lgb.Booster(model_str=check_booster(content, COLUMNS, n_outputs))
    ensemble = Ensemble(booster, (), np.zeros(n_outputs))
    odds = ensemble.log_odds(X, n_threads=1)
    single = np.concatenate([ensemble.log_odds(row[None]) for row in X])
    reasons = [shapley_values(ensemble.trees, X, output) for output in range(n_outputs)]
    sums = np.column_stack([part.sum(axis=1) for part in reasons]) + ensemble.trees.expected
    scale = max(float(np.abs(ensemble.trees.value).sum()), 1.0)
    return bool(
        (odds == single).all() and np.isfinite(odds).all() and np.allclose(sums, odds, rtol=0, atol=1e-9 * scale)
    )
