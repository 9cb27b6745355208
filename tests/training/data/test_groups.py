"""Groups of records: campaigns or accounts, joined by a column or by the sites of URLs."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve._subjects import Subject
from fraudsieve.cli.app import app
from fraudsieve.exceptions import SchemaError
from fraudsieve.features import messages
from fraudsieve.features.wording.fit import out_of_fold
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import read_data, training_rows
from fraudsieve.training.data.groups import group_notes, group_of_model, groups_of, row_groups
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.monitoring.monitoring_run import monitor_tables
from fraudsieve.training.recalibration.recalibration_run import recalibrate
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.choose import choose_split
from tests.messages import refused

COMMON = {"track.enabled": False, "n_jobs": 1, "evaluate.attack": False, "evaluate.replicates": 20}


def letters(seed: int) -> str:
    """Return a text that is like no other."""
    return bytes(np.random.default_rng(seed).integers(97, 123, 40).tolist()).decode()


def recipe(**overrides: object) -> Recipe:
    return Recipe.read(overrides={**COMMON, **overrides})


def alike(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether two arrays put rows into equal groups."""
    return (
        len({*zip(first.tolist(), second.tolist(), strict=True)}) == len({*first.tolist()}) == len({*second.tolist()})
    )


def comments(n: int = 600, n_videos: int = 30, *, timed: bool = False) -> pd.DataFrame:
    """Return comments on videos, whose topics are words of their own; spam is the same on all of them."""
    rng = np.random.default_rng(0)
    video, is_spam = rng.integers(0, n_videos, n), rng.random(n) < 0.3
    words = np.array([letters(place)[:5] for place in range(300)])
    texts = [
        " ".join(
            [*rng.choice(words[200:] if spam else words[:200], 6), *([] if spam else [f"topic{chr(97 + at)}"] * 2)]
        )
        for at, spam in zip(video, is_spam, strict=True)
    ]
    frame = pd.DataFrame({"message_id": np.arange(n).astype(str), "text": texts, "video": [f"v{at}" for at in video]})
    frame["label"] = np.where(is_spam, "spam", "legitimate")
    sent = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) * 3, unit="h")
    return frame.assign(sent_at=sent) if timed else frame


def payments(n: int = 900) -> pd.DataFrame:
    """Return payments of 90 accounts at 12 branches; at a branch, all amounts are alike."""
    rng = np.random.default_rng(0)
    account = rng.integers(0, 90, n)
    branch, is_fraud = account % 12, rng.random(n) < 0.15
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) * 2, unit="h")
    columns = {"event_id": np.arange(n).astype(str), "account_id": account.astype(str), "occurred_at": at}
    frame = pd.DataFrame(columns).assign(branch=[f"b{place}" for place in branch])
    frame["amount"] = np.round(10.0 * (1 + branch) + rng.random(n) + 40 * is_fraud, 2)
    return frame.assign(label=np.where(is_fraud, "fraud", "legitimate"), labelled_at=at + pd.Timedelta(days=1))


def read(frame: pd.DataFrame, **overrides: object) -> LabelledData:
    table = "events" if "event_id" in frame else "messages"
    return read_data(recipe(**overrides), {table: frame}, min_label_rows=1)


def test_a_campaign_goes_whole_to_the_value_that_most_of_its_rows_have() -> None:
    notice, other = "Your parcel is held at customs, pay at once", "Lunch at noon in the old harbour?"
    rows = pd.DataFrame({"text": [notice, notice, notice, other, "See you on the train to Rome", "Bring two tickets"]})
    rows["user"] = ["ann", "ann", "bob", "bob", None, None]
    groups, kind = row_groups(rows, Subject.MESSAGE, "user")
    assert kind == "group"
    assert alike(groups, np.array([0, 0, 0, 1, 2, 3])), "rows without a value belong to their campaigns alone"
    assert alike(*(row_groups(rows, Subject.MESSAGE, column)[0] for column in (None, "unknown")))


