"""What the tables of a retraining must have, and what an error says otherwise."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.retrain.retraining_plan import BaseModel, count_labels, inputs_of, load_base, read_training_table
from fraudsieve.training.data.labelled import LabelledData
from tests.messages import refused

from .conftest import Payments, day

pytestmark = pytest.mark.slow


@pytest.fixture
def loaded(base: Path, uri: str) -> BaseModel:
    return load_base(base, {"data.as_of": day(50)})


def read(loaded: BaseModel, **tables: Any) -> LabelledData:
    return read_training_table(loaded.model, loaded.recipe, inputs_of(loaded.model, loaded.recipe, tables))


def test_records_and_labels_are_those_known_by_then(loaded: BaseModel, payments: Payments) -> None:
    events, labels = payments
    data = read(loaded, events=events, labels=labels)
    assert len(data.rows) == 48 * 40
    assert data.n_unlabelled == 2 * 40
    assert data.events is not None
    assert len(data.events) == 50 * 40
    by_class, by_source = count_labels(data)
    assert sum(by_class.values()) == 48 * 40
    assert by_source == {"review": by_class["legitimate"], "chargeback": by_class["fraud"]}
    assert any("400 events are left out" in note for note in data.notes)


def test_labels_are_read_as_those_of_the_model(loaded: BaseModel, payments: Payments) -> None:
    events, labels = payments
    numbers = labels.assign(label=(labels["label"] == "fraud").astype(int))
    assert set(read(loaded, events=events, labels=numbers).rows["label"]) == {"fraud", "legitimate"}


def test_a_column_that_the_model_uses_must_be_there(loaded: BaseModel, payments: Payments) -> None:
    events, labels = payments
    expected = r"frame: expected the \d columns that the model uses, got a table without size\. Add them, .* use train"
    with pytest.raises(SchemaError, match=expected):
        read(loaded, events=events.drop(columns="size"), labels=labels)


def test_labels_of_unknown_ids_are_an_error_or_are_counted(loaded: BaseModel, payments: Payments) -> None:
    events, labels = payments
    others = labels.assign(subject_id="x" + labels["subject_id"])
    with refused(SchemaError):
        read(loaded, events=events, labels=others)
    data = read(loaded, events=events, labels=pd.concat([labels, others.head(7)]))
    assert "7 labels have no matching event" in data.notes


def test_a_table_that_the_model_cannot_use_is_an_error(loaded: BaseModel, payments: Payments) -> None:
    events, labels = payments
    with refused(SchemaError, "--messages"):
        read(loaded, events=events, labels=labels, messages=events)
    with pytest.raises(RecipeError, match="a table of events is missing"):
        read(loaded, labels=labels)


def test_labels_must_have_been_known_by_then(base: Path, uri: str, payments: Payments) -> None:
    loaded = load_base(base, {"data.as_of": "2020-01-01"})
    with refused(SchemaError):
        read(loaded, events=payments[0], labels=payments[1])
