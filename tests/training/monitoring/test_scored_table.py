"""A table is scored as in a service, and keeps clusters, labels and unseen categories."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.batch.score import score_frame
from fraudsieve.models.batch.scored_tables import read_inputs
from fraudsieve.models.fields import Policy
from fraudsieve.models.predict import Scorer
from fraudsieve.training.monitoring.scored_table import categories_of, score_table
from tests.models.own_model import records, write_own_model

Payments = Callable[..., pd.DataFrame]


@pytest.mark.slow
def test_scores_are_those_of_a_batch(payment_scorer: Scorer, payments: Payments) -> None:
    past, now = payments(days=(0, 42), seed=1), payments(days=(42, 46), seed=2)
    events = pd.concat([past, now])
    scored = score_table(payment_scorer, now, history=events)
    read = read_inputs(payment_scorer.model, now, history=events)
    expected = score_frame(payment_scorer, read.records, history=read.history.events)
    assert (scored.scores["probability"] == expected["probability"].to_numpy()).all()
    assert scored.no_history is not None
    assert (scored.no_history == (expected["status"] == "no_history").to_numpy()).all()
    assert (scored.records["event_id"].to_numpy() == now["event_id"].to_numpy()).all()
    assert scored.labelled.all()


def test_a_policy_of_the_scorer_fills_an_absent_column(payment_scorer: Scorer, payments: Payments) -> None:
    now = payments(days=(42, 46), seed=2).drop(columns="channel")
    with pytest.raises(SchemaError, match="'channel' is missing"):
        score_table(payment_scorer, now)
    scorer = Scorer(payment_scorer.model, policy=Policy(missing="missing"))
    scored, read = score_table(scorer, now), read_inputs(payment_scorer.model, now)
    expected = score_frame(scorer, read.records, history=read.history.events)
    assert (scored.scores["probability"] == expected["probability"].to_numpy()).all()
    assert np.isnan(scored.rows[:, -1]).all()


def test_labels_of_a_table_come_before_the_column(payment_scorer: Scorer, payments: Payments) -> None:
    now = payments(days=(42, 46), seed=2)
    labels = pd.DataFrame({"subject_id": now["event_id"][:5], "label": "extortion"})
    scored = score_table(payment_scorer, now, labels=labels)
    assert (scored.labels[:5] == "extortion").all()
    assert (scored.labels[5:] == now["label"].to_numpy(object)[5:]).all()


def test_missing_and_unseen_categories_are_separated(payment_scorer: Scorer, payments: Payments) -> None:
    now = payments(days=(42, 46), seed=2)
    now.loc[:9, "channel"] = None
    now.loc[10:14, "channel"] = "new"
    scored = score_table(payment_scorer, now)
    coded = np.flatnonzero(categories_of(payment_scorer.model))
    assert [payment_scorer.model.matrix.columns[place] for place in coded] == ["profile__kind", "profile__channel"]
    assert np.isnan(scored.rows[:, coded[1]]).sum() == 10
    assert scored.unseen[:, 1].sum() == 5


def test_rows_of_one_account_are_together(payment_scorer: Scorer, payments: Payments) -> None:
    now = payments(days=(42, 46), seed=2)
    assert len(score_table(payment_scorer, now).clusters.starts) == now["account_id"].nunique()


def test_events_that_labels_should_name_need_an_id(payment_scorer: Scorer, payments: Payments) -> None:
    now = payments(days=(42, 46), seed=2)
    labels = pd.DataFrame({"subject_id": now["event_id"][:5], "label": "extortion"})
    with pytest.raises(SchemaError, match="'event_id' is missing"):
        score_table(payment_scorer, now.drop(columns="event_id"), labels=labels)


@pytest.mark.slow
def test_own_categories_of_messages_are_told_from_numbers(tmp_path: Path) -> None:
    write_own_model(tmp_path / "model")
    frame = pd.DataFrame(records()).assign(message_id=[f"m{n}" for n in range(len(records()))])
    scored = score_table(Scorer.load(tmp_path / "model"), frame)
    assert scored.unseen.sum(axis=0).tolist() == [2, 0]  # channel, 国家
    assert np.isnan(scored.rows[-2:, -1]).all()
    assert not np.isnan(scored.rows[:-2, -1]).any()