def test_chains_of_values_and_campaigns_join_nothing() -> None:
    """Each of twenty notices goes to two users, and each user gets two notices."""
    texts = [f"{letters(place)} {letters(place)}" for place in range(20)]
    rows = pd.DataFrame({"text": np.repeat(texts, 2), "user": [f"u{(at + 1) // 2 % 20}" for at in range(40)]})
    groups, campaigns = row_groups(rows, Subject.MESSAGE, "user")[0], row_groups(rows, Subject.MESSAGE)[0]
    assert 1 < len({*groups.tolist()}) <= len({*campaigns.tolist()})
    assert all(len({*groups[campaigns == campaign].tolist()}) == 1 for campaign in np.unique(campaigns))


def test_rows_of_an_account_stay_with_their_values_unless_these_are_finer() -> None:
    rows = pd.DataFrame({"account_id": list("aabbccdd"), "branch": list("xyxxyyyy"), "card": list("12345678")})
    assert alike(row_groups(rows, Subject.EVENT, "branch")[0], np.array([0, 1, 0, 0, 1, 1, 1, 1]))
    assert alike(row_groups(rows, Subject.EVENT, "card")[0], np.array([0, 0, 1, 1, 2, 2, 3, 3]))
    missing = rows.assign(branch=pd.Series([None, "y", None, None, *"yyyy"], dtype=object))
    assert alike(row_groups(missing, Subject.EVENT, "branch")[0], np.array([0, 1, 2, 2, 1, 1, 1, 1]))


def test_sites_are_groups_where_most_texts_are_urls() -> None:
    urls = ["http://a.shop.co.uk/x?y=1", "https://b.SHOP.co.uk:8080", "shop.co.uk/z", "hxxp://shop[.]co[.]uk/q"]
    others = ["http://10.0.0.7/login", "10.0.0.7", "ftp://intranet/file", "http://ann:pw@bank.example.com/in#top"]
    rows = pd.DataFrame({"text": [*urls, *others]})
    groups, kind = row_groups(rows, Subject.MESSAGE)
    assert kind == "group"
    assert alike(groups, np.array([0, 0, 0, 0, 1, 1, 2, 3]))
    texts = ["see you.then", "ann@shop.co.uk", "look at http://shop.co.uk", "a.b", "no", "", "." * 9, "x" * 9]
    assert row_groups(pd.DataFrame({"text": [*urls, *others, *texts]}), Subject.MESSAGE)[1] == "campaign", (
        "half is not most"
    )
    assert row_groups(pd.DataFrame({"text": [*urls, *others, *texts[1:]]}), Subject.MESSAGE)[1] == "group"


def test_long_texts_are_no_trouble_for_urls() -> None:
    texts = ["a." * 400_000, "http://" + "a:" * 400_000, "b@" * 400_000, "/" * 800_000 + " x", "a" * 800_000]
    assert row_groups(pd.DataFrame({"text": texts}), Subject.MESSAGE)[1] == "campaign"


@pytest.mark.parametrize("column", ["vidoe", "text", "sent_at", "tags", "one"])
def test_a_column_that_cannot_group_is_an_error_that_names_it(column: str) -> None:
    frame = comments(40, timed=True).assign(tags=pd.Series([["a"]] * 40, dtype=object), one="x")
    with refused(SchemaError, column):
        read(frame, **{"split.group": column})


def test_a_column_is_named_as_in_the_table_of_the_user() -> None:
    frame = payments(100).rename(columns={"account_id": "card"})
    data = read(frame, **{"split.group": "card", "data.columns": {"account_id": "card"}})
    assert data.group == "account_id"
    assert groups_of(data)[1] == "group"
    written = {"split": {"group": "card"}, "data": {"columns": {"events.account_id": "card"}}}
    matrix = SimpleNamespace(custom=SimpleNamespace(categories={}, texts={}, dates=()))
    model: Any = SimpleNamespace(training={"recipe": written}, subject=Subject.EVENT, matrix=matrix)
    assert group_of_model(model) == "account_id"


