"""Feature rows of tables: missing columns under a policy, and past messages beside scored ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.features import AccountFeatures, History
from fraudsieve.models import FraudClassifier, Model, Policy, Scorer, write_model
from fraudsieve.models.batch.rows import feature_rows
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.models.batch.scored_tables import read_inputs, with_scored
from fraudsieve.training.evaluation.evaluation_run import rows_with_history
from tests.live.samples import records
from tests.live.small_models import message_scorer

N = 60


def payments() -> pd.DataFrame:
    numbers = np.arange(N)
    times = pd.Timestamp("2026-04-01", tz="UTC") + pd.to_timedelta(numbers, unit="h")
    frame = pd.DataFrame({"event_id": [f"e{n}" for n in numbers], "occurred_at": times, "kind": "pay"})
    frame["account_id"], frame["device_id"] = [f"a{n % 7}" for n in numbers], [f"d{n % 5}" for n in numbers]
    return frame.assign(amount=numbers * 1.5, urgent=numbers % 3 == 0, channel=np.where(numbers % 2, "app", "web"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of events with custom columns, and with a view of devices."""
    events = payments()
    labels = np.where(events["urgent"], "fraud", "legitimate").astype(object)
    views = [History(("1d",)), History(("1d",), entity="device_id", name="device", measures=("count",))]
    features = AccountFeatures(events, subject="event", history=views).set_output(transform="pandas")
    matrix = features.fit_transform(events, labels)
    classifier = FraudClassifier(n_rounds=5, n_jobs=1, min_leaf_rows=5).fit(matrix, labels)
    parts = classifier.ensemble_, classifier.calibration_
    path = tmp_path_factory.mktemp("events") / "model"
    write_model(Model("events", ("fraud", "legitimate"), "legitimate", features.matrix_, *parts), path)
    return path


@pytest.mark.parametrize("missing", [["urgent"], ["urgent", "channel", "device_id"]])
def test_a_file_without_a_column_is_scored_as_a_record_without_the_field(
    folder: Path, tmp_path: Path, missing: list[str]
) -> None:
    lenient = Scorer.load(folder, policy=Policy(missing="missing"))
    past, new = payments()[:50], payments()[50:].drop(columns=missing)
    for ending in ("csv", "parquet"):
        past.to_parquet(tmp_path / "past.parquet")
        source = tmp_path / f"new.{ending}"
        new.to_csv(source, index=False) if ending == "csv" else new.to_parquet(source)
        result = score_file(lenient, source, tmp_path / "scores.parquet", history=tmp_path / "past.parquet")
        scores = pd.read_parquet(result.output)
        state = lenient.new_state(lateness="30d")
        state.update(records(past.drop(columns=["urgent", "channel"])))
        alone = lenient.score(records(new), history=state)
        assert scores["probability"].tolist() == [score["probability"] for score in alone]
        assert scores["status"].tolist() == [score["status"] for score in alone]
    whole = score_file(lenient, payments()[50:], tmp_path / "whole.parquet", history=past).output
    assert (pd.read_parquet(whole)["probability"] != scores["probability"]).any()


def file_scores(
    scorer: Scorer, folder: Path, new: pd.DataFrame, past: pd.DataFrame | None
) -> tuple[list[float], list[float]]:
    """Return the counts and the scores of Parquet files, which are scored in chunks if records are independent."""
    tables = {"new": new} if past is None else {"new": new, "past": past}
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    history = None if past is None else folder / "past.parquet"
    read = read_inputs(scorer.model, folder / "new.parquet", history=history)
    counts: list[float] = feature_rows(scorer.model, read.records, read.history).X[:, 0].tolist()
    result = score_file(scorer, folder / "new.parquet", folder / "scores.parquet", history=history)
    return counts, pd.read_parquet(result.output)["probability"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("without_ids", [(), ("new",), ("past",), ("new", "past")])
def test_payments_that_are_scored_are_history_of_later_ones(tmp_path: Path, without_ids: tuple[str, ...]) -> None:
    """As in a service that adds each payment after its score. One payment happens three times."""
    sent = payments().drop(columns=["urgent", "channel"]).assign(account_id="a1", device_id="d1", amount=1.0)
    days = [*range(54), 54, 54, 54, *range(57, N)]
    sent["occurred_at"] = pd.Timestamp("2025-04-01", tz="UTC") + pd.to_timedelta([7 * day for day in days], unit="D")
    past, new = sent[:20], sent[20:]
    labels = np.where(np.arange(N) > 30, "fraud", "legitimate").astype(object)
    features = AccountFeatures(sent, subject="event", history=History(("all",), measures=("count",)))
    matrix = features.set_output(transform="pandas").fit_transform(sent)
    classifier = FraudClassifier(n_rounds=5, n_jobs=1, min_leaf_rows=1).fit(matrix, labels)
    parts = features.matrix_, classifier.ensemble_, classifier.calibration_
    scorer = Scorer(Model("events", ("fraud", "legitimate"), "legitimate", *parts))
    state, scores = scorer.new_state(lateness="all"), list[float | None]()
    state.update(records(past))
    for _, same in new.groupby("occurred_at"):
        scores += [score["probability"] for score in scorer.score(records(same), history=state)]
        state.update(records(same))
    expected = [*range(20, 54), 54, 54, 54, 57, 58, 59], scores
    assert len(set(scores)) > 1
    tables = {"past": past, "new": new, "both": sent}
    for name in {*without_ids} | ({"both"} if "past" in without_ids else set()):
        tables[name] = tables[name].drop(columns="event_id")
    for history in (tables["past"], tables["both"]):
        assert file_scores(scorer, tmp_path, tables["new"], history) == expected
    assert tuple(of[20:] for of in file_scores(scorer, tmp_path, sent, None)) == expected
    alone = file_scores(scorer, tmp_path, tables["new"], None)
    assert file_scores(scorer, tmp_path, tables["new"], tables["new"]) == alone
    assert score_frame(scorer, new, history=past)["probability"].tolist() == scores


def test_rows_without_ids_count_as_often_as_in_the_table_that_has_more(folder: Path) -> None:
    model = Scorer.load(folder).model
    rows = payments().drop(columns="event_id").assign(amount=0.0, urgent=True)

    def of(*numbers: int) -> pd.DataFrame:
        return rows.iloc[list(numbers)].assign(urgent=False).reset_index(drop=True)

    both = with_scored(model, of(0, 1, 1, 2, 2, 2), of(0, 1, 1, 1, 3, 3, 2).assign(device_id=None)[1:])
    assert both["device_id"].isna().sum() == 6
    both = with_scored(model, of(0, 1, 1, 2, 2, 2), of(0, 1, 1, 1, 3, 3, 2))
    assert sorted(rows["occurred_at"].searchsorted(both["occurred_at"])) == [0, 1, 1, 1, 2, 2, 2, 3, 3]
    past, new = of(0, 1, 2), of(0, 1, 2, 2)
    past["event_id"], new["event_id"] = pd.Series(["a", None, None]), pd.Series(["a", None, "b", None])
    both = with_scored(model, past, new)
    assert both["event_id"].fillna("").tolist() == ["a", "", "", "b"]


def test_by_default_a_missing_column_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="column 'urgent' is missing"):
        score_file(folder, payments().drop(columns="urgent"), tmp_path / "scores.parquet")


