"""The search: it begins with the recipe, is reproducible, ignores the test, keeps its budget and resumes."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import mlflow
import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution

from fraudsieve.training.data.builders import groups_of, read_data, with_order_key
from fraudsieve.training.data.labelled import LabelledData, load_labelled
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split
from fraudsieve.training.tuning.folds import SearchFolds
from fraudsieve.training.tuning.outcome import TuningResult
from fraudsieve.training.tuning.search import _digest, _finished, _study, _try, tune
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


def search(
    data: LabelledData, split: Split, folder: Path, settings: Recipe, messages: list[str] | None = None
) -> TuningResult:
    groups, group_kind = groups_of(data)
    progress = (lambda step: None) if messages is None else messages.append
    return tune(data, groups, group_kind, split, settings, output=folder / "model", progress=progress)


def trials_of(result: TuningResult) -> list[tuple[dict[str, Any], tuple[float, ...], str]]:
    return [(trial.settings, trial.scores, trial.state) for trial in result.trials if trial.state != "failed"]


@pytest.fixture(scope="module")
def finished_search(data: LabelledData, split: Split, tmp_path_factory: pytest.TempPathFactory) -> TuningResult:
    return search(data, split, tmp_path_factory.mktemp("search"), recipe())


def test_the_recipe_itself_is_the_first_trial(finished_search: TuningResult) -> None:
    assert finished_search.trials[0].settings == {"model.num_leaves": 7, "model.l2": 1.0, "model.n_rounds": 8}
    assert finished_search.default is finished_search.trials[0]
    assert len(finished_search.trials) == 6
    assert len({str(trial.settings) for trial in finished_search.trials}) == 6
    assert all(len(trial.scores) == 3 for trial in finished_search.trials if trial.state == "complete")


def test_the_same_seed_makes_the_same_trials(
    finished_search: TuningResult, data: LabelledData, split: Split, tmp_path: Path
) -> None:
    assert trials_of(search(data, split, tmp_path, recipe(n_jobs=2))) == trials_of(finished_search)
    another = search(data, split, tmp_path, recipe(seed=1, **{"tune.trials": 2}))
    assert another.trials[1].settings != finished_search.trials[1].settings


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
    finished_search: TuningResult, data: LabelledData, split: Split, tmp_path: Path
) -> None:
    assert trials_of(search(scrambled(data, split), split, tmp_path, recipe())) == trials_of(finished_search)


def test_labels_outside_the_training_slice_change_no_trial_with_campaign_features(
    data: LabelledData, tmp_path: Path
) -> None:
    # At random, so that near-duplicates are on both sides.
    settings = recipe(**{"features.campaigns": True, "split.kind": "random", "tune.trials": 1})
    split = choose_split(data, *groups_of(data), settings)
    (tmp_path / "other").mkdir()
    expected = trials_of(search(data, split, tmp_path, settings))
    assert trials_of(search(scrambled(data, split), split, tmp_path / "other", settings)) == expected


@pytest.mark.parametrize("subject", ["account", "event"])
def test_labels_of_accounts_and_events_outside_the_training_slice_change_no_trial(subject: str, tmp_path: Path) -> None:
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
    (tmp_path / "other").mkdir()
    expected = trials_of(search(records, slices, tmp_path, settings))
    assert trials_of(search(scrambled(records, slices), slices, tmp_path / "other", settings)) == expected


def test_a_search_resumes(finished_search: TuningResult, data: LabelledData, split: Split, tmp_path: Path) -> None:
    short = search(data, split, tmp_path, recipe(**{"tune.trials": 3}))
    assert trials_of(short) == trials_of(finished_search)[:3]
    messages: list[str] = []
    again = search(data, split, tmp_path, recipe(), messages)
    assert trials_of(again) == trials_of(finished_search)
    assert again.storage == short.storage
    assert re.match(r"tuning: [456] trials", messages[-1])  # the last ones may have been stopped early
    later_messages: list[str] = []
    assert trials_of(search(data, split, tmp_path, recipe(), later_messages)) == trials_of(finished_search)
    assert later_messages == []


def test_other_data_or_another_recipe_start_a_new_search(data: LabelledData) -> None:
    def name(settings: Recipe, **digests: str) -> str:
        return _digest(replace(data, digests=digests or {"messages": "a"}), settings)

    same = name(recipe())
    assert name(recipe(**{"tune.trials": 9, "tune.budget": "20m", "name": "sms", "n_jobs": 2})) == same
    assert name(recipe(), messages="b") != same
    for other in ({"tune.folds": 2}, {"seed": 1}, {"features.C": 1.0}, {"tune.space": {"model": {"l2": [1.0, 2.0]}}}):
        assert name(recipe(**other)) != same
    assert name(recipe(**{"model.refit": True})) == name(recipe())  # no trial depends on it


def test_a_time_budget_is_exceeded_by_at_most_a_trial(data: LabelledData, split: Split, tmp_path: Path) -> None:
    # Compute the features first, so that only the search is timed.
    search(data, split, tmp_path, recipe(**{"tune.trials": 1}))
    begin = time.monotonic()
    done = search(data, split, tmp_path, recipe(**{"tune.trials": 10_000, "tune.budget": "6s"}))
    elapsed = time.monotonic() - begin
    assert 1 < len(done.trials) < 10_000
    assert elapsed < 6 + max(trial.seconds for trial in done.trials) + 1
    # The time in the trials of an earlier call counts: two calls together hardly exceed the budget of trial.
    again = search(data, split, tmp_path, recipe(**{"tune.trials": 10_000, "tune.budget": "6s"}))
    assert sum(trial.seconds for trial in again.trials) < 6 + max(trial.seconds for trial in again.trials) + 1


def test_the_file_has_no_text_and_no_identifier(finished_search: TuningResult, data: LabelledData) -> None:
    content = finished_search.storage.read_bytes()
    assert b"model.num_leaves" in content
    for name in ("text", "message_id", "account_id"):
        values = [value for value in data.rows[name].dropna().unique() if len(value) > 6]
        assert values
        assert not any(value.encode() in content for value in values)


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


def test_the_search_finds_the_optimum_and_prunes(tmp_path: Path) -> None:
    folds = FakeFolds()
    space: dict[str, BaseDistribution] = {"model.feature_fraction": FloatDistribution(0.01, 1.0)}
    with _study(tmp_path / "s.db") as study:
        for _ in range(40):
            _try(study, cast(SearchFolds, folds), Recipe(), space)
        states = [trial.state.name for trial in study.trials]
        assert abs(study.best_trial.params["model.feature_fraction"] - 0.7) < 0.02
        assert states[:5] == ["COMPLETE"] * 5
        assert 5 < states.count("PRUNED") < 30
        for trial in study.trials:
            seen = [place for share, place in folds.calls if share == trial.params["model.feature_fraction"]]
            assert seen == ([0, 1] if trial.state.name == "PRUNED" else [0, 1, 2, 3])


def test_an_error_fails_its_trial_and_restores_optuna(tmp_path: Path) -> None:
    class Broken(FakeFolds):
        def scores(self, settings: Recipe, places: range) -> list[float]:
            raise KeyboardInterrupt

    loud = optuna.logging.get_verbosity()
    with pytest.raises(KeyboardInterrupt), _study(tmp_path / "s.db") as study:
        _try(study, cast(SearchFolds, Broken()), Recipe(), {"model.feature_fraction": FloatDistribution(0.1, 1.0)})
    assert optuna.logging.get_verbosity() == loud
    with _study(tmp_path / "s.db") as study:
        assert [trial.state.name for trial in study.trials] == ["FAIL"]


# A complete run.


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train on accounts with a recipe that is bad on purpose: trial round."""
    folder, world = tmp_path_factory.mktemp("tuned"), simulate(days=60, n_accounts=600)
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
    assert tuned.best.settings["model.n_rounds"] == 60
    leaves = tuned.best.settings["model.num_leaves"]
    assert trained.model.ensemble.booster.num_trees() == 3 * 60  # of three seeds
    facts = trained.model.training
    assert facts["tuning"] == tuned.facts
    assert (facts["recipe"]["model"]["n_rounds"], facts["recipe"]["model"]["num_leaves"]) == (60, leaves)
    assert trained.notes.count(tuned.note) == 1
    assert trained.logged is not None
    run = mlflow.get_run(trained.logged.run_id)
    assert (run.data.params["n_rounds"], run.data.params["num_leaves"]) == ("60", str(leaves))
    assert run.data.metrics["tuning.best"] == tuned.best.mean > run.data.metrics["tuning.default"]


