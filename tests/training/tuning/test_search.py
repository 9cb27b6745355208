"""The search: it begins with the recipe, is reproducible, ignores the test and keeps its budget."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import mlflow
import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.trial import Trial

from fraudsieve._typing import Progress
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData, load_labelled
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split
from fraudsieve.training.tuning.folds import SearchFolds
from fraudsieve.training.tuning.search import TuningResult, _quiet_study, mean_score, tune
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow

SMALL = {"n_jobs": 1, "features.pinyin": False, "model.n_rounds": 8, "tune.folds": 3}
SPACE = {"num_leaves": {"low": 2, "high": 15}, "l2": {"low": 0.1, "high": 10, "log": True}, "n_rounds": [4, 8, 12]}


def recipe(**overrides: Any) -> Recipe:
    return Recipe.read(overrides={**SMALL, "tune.trials": 6, "tune.space": {"model": SPACE}, **overrides})


@pytest.fixture(scope="module")
def data(labelled_messages: pd.DataFrame) -> LabelledData:
    label = labelled_messages["label"].where(labelled_messages["label"] == "legitimate", "fraud")
    return load_labelled(labelled_messages.assign(label=label))


@pytest.fixture(scope="module")
def split(data: LabelledData) -> Split:
    return choose_split(data, *groups_of(data), recipe())


def search(data: LabelledData, split: Split, settings: Recipe, progress: Progress = lambda step: None) -> TuningResult:
    return tune(data, *groups_of(data), split, settings, progress=progress)


def trials_of(result: TuningResult) -> list[tuple[dict[str, Any], list[float], str]]:
    return [(trial.params, trial.user_attrs["scores"], trial.state.name) for trial in result.trials]


@pytest.fixture(scope="module")
def finished_search(data: LabelledData, split: Split) -> TuningResult:
    return search(data, split, recipe())


def test_the_recipe_itself_is_the_first_trial(finished_search: TuningResult) -> None:
    assert finished_search.trials[0].params == {"model.num_leaves": 7, "model.l2": 1.0, "model.n_rounds": 8}
    assert len(finished_search.trials) == 6
    assert len({str(trial.params) for trial in finished_search.trials}) == 6
    assert {(len(scores), state) for _, scores, state in trials_of(finished_search)} <= {(3, "COMPLETE"), (1, "PRUNED")}


def test_the_same_seed_makes_the_same_trials(finished_search: TuningResult, data: LabelledData, split: Split) -> None:
    messages: list[str] = []
    assert trials_of(search(data, split, recipe(n_jobs=2), messages.append)) == trials_of(finished_search)
    assert messages[-1].startswith("tuning: ")
    another = search(data, split, recipe(seed=1, **{"tune.trials": 2}))
    assert another.trials[1].params != finished_search.trials[1].params


def scrambled(data: LabelledData, split: Split) -> LabelledData:
    """Return the same records, with permuted labels and other label times outside the training slice."""
    rng = np.random.default_rng(0)
    others = np.setdiff1d(np.arange(len(data.rows)), split.train)
    rows = data.rows.copy()
    rows.loc[others, "label"] = rng.permutation(rows.loc[others, "label"].to_numpy(object))
    rows.loc[others, "labelled_at"] = rows["as_of"].min()
    assert (rows["label"] != data.rows["label"]).any()
    known = data.known_labels
    if known is None or data.subject != "message":
        return replace(data, rows=rows)
    dealt = rows.set_index("message_id")[["label", "labelled_at"]].reindex(known["message_id"])
    scrambled_labels = known.assign(label=dealt["label"].to_numpy(), labelled_at=dealt["labelled_at"].array)
    assert (scrambled_labels["label"] != known["label"]).any()
    return replace(data, rows=rows, known_labels=scrambled_labels)


def test_labels_outside_the_training_slice_change_no_trial(
    finished_search: TuningResult, data: LabelledData, split: Split
) -> None:
    assert trials_of(search(scrambled(data, split), split, recipe())) == trials_of(finished_search)


def test_labels_outside_the_training_slice_change_no_trial_with_campaign_features(
    data: LabelledData,
) -> None:
    # At random, so that near-duplicates are on both sides.
    settings = recipe(**{"features.campaigns": True, "split.kind": "random", "tune.trials": 1})
    split = choose_split(data, *groups_of(data), settings)
    expected = trials_of(search(data, split, settings))
    assert trials_of(search(scrambled(data, split), split, settings)) == expected


@pytest.mark.parametrize("subject", ["account", "event"])
def test_labels_of_accounts_and_events_outside_the_training_slice_change_no_trial(subject: str) -> None:
    world = simulate(days=60, n_accounts=500)
    # Not a split by time, because labels of its test cannot change features of earlier rows anyway.
    settings = recipe(**{"data.subject": subject, "split.kind": "account", "tune.trials": 2})
    labels = world.labels.assign(label=world.labels["label"].where(world.labels["label"] == "legitimate", "fraud"))
    if subject == "event":
        latest = labels.drop_duplicates("subject_id", keep="last")
        labelled_events = world.events.merge(latest, left_on="account_id", right_on="subject_id")
        tables: dict[str, Any] = {"events": labelled_events.drop(columns=["subject_id", "source"])}
    else:
        tables = {"accounts": world.accounts, "events": world.events, "labels": labels}
    records = read_data(settings, tables, min_label_rows=2)
    slices = choose_split(records, *groups_of(records), settings)
    expected = trials_of(search(records, slices, settings))
    assert trials_of(search(scrambled(records, slices), slices, settings)) == expected


def test_a_time_budget_is_exceeded_by_at_most_a_trial(data: LabelledData, split: Split) -> None:
    done = search(data, split, recipe(**{"tune.trials": 10_000, "tune.budget": "6s"}))
    seconds = [trial.duration.total_seconds() for trial in done.trials if trial.duration]
    assert 1 < len(done.trials) < 10_000
    assert sum(seconds) < 6 + max(seconds) + 1


class FakeFolds:
    """Folds with a score in closed form: minus the square of the distance of a setting from .7."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return 4

    def scores(self, settings: Recipe, places: range) -> list[float]:
        share = settings.model.feature_fraction
        assert share is not None
        self.calls += [(share, place) for place in places]
        return [-((share - 0.7) ** 2) - place for place in places]


