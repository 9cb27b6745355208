"""Reasons in a file of scores: as columns and as JSON, equal to those of the scorer."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve._typing import Array
from fraudsieve.models import Scorer
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.models.trees.ensemble import Ensemble


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_reasons_are_those_of_the_scorer(scorer: Scorer, labelled: pd.DataFrame, tmp_path: Path, ending: str) -> None:
    texts = labelled["text"][:30].tolist()
    source = tmp_path / "messages.parquet"
    pd.DataFrame({"message_id": [f"m-{at}" for at in range(30)], "text": texts}).to_parquet(source)
    output = score_file(scorer, source, tmp_path / f"scores.{ending}", reasons=2, language="zh").output
    readers: dict[str, Any] = {
        "parquet": pd.read_parquet,
        "csv": pd.read_csv,
        "jsonl": lambda path: pd.read_json(path, lines=True),
    }
    scores = readers[ending](output)
    for row, text in zip(scores.to_dict("records"), texts, strict=True):
        score: Any = scorer.score({"text": text}, reasons=2, language="zh")
        assert row["explained"] == score["explained"]["class"]
        assert json.loads(row["reasons"])["explained"] == score["explained"]
        assert [reason["cue"] for reason in json.loads(row["reasons"])["reasons"]] == [
            reason["cue"] for reason in score["reasons"]
        ]
        for k, reason in enumerate(score["reasons"][:2], 1):
            assert row[f"reason_{k}"] == f"{reason['family']}__{reason['cue']}"
            assert row[f"reason_{k}_log_odds"] == pytest.approx(
                reason["log_odds"], abs=1e-5 if ending == "csv" else None
            )
            assert row[f"reason_{k}_sentence"] == reason["sentence"]
    assert "reason_3" not in scores


def test_without_reasons_there_are_no_such_columns(scorer: Scorer, labelled: pd.DataFrame, tmp_path: Path) -> None:
    messages = pd.DataFrame({"message_id": ["a"], "text": labelled["text"][:1].tolist()})
    scores = pd.read_parquet(score_file(scorer, messages, tmp_path / "scores.parquet").output)
    assert not [name for name in scores.columns if name.startswith("reason")]
    assert scores["unlike_training"].between(0, 1).all()


def test_the_trees_run_once(scorer: Scorer, labelled: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    log_odds = Ensemble.log_odds

    def count(ensemble: Ensemble, X: Array, *, n_threads: int = 0) -> Array:
        runs.append(len(X))
        return log_odds(ensemble, X, n_threads=n_threads)

    monkeypatch.setattr(Ensemble, "log_odds", count)
    scored = score_frame(scorer, pd.DataFrame({"text": labelled["text"][:30]}), reasons=2)
    assert runs == [30]
    plain = score_frame(scorer, pd.DataFrame({"text": labelled["text"][:30]}))
    assert scored[plain.columns].equals(plain)
