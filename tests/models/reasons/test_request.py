"""Reasons in scores: requested by number, the same for single records and batches, and none if unscorable."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models import FraudClassifier, Model, Scorer
from fraudsieve.models.reasons.reason_codes import N_REASONS
from fraudsieve.models.reasons.request import count_reasons
from tests.messages import refused


@pytest.fixture(scope="module")
def events() -> Scorer:
    """A model of events, without history: an amount and a city."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.lognormal(size=600), rng.integers(-2, 2, 600)]).astype(float)
    y = np.where(np.log(X[:, 0]) - X[:, 1] + rng.normal(size=600) > 0, "fraud", "legitimate").astype(object)
    fitted = FraudClassifier(n_rounds=10, n_jobs=1).fit(X, y)
    matrix = AccountMatrix(
        Subject.EVENT, (), custom=CustomColumns(("amount",), {"city": ("rome", "bonn")}), timed=False
    )
    return Scorer(Model("events", ("fraud", "legitimate"), "legitimate", matrix, fitted.ensemble_, fitted.calibration_))


@pytest.mark.slow
def test_scores_with_reasons_are_the_scores_and_the_reasons(fitted: Any) -> None:
    scorer, records = Scorer.load(fitted.folder), [{"text": text} for text in fitted.texts[:90]]
    plain = scorer.score(records)
    whole: list[Any] = scorer.score(records, reasons=True)
    for record, without, score in zip(records, plain, whole, strict=True):
        assert without | {name: score[name] for name in ("explained", "reasons", "text_spans")} == score
        assert scorer.score(record, reasons=True) == score
        total = sum(reason["log_odds"] for reason in score["reasons"])
        assert total == pytest.approx(score["explained"]["log_odds"], rel=1e-9)
        assert len(score["reasons"]) <= N_REASONS + 3
        assert len(score["text_spans"]) <= N_REASONS + 1
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    assert scorer.score(records, reasons=False) == plain


def test_reasons_lead_to_the_probability(binary: Any, scorer: Scorer) -> None:
    scores: list[Any] = scorer.score([{"text": text} for text in binary.texts[:90]], reasons=2)
    for score in scores:
        assert score["explained"]["class"] == "fraud"
        odds = sum(reason["log_odds"] for reason in score["reasons"])
        assert 1 / (1 + np.exp(-odds)) == pytest.approx(score["probability"], rel=1e-9)
        assert len(score["reasons"]) <= 5
        assert len(score["text_spans"]) <= 3


def test_chunks_give_the_same_reasons(several: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, records = Scorer(several.model), [{"text": text} for text in several.texts[:50]]
    records[7] = {"text": None}
    whole = scorer.score(records, reasons=3)
    monkeypatch.setattr("fraudsieve.models.predict.CHUNK", 7)
    assert scorer.score(records, reasons=3) == whole
    assert (whole[7]["explained"], whole[7]["reasons"], whole[7]["text_spans"]) == (None, [], [])


def test_a_class_may_be_requested(several: Any) -> None:
    scorer, record = Scorer(several.model), {"text": several.texts[0]}
    for name in several.model.classes:
        score: Any = scorer.score(record, reasons=True, reasons_of=name)
        assert score["explained"]["class"] == name
    with pytest.raises(ValueError, match="reasons_of: expected one of"):
        scorer.score([], reasons=True, reasons_of="none")


def test_events_have_reasons_but_no_text_spans(events: Scorer) -> None:
    records: list[dict[str, Any]] = [
        {"account_id": "a", "amount": 9.0, "city": "rome"},
        {"account_id": "a", "amount": None, "city": "oslo"},
        {"account_id": "a", "amount": 0.1, "city": None},
        {"account_id": None, "amount": 1.0, "city": "rome"},
    ]
    scores: list[Any] = events.score(records, reasons=True)
    for record, score in zip(records, scores, strict=True):
        assert events.score(record, reasons=True) == score
        assert "text_spans" not in score
    for score in scores[:3]:
        cues = {(reason["family"], reason["cue"]) for reason in score["reasons"] if reason["cue"]}
        assert cues <= {("value", "amount"), ("profile", "city")}
        total = sum(reason["log_odds"] for reason in score["reasons"])
        assert total == pytest.approx(score["explained"]["log_odds"], rel=1e-9)
    assert scores[0]["reasons"][0]["direction"] == 1
    assert (scores[3]["status"], scores[3]["explained"], scores[3]["reasons"]) == ("unscorable", None, [])


def test_a_model_of_messages_without_wording_has_no_text_spans(binary: Any) -> None:
    matrix = MessageMatrix(None)
    X = matrix.compute(binary.texts)
    fitted = FraudClassifier(n_rounds=5, n_jobs=1).fit(X, binary.labels)
    parts = {"matrix": matrix, "ensemble": fitted.ensemble_, "calibration": fitted.calibration_, "unlike": None}
    scorer = Scorer(replace(binary.model, **parts))
    score: Any = scorer.score({"text": binary.texts[0]}, reasons=True)
    assert score["text_spans"] == []
    total = sum(reason["log_odds"] for reason in score["reasons"])
    assert total == pytest.approx(score["explained"]["log_odds"], rel=1e-9)


@pytest.mark.parametrize("reasons", [-1, 2.0, "all", None, np.int64(3)])
def test_invalid_numbers_of_reasons_are_rejected(scorer: Scorer, reasons: Any) -> None:
    with refused(ValueError):
        scorer.score({"text": "win"}, reasons=reasons)


def test_numbers_of_reasons() -> None:
    assert (count_reasons(True), count_reasons(0), count_reasons(7)) == (N_REASONS, 0, 7)