def objective(folds: FakeFolds) -> Callable[[Trial], float]:
    def score(trial: Trial) -> float:
        share = trial.suggest_float("model.feature_fraction", 0.01, 1.0)
        return mean_score(trial, cast(SearchFolds, folds), Recipe().with_values({"model.feature_fraction": share}))

    return score


def test_the_search_finds_the_optimum_and_prunes() -> None:
    folds = FakeFolds()
    with _quiet_study(0) as study:
        study.optimize(objective(folds), n_trials=40)
    states = [trial.state.name for trial in study.trials]
    assert abs(study.best_trial.params["model.feature_fraction"] - 0.7) < 0.02
    assert states[:5] == ["COMPLETE"] * 5
    assert 5 < states.count("PRUNED") < 30
    for trial in study.trials:
        seen = [place for share, place in folds.calls if share == trial.params["model.feature_fraction"]]
        assert seen == ([0, 1] if trial.state.name == "PRUNED" else [0, 1, 2, 3])


def test_an_error_ends_the_search_and_restores_optuna() -> None:
    class Broken(FakeFolds):
        def scores(self, settings: Recipe, places: range) -> list[float]:
            raise KeyboardInterrupt

    loud = optuna.logging.get_verbosity()
    with pytest.raises(KeyboardInterrupt), _quiet_study(0) as study:
        study.optimize(objective(Broken()), n_trials=3)
    assert optuna.logging.get_verbosity() == loud


# A complete run.


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train on accounts with a recipe that is bad on purpose: trial round."""
    folder, world = tmp_path_factory.mktemp("tuned"), simulate(days=60, n_accounts=1200)
    labels = world.labels.assign(label=world.labels["label"].where(world.labels["label"] == "legitimate", "fraud"))
    settings = recipe(
        **{
            "track.uri": mlflow_uri(folder),
            "model.n_rounds": 1,
            "model.num_leaves": 2,
            "tune.trials": 4,
            "tune.space": {"model": {"n_rounds": [1, 60], "num_leaves": {"low": 2, "high": 15}}},
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return train(settings, output="runs/model", accounts=world.accounts, labels=labels, events=world.events)


def test_better_settings_are_adopted_and_noted(trained: Trained) -> None:
    tuned = trained.tuned
    assert tuned is not None
    assert tuned.is_adopted
    assert tuned.best.params["model.n_rounds"] == 60
    leaves = tuned.best.params["model.num_leaves"]
    assert trained.model.ensemble.booster.num_trees() == 3 * 60  # of three seeds
    facts = trained.model.training
    assert facts["tuning"] == tuned.facts
    assert (facts["recipe"]["model"]["n_rounds"], facts["recipe"]["model"]["num_leaves"]) == (60, leaves)
    assert trained.notes.count(tuned.note) == 1
    assert trained.logged is not None
    run = mlflow.get_run(trained.logged.run_id)
    assert (run.data.params["n_rounds"], run.data.params["num_leaves"]) == ("60", str(leaves))
    assert run.data.metrics["tuning.best"] == tuned.best.value
    assert run.data.metrics["tuning.best"] > run.data.metrics["tuning.default"]


def test_every_trial_is_a_nested_run(trained: Trained) -> None:
    assert trained.tuned is not None
    assert trained.logged is not None
    client = mlflow.MlflowClient(trained.logged.uri)
    parent = f"tags.`mlflow.parentRunId` = '{trained.logged.run_id}'"
    runs = {run.info.run_name: run for run in client.search_runs([trained.logged.experiment_id], parent)}
    assert len(runs) == len(trained.tuned.trials) == 4
    for trial in trained.tuned.trials:
        run = runs[f"trial {trial.number}"]
        assert run.data.params == {name.split(".")[1]: str(value) for name, value in trial.params.items()}
        assert run.data.metrics["average_precision"] == np.mean(trial.user_attrs["scores"])
        assert run.data.tags["trial.state"] == trial.state.name.lower()
        history = client.get_metric_history(run.info.run_id, "average_precision_of_fold")
        assert [step.value for step in sorted(history, key=lambda step: step.step)] == trial.user_attrs["scores"]
        assert trial.duration is not None
        duration = trial.duration.total_seconds()
        assert run.info.end_time - run.info.start_time == pytest.approx(1000 * duration, abs=2)