def test_a_note_says_what_belongs_together() -> None:
    frame = comments(100, 10)

    def note(data: LabelledData) -> str:
        return " ".join(group_notes(data, *groups_of(data)))

    assert note(read(frame)) == ""
    assert note(read(frame, **{"split.group": "video"})) == (
        "messages of one 'video' belong together: 10 groups of 100 messages"
    )
    texts = [letters(place) for place in range(100)]
    alone = read(frame.assign(text=texts, user=frame["message_id"]), **{"split.group": "user"})
    assert note(alone).endswith("groups of 100 messages; hardly any has more than one campaign")
    urls = read(frame.assign(text=[f"http://a{place % 7}.com/{place}" for place in range(100)]))
    assert note(urls).startswith("messages of one site, because most texts are URLs, belong together: 7 groups")


def split_of(data: LabelledData, **overrides: object) -> Any:
    return choose_split(data, *groups_of(data), recipe(**overrides))


def of_slices(split: Any, values: pd.Series) -> list[set[str]]:
    return [{*values.iloc[rows]} for rows in (split.train, split.calibration, split.test)]


@pytest.mark.parametrize("n_videos", [4, 30])
def test_a_split_by_group_shares_no_group(n_videos: int) -> None:
    data = read(comments(n_videos=n_videos), **{"split.group": "video"})
    split, groups = split_of(data), pd.Series(groups_of(data)[0])
    train_side, calibration, test = of_slices(split, groups)
    assert split.kind == "group"
    for first, second in ((train_side, calibration), (train_side, test), (calibration, test)):
        assert not first & second
    assert split.keeps_apart == ("groups",)


def test_a_split_by_time_keeps_fraud_of_groups_apart_if_they_do_not_last() -> None:
    frame = comments(timed=True)
    hosts_of = {"host": [f"h{place // 25}" for place in range(600)], "text": [letters(place) for place in range(600)]}
    passing = read(frame.assign(**hosts_of), **{"split.group": "host"})
    split = split_of(passing)
    is_fraud, hosts = passing.rows["label"] != "legitimate", pd.Series(groups_of(passing)[0])
    later = {*hosts.iloc[np.concatenate([split.calibration, split.test])][is_fraud]}
    assert split.keeps_apart == ("time", "fraud groups")
    assert not later & {*hosts.iloc[split.train][is_fraud]}
    assert not any("--split group" in note for note in split.notes)
    lasting = read(frame, **{"split.group": "video"})
    split = split_of(lasting)
    assert split.keeps_apart == ("time", "fraud campaigns")
    assert "--split group" in split.notes[0]
    assert split_of(lasting, **{"split.kind": "group"}).keeps_apart == ("groups",)


def test_the_past_of_a_branch_is_trained_on_as_that_of_an_account() -> None:
    data = read(payments(), **{"split.group": "branch"})
    assert split_of(data).keeps_apart == ("time",)
    by_group = split_of(data, **{"split.kind": "group"})
    train_side, _, test = of_slices(by_group, data.rows["branch"])
    assert not train_side & test


