"""The note that names columns of messages that could be features, and features of more columns than a model has."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.training.data.column_notes import built_from, candidate_notes, check_custom_columns
from fraudsieve.training.data.labelled import LabelledData, load_labelled
from fraudsieve.training.data.precomputed_matrix import MatrixDeclaration, PrecomputedMatrix
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused


def loaded() -> LabelledData:
    frame = pd.DataFrame({"message_id": [f"m{n}" for n in range(40)], "text": [f"hello {n}" for n in range(40)]})
    frame["label"] = ["spam", "legitimate"] * 20
    return load_labelled(frame.assign(channel=["sms", "app"] * 20, country=["CN"] * 39 + ["US"], version=1))


def test_columns_that_a_recipe_does_not_use_are_named() -> None:
    (note,) = candidate_notes(loaded(), Recipe())
    assert note.endswith("--feature-columns channel,country")
    used = Recipe.model_validate({"features": {"columns": ["channel", "country"]}})
    assert candidate_notes(loaded(), used) == []


@pytest.mark.parametrize("subject", ["account", "event"])
@pytest.mark.parametrize(
    ("features", "problem"),
    [
        ({"campaigns": True}, r"features\.campaigns: expected messages, got {}s\. Remove it"),
        (
            {"columns": ["channel"]},
            r"features\.columns: expected messages, got {}s, whose custom columns are features already\. Remove it",
        ),
    ],
)
def test_settings_of_messages_are_an_error_for_other_records(
    subject: str, features: dict[str, object], problem: str
) -> None:
    recipe = Recipe.model_validate({"features": features})
    with pytest.raises(RecipeError, match=problem.format(subject)):
        check_custom_columns(replace(loaded(), subject=Subject(subject)), recipe)
    check_custom_columns(loaded(), recipe)


@pytest.mark.parametrize("n_columns", [1000, 1001])
def test_a_ready_matrix_of_too_many_columns_is_an_error_before_the_training(n_columns: int) -> None:
    own = CustomColumns(tuple(f"c{n}" for n in range(n_columns)))
    matrix = AccountMatrix(Subject.ACCOUNT, (), custom=own)
    ready = PrecomputedMatrix(MatrixDeclaration(matrix, "legitimate"), np.empty((0, n_columns)))
    data = replace(loaded(), subject=Subject.ACCOUNT, precomputed=ready)
    if n_columns > 1000:
        with refused(SchemaError):
            check_custom_columns(data, Recipe())
    else:
        check_custom_columns(data, Recipe())


def test_what_views_categories_numbers_and_text_are_made_of() -> None:
    views = (History(("1d",), measures=("count",)), History(("1d",), entity=("account_id", "device_id"), name="device"))
    numbers = tuple(f"n{number}" for number in range(20))
    custom = CustomColumns(numbers, {"channel": ("app", "web")})
    built = built_from(AccountMatrix(Subject.EVENT, views, Network("counterparty_id"), custom))
    n_views = len(history_columns(views)) + len(Network("counterparty_id").columns) + 2  # hour and weekday
    assert built == {
        "views": f"account_id, account_id+device_id, network ({n_views} columns)",
        "categories": "channel",
        "numbers": f"{', '.join(numbers[:16])} and 4 more",
    }
    message = built_from(MessageMatrix(None, custom=CustomColumns(("age",))))
    assert message == {"numbers": "age", "text": f"text ({len(MessageMatrix(None).columns)} columns)"}
