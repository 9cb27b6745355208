"""A retraining from the store of a service: it equals one from the tables that the store exports, to the last bit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.live.export import export_tables
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.models import Scorer
from fraudsieve.retrain import plan_retraining, retrain
from fraudsieve.retrain.retraining_plan import with_store
from fraudsieve.tables.source import as_input, origin_of
from fraudsieve.training.tracking.registry import Registry
from tests.live.samples import daily_scorer, event, old_and_new, records, with_views
from tests.live.small_models import account_scorer, event_scorer, message_scorer
from tests.live.test_scored_records import label, log_records
from tests.messages import refused

from .conftest import Payments, day

LABELS = {"labels": "labels.csv"}
CHANGES = {"data.as_of": day(60), "gates.latency_ms": 1000.0}


def fill(path: Path, scorer: Scorer, payments: Payments) -> None:
    """Fill a store as a service of a model without history does: with logged records and with labels."""
    events, labels = payments
    sent = events.assign(occurred_at=events["paid_at"].astype(str)).drop(columns="paid_at")
    log_records(path, list(records(sent)), scorer)
    with LiveState(scorer, path) as live:
        assert live.update(labels=records(labels)).rejected == ()


@pytest.mark.slow
def test_it_equals_one_from_the_exported_tables(base: Path, registry: Registry, payments: Payments) -> None:
    path, scorer = Path("live.db"), Scorer.load(base)
    fill(path, scorer, payments)
    with open_store(path) as store:
        export_tables(store, "tables", scorer.model)
    one = retrain(base, state=path, output="one", changes=CHANGES)
    files: dict[str, Any] = {"events": "tables/events.parquet", "labels": "tables/labels.parquet"}
    other = retrain(base, **files, output="other", changes=CHANGES | {"name": "others"})
    assert one.plan.tables == {"events": "live.db", "labels": "live.db"}
    assert (one.outcome, one.evaluation) == (other.outcome, other.evaluation)
    assert one.trained is not None
    assert other.trained is not None
    data = payments[0].rename(columns={"paid_at": "occurred_at"}).to_dict("list")
    columns = [Scorer(trained.model).score_columns(data) for trained in (one.trained, other.trained)]
    for name, values in columns[0].items():
        np.testing.assert_array_equal(values, columns[1][name])
    facts = [dict(trained.model.training) for trained in (one.trained, other.trained)]
    digests = [one.pop("digests") for one in facts]  # of the values of a store, and of the bytes of a file
    assert digests[0].keys() == digests[1].keys()
    assert facts[0]["rows"] == facts[1]["rows"]
    assert (
        retrain("models:/cards@champion", state=path, output="one", overwrite=True, changes=CHANGES).outcome
        == "nothing new"
    )


@pytest.mark.slow
def test_earlier_rows_and_labels_of_files_are_added(base: Path, uri: str, payments: Payments) -> None:
    events, labels = payments
    later = events["paid_at"] >= day(20)
    fill(Path("live.db"), Scorer.load(base), (events[later], labels[later.to_numpy()]))
    whole = plan_retraining(base, events=events, labels=labels, changes=CHANGES)
    both = plan_retraining(
        base,
        state="live.db",
        events=events[events["paid_at"] < day(25)],
        labels=labels[~later.to_numpy()],
        changes=CHANGES,
    )
    assert (both.labelled, both.by_class, both.span) == (whole.labelled, whole.by_class, whole.span)
    assert both.tables == {"events": "live.db, frame", "labels": "live.db, frame"}


def test_a_store_that_holds_another_history_is_found(tmp_path: Path) -> None:
    path, labels = tmp_path / "live.db", pd.DataFrame([label("e0")])
    with LiveState(event_scorer(), path) as live:
        live.update(event(), label("e1"))
    view = event_scorer().model.matrix.event_views[0]
    other = with_views(event_scorer(), histories=(replace(view, windows=("2h",)),))
    models = event_scorer().model, other.model
    assert [with_store(model, {"labels": labels}, path).holds_history for model in models] == [True, False]
    LiveState(other, path).close()  # a service that was started with it
    assert with_store(other.model, {"labels": labels}, path).holds_history


def test_a_table_of_the_store_is_read_with_the_names_of_the_model(tmp_path: Path) -> None:
    with LiveState(event_scorer(), tmp_path / "live.db") as live:
        live.update(event(), label("e1"))
    given = with_store(
        event_scorer().model, {"labels": pd.DataFrame([label("e0")]), "events": None}, tmp_path / "live.db"
    )
    assert given.tables.keys() == {"events", "labels"}
    assert (given.trains_since, given.notes) == (None, ())
    stored, added = as_input(given.tables["labels"]).parts
    assert origin_of(given.tables["events"]) == str(tmp_path / "live.db")
    assert (stored.loaded.frame["subject_id"][0], added.loaded.frame["subject_id"][0]) == ("e1", "e0")


def test_it_says_from_when_on_the_store_can_train(tmp_path: Path) -> None:
    scorer = daily_scorer(event_scorer())
    with LiveState(scorer, tmp_path / "live.db", label_days=1) as live:
        old_and_new(live)
    given = with_store(scorer.model, LABELS, tmp_path / "live.db")
    assert given.trains_since is not None
    (note,) = given.notes
    assert note.endswith(f"records before {given.trains_since} lack a part of their history")


def test_what_the_store_lacks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.db: there is no such store"):
        with_store(message_scorer().model, {}, tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    with LiveState(message_scorer(), tmp_path / "live.db") as live:
        live.update(event())
        live.observe({"message_id": "m1", "text": "Your parcel is held", "sent_at": "2024-05-01T10:00:00Z"})
    problem = "does not keep the texts of messages, .* Give --messages, or log records: serve --score-log records"
    with pytest.raises(StateError, match=problem):
        with_store(message_scorer().model, {}, tmp_path / "live.db")
    given = with_store(message_scorer().model, {"messages": "messages.csv"}, tmp_path / "live.db")
    assert given.tables["messages"] == "messages.csv"
    assert given.notes == ()
    log_records(tmp_path / "live.db", [{"message_id": "m2", "text": "Another one", "sent_at": "2024-05-01T11:00:00Z"}])
    with refused(StateError):
        with_store(message_scorer().model, {}, tmp_path / "live.db")
    given = with_store(message_scorer().model, LABELS, tmp_path / "live.db")
    assert len(as_input(given.tables["messages"]).loaded.frame) == 1
    assert given.notes == (
        f"{tmp_path}/live.db: 1 of the messages in the history were not scored, so campaigns lack them",
    )
    without_senders = with_views(message_scorer(), sender=()).model  # events of another model are no table of it
    assert set(with_store(without_senders, LABELS, tmp_path / "live.db").tables) == {"labels", "messages"}
    assert set(with_store(account_scorer().model, LABELS, tmp_path / "live.db").tables) == {"events", "labels"}
