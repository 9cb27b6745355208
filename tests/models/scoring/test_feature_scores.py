"""Tests of `unlike_training` in scores, and of the policies for records that are unlike training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fraudsieve.models import Policy, Scorer
from fraudsieve.models.scoring.scores import UNLIKE
from tests.fitted_models import Fitted
from tests.messages import refused

UNFAMILIAR = "\U0001f44d"
TEXTS = ["see you at six", UNFAMILIAR, "your parcel is held, pay the fee", "", "\U0001f600\U0001f600\U0001f680"]


@pytest.fixture
def with_policy(several: Fitted) -> Callable[..., Scorer]:
    return lambda **policy: Scorer(several.model, policy=Policy(**policy))


def unlike_of(scores: list[Any]) -> list[float | None]:
    return [score["unlike_training"] for score in scores]


def test_records_columns_and_rows_agree(several: Fitted) -> None:
    scorer = Scorer.load(several.folder)
    records = scorer.score([{"text": text} for text in TEXTS])
    columns = scorer.score_columns({"text": TEXTS})
    alone = [scorer.score({"text": text})["unlike_training"] for text in TEXTS]
    assert unlike_of(records) == alone == [None if np.isnan(v) else v for v in columns["unlike_training"].tolist()]
    texts = [text for text in TEXTS if text]
    rows = scorer.score_rows(scorer.model.matrix.compute(texts))  # type: ignore[union-attr]
    assert rows["unlike_training"].tolist() == [value for value in alone if value is not None]


def test_an_emoji_is_unlike_training_and_an_ordinary_message_is_not(several: Fitted) -> None:
    scores: list[Any] = Scorer(several.model).score([{"text": text} for text in TEXTS])
    usual, unfamiliar, *_ = scores
    assert unfamiliar["unlike_training"] > 0.99 > usual["unlike_training"]
    assert (unfamiliar["status"], unfamiliar["why"]) == ("ok", None)


@pytest.mark.parametrize("reasons", [False, 2])
def test_the_policy_unscorable(with_policy: Callable[..., Scorer], reasons: bool | int) -> None:
    scorer = with_policy(unlike_training="unscorable", unlike_training_limit=0.99)
    scores: list[Any] = scorer.score([{"text": text} for text in TEXTS], reasons=reasons)
    assert [score["status"] for score in scores] == ["ok", "unscorable", "ok", "unscorable", "unscorable"]
    assert scores[1]["why"] == UNLIKE != scores[3]["why"]
    assert scores[1]["probability"] is None
    assert scores[1]["unlike_training"] > 0.99
    columns = scorer.score_columns({"text": TEXTS})
    assert columns["why"].tolist() == [score["why"] for score in scores]
    assert np.isnan(columns["probability"][[1, 3, 4]]).all()
    assert not np.isnan(columns["probability"][[0, 2]]).any()
    if reasons:
        plain = with_policy().score({"text": TEXTS[2]}, reasons=reasons)
        assert (scores[1]["explained"], scores[1]["reasons"], scores[1]["text_spans"]) == (None, [], [])
        assert (scores[2]["reasons"], scores[2]["text_spans"]) == (plain["reasons"], plain["text_spans"])


def test_the_policy_flag(with_policy: Callable[..., Scorer]) -> None:
    plain: list[Any] = with_policy().score([{"text": text} for text in TEXTS])
    passed = next(score for score in plain if score["decision"] == "pass")
    scorer = with_policy(unlike_training="flag", unlike_training_limit=passed["unlike_training"])
    scores = scorer.score([{"text": text} for text in TEXTS])
    assert scores[plain.index(passed)]["decision"] == "flag"
    for before, after in zip(plain, scores, strict=True):
        reached = before["status"] == "ok" and before["unlike_training"] >= passed["unlike_training"]
        assert after["decision"] == ("flag" if reached else before["decision"])
    assert [score["probability"] for score in scores] == [score["probability"] for score in plain]
    assert scorer.score_columns({"text": TEXTS})["decision"].tolist() == [score["decision"] for score in scores]


@pytest.mark.parametrize("limit", [0, 1.5, "high", True, float("nan")])
def test_a_limit_that_is_not_a_share(limit: Any) -> None:
    with refused(ValueError, "unlike_training_limit"):
        Policy(unlike_training_limit=limit)
