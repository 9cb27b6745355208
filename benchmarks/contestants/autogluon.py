"""AutoGluon in its own environment: rows go there as Parquet, and its scores come back."""

import json
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from benchmarks.contestants.contestant import Contestant, Labels
from benchmarks.contestants.texts import is_chinese

__all__ = ["AUTOGLUON", "CONTESTANTS", "MINUTES", "Answer", "as_words", "call_autogluon"]

AUTOGLUON: Final = "autogluon"
MINUTES: Final = 5
"""Time that AutoGluon may take to train on a set."""
PROGRAM: Final = Path(__file__).parents[1] / "contest" / "autogluon_program.py"


class Answer(NamedTuple):
    """Labels (or scores of fraud) of the test rows, seconds on all cores, and what is installed there."""

    predicted: Labels
    train_seconds: float
    train_cpu_seconds: float
    score_seconds: float
    installed_mb: float
    versions: dict[str, str]


def call_autogluon(train: pd.DataFrame, test: pd.DataFrame, metric: str, python: Path) -> Answer:
    """Train on rows with a column ``label``, and label test rows (``f1_macro``) or score them (``average_precision``).

    `python` is the interpreter of an environment with AutoGluon.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train.to_parquet(folder / "train.parquet")
        test.to_parquet(folder / "test.parquet")
        call = [str(python), str(PROGRAM), str(folder), metric, str(60 * MINUTES)]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"AutoGluon failed:\n{done.stderr[-2000:]}")
        said: dict[str, Any] = json.loads((folder / "answer.json").read_text())
        predicted = pd.read_parquet(folder / "predicted.parquet")["predicted"].to_numpy()
    seconds = said["train_seconds"], said["train_cpu_seconds"], said["score_seconds"]
    return Answer(predicted, *seconds, said["installed_mb"], {"autogluon.tabular": said["version"]})


def as_words(texts: list[str]) -> list[str]:
    """Write Chinese texts as pairs of characters: AutoGluon's words are between spaces, of two characters or more."""
    if not is_chinese(texts):
        return texts
    return [" ".join(map("".join, pairwise("_" if char.isspace() else char for char in text))) for text in texts]


CONTESTANTS: Final = (Contestant(AUTOGLUON, ("autogluon.tabular",), place=90, first_fold_alone=True),)
