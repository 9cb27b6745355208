"""The note that names columns of messages that could be features."""

import pandas as pd

from fraudsieve.training.data.column_notes import candidate_notes
from fraudsieve.training.data.labelled import LabelledData, load_labelled
from fraudsieve.training.recipe.recipe import Recipe


def loaded() -> LabelledData:
    frame = pd.DataFrame({"message_id": [f"m{n}" for n in range(40)], "text": [f"hello {n}" for n in range(40)]})
    frame["label"] = ["spam", "legitimate"] * 20
    return load_labelled(frame.assign(channel=["sms", "app"] * 20, country=["CN"] * 39 + ["US"], version=1))


def test_columns_that_a_recipe_does_not_use_are_named() -> None:
    (note,) = candidate_notes(loaded(), Recipe())
    assert note.endswith("--feature-columns channel,country")
    used = Recipe.model_validate({"features": {"columns": ["channel", "country"]}})
    assert candidate_notes(loaded(), used) == []