@pytest.fixture(scope="module")
def by_video(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(recipe(**{"split.group": "video"}), messages=comments(), output=tmp_path_factory.mktemp("a") / "m")


def counted(model: Any) -> set[int]:
    """Return the numbers of groups that the rates of a model are counted over."""
    return {point.legitimate_groups for point in model.points if point.legitimate_groups is not None}


@pytest.mark.slow
def test_promises_and_intervals_count_groups(by_video: Trained) -> None:
    groups = groups_of(by_video.data)[0]
    n_campaigns = len(np.unique(row_groups(by_video.data.rows, Subject.MESSAGE)[0]))
    assert all(0 < n <= 30 < n_campaigns / 5 for n in counted(by_video.model))
    assert by_video.report.bootstrap is not None
    assert by_video.report.bootstrap.over == "group"
    assert by_video.report.bootstrap.groups == len(np.unique(groups[by_video.split.test]))
    assert "messages of one 'video' belong together: 30 groups of 600 messages" in by_video.notes
    assert not any("--feature-columns" in note for note in by_video.notes), "the column is not proposed as a feature"


@pytest.mark.slow
def test_the_model_remembers_the_column_and_does_not_need_it(by_video: Trained, tmp_path: Path) -> None:
    later = comments(300, 10)
    evaluation = evaluate_tables(by_video.folder, messages=later, recipe=recipe())
    assert evaluation.report.bootstrap is not None
    assert (evaluation.report.bootstrap.over, evaluation.report.bootstrap.groups) == ("group", 10)
    without = evaluate_tables(by_video.folder, messages=later.drop(columns="video"), recipe=recipe())
    assert without.report.bootstrap is not None
    assert without.report.bootstrap.over == "campaign"
    assert any("no column 'video'" in note for note in without.notes)
    assert without.report.average_precision == evaluation.report.average_precision
    with refused(SchemaError, "branch"):
        evaluate_tables(by_video.folder, messages=later, recipe=recipe(**{"split.group": "branch"}))
    named = later.rename(columns={"video": "clip"})
    of_clips = evaluate_tables(by_video.folder, messages=named, recipe=recipe(**{"split.group": "clip"}))
    assert of_clips.report.bootstrap == evaluation.report.bootstrap
    traffic, labels = later.drop(columns="label"), later[["message_id", "label"]]
    labels = labels.rename(columns={"message_id": "subject_id"})
    result = recalibrate(by_video.folder, traffic, labels=labels, output=tmp_path / "again", recipe=recipe())
    assert counted(result.model) == {10}
    report = monitor_tables(by_video.folder, later, later)
    assert report.calibration is not None
    assert report.calibration.over == "group"


@pytest.mark.slow
def test_the_column_is_a_feature_only_if_the_recipe_names_it(tmp_path: Path) -> None:
    frame = payments()
    plain = {"model.n_rounds": 10, "model.refit": False}
    of_models: dict[str, dict[str, object]] = {
        "own": {},
        "grouped": {"split.group": "branch"},
        "asked": {"split.group": "branch", "history.categories": ["branch"]},
    }
    models = {
        name: train(recipe(**plain, **settings), events=frame, output=tmp_path / name).model
        for name, settings in of_models.items()
    }
    has = {name: any("branch" in column for column in model.matrix.columns) for name, model in models.items()}
    assert has == {"own": True, "grouped": False, "asked": True}
    record = {"event_id": "e", "account_id": "3", "occurred_at": "2026-06-01", "amount": 41.5}
    code = "import json, sys; from fraudsieve.models.predict import Scorer; given = sys.argv[1:]; "
    code += "print(json.dumps(Scorer.load(given[0]).score([json.loads(given[1])])))"
    command = [sys.executable, "-c", code, str(tmp_path / "grouped"), json.dumps(record)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert json.loads(told) == json.loads(json.dumps(Scorer(models["grouped"]).score([record])))


@pytest.mark.slow
def test_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    comments().to_csv("comments.csv", index=False)

    def run(*options: str) -> Any:
        return CliRunner().invoke(app, [*options, "--messages", "comments.csv"])

    trained = run("train", "--group", "video", "--no-track", "--output", "model")
    assert trained.exit_code == 0, trained.output
    assert "messages of one 'video' belong together: 30 groups" in trained.output
    assert "split by group; training and test share no groups" in " ".join(trained.output.split())
    assert run("evaluate", "--model", "model", "--group", "vidoe").exit_code == 2
    assert "30 groups of 600 messages" in run("evaluate", "--model", "model").output


@pytest.mark.slow
def test_folds_of_the_text_model_keep_groups_whole_and_a_campaign_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data, seen = read(comments(120, 6), **{"split.group": "video"}), list[Any]()
    groups, settings = groups_of(data)[0], recipe(**{"features.n_folds": 3})

    def record(*given: Any, **of: Any) -> Any:
        seen.append(given)
        return out_of_fold(*given, **of)

    monkeypatch.setattr(messages, "out_of_fold", record)
    rows = training_rows(data, groups, np.arange(100), settings)
    _, _, _, campaigns, folds = seen[0]
    assert alike(campaigns, row_groups(data.rows, Subject.MESSAGE)[0][rows.positions])
    assert rows.groups is not None
    assert alike(rows.groups, campaigns)
    of_folds = [{*groups[rows.positions][folds == fold].tolist()} for fold in range(3)]
    assert sum(map(len, of_folds)) == len({*groups[rows.positions].tolist()})
