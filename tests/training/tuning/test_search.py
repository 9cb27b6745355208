"""The search: the recipe first, the same for a seed, blind to the test, in time, and whole again after a kill."""

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

from fraudsieve.training.data.builders import groups_of, read_data
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
    data: LabelledData, split: Split, folder: Path, asked: Recipe, said: list[str] | None = None
) -> TuningResult:
    groups, what = groups_of(data)
    say = (lambda step: None) if said is None else said.append
    return tune(data, groups, what, split, asked, output=folder / "model", progress=say)


def tried(found: TuningResult) -> list[tuple[dict[str, Any], tuple[float, ...], str]]:
    return [(one.settings, one.scores, one.state) for one in found.trials if one.state != "failed"]


@pytest.fixture(scope="module")
def found(data: LabelledData, split: Split, tmp_path_factory: pytest.TempPathFactory) -> TuningResult:
    return search(data, split, tmp_path_factory.mktemp("search"), recipe())


def test_the_recipe_itself_is_the_first_trial(found: TuningResult) -> None:
    assert found.trials[0].settings == {"model.num_leaves": 7, "model.l2": 1.0, "model.n_rounds": 8}
    assert found.default is found.trials[0]
    assert len(found.trials) == 6
    assert len({str(one.settings) for one in found.trials}) == 6
    assert all(len(one.scores) == 3 for one in found.trials if one.state == "complete")


def test_the_same_seed_makes_the_same_trials(
    found: TuningResult, data: LabelledData, split: Split, tmp_path: Path
) -> None:
    assert tried(search(data, split, tmp_path, recipe(n_jobs=2))) == tried(found)
    another = search(data, split, tmp_path, recipe(seed=1, **{"tune.trials": 2}))
    assert another.trials[1].settings != found.trials[1].settings


def scrambled(data: LabelledData, split: Split) -> LabelledData:
    """The same records, but the labels of all that is not trained on are dealt anew, and known at other times."""
    rng = np.random.default_rng(0)
    others = np.setdiff1d(np.arange(len(data.rows)), split.train)
    rows = data.rows.copy()
    rows.loc[others, "label"] = rng.permutation(rows.loc[others, "label"].to_numpy(object))
    rows.loc[others, "labelled_at"] = rows["as_of"].min()
    assert (rows["label"] != data.rows["label"]).any()
    messages = data.messages
    if messages is not None:
        dealt = rows.set_index("message_id")[["label", "labelled_at"]].reindex(messages["message_id"])
        messages = messages.assign(label=dealt["label"].to_numpy(), labelled_at=dealt["labelled_at"].array)
    return replace(data, rows=rows, messages=messages)


def test_labels_outside_the_training_slice_change_no_trial(
    found: TuningResult, data: LabelledData, split: Split, tmp_path: Path
) -> None:
    assert tried(search(scrambled(data, split), split, tmp_path, recipe())) == tried(found)


def test_labels_outside_the_training_slice_change_no_trial_with_campaign_features(
    data: LabelledData, tmp_path: Path
) -> None:
    # At random, so that near-duplicates are on both sides.
    asked = recipe(**{"features.campaigns": True, "split.kind": "random", "tune.trials": 1})
    split = choose_split(data, *groups_of(data), asked)
    (tmp_path / "other").mkdir()
    expected = tried(search(data, split, tmp_path, asked))
    assert tried(search(scrambled(data, split), split, tmp_path / "other", asked)) == expected


