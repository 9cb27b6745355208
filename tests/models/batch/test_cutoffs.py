"""Cutoff times of accounts without one: the same for a whole run, and none if the model uses no times."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features import AccountFeatures
from fraudsieve.features.account_matrix import account_matrix_of
from fraudsieve.models import FraudClassifier, Model, Scorer
from fraudsieve.models.batch.score import score_file
from fraudsieve.models.batch.scored_tables import DefaultCutoff, read_inputs
from tests.live.small_models import account_scorer, message_scorer

TIME = pd.Timestamp("2026-05-01", tz="UTC")
EVENTS = pd.DataFrame({"account_id": ["ann", "bob"], "occurred_at": [TIME, TIME - pd.Timedelta("1h")], "kind": "pay"})


def profile_model() -> Model:
    """Train a model of accounts on a column of their own, without events and times."""
    accounts = pd.DataFrame({"account_id": [f"a{n}" for n in range(60)], "age": np.arange(60.0)})
    y = np.where(np.arange(60) % 3 == 0, "fraud", "legitimate").astype(object)
    features = AccountFeatures().set_output(transform="pandas")
    with pytest.warns(UserWarning, match="There are no times"):
        matrix = features.fit_transform(accounts, y)
    classifier = FraudClassifier(n_rounds=2, n_jobs=1).fit(matrix, y)
    parts = features.matrix_, classifier.ensemble_, classifier.calibration_
    return Model("profiles", ("fraud", "legitimate"), "legitimate", *parts)


def test_accounts_of_a_model_without_times_get_none(tmp_path: Path) -> None:
    scorer = Scorer(profile_model())
    accounts = pd.DataFrame({"account_id": [f"a{n}" for n in range(40)], "age": np.arange(40.0)})
    accounts.to_parquet(tmp_path / "accounts.parquet", row_group_size=10)
    for source in (accounts, tmp_path / "accounts.parquet"):
        result = score_file(scorer, source, tmp_path / "scores.parquet")
        assert "as_of" not in pd.read_parquet(result.output)
        assert result.notes == ()


@pytest.mark.slow
def test_the_default_is_just_after_the_last_event() -> None:
    model, accounts = account_scorer().model, pd.DataFrame({"account_id": ["ann", "bob"], "as_of": [TIME, pd.NaT]})
    filled, notes = DefaultCutoff.of(model, EVENTS).fill(accounts)
    assert filled["as_of"].tolist() == [TIME, TIME + pd.Timedelta("1us")]
    assert notes == ("accounts without as_of are scored as of the last event",)
    assert DefaultCutoff.of(model, EVENTS).fill(accounts[:1])[1] == ()
    assert DefaultCutoff.of(message_scorer().model, None).time is None


def test_without_events_all_accounts_have_the_time_of_the_run() -> None:
    model, before = account_scorer().model, pd.Timestamp.now("UTC").floor("us")
    for events in (None, EVENTS[:0]):
        default = DefaultCutoff.of(model, events)
        chunks = [default.fill(pd.DataFrame({"account_id": [name]}))[0] for name in ("ann", "bob")]
        times = {time for chunk in chunks for time in chunk["as_of"]}
        assert len(times) == 1
        assert before <= times.pop() <= pd.Timestamp.now("UTC")
    profiles = profile_model()
    timed = replace(profiles, matrix=replace(account_matrix_of(profiles.matrix), timed=True))
    inputs = read_inputs(timed, pd.DataFrame({"account_id": ["ann"], "age": 1.0}))
    assert inputs.notes == ("accounts without as_of are scored as of the time of this run, since there are no events",)
