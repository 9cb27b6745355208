"""The context of labelled rows, evaluation of tables, and the gain of every family of features."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.score import score_frame
from fraudsieve.models.batch.scored_tables import read_inputs
from fraudsieve.models.fields import Policy
from fraudsieve.models.predict import Scorer
from fraudsieve.models.rules import Rule, RuleSet
from fraudsieve.training.evaluation.evaluation_run import (
    evaluate_model,
    evaluate_tables,
    gain_by_column,
    gain_by_family,
    read_tables,
    row_context,
    rows_with_history,
)
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import World
from tests.models.own_model import messages, write_own_model

pytestmark = pytest.mark.slow

Payments = Callable[..., pd.DataFrame]
EVENTS = pd.DataFrame(
    {
        "account_id": ["ann", "bob"],
        "occurred_at": pd.to_datetime(["2026-05-01T10:00", "2026-05-03T10:00"], utc=True),
        "kind": "payment",
    }
)
ROWS = pd.DataFrame(
    {
        "account_id": ["ann", "ann", "bob", "eve"],
        "as_of": pd.to_datetime(
            ["2026-05-02T00:00", "2026-05-01T10:00", "2026-05-02T00:00", "2026-05-09T00:00"], utc=True
        ),
        "amount": [1.0, np.nan, 3.0, 4.0],
    }
)


def fitted() -> AccountFeatures:
    return AccountFeatures(EVENTS, subject="account").fit(ROWS[["account_id", "as_of"]])


def test_cutoff_times_accounts_and_amounts() -> None:
    found = row_context(ROWS)
    assert found["cutoff_times"] is not None
    assert found["cutoff_times"].astype("M8[h]").astype(str).tolist()[:2] == ["2026-05-02T00", "2026-05-01T10"]
    np.testing.assert_array_equal(found["amounts"], [1.0, np.nan, 3.0, 4.0])
    assert found["has_history"] is None


def test_missing_columns_are_none() -> None:
    rows = ROWS.assign(as_of=pd.to_datetime(["NaT"] * 4, utc=True), amount=["much"] * 4)
    rows.loc[0, "account_id"] = None
    assert row_context(rows) == {"cutoff_times": None, "amounts": None, "has_history": None}
    assert set(row_context(pd.DataFrame({"text": ["a"]})).values()) == {None}


def test_a_history_is_strictly_before() -> None:
    with_history = rows_with_history(ROWS, fitted())
    assert with_history is not None
    assert with_history.tolist() == [True, False, False, False]


def test_messages_have_a_history_if_the_model_uses_senders(labelled_messages: pd.DataFrame, small_world: World) -> None:
    some = labelled_messages.head(200).assign(as_of=labelled_messages["sent_at"].head(200))
    alone = MessageFeatures(n_folds=2, n_jobs=1).fit(some, some["label"].to_numpy(object))
    assert rows_with_history(some, alone) is None
    alone.events = small_world.events  # the model does not use the events
    assert rows_with_history(some, alone) is None
    both = MessageFeatures(n_folds=2, n_jobs=1, events=small_world.events)
    both.fit(some, some["label"].to_numpy(object))
    with_history = rows_with_history(some, both)
    assert with_history is not None
    first = small_world.events.groupby("account_id")["occurred_at"].min()
    assert with_history.tolist() == (some["account_id"].map(first) < some["sent_at"]).tolist()
    assert 0 < with_history.sum() < len(with_history)


def test_tables_are_evaluated_as_rows_are(rivals: Any) -> None:
    messages = pd.concat([rivals.earlier, rivals.later], ignore_index=True)
    since = rivals.later["sent_at"].iloc[5]
    recipe = Recipe.read(overrides={"evaluate.replicates": 20})
    steps: list[str] = []
    evaluation = evaluate_tables(
        rivals.strong, messages=messages, recipe=recipe, since=since.to_pydatetime(), progress=steps.append
    )
    later = messages[messages["sent_at"] >= since]
    expected = evaluate_model(
        Scorer.load(rivals.strong), later.assign(as_of=later["sent_at"]), settings=recipe.evaluate
    )
    assert (evaluation.report.rows, evaluation.report.average_precision) == (len(later), expected.average_precision)
    assert evaluation.report.bootstrap is not None
    assert evaluation.report.labels is not None
    assert (evaluation.report.labels.records_in_period, evaluation.report.not_later_than_training) == (len(later), 0)
    assert evaluation.model.digest == Scorer.load(rivals.strong).model.digest
    assert steps == ["loading the model", "reading", "looking for campaigns", "scoring"]
    assert not any("optimistic" in note for note in evaluation.notes)


def test_records_that_are_not_later_than_training_are_noted(rivals: Any) -> None:
    settings = Recipe.read(overrides={"evaluate.replicates": 0})
    evaluation = evaluate_tables(Scorer.load(rivals.strong), messages=rivals.earlier, recipe=settings)
    n_in_training = evaluation.report.not_later_than_training
    assert n_in_training
    assert evaluation.notes[-1].startswith(f"{n_in_training:,} of {len(rivals.earlier):,} records are not later than")
    with pytest.raises(SchemaError, match="none of"):
        evaluate_tables(rivals.strong, messages=rivals.earlier, since=pd.Timestamp("2050-01-01").to_pydatetime())
    with pytest.raises(RecipeError, match="a table of messages is missing"):
        evaluate_tables(rivals.strong, labels=rivals.earlier)


def test_labels_count_as_in_the_training_of_the_model_unless_the_recipe_weights_their_sources(
    payment_scorer: Scorer,
) -> None:
    trusted = {"recipe": {"data": {"trust": {"review": 1.0, "rumour": 0.0}, "default_trust": None}}}
    model = replace(payment_scorer.model, training=trusted)
    events = EVENTS.assign(event_id=["e1", "e2"])
    labels = pd.DataFrame({"subject_id": ["e1", "e1", "e2"], "label": ["legitimate", "extortion", "legitimate"]})
    tables = {"events": events, "labels": labels.assign(source=["review", "rumour", "review"])}
    assert read_tables(Recipe(), model, tables).rows["label"].tolist() == ["legitimate", "legitimate"]
    other = Recipe.model_validate({"data": {"default_trust": 1.0}})
    assert read_tables(other, model, tables).rows["label"].tolist() == ["extortion", "legitimate"]
    assert read_tables(Recipe(), payment_scorer.model, tables).rows["label"].tolist() == ["extortion", "legitimate"]


def test_only_the_categories_of_the_model_are_read_as_words(payment_scorer: Scorer, tmp_path: Path) -> None:
    events = EVENTS.assign(label=["extortion", "legitimate"], verified=["true", "false"])
    events.to_csv(tmp_path / "events.csv", index=False)
    declared = Recipe.model_validate({"history": {"categories": ["verified"]}})
    rows = read_tables(declared, payment_scorer.model, {"events": tmp_path / "events.csv"}).rows
    assert rows["verified"].tolist() == [True, False]


def test_records_that_the_policy_flags_are_reviews(payment_scorer: Scorer, payments: Payments) -> None:
    now, model = payments(days=(42, 49), seed=2), payment_scorer.model
    scorer = Scorer(model, policy=Policy(unlike_training="flag", unlike_training_limit=0.8))
    read = read_inputs(model, now)
    scores = score_frame(scorer, read.records, history=read.history.events)
    flagged, reached = (scores["decision"] == "flag").to_numpy(), scores["probability"] >= model.points[0].threshold
    assert reached.sum() < flagged.sum() < len(now)
    everyone = RuleSet([Rule("all", "account_id", sorted(set(now["account_id"])), "flag", "a test")])
    recipe = Recipe.read(overrides={"evaluate.replicates": 20})
    report = evaluate_tables(scorer, events=now, recipe=recipe, rules=everyone).report
    is_fraud, decision = (now["label"] != "legitimate").to_numpy(), report.decision
    assert decision is not None
    assert (decision.reviews, decision.found) == (flagged.sum(), (flagged & is_fraud).sum())
    assert decision.unlike_training == (flagged & ~reached).sum()
    assert decision.recall_interval is not None
    assert decision.recall_interval[0] <= is_fraud[flagged].sum() / is_fraud.sum() <= decision.recall_interval[1]
    assert report.rules[0].changed == (~flagged).sum()
    assert report.errors is not None
    missed = {record.record_id for record in report.errors.missed}
    assert missed <= set(now["event_id"][is_fraud & ~flagged])
    first, second = (point.here for point in report.operating_points[:2])
    assert (first.flagged, first.recall) == (flagged.mean(), decision.recall)
    assert second.flagged == (scores["probability"] >= model.points[1].threshold).mean()
    ranked = evaluate_tables(payment_scorer, events=now, recipe=recipe).report
    assert ranked.decision is not None
    assert (ranked.decision.reviews, ranked.decision.unlike_training) == (reached.sum(), 0)
    assert (ranked.average_precision, ranked.capacity) == (report.average_precision, report.capacity)


def test_an_absent_column_is_missing_in_every_row_if_the_policy_says_so(
    payment_scorer: Scorer, payments: Payments, tmp_path: Path
) -> None:
    now, recipe = payments(days=(42, 46), seed=2), Recipe.read(overrides={"evaluate.replicates": 0})
    absent, empty = now.drop(columns="channel"), now.assign(channel=None)
    with pytest.raises(SchemaError, match="'channel' is missing"):
        evaluate_tables(payment_scorer, events=absent, recipe=recipe)
    scorer = Scorer(payment_scorer.model, policy=Policy(missing="missing"))
    expected = evaluate_tables(payment_scorer, events=empty, recipe=recipe).report
    report = evaluate_tables(scorer, events=absent, recipe=recipe).report
    assert (report.rows, report.average_precision) == (len(now), expected.average_precision)
    of_model = replace(write_own_model(tmp_path / "model"), policy=Policy(missing="missing"))
    report = evaluate_tables(Scorer(of_model), messages=messages().drop(columns="age"), recipe=recipe).report
    assert report.rows == len(messages())


class Stub:
    """A model of column names and a booster."""

    def __init__(self, names: list[str], labels: np.ndarray, X: np.ndarray) -> None:
        settings = {"objective": "binary", "verbosity": -1, "num_leaves": 4, "min_data_in_leaf": 5}
        self.matrix, self.ensemble = self, self
        self.columns = tuple(names)
        self.booster = lgb.train(settings, lgb.Dataset(X, labels), 5)


def model(names: list[str], labels: np.ndarray, X: np.ndarray) -> Model:
    return Stub(names, labels, X)  # type: ignore[return-value]


def test_shares_sum_to_one_and_the_useful_family_comes_first() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    labels = (X[:, 1] + 0.3 * X[:, 2] + 0.3 * X[:, 0] > 0).astype(int)
    by_column = gain_by_column(model(["cues__a", "volume__b", "volume__c"], labels, X))
    assert next(iter(by_column)) == "volume__b"
    gains = gain_by_family(by_column)
    assert list(gains) == ["volume", "cues"]
    assert sum(gains.values()) == pytest.approx(1.0)
    booster = model(["cues__a", "volume__b", "volume__c"], labels, X).ensemble.booster
    raw = booster.feature_importance("gain")
    assert gains["volume"] == pytest.approx(raw[1:].sum() / raw.sum())


def test_a_model_without_a_split() -> None:
    X = np.zeros((50, 1))
    assert gain_by_column(model(["cues__a"], np.arange(50) % 2, X)) == {}
