"""Records and labels as of a time: by a recipe, and for a stand-in of a comparison."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import known_before
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.facts import written_settings
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused

DAYS = pd.Series(pd.date_range("2026-01-01", periods=1000, tz="UTC", unit="us"))
MESSAGES = pd.DataFrame(
    {
        "message_id": [f"m{number}" for number in range(6)],
        "text": ["win", "hello", "pay now", "hi", "call", "yes"],
        "sent_at": pd.date_range("2026-01-01 10:00", periods=6, tz="UTC"),
    }
)
LABELS = pd.DataFrame(
    {
        "subject_id": MESSAGES["message_id"],
        "label": ["spam", "legitimate"] * 3,
        "labelled_at": MESSAGES["sent_at"] + pd.Timedelta(days=1),
    }
)


def labelled() -> LabelledData:
    """Return a record a day, a fifth of them fraud, with labels that arrive after ten days."""
    label = np.where(np.arange(len(DAYS)) % 5 == 4, "fraud", "legitimate")
    rows = pd.DataFrame({"as_of": DAYS, "labelled_at": DAYS + pd.Timedelta(days=10), "label": label})
    events, labels = rows.rename(columns={"as_of": "occurred_at"}), rows[["label", "labelled_at"]]
    return LabelledData(rows, pd.DataFrame(), pd.DataFrame(), 0, (), {}, events=events, all_labels=labels)


def read(as_of: Any, messages: pd.DataFrame = MESSAGES, labels: pd.DataFrame = LABELS) -> LabelledData:
    recipe = Recipe.read(overrides={"data.as_of": as_of})
    return read_data(recipe, {"messages": messages, "labels": labels}, min_label_rows=1)


def test_what_was_known_before_has_no_later_records_and_no_later_labels() -> None:
    data = labelled()
    earlier = known_before(data, DAYS[500], min_label_rows=10)
    assert earlier.rows["as_of"].tolist() == DAYS[:490].tolist()
    assert earlier.waiting.tolist() == DAYS[490:500].tolist()
    assert (earlier.subjects["as_of"] < DAYS[500]).all()
    assert earlier.events is not None
    assert earlier.events["occurred_at"].tolist() == DAYS[:500].tolist()
    assert earlier.all_labels is not None
    assert (earlier.all_labels["labelled_at"] < DAYS[500]).all()
    data.rows.loc[4, "label"] = "loan"
    for least, types in ((97, ["legitimate", "fraud"]), (98, ["legitimate", "loan", "fraud"])):
        # A rare type is left out beside a common one, and stays if that would leave no fraud.
        assert known_before(data, DAYS[500], min_label_rows=least).rows["label"].unique().tolist() == types


def test_a_recipe_reads_tables_as_of_a_time() -> None:
    assert len(read(None).rows) == 6
    data = read("2026-01-05T00:00:00")  # UTC
    assert data.rows["message_id"].tolist() == ["m0", "m1", "m2"]
    assert (data.n_unlabelled, data.messages is not None and len(data.messages)) == (1, 4)
    assert data.notes[-1] == "as of 2026-01-05T00:00:00+00:00, 2 messages are left out, and 1 more have no label yet"
    assert read("2027-01-01").notes == read(None).notes


def test_a_time_before_all_labels_is_an_error_and_so_are_records_without_times() -> None:
    expected = "none of 6 labels of messages was known before 2026-01-01.*Give earlier records and labels"
    with pytest.raises(SchemaError, match=expected):
        read("2026-01-01")
    with refused(SchemaError):
        read("2027-01-01", MESSAGES.drop(columns="sent_at"))


def test_the_time_is_not_part_of_what_a_model_keeps() -> None:
    assert written_settings(Recipe.read(overrides={"data.as_of": "2026-01-05"})) == written_settings(Recipe())


def test_features_that_are_computed_have_a_time_of_their_own() -> None:
    recipe = Recipe.read(overrides={"data.as_of": "2026-01-05"})
    with refused(RecipeError, "data.as_of"):
        read_data(recipe, {"features": "matrix.parquet"}, min_label_rows=1)
