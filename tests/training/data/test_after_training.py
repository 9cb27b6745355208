"""Records that are later than training, and warnings if that is unknown."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model, read_model
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import (
    count_rows_in_training,
    rows_after_training,
    rows_since,
    trained_until,
)
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import split_model_folder
from tests.messages import refused

pytestmark = pytest.mark.slow


def read(messages: pd.DataFrame) -> LabelledData:
    return read_data(Recipe(), {"messages": messages}, min_label_rows=1)


@pytest.fixture(scope="module")
def model(rivals: Any) -> Model:
    return read_model(rivals.strong)


def without_times(model: Model) -> Model:
    return replace(model, training=model.training | {"window": [], "calibration_window": []})


def test_trained_until_is_the_last_training_or_calibration_record(model: Model, rivals: Any) -> None:
    until = trained_until(model)
    assert until == pd.Timestamp(model.training["calibration_window"][1])
    assert until is not None
    # A model that was trained again has learned from its calibration rows too.
    assert pd.Timestamp(model.training["window"][1]) == until <= rivals.earlier["sent_at"].max()
    seen = (rivals.earlier["sent_at"] <= until).sum()
    assert seen >= model.training["rows"]["train"] >= model.training["rows"]["calibration"]
    evaluated = read_model(split_model_folder(rivals.strong))
    before = trained_until(evaluated)
    assert before is not None
    assert pd.Timestamp(evaluated.training["window"][1]) < before < until
    assert trained_until(without_times(model)) is None


def test_earlier_records_are_left_out_and_counted(model: Model, rivals: Any) -> None:
    until = trained_until(model)
    everything = pd.concat([rivals.earlier, rivals.later], ignore_index=True)
    everything.loc[[0, len(everything) - 1], "sent_at"] = pd.NaT
    result = rows_after_training(read(everything), [read_model(rivals.weak), model])
    assert (everything["sent_at"][result.rows] > until).all()
    assert result.left_out == {
        "not later than training": int((everything["sent_at"] <= until).sum()),
        "without a time": 2,
    }
    assert result.rows.sum() + sum(result.left_out.values()) == len(everything)
    assert result.warnings == ()
    # A record at that time itself was trained on.
    edge = read(everything.assign(sent_at=until).iloc[:1].merge(everything.iloc[-2:-1], how="outer"))
    assert rows_after_training(edge, [model]).left_out["not later than training"] == 1


def test_no_later_record_is_an_error_with_the_end_of_training(model: Model, rivals: Any) -> None:
    earlier = rivals.earlier[rivals.earlier["sent_at"] <= trained_until(model)].reset_index(drop=True)
    with refused(SchemaError):
        rows_after_training(read(earlier), [model])


def test_records_without_times_are_compared_on_with_a_warning(model: Model, rivals: Any) -> None:
    result = rows_after_training(read(rivals.later.drop(columns="sent_at")), [model])
    assert result.rows.all()
    assert result.warnings == ("the messages have no times: whether a model was trained on some of them is unknown",)


def test_a_model_trained_without_times_gives_a_warning(model: Model, rivals: Any) -> None:
    everything = pd.concat([rivals.earlier, rivals.later], ignore_index=True)
    result = rows_after_training(read(everything), [without_times(model), model])
    assert not result.rows.all()
    assert result.warnings == ("1 of the models was trained on messages without times, perhaps on some of these",)


def test_without_times_the_training_table_is_rejected(model: Model, rivals: Any, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="messages: a model was trained on this table"):
        rows_after_training(read(rivals.earlier), [without_times(model)])
    untimed = read(rivals.earlier.drop(columns="sent_at"))
    same = replace(model, training=model.training | {"digests": untimed.digests})
    with pytest.raises(SchemaError, match="trained on this table"):
        rows_after_training(untimed, [model, same])
    assert np.all(rows_after_training(untimed, [model]).rows)


def test_rows_since_a_time_keep_earlier_messages_as_history(model: Model, rivals: Any) -> None:
    data = read(pd.concat([rivals.earlier, rivals.later], ignore_index=True))
    since = rivals.later["sent_at"].sort_values().iloc[5].to_pydatetime()
    result = rows_since(data, since.replace(tzinfo=None))
    assert (result.rows["as_of"] >= since).all()
    assert result.rows["as_of"].min() == since
    assert len(result.rows) == (data.rows["as_of"] >= since).sum() < len(data.rows)
    assert result.messages is data.messages
    with refused(SchemaError):
        rows_since(data, since.replace(year=2100, month=1, day=1))


def test_records_that_a_model_was_trained_on_are_counted(model: Model, rivals: Any) -> None:
    data = read(pd.concat([rivals.earlier, rivals.later], ignore_index=True))
    until = trained_until(model)
    assert until is not None
    assert count_rows_in_training(data, model) == (data.rows["as_of"] <= until).sum() > 0
    assert count_rows_in_training(rows_since(data, (until + pd.Timedelta(seconds=1)).to_pydatetime()), model) == 0
    assert count_rows_in_training(data, without_times(model)) is None
    untimed = replace(data, rows=data.rows.assign(as_of=pd.Series(pd.NaT, data.rows.index, "datetime64[us, UTC]")))
    assert count_rows_in_training(untimed, model) is None
