"""Scores as the doors give them, and their comparison to the last bit."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Scores", "as_scores", "assert_same_scores", "read_scores", "scores_of", "with_all_digits"]

Scores = pd.DataFrame
"""A row per new record, in their order: ``probability``, ``label``, ``decision``, ``status`` and the probabilities of
the classes. A record that a file's reader rejects is unscorable, as it is over HTTP."""

WORDS = ("label", "decision", "status")


def read_scores(path: Path, n_records: int) -> Scores:
    """Read a file of scores as its owner would, without losing a bit."""
    table, rejected = _read(path), path.with_suffix(f".rejected{path.suffix}")
    lost = set(_read(rejected)["row"].astype(int)) if rejected.exists() else set()
    kept = [row for row in range(n_records) if row not in lost]
    assert len(table) == len(kept), f"{len(table)} scores and {len(lost)} rejected rows of {n_records} records"
    return _uniform(table.set_index(pd.Index(kept)).reindex(range(n_records)))


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".xlsx":
        return pd.read_excel(path, dtype=object, keep_default_na=False)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return pd.DataFrame(list(csv.DictReader(file)))
    return pd.DataFrame([json.loads(line) for line in path.read_text("utf-8").splitlines()])


def with_all_digits(scores: Scores, expected: Scores) -> Scores:
    """Return scores of a workbook, which has 15 digits: a probability with these has all of them."""
    numbers = [name for name in map(str, scores) if name not in WORDS and name in expected]
    close = {name: np.isclose(scores[name], expected[name], rtol=1e-14, atol=0) for name in numbers}
    return scores.assign(**{name: scores[name].mask(close[name], expected[name]) for name in numbers})


def scores_of(records: Sequence[Mapping[str, Any]]) -> Scores:
    """Return scores of `Scorer.score` or of the service, which are JSON."""
    flat = [
        {**score, **{f"probability__{name}": value for name, value in (score.get("probabilities") or {}).items()}}
        for score in records
    ]
    return _uniform(pd.DataFrame(flat))


def as_scores(columns: Mapping[str, Sequence[Any]]) -> Scores:
    """Return columns of `Scorer.score_columns` as scores."""
    return _uniform(pd.DataFrame(dict(columns)))


def assert_same_scores(found: Scores, expected: Scores) -> None:
    """Raise AssertionError if any score differs in a bit, or any word; name how many, the first and the difference."""
    assert len(found) == len(expected), f"{len(found)} scores, expected {len(expected)}"
    assert set(found) == set(expected), f"columns differ: {sorted(map(str, set(found) ^ set(expected)))}"
    problems = []
    for name in expected:
        left, right = found[name].to_numpy(), expected[name].to_numpy()
        differs = left != right
        if name not in WORDS:
            differs &= ~(np.isnan(left) & np.isnan(right))
        if differs.any():
            first = int(differs.argmax())
            shown = f"the first is record {first}: {left[first]!r}, expected {right[first]!r}"
            problems.append(f"{name}: {int(differs.sum())} of {len(found)} records differ; {shown}")
    assert not problems, "\n".join(problems)


def _uniform(table: pd.DataFrame) -> Scores:
    numbers = sorted(name for name in map(str, table) if name.partition("__")[0] == "probability")
    words = {
        name: [value if isinstance(value, str) else "" for value in table[name]] for name in WORDS if name in table
    }
    words["status"] = [status or "unscorable" for status in words["status"]]
    frame = pd.DataFrame(words, dtype=object)
    return frame.assign(**{name: [_number(value) for value in table[name]] for name in numbers})


def _number(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)