@pytest.mark.parametrize("subject", ["account", "event"])
def test_labels_of_accounts_and_events_outside_the_training_slice_change_no_trial(subject: str, tmp_path: Path) -> None:
    world = simulate(days=60, n_accounts=500)
    # No split by time: there labels of the test are of no use to what comes before them anyway.
    asked = recipe(**{"data.subject": subject, "split.kind": "account", "tune.trials": 2})
    labels = world.labels.assign(label=world.labels["label"].where(world.labels["label"] == "legitimate", "fraud"))
    if subject == "event":
        latest = labels.drop_duplicates("subject_id", keep="last")
        whose = world.events.merge(latest, left_on="account_id", right_on="subject_id")
        tables: dict[str, Any] = {"events": whose.drop(columns=["subject_id", "source"])}
    else:
        tables = {"accounts": world.accounts, "events": world.events, "labels": labels}
    records = read_data(asked, tables, min_label_rows=2)
    slices = choose_split(records, *groups_of(records), asked)
    (tmp_path / "other").mkdir()
    expected = tried(search(records, slices, tmp_path, asked))
    assert tried(search(scrambled(records, slices), slices, tmp_path / "other", asked)) == expected


def test_a_search_resumes(found: TuningResult, data: LabelledData, split: Split, tmp_path: Path) -> None:
    short = search(data, split, tmp_path, recipe(**{"tune.trials": 3}))
    assert tried(short) == tried(found)[:3]
    said: list[str] = []
    again = search(data, split, tmp_path, recipe(), said)
    assert tried(again) == tried(found)
    assert again.storage == short.storage
    assert re.match(r"tuning: [456] trials", said[-1])  # the last ones may have been stopped early
    more: list[str] = []
    assert tried(search(data, split, tmp_path, recipe(), more)) == tried(found)
    assert more == []


def test_other_data_or_another_recipe_start_a_new_search(data: LabelledData) -> None:
    def name(asked: Recipe, **digests: str) -> str:
        return _digest(replace(data, digests=digests or {"messages": "a"}), asked)

    same = name(recipe())
    assert name(recipe(**{"tune.trials": 9, "tune.budget": "20m", "name": "sms", "n_jobs": 2})) == same
    assert name(recipe(), messages="b") != same
    for other in ({"tune.folds": 2}, {"seed": 1}, {"features.C": 1.0}, {"tune.space": {"model": {"l2": [1.0, 2.0]}}}):
        assert name(recipe(**other)) != same


def test_a_time_budget_is_exceeded_by_at_most_a_trial(data: LabelledData, split: Split, tmp_path: Path) -> None:
    # Features once: what is measured is the search.
    search(data, split, tmp_path, recipe(**{"tune.trials": 1}))
    begin = time.monotonic()
    done = search(data, split, tmp_path, recipe(**{"tune.trials": 10_000, "tune.budget": "12s"}))
    took = time.monotonic() - begin
    assert 1 < len(done.trials) < 10_000
    assert took < 12 + max(one.seconds for one in done.trials) + 1
    # The time in the trials of an earlier call counts: two calls together hardly pass the budget of one.
    again = search(data, split, tmp_path, recipe(**{"tune.trials": 10_000, "tune.budget": "12s"}))
    assert sum(one.seconds for one in again.trials) < 12 + max(one.seconds for one in again.trials) + 1


def test_the_file_has_no_text_and_no_identifier(found: TuningResult, data: LabelledData) -> None:
    content = found.storage.read_bytes()
    assert b"model.num_leaves" in content
    for name in ("text", "message_id", "account_id"):
        values = [value for value in data.rows[name].dropna().unique() if len(value) > 6]
        assert values
        assert not any(value.encode() in content for value in values)


