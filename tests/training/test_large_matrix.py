"""A matrix in a file: the same features, trees and model as in memory, and what is said without space for it."""

import errno
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.scale.train_tables import write_events

from fraudsieve._typing import Array
from fraudsieve.features import large_matrix
from fraudsieve.features.large_matrix import MatrixParts, blocks_of, is_mapped, take_rows
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.data import builders
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe


@pytest.fixture
def in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every matrix in a file."""
    monkeypatch.setattr(large_matrix, "MAX_BYTES", 0)


def filled(widths: list[int], n_rows: int = 50_001) -> Array:
    parts = MatrixParts(n_rows, widths)
    for number, part in enumerate(parts):
        part[:] = np.arange(n_rows)[:, None] * 10 + number
    return parts.joined()


def test_parts_are_joined_row_by_row(in_files: None) -> None:
    X = filled([2, 0, 3])
    assert is_mapped(X)
    assert X.flags.c_contiguous
    assert X[[0, 20_001, -1]].tolist() == [[n * 10.0] * 2 + [n * 10.0 + 2] * 3 for n in (0, 20_001, 50_000)]


def test_a_small_matrix_is_in_memory_and_has_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    X = filled([2, 3])
    assert not is_mapped(X)
    monkeypatch.setattr(large_matrix, "MAX_BYTES", 0)
    assert np.array_equal(X, filled([2, 3]))


def test_rows_are_taken_and_read_in_blocks(in_files: None) -> None:
    frame = pd.DataFrame(filled([2, 3]), columns=list("abcde"), copy=False)
    rows = np.random.default_rng(0).permutation(len(frame))[:45_000]
    taken = take_rows(frame, rows)
    assert is_mapped(taken)
    pd.testing.assert_frame_equal(taken, frame.iloc[rows])
    blocks = [*blocks_of(taken)]
    assert len(blocks) == 3
    assert np.array_equal(np.concatenate(blocks), frame.to_numpy()[rows])
    assert [len(X) for X in blocks_of(taken.iloc[:0])] == [0]


def resident(name: str = "Rss:") -> int:
    """Return the kilobytes of this process that are in memory."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])


def test_pages_that_were_read_are_released(in_files: None) -> None:
    X = filled([50], n_rows=500_000)  # 200 MB
    before = resident()
    assert sum(float(block[:, 7].sum()) for block in blocks_of(pd.DataFrame(X, copy=False))) > 0
    assert resident() - before < 50_000
    assert float(X[:, 7].sum()) > 0  # what the figure shows otherwise
    assert resident() - before > 150_000


def test_the_trees_of_a_matrix_in_a_file_are_those_of_one_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 12)).round(2)
    X[rng.random(X.shape) < 0.2] = np.nan
    y = np.where(np.nan_to_num(X[:, 0]) + rng.normal(size=len(X)) > 1.5, "fraud", "legitimate")
    names = [f"column{place}" for place in range(12)]
    X[:, 3] = np.where(
        rng.random(len(X)) < 0.0002, 1.0, 0.0
    )  # rows fewer than the leaves that LightGBM allows by default
    classifier = FraudClassifier(n_rounds=5, n_jobs=1, n_seeds=2, min_leaf_rows=2, random_state=3)
    texts = [classifier.fit(pd.DataFrame(X, columns=names), y).booster_.model_to_string()]
    monkeypatch.setattr(large_matrix, "MAX_BYTES", 0)
    parts = MatrixParts(len(X), [5, 7])
    parts[0][:], parts[1][:] = X[:, :5], X[:, 5:]
    frame = pd.DataFrame(parts.joined(), columns=names, copy=False)
    assert is_mapped(frame)
    texts.append(classifier.fit(frame, y).booster_.model_to_string())
    assert texts[0] == texts[1]
    assert list(classifier.feature_names_in_) == names


TIMES = rb'"(created_at|digest)": "[^"]*"'


def train_once(tables: dict[str, Any], output: Path, **settings: object) -> dict[str, bytes]:
    recipe = Recipe.read(overrides={"track.enabled": False, "n_jobs": 1, "model.n_rounds": 20, **settings})
    train(recipe, output=output, **tables)
    return {
        f"{folder.name[len(output.name) :]}/{file.name}": re.sub(TIMES, b"", file.read_bytes())
        for folder in (output, Path(f"{output}.split-model"))
        for file in folder.iterdir()
    }


@pytest.mark.slow
@pytest.mark.parametrize("refit_on", ["halves", "promise"])
def test_a_model_of_events_has_the_same_digest(refit_on: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_events(tmp_path / "events", 8_000)
    if refit_on == "halves":  # as with many rows: thresholds are compared with the newest records
        monkeypatch.setattr("fraudsieve.training.held_out.MAX_ROWS", 100)
    tables = {"events": str(tmp_path / "events")}
    in_memory = train_once(tables, tmp_path / "memory")
    monkeypatch.setattr(large_matrix, "MAX_BYTES", 0)
    mapped: list[bool] = []

    def noted(matrix: pd.DataFrame, rows: Array) -> pd.DataFrame:
        mapped.append(is_mapped(matrix))
        return take_rows(matrix, rows)

    monkeypatch.setattr(builders, "take_rows", noted)
    assert train_once(tables, tmp_path / "files") == in_memory
    assert mapped
    assert all(mapped)


@pytest.mark.slow
def test_a_model_of_accounts_with_a_network_has_the_same_digest(
    payments: Callable[..., pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = payments(days=(0, 40), seed=1)
    last = paid.groupby("account_id").agg(as_of=("occurred_at", "max"), paid=("amount", "mean")).reset_index()
    last["label"] = np.where(last.pop("paid").rank(pct=True) > 0.8, "fraud", "legitimate")
    events = paid.drop(columns=[name for name in ("label", "labelled_at") if name in paid])
    tables = {"accounts": last.assign(as_of=last["as_of"] + pd.Timedelta("1h")), "events": events}
    in_memory = train_once(tables, tmp_path / "memory")
    monkeypatch.setattr(large_matrix, "MAX_BYTES", 0)
    assert train_once(tables, tmp_path / "files") == in_memory
    assert any(
        column["name"].startswith("network__")
        for column in json.loads((tmp_path / "files/manifest.json").read_text())["columns"]
    )


def test_a_full_disk_is_an_error_that_names_the_folder(
    in_files: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with pytest.raises(OSError, match="for a matrix of features") as caught:
        MatrixParts(1_000, [4])
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))
    assert not [*tmp_path.iterdir()]
