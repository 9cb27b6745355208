"""Folds of a search: inside the training slice, prepared once, and scored as in a run."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError, SplitError
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.training.data.builders import (
    TrainingRows,
    grow_trees,
    make_builder,
    matrix_of,
    rows_to_train,
    training_rows,
)
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData, load_accounts, load_labelled
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import MIN_TIMES, Split
from fraudsieve.training.tuning.folds import MAX_CACHED, SearchFolds, metric_of, search_folds, training_alone
from tests.messages import refused

pytestmark = pytest.mark.slow

DAY = pd.Timedelta(days=1)


def recipe(**overrides: Any) -> Recipe:
    small = {"n_jobs": 1, "features.pinyin": False, "model.n_rounds": 8, "tune.trials": 3, "tune.folds": 3}
    return Recipe.read(overrides=small | overrides)


def prepared(messages: pd.DataFrame, settings: Recipe) -> tuple[LabelledData, Any, Split]:
    data = load_labelled(messages)
    groups, group_kind = groups_of(data)
    return data, groups, choose_split(data, groups, group_kind, settings)


def folds_of(messages: pd.DataFrame, settings: Recipe) -> SearchFolds:
    data, groups, split = prepared(messages, settings)
    training_data, training_groups = training_alone(data, split), groups[split.train]
    folds = search_folds(training_data, training_groups, "campaign", split, settings)
    return SearchFolds(training_data, training_groups, folds, "average_precision", lambda step: None)


@pytest.fixture
def two_classes(labelled_messages: pd.DataFrame) -> pd.DataFrame:
    label = labelled_messages["label"].where(labelled_messages["label"] == "legitimate", "fraud")
    return labelled_messages.assign(label=label)


def test_no_label_of_another_slice_is_left(labelled_messages: pd.DataFrame) -> None:
    data, _, split = prepared(labelled_messages, recipe())
    training_data = training_alone(data, split)
    assert training_data.rows["message_id"].tolist() == data.rows["message_id"].iloc[split.train].tolist()
    assert training_data.messages is not None
    assert len(training_data.messages) == len(labelled_messages)
    assert "label" not in training_data.messages
    assert training_data.known_labels is not None
    assert set(training_data.known_labels["message_id"]) == set(training_data.rows["message_id"])


def test_no_label_of_an_account_of_another_slice_is_left() -> None:
    accounts = pd.DataFrame({"account_id": [f"a{number}" for number in range(6)]})
    rows = [(f"a{number}", label, day) for number in range(6) for label, day in (("spam", 1), ("legitimate", 2))]
    labels = pd.DataFrame(rows, columns=["subject_id", "label", "day"])
    labels["labelled_at"] = pd.Timestamp("2026-03-01 05:00", tz="UTC") + pd.to_timedelta(labels.pop("day"), unit="D")
    data = load_accounts(None, accounts=accounts, labels=labels)
    split = Split("account", np.array([0, 2, 3]), np.array([1]), np.array([4, 5]), ("accounts",))
    known = training_alone(data, split).known_labels
    assert known is not None
    assert sorted(known["account_id"]) == ["a0", "a0", "a2", "a2", "a3", "a3"]


def test_with_a_split_by_time_folds_go_forward_after_its_gap(two_classes: pd.DataFrame) -> None:
    search, split = folds_of(two_classes, recipe()), prepared(two_classes, recipe())[2]
    assert len(search) == 3
    rows, groups = search.data.rows, search.groups
    for fold in search.folds:
        begin, fraud = rows["as_of"].iloc[fold.test].min(), rows["label"].iloc[fold.test] != "legitimate"
        assert rows["as_of"].iloc[fold.train].max() <= begin - split.gap_days * DAY
        assert not (rows["labelled_at"].iloc[fold.train] >= begin).any()
        assert not np.isin(groups[fold.train], groups[fold.test][fraud]).any()
    assert split.gap_days > 0


def test_few_days_of_a_split_by_time_are_searched_forward_in_time() -> None:
    """Dates without times of day: the split is by time, and its training slice has fewer than 20 distinct times."""
    days = pd.Series(pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(np.arange(2500) // 100, unit="D"))
    label = np.where(np.arange(2500) % 10, "legitimate", "fraud")
    rows = pd.DataFrame({"as_of": days, "labelled_at": days + DAY, "label": label})
    data = LabelledData(rows, rows, rows[:0], 0, (), {}, subject=Subject.EVENT)
    settings, accounts = recipe(), np.arange(2500) % 400
    split = choose_split(data, accounts, "account", settings)
    assert split.kind == "time"
    assert rows["as_of"].iloc[split.train].nunique() <= MIN_TIMES
    training_data = training_alone(data, split)
    cutoff_times = training_data.rows["as_of"]
    folds = search_folds(training_data, accounts[split.train], "account", split, settings)
    assert len(folds) == 3
    for fold in folds:
        assert fold.kind == "time"
        assert cutoff_times.iloc[fold.train].max() <= cutoff_times.iloc[fold.test].min() - split.gap_days * DAY
    assert split.gap_days > 0
    few = replace(training_data, rows=training_data.rows.assign(as_of=days[0]))
    with refused(SplitError):
        search_folds(few, accounts[split.train], "account", split, settings)


@pytest.mark.parametrize("kind", ["campaign", "random"])
def test_campaigns_are_dealt_to_folds_without_a_split_by_time(labelled_messages: pd.DataFrame, kind: str) -> None:
    search = folds_of(labelled_messages, recipe(**{"split.kind": kind}))
    assert sorted(np.concatenate([fold.test for fold in search.folds])) == list(range(len(search.data.rows)))
    for fold in search.folds:
        assert not np.isin(search.groups[fold.train], search.groups[fold.test]).any()
        assert len(fold.train) + len(fold.test) == len(search.data.rows)


def test_folds_by_time_without_a_legitimate_class(labelled_messages: pd.DataFrame) -> None:
    crimes = labelled_messages[labelled_messages["label"] != "legitimate"]
    frequent = crimes[crimes["label"].isin(crimes["label"].value_counts().index[:3])]
    settings = recipe(**{"split.gap_days": 0, "tune.folds": 2})
    search = folds_of(frequent.reset_index(drop=True), settings)
    assert metric_of(search.data, settings) == "macro_f1"
    assert len(search) == 2
    assert all(not np.isin(search.groups[fold.train], search.groups[fold.test]).any() for fold in search.folds)


def test_too_few_rows_for_folds_are_an_error(two_classes: pd.DataFrame) -> None:
    settings = recipe()
    data, groups, split = prepared(two_classes, settings)
    training_data, training_groups = training_alone(data, split), groups[split.train]
    with pytest.raises(SplitError, match="at least one has nothing to train on"):
        search_folds(training_data, training_groups, "campaign", replace(split, gap_days=300.0), settings)
    few = replace(training_data, rows=training_data.rows.assign(label="legitimate").replace({"label": {0: "fraud"}}))
    few.rows.loc[0, "label"] = "fraud"
    with refused(SplitError):
        search_folds(few, training_groups, "campaign", replace(split, kind="campaign"), settings)


def by_hand(folds: SearchFolds, settings: Recipe, place: int) -> tuple[Any, Any, Any]:
    """Train and test on a fold as a run does; return probability of fraud, likeliest class and truth."""
    fold, data = folds.folds[place], folds.data
    builder = make_builder(data, settings).set_output(transform="pandas")
    rows, labels, units = rows_to_train(data, folds.groups, fold.train, settings)
    assert isinstance(builder, MessageFeatures)
    matrix = builder.fit_transform(rows, labels, groups=units)
    trained = TrainingRows(builder, matrix, labels, rows.index.to_numpy(), units, data.size)
    classifier = grow_trees(trained, settings, Subject.MESSAGE)
    tested = matrix_of(builder, data.rows.iloc[fold.test])
    legitimate = classifier.classes_.tolist().index("legitimate")
    fraud = 1 - classifier.predict_proba(tested)[:, legitimate]
    return fraud, classifier.predict(tested), data.rows["label"].to_numpy(object)[fold.test]


def test_scores_are_those_of_a_run_on_the_fold(labelled_messages: pd.DataFrame) -> None:
    settings = recipe(**{"evaluate.alerts_a_day": 2})
    folds = folds_of(labelled_messages, settings)
    fraud, predicted, truth = by_hand(folds, settings, 1)
    expected = average_precision_score(truth != "legitimate", fraud)
    assert folds.scores(settings, [1]) == pytest.approx([expected], abs=1e-9)
    folds.metric = "macro_f1"
    expected = f1_score(truth, predicted, average="macro", zero_division=0.0)
    assert folds.scores(settings, [1]) == pytest.approx([expected])
    folds.metric = "recall_at_capacity"
    tested = folds.data.rows["as_of"].iloc[folds.folds[1].test]
    days = (tested.dt.normalize().max() - tested.dt.normalize().min()).days + 1
    assert folds.data.messages is not None
    sent = folds.data.messages["as_of"]  # alerts are those of all messages of these days, labelled or not
    alerts = 2 * days * len(tested) / sent.between(tested.min(), tested.max()).sum()
    ranked_truth = (truth != "legitimate")[np.argsort(-fraud)]
    whole = int(alerts)
    expected = (ranked_truth[:whole].sum() + (alerts - whole) * ranked_truth[whole]) / ranked_truth.sum()
    assert 0 < expected < 1
    assert folds.scores(settings, [1]) == pytest.approx([expected])


def test_workers_and_order_change_no_score(two_classes: pd.DataFrame) -> None:
    settings = recipe()
    one_by_one = [folds_of(two_classes, settings).scores(settings, [place])[0] for place in range(3)]
    together = recipe(n_jobs=2)
    assert folds_of(two_classes, together).scores(together, range(3)) == one_by_one


def test_features_are_computed_once_per_fold(two_classes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[Recipe] = []

    def counted(*args: Any) -> TrainingRows:
        computed.append(args[3])
        return training_rows(*args)

    monkeypatch.setattr("fraudsieve.training.tuning.folds.training_rows", counted)
    settings = recipe()
    folds = folds_of(two_classes, settings)
    for leaves in (3, 7, 15):
        folds.scores(settings.with_values({"model.num_leaves": leaves}), range(3))
    assert len(computed) == 3
    folds.scores(recipe(**{"features.C": 1.0}), range(3))
    assert [one.features.C for one in computed] == [3.0] * 3 + [1.0] * 3


def test_every_fold_of_a_search_stays_in_memory(two_classes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search may have more folds than are kept of a search over features."""
    computed: list[Array] = []

    def small(data: LabelledData, groups: Array, train: Array, settings: Recipe) -> TrainingRows:
        computed.append(train)
        return training_rows(data, groups, train[:200], settings)

    monkeypatch.setattr("fraudsieve.training.tuning.folds.training_rows", small)
    settings = recipe(**{"split.kind": "campaign", "tune.folds": MAX_CACHED + 1})
    folds = folds_of(two_classes, settings)
    assert len(folds) == MAX_CACHED + 1
    for _ in range(2):
        for place in range(len(folds)):
            folds._prepared(settings, place)
    assert len(computed) == len(folds)