class Known:
    """Folds whose score is known: the square of how far a setting is from .7, and a trial costs nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return 4

    def scores(self, asked: Recipe, places: range) -> list[float]:
        share = asked.model.feature_fraction
        assert share is not None
        self.asked += [(share, place) for place in places]
        return [-((share - 0.7) ** 2) - place for place in places]


def test_the_search_finds_the_optimum_and_prunes(tmp_path: Path) -> None:
    folds = Known()
    space: dict[str, BaseDistribution] = {"model.feature_fraction": FloatDistribution(0.01, 1.0)}
    with _study(tmp_path / "s.db") as study:
        for _ in range(40):
            _try(study, cast(SearchFolds, folds), Recipe(), space)
        states = [one.state.name for one in study.trials]
        assert abs(study.best_trial.params["model.feature_fraction"] - 0.7) < 0.02
        assert states[:5] == ["COMPLETE"] * 5
        assert 5 < states.count("PRUNED") < 30
        for one in study.trials:
            seen = [place for share, place in folds.asked if share == one.params["model.feature_fraction"]]
            assert seen == ([0, 1] if one.state.name == "PRUNED" else [0, 1, 2, 3])


def test_an_error_fails_its_trial_and_restores_optuna(tmp_path: Path) -> None:
    class Broken(Known):
        def scores(self, asked: Recipe, places: range) -> list[float]:
            raise KeyboardInterrupt

    loud = optuna.logging.get_verbosity()
    with pytest.raises(KeyboardInterrupt), _study(tmp_path / "s.db") as study:
        _try(study, cast(SearchFolds, Broken()), Recipe(), {"model.feature_fraction": FloatDistribution(0.1, 1.0)})
    assert optuna.logging.get_verbosity() == loud
    with _study(tmp_path / "s.db") as study:
        assert [one.state.name for one in study.trials] == ["FAIL"]


# A whole run.


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Accounts with a recipe that is bad on purpose: one round."""
    folder, world = tmp_path_factory.mktemp("tuned"), simulate(days=60, n_accounts=600)
    labels = world.labels.assign(label=world.labels["label"].where(world.labels["label"] == "legitimate", "fraud"))
    asked = recipe(
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
        return train(asked, output="runs/model", accounts=world.accounts, labels=labels, events=world.events)


def test_better_settings_are_adopted_and_noted(trained: Trained) -> None:
    found = trained.tuned
    assert found is not None
    assert found.taken
    assert found.best.settings["model.n_rounds"] == 60
    leaves = found.best.settings["model.num_leaves"]
    assert trained.model.ensemble.booster.num_trees() == 60
    facts = trained.model.training
    assert facts["tuning"] == found.facts
    assert (facts["recipe"]["model"]["n_rounds"], facts["recipe"]["model"]["num_leaves"]) == (60, leaves)
    assert trained.notes.count(found.note) == 1
    run = mlflow.get_run(trained.logged.run_id)
    assert (run.data.params["n_rounds"], run.data.params["num_leaves"]) == ("60", str(leaves))
    assert run.data.metrics["tuning.best"] == found.best.mean > run.data.metrics["tuning.default"]


def test_every_trial_is_a_nested_run(trained: Trained) -> None:
    assert trained.tuned is not None
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
        assert tuple(one.value for one in sorted(history, key=lambda one: one.step)) == trial.scores
        assert run.info.end_time - run.info.start_time == pytest.approx(1000 * trial.seconds, abs=2)


def states_in(path: Path) -> list[str]:
    """Look from outside at how far a search is."""
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
    asked = Recipe.read("r.toml", {"data.messages": "m.parquet"})
    data = read_data(asked, {"messages": Path("m.parquet")}, min_label_rows=10)
    storage = Path(f"fraudsieve-model.tune-{_digest(data, asked)[:12]}.db")

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
        kept = [(one.number, one.datetime_start) for one in _finished(study)]
    assert 2 <= len(kept) < 8

    done = subprocess.run([*call, "--json"], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.tune-*.db")] == [storage.name]
    assert json.loads(done.stdout)["tuning"]["trials"] == 8
    with _study(storage) as study:
        assert [(one.number, one.datetime_start) for one in _finished(study)][: len(kept)] == kept
    groups, what = groups_of(data)
    call_again = (data, groups, what, choose_split(data, groups, what, asked), asked)
    after = tune(*call_again, output="fraudsieve-model", progress=lambda step: None)
    whole = tune(*call_again, output="whole", progress=lambda step: None)
    assert len(after.trials) == 9
    assert states_in(storage).count("FAIL") == 1
    assert "RUNNING" not in states_in(storage)
    assert tried(after) == tried(whole)
