"""Latency of single records: the timed call and the shortest time."""

import time
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.fit import train
from fraudsieve.training.promotion import model_comparison
from fraudsieve.training.promotion.model_comparison import MAX_RECORDS, ROUNDS, latencies, live_scoring, records_to_time
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import World
from tests.shared import mlflow_uri


def test_calls_are_timed_separately_and_the_shortest_time_counts() -> None:
    slow_once = iter([True] + [False] * 10_000)

    def hiccup(record: Any) -> None:
        time.sleep(0.05 if next(slow_once) else 0.001)

    one, two = latencies([hiccup, lambda record: time.sleep(0.004)], [[{}] * 3] * 2)
    assert 1 <= one.p50_ms <= one.p99_ms < 4 <= two.p50_ms


def test_the_slowest_records_are_the_p99() -> None:
    records = [{"s": 0.0}] * 90 + [{"s": 0.003}] * 10
    percentiles = latencies([lambda record: time.sleep(record["s"])], [records])[0]
    assert percentiles.p50_ms < 1
    assert percentiles.p99_ms >= 3


def test_each_function_is_called_with_its_own_records() -> None:
    calls: list[list[Any]] = [[], []]
    latencies([call.append for call in calls], [[{"a": 1}, {"a": 2}], [{"b": 1}, {"b": 2}]])
    assert calls[0] == [{"a": 1}, {"a": 2}] * (1 + ROUNDS)
    assert calls[1] == [{"b": 1}, {"b": 2}] * (1 + ROUNDS)


@pytest.mark.slow
def test_records_are_those_of_a_service(rivals: Any) -> None:
    matrix = Scorer.load(rivals.strong).model.matrix
    records = records_to_time(rivals.later.assign(review_note="seen", label_weight=1.0), matrix)
    assert len(records) == MAX_RECORDS
    assert set(records[0]) == {"message_id", "text", "sent_at"}
    assert (records[0]["text"], records[-1]["text"]) == tuple(rivals.later["text"].iloc[[0, -1]])


def test_records_have_the_own_columns_of_their_model() -> None:
    rows = pd.DataFrame({"account_id": ["ann"], "label": ["fraud"], "age": [31], "city": ["Rome"]})
    of_age, of_city = (AccountMatrix(Subject.ACCOUNT, (), custom=CustomColumns((name,))) for name in ("age", "city"))
    assert records_to_time(rows, of_age) == [{"account_id": "ann", "age": 31}]
    assert records_to_time(rows, of_city) == [{"account_id": "ann", "city": "Rome"}]


@pytest.mark.slow
def test_a_model_without_history_is_timed_by_its_scorer(rivals: Any) -> None:
    scorer = Scorer.load(rivals.strong)
    data = read_data(Recipe(), {"messages": rivals.later}, min_label_rows=1)
    call = live_scoring(scorer, data)
    assert call({"text": "hello"}) == scorer.score({"text": "hello"})


@dataclass(frozen=True, eq=False)
class Payments:
    """A model of payments with the history of their accounts, and its data."""

    scorer: Scorer
    data: LabelledData


@pytest.fixture(scope="module")
def payments(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Payments:
    folder = tmp_path_factory.mktemp("payments")
    events = small_world.events[small_world.events["kind"] == "payment"].reset_index(drop=True)
    events["label"] = ["fraud" if i % 5 == 0 else "legitimate" for i in range(len(events))]
    settings = {"track.uri": mlflow_uri(folder), "track.register_model": False, "n_jobs": 1}
    recipe = Recipe.read(overrides={**settings, "data.subject": "event", "model.n_rounds": 5})
    model = train(recipe, output=folder / "m", events=events).model
    return Payments(Scorer(model), read_data(recipe, {"events": events}, min_label_rows=1))


@pytest.mark.slow
@pytest.mark.parametrize("until", [None, pd.Timestamp("2026-02-15", tz="UTC")])
def test_a_model_with_history_has_a_state_of_the_latest_events(
    payments: Payments, monkeypatch: pytest.MonkeyPatch, until: pd.Timestamp | None
) -> None:
    monkeypatch.setattr(model_comparison, "MAX_EVENTS", 500)
    events = payments.data.rows.sort_values("occurred_at")
    earlier = events if until is None else events[events["occurred_at"] < until]
    call = live_scoring(payments.scorer, payments.data, until)
    latest = records_to_time(events, payments.scorer.model.matrix)[-1]
    record = {**latest, "occurred_at": pd.Timestamp("2027-01-01", tz="UTC")}
    in_state = set(earlier["account_id"].tail(500))
    not_in_state = sorted(set(events["account_id"]) - in_state)
    for account, status in [(min(in_state), "ok"), (not_in_state[0], "no_history")]:
        score: Any = call(record | {"account_id": account})
        assert score["status"] == status
