"""What a store gives back to train on: own columns, names of the training, a span of time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import StateError
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.profile.dates import DateColumn
from fraudsieve.live.contents import erase
from fraudsieve.live.export import _named, export_tables
from fraudsieve.live.records import not_kept
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.models import Scorer
from fraudsieve.training.data.builders import make_builder, read_data
from fraudsieve.training.recipe.recipe import Recipe
from tests.live.samples import event, records, with_views
from tests.live.small_models import account_scorer, event_scorer, message_scorer
from tests.messages import refused

N = 60
CITIES = ("rome", "bonn", "ann", None)
NAMES = {"events.account_id": "card", "amount": "sum", "labels.subject_id": "payment"}


def own_scorer(**training: Any) -> Scorer:
    """Return a model of events with own columns, one of which has the name of an id in some rows."""
    own = CustomColumns(("age", "amount"), {"city": ("rome", "bonn")}, dates=(DateColumn("opened"), DateColumn("born")))
    model = with_views(event_scorer(), custom=own).model
    return Scorer(replace(model, training=training))


def source_tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(7)
    times = pd.Timestamp("2024-03-01T00:00:07Z") + pd.to_timedelta(np.sort(rng.integers(0, 30 * 86400, N)), unit="s")
    events = pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(N)],
            "account_id": [f"a{number}" for number in rng.integers(0, 5, N)],
            "counterparty_id": [f"a{number}" for number in rng.integers(0, 5, N)],
            "device_id": [f"d{number}" for number in rng.integers(0, 3, N)],
            "occurred_at": times,
            "kind": "message",
            "amount": rng.integers(1, 99, N) / 4,
            "age": np.where(rng.random(N) < 0.2, np.nan, rng.integers(18, 80, N)),
            "city": rng.choice(np.array(CITIES, object), N),
            "opened": (times - pd.to_timedelta(rng.integers(-9, 900 * 86_400, N), unit="s")).where(rng.random(N) < 0.8),
            "born": [f"19{60 + number % 30}-03-01" for number in range(N)],
        }
    )
    known = times + pd.to_timedelta(rng.integers(1, 40 * 86400, N), unit="s")
    labels = pd.DataFrame({"subject_id": events["event_id"], "labelled_at": known, "source": "bank"})
    return {"events": events, "labels": labels.assign(label=np.where(rng.random(N) < 0.4, "fraud", "legitimate"))}


def fill(path: Path, tables: dict[str, pd.DataFrame], scorer: Scorer) -> None:
    sent = {name: records(frame.astype(object).where(frame.notna(), None)) for name, frame in tables.items()}
    with LiveState(scorer, path, lateness="90d") as live:
        for start in range(0, N, 7):
            assert live.update(labels=sent["labels"][start : start + 7]).rejected == ()
            assert live.update(sent["events"][::-1][start : start + 7]).rejected == ()


@pytest.mark.slow
def test_what_was_exported_trains_an_equal_model(tmp_path: Path) -> None:
    """Rows, columns and features are those of the source tables, to the last bit."""
    tables, scorer = source_tables(), own_scorer()
    fill(tmp_path / "live.db", tables, scorer)
    with open_store(tmp_path / "live.db") as store:
        content = export_tables(store, tmp_path / "tables", scorer.model)
    assert content == {
        "events": N, "labels": N, "messages_without_text": 0, "complete_since": None, "trains_since": None,
        "not_kept": [],
    }  # fmt: skip
    recipe, found = Recipe.read(None, {"data.subject": "event"}), []
    for source in (tables, {name: str(tmp_path / "tables" / f"{name}.parquet") for name in tables}):
        data = read_data(recipe, source, min_label_rows=1)
        builder = make_builder(data, recipe).set_output(transform="pandas")
        found.append((data.rows, builder.fit_transform(data.rows, data.rows["label"])))
    rows, features = zip(*found, strict=True)
    dates = {"profile__days_since_opened", "profile__hour_of_opened", "profile__years_since_born"}
    assert {"profile__age", "profile__city", *dates} <= set(features[0].columns)
    pd.testing.assert_frame_equal(features[0], features[1], check_exact=True)
    names = ["event_id", "label", "labelled_at", "as_of"]
    pd.testing.assert_frame_equal(rows[0][names], rows[1][names], check_exact=True)


def test_a_span_is_exported_with_the_names_of_the_training(tmp_path: Path) -> None:
    tables, scorer = source_tables(), own_scorer(recipe={"data": {"columns": NAMES}})
    fill(tmp_path / "live.db", tables, scorer)
    middle = str(tables["events"]["occurred_at"][20]), str(tables["events"]["occurred_at"][30])
    with open_store(tmp_path / "live.db") as store:
        span = {"since": middle[0], "until": middle[1]}
        assert export_tables(store, tmp_path / "tables", scorer.model, **span)["labels"] == 10
    events, labels = (pd.read_parquet(tmp_path / "tables" / f"{name}.parquet") for name in ("events", "labels"))
    assert events["event_id"].tolist() == tables["events"]["event_id"][20:30].tolist()
    assert {"card", "sum", "age", "city"} <= set(events.columns)
    assert sorted(labels["payment"]) == sorted(events["event_id"])


def test_own_columns_are_no_ids_and_a_wrong_value_is_left_out(tmp_path: Path) -> None:
    with LiveState(own_scorer(), tmp_path / "live.db") as live:
        sent = [event(age=30, city="zed"), event(event_id="e2", age="old", city=[1]), event(event_id="e3")]
        assert live.update(sent).rejected == ()
        with open_store(tmp_path / "live.db") as store:
            assert erase(store, account_id="zed") == 0
            export_tables(store, tmp_path / "tables")
    events = pd.read_parquet(tmp_path / "tables" / "events.parquet")
    assert events["age"].fillna(0).tolist() == [30, 0, 0]
    assert events["city"].fillna("").tolist() == ["zed", "", ""]


def test_what_is_not_kept_is_named() -> None:
    assert not_kept(message_scorer().model, has_records=False) == ("the texts of messages",)
    assert not_kept(message_scorer().model, has_records=True) == ()
    assert not_kept(own_scorer().model, has_records=False) == ()
    without_history = with_views(own_scorer(), histories=(), network=None).model
    assert not_kept(without_history, has_records=False) == ("the events",)
    own = with_views(account_scorer(), custom=CustomColumns(("age",))).model
    assert not_kept(own, has_records=True) == ("the table of accounts",)


def test_labels_of_two_types_need_a_model(tmp_path: Path) -> None:
    label = {"subject_id": "e1", "label": "fraud", "labelled_at": "2024-05-01T10:30:00Z"}
    for scorer in (event_scorer(), with_views(event_scorer(), subject=Subject.ACCOUNT)):
        with LiveState(scorer, tmp_path / "live.db") as live:
            live.update(labels=label)
    with open_store(tmp_path / "live.db") as store:
        with refused(StateError):
            export_tables(store, tmp_path / "tables")
        assert export_tables(store, tmp_path / "tables", event_scorer().model)["labels"] == 1


def test_a_column_in_several_roles_is_written_once() -> None:
    table = pa.table({"account_id": ["a"], "card_id": ["a"], "amount": [1.0]})
    names = {"account_id": "card", "events.card_id": "card", "amount": "total"}
    assert _named(table, "events", names).to_pylist() == [{"card": "a", "total": 1.0}]
