"""Evidence of the scores of a file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.predict import CHUNK, Scorer
from fraudsieve.models.reasons.request import ReasonRequest
from fraudsieve.models.rules.decisions import decide_records
from fraudsieve.models.scoring.feature_scores import score_features
from fraudsieve.models.scoring.observers import ScoredChunk, ScoreRecorder
from fraudsieve.models.scoring.scores import to_records
from fraudsieve.tables.source import Source, as_input, data_digest, local_file


def describe_tables(scorer: Scorer, tables: Mapping[str, Source | None]) -> dict[str, Any]:
    """Describe the source of the history of a file's scores: SHA-256 and size of the tables that are files.

    The result has the types of canonical JSON, without names of files.
    """
    if not scorer.model.matrix.history_parts:
        return {"source": "none"}
    return {"source": "tables", **{part: _describe(table) for part, table in tables.items() if table is not None}}


def _describe(table: Source) -> dict[str, Any]:
    parts = as_input(table).parts
    files = [file for part in parts if (file := local_file(part)) is not None and file.is_file()]
    if len(files) < len(parts):
        return {"sha256": None, "bytes": None}
    return {"sha256": data_digest(table), "bytes": sum(file.stat().st_size for file in files)}


def record_rows(
    log: ScoreRecorder,
    scorer: Scorer,
    records: pd.DataFrame,
    features: FeatureRows,
    scores: Mapping[str, Array],
    *,
    history: dict[str, Any],
    reasons: int = 0,
) -> None:
    """Record the evidence of the scored rows that the log selects."""
    flagged = (scores["decision"] == "flag") | (scores.get("model_decision", scores["decision"]) == "flag")
    chosen = np.arange(len(records)) if log.which == "all" else np.flatnonzero(flagged)
    request = ReasonRequest(scorer.model, reasons, None) if reasons else None
    for start in range(0, len(chosen), CHUNK):
        rows = chosen[start : start + CHUNK]
        known = None if features.has_history is None else features.has_history[rows]
        part = FeatureRows(features.X[rows], features.why[rows], known)
        fields = [{str(name): value for name, value in row.items()} for row in records.iloc[rows].to_dict("records")]
        batch = log.batch()
        batch.commit(batch.add(_scored(scorer, fields, part, request)), history)


def _scored(
    scorer: Scorer, records: list[dict[str, Any]], rows: FeatureRows, request: ReasonRequest | None
) -> ScoredChunk:
    model, policy = scorer.model, scorer.policy
    features, log_odds, unlike = score_features(model, policy, rows, n_threads=scorer.n_threads)
    scores = to_records(model, log_odds, features.why, features.has_history, unlike, policy)
    if request is not None:
        explained = request.explain(records, features, log_odds)
        scores = [score | reasons for score, reasons in zip(scores, explained, strict=True)]
    answers = scores if scorer.rules is None else decide_records(scorer.rules, records, scores)
    return ScoredChunk(
        model,
        policy,
        records,
        features,
        log_odds,
        scores,
        answers,
        None,
        {} if request is None else request.to_record(),
    )