def campaign_rows(new: pd.DataFrame, past: pd.DataFrame) -> list[list[float]]:
    model = replace(message_scorer().model, training={})
    read = read_inputs(model, new, history=past)
    rows = feature_rows(model, read.records, read.history).X
    names = [name.startswith("campaign__messages") for name in model.matrix.columns]
    columns: list[list[float]] = rows[:, names].tolist()
    return columns


@pytest.mark.parametrize("without", [(), ("new",), ("past",), ("new", "past")])
def test_numbered_messages_are_not_those_of_another_table(without: tuple[str, ...]) -> None:
    times = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(np.arange(8), unit="h")
    sent = pd.DataFrame({"text": "pay 100 now at shop.example/pay", "account_id": "a1", "sent_at": times})
    sent["message_id"] = [str(n) for n in (3, 4, 0, 1, 2, 5, 6, 7)]
    tables = {"past": sent[:2].reset_index(drop=True), "new": sent[2:].reset_index(drop=True)}
    expected = campaign_rows(tables["new"], tables["past"])
    assert [row[-1] for row in expected] == [2, 3, 4, 5, 6, 7]
    for name in without:
        tables[name] = tables[name].drop(columns="message_id")
    assert campaign_rows(tables["new"], tables["past"]) == expected


@pytest.mark.parametrize("ids", [["p", "q", "r"], None])
def test_a_message_in_both_tables_counts_once(ids: list[str] | None) -> None:
    times = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(np.arange(3), unit="h")
    sent = pd.DataFrame({"text": "pay 100 now at shop.example/pay", "account_id": "a1", "sent_at": times})
    if ids is not None:
        sent["message_id"] = ids
    assert [row[-1] for row in campaign_rows(sent, sent[:2])] == [0, 1, 2]


DEVICE = History(("1d",), entity="device_id", name="device", measures=("count",))
PAYEE = History(("1d",), entity="account_id", subject="device_id", name="payee", measures=("count",))
OWN = History(("1d",), measures=("count",))


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        # The devices of old events are forgotten, so they are no history; accounts are kept for ever.
        ([DEVICE], ["ok", "no_history", "ok", "no_history"]),
        ([DEVICE, PAYEE], ["ok", "no_history", "ok", "ok"]),
        ([OWN, PAYEE], ["ok", "ok", "no_history", "no_history"]),
        ([OWN, DEVICE], ["ok", "ok", "no_history", "no_history"]),
    ],
)
def test_the_status_of_a_file_is_that_of_records_and_of_a_live_state(views: list[History], expected: list[str]) -> None:
    """Of an account and a device with events, the account alone, the device alone, and an account as a device."""
    past = payments()
    labels = np.where(past["urgent"], "fraud", "legitimate").astype(object)
    features = AccountFeatures(past, subject="event", history=views).set_output(transform="pandas")
    matrix = features.fit_transform(past, labels)
    classifier = FraudClassifier(n_rounds=2, n_jobs=1, min_leaf_rows=5).fit(matrix, labels)
    parts = features.matrix_, classifier.ensemble_, classifier.calibration_
    scorer = Scorer(Model("events", ("fraud", "legitimate"), "legitimate", *parts))
    new = past[-4:].assign(event_id=["w", "x", "y", "z"], occurred_at=past["occurred_at"].max() + pd.Timedelta("6h"))
    new["account_id"], new["device_id"] = ["a1", "a2", "nobody", "none"], ["d1", "new", "d1", "a1"]
    state = scorer.new_state(lateness="30d")
    state.update(records(past))
    assert score_frame(scorer, new, history=past)["status"].tolist() == expected
    for history in (records(past), state):
        assert [score["status"] for score in scorer.score(records(new), history=history)] == expected
    with_history = rows_with_history(new.assign(as_of=new["occurred_at"]), features)
    assert with_history is not None
    assert np.where(with_history, "ok", "no_history").tolist() == expected
    late = new.assign(occurred_at=new["occurred_at"] + pd.Timedelta("2D"))
    in_file = score_frame(scorer, late, history=past)["status"].tolist()
    assert in_file == [score["status"] for score in scorer.score(records(late), history=state)]
    assert (in_file == expected) == (DEVICE not in views or OWN in views)