def test_every_trial_is_a_nested_run(trained: Trained) -> None:
    assert trained.tuned is not None
    assert trained.logged is not None
    client = mlflow.MlflowClient(trained.logged.uri)
    parent = f"tags.`mlflow.parentRunId` = '{trained.logged.run_id}'"
    runs = {run.info.run_name: run for run in client.search_runs([trained.logged.experiment_id], parent)}
    assert len(runs) == len(trained.tuned.trials) == 4
    for trial in trained.tuned.trials:
        run = runs[f"trial {trial.number}"]
        assert run.data.params == {name.split(".")[1]: str(value) for name, value in trial.settings.items()}
        assert run.data.metrics["average_precision"] == trial.mean
        assert run.data.tags["trial.state"] == trial.state
        history = client.get_metric_history(run.info.run_id, "average_precision_of_fold")
        assert tuple(trial.value for trial in sorted(history, key=lambda trial: trial.step)) == trial.scores
        assert run.info.end_time - run.info.start_time == pytest.approx(1000 * trial.seconds, abs=2)


def states_in(path: Path) -> list[str]:
    """Return the states of the trials in the file of a search."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return [state for (state,) in database.execute("SELECT state FROM trials ORDER BY number")]
    except sqlite3.OperationalError:  # not made yet, or being written to
        return []


def test_a_killed_run_resumes(labelled_messages: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri(tmp_path))
    label = labelled_messages["label"].where(labelled_messages["label"] == "legitimate", "fraud")
    labelled_messages.assign(label=label).to_parquet("m.parquet")
    lines = [
        "n_jobs = 1\n[features]\npinyin = false\n[evaluate]\nattack = false\n[tune]\ntrials = 8\nfolds = 3",
        "[tune.space.model]\nn_rounds = {low = 80, high = 160}\nl2 = {low = 0.1, high = 10, log = true}",
    ]
    Path("r.toml").write_text("\n".join(lines))
    call = [sys.executable, "-m", "fraudsieve", "train", "--recipe", "r.toml", "--messages", "m.parquet"]
    settings = Recipe.read("r.toml", {"data.messages": "m.parquet"})
    data = read_data(settings, {"messages": Path("m.parquet")}, min_label_rows=10)
    settings = with_order_key(settings, data, "")
    storage = Path(f"fraudsieve-model.tune-{_digest(data, settings)[:12]}.db")

    run = subprocess.Popen(call, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while (states := states_in(storage)).count("COMPLETE") < 2 or states[-1] != "RUNNING":
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not Path("fraudsieve-model").exists()
    with _study(storage) as study:
        finished = [(trial.number, trial.datetime_start) for trial in _finished(study)]
    assert 2 <= len(finished) < 8

    done = subprocess.run([*call, "--json"], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.tune-*.db")] == [storage.name]
    assert json.loads(done.stdout)["tuning"]["trials"] == 8
    with _study(storage) as study:
        assert [(trial.number, trial.datetime_start) for trial in _finished(study)][: len(finished)] == finished
    groups, group_kind = groups_of(data)
    call_again = (data, groups, group_kind, choose_split(data, groups, group_kind, settings), settings)
    after = tune(*call_again, output="fraudsieve-model", progress=lambda step: None)
    uninterrupted = tune(*call_again, output="uninterrupted", progress=lambda step: None)
    assert len(after.trials) == 9
    assert states_in(storage).count("FAIL") == 1
    assert "RUNNING" not in states_in(storage)
    assert trials_of(after) == trials_of(uninterrupted)
