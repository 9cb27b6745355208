"""AutoGluon in its own environment: rows go there as Parquet, and its scores come back."""

import json
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.detection.peers import is_chinese

from .measured import Measured
from .sets import TableSet, TextSet, average_precision, macro_f1
from .table_contestants import COLUMNS

__all__ = ["AUTOGLUON", "MINUTES", "measure_autogluon", "tables_of"]

AUTOGLUON: Final = "autogluon"
MINUTES: Final = 5
"""Time that AutoGluon may take to train on a set."""
PROGRAM: Final = Path(__file__).with_name("autogluon_program.py")


def measure_autogluon(of_set: TextSet | TableSet, columns: str, python: Path) -> tuple[Measured, float, dict[str, str]]:
    """Train AutoGluon on the first fold of a set, and score its test rows.

    Parameters
    ----------
    of_set : TextSet or TableSet
        The set.
    columns : str
        A name of `COLUMNS`; empty for messages, which are one column of text.
    python : Path
        The interpreter of an environment with AutoGluon.

    Returns
    -------
    measured : Measured
        Of one fold, on all cores.
    installed_mb : float
        Of that environment's packages, in MB of 2**20 bytes.
    versions : dict of str to str

    Raises
    ------
    RuntimeError
        If the program failed.
    """
    train, test, truth = tables_of(of_set, columns)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train.to_parquet(folder / "train.parquet")
        test.to_parquet(folder / "test.parquet")
        metric = "f1_macro" if isinstance(of_set, TextSet) else "average_precision"
        call = [str(python), str(PROGRAM), str(folder), metric, str(60 * MINUTES)]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"AutoGluon failed:\n{done.stderr[-2000:]}")
        answer: dict[str, Any] = json.loads((folder / "answer.json").read_text())
        predicted = pd.read_parquet(folder / "predicted.parquet")["predicted"].to_numpy()
    value = macro_f1(truth, predicted) if isinstance(of_set, TextSet) else average_precision(truth, predicted)
    per_record = 1000 * answer["score_seconds"] / len(test)
    measured = Measured([value], answer["train_seconds"], answer["train_cpu_seconds"], per_record)
    return measured, answer["installed_mb"], {"autogluon.tabular": answer["version"]}


def tables_of(of_set: TextSet | TableSet, columns: str) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray[Any, Any]]:
    """Return the rows of the first fold as AutoGluon gets them.

    Parameters
    ----------
    of_set : TextSet or TableSet
        The set. Chinese texts become pairs of characters.
    columns : str
        A name of `COLUMNS`; empty for messages.

    Returns
    -------
    train : DataFrame
        With the column ``label``.
    test : DataFrame
        Without it.
    truth : ndarray
        The labels of the test rows.
    """
    train_rows, test_rows = of_set.folds[0]
    if isinstance(of_set, TextSet):
        prepared = list(map(_as_pairs, of_set.texts)) if is_chinese(of_set.texts) else of_set.texts
        texts = pd.DataFrame({"text": prepared, "label": of_set.labels})
        truth = of_set.labels[test_rows]
        return texts.iloc[train_rows], texts.iloc[test_rows][["text"]], truth
    labels = of_set.task.rows["label"].to_numpy(np.float64, na_value=np.nan)
    train, test = COLUMNS[columns](of_set.task)
    return train.assign(label=labels[train_rows].astype(int)), test, labels[test_rows]


def _as_pairs(text: str) -> str:
    """Write a text as pairs of characters: AutoGluon's words are between spaces, and have two characters or more."""
    return " ".join(map("".join, pairwise("_" if char.isspace() else char for char in text)))