def test_nothing_is_learnt_from_the_test_rows_of_a_fold(two_classes: pd.DataFrame) -> None:
    settings = recipe()
    folds = folds_of(two_classes, settings)
    before = folds._prepared(settings, 0)
    tested = folds.folds[0].test
    rows = folds.data.rows.copy()
    rows.loc[tested, "label"] = np.random.default_rng(0).permutation(rows.loc[tested, "label"].to_numpy(object))
    scrambled = SearchFolds(replace(folds.data, rows=rows), folds.groups, folds.folds, folds.metric, folds.progress)
    after = scrambled._prepared(settings, 0)
    pd.testing.assert_frame_equal(before.train.matrix, after.train.matrix)
    pd.testing.assert_frame_equal(before.matrix, after.matrix)
    assert (before.labels != after.labels).any()
    assert folds.scores(settings, [0]) != scrambled.scores(settings, [0])


def test_the_metric_fits_the_data(labelled_messages: pd.DataFrame) -> None:
    data = load_labelled(labelled_messages)
    crimes = replace(data, rows=data.rows[data.rows["label"] != "legitimate"])
    assert (metric_of(data, recipe()), metric_of(crimes, recipe())) == ("average_precision", "macro_f1")
    assert metric_of(data, recipe(**{"tune.metric": "macro_f1"})) == "macro_f1"
    with pytest.raises(RecipeError, match="average_precision needs a legitimate class"):
        metric_of(crimes, recipe(**{"tune.metric": "average_precision"}))
    untimed = replace(data, rows=data.rows.assign(as_of=pd.Series(pd.NaT, data.rows.index)))
    by_day = {"tune.metric": "recall_at_capacity", "evaluate.alerts_a_day": 5}
    assert metric_of(data, recipe(**by_day)) == "recall_at_capacity"
    with pytest.raises(RecipeError, match="needs records with times"):
        metric_of(untimed, recipe(**by_day))
