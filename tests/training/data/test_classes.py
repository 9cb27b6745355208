"""The classes of labels: a model without a legitimate class must be asked for."""

import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.classes import check_classes
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused


def check(labels: list[str], legitimate: str = "auto") -> str:
    """Check the classes of messages with these labels, and return the legitimate one."""
    messages = pd.DataFrame({"text": [f"text {n}" for n in range(len(labels))], "label": labels})
    recipe = Recipe.read(overrides={"data.legitimate": legitimate})
    data = read_data(recipe, {"messages": messages}, min_label_rows=10)
    check_classes(data, messages, recipe.data)
    return data.legitimate


@pytest.mark.parametrize(
    ("labels", "listed"),
    [
        (["loan", "prize"] * 20, "'loan' (20), 'prize' (20)"),
        (["ham", "normal"] * 10 + ["spam"] * 20, "'spam' (20), 'ham' (10), 'normal' (10)"),
        (["0", "1", "2"] * 10, "'0' (10), '1' (10), '2' (10)"),
    ],
)
def test_no_legitimate_label_is_an_error_unless_it_is_asked_for(labels: list[str], listed: str) -> None:
    with pytest.raises(SchemaError) as caught:
        check(labels)
    assert str(caught.value).endswith(
        f"no label is read as legitimate, the labels are {listed}. Name the label of legitimate records with "
        "--legitimate, or train types only with --legitimate none."
    )
    assert check(labels, "none") == "none"
    assert check(labels, labels[0]) == labels[0]


def test_a_legitimate_label_with_too_few_rows_is_named_with_its_reason() -> None:
    with refused(SchemaError, "spam", "loan"):
        check(["spam"] * 20 + ["loan"] * 12 + ["ham"] * 3)


def test_a_label_none_is_the_legitimate_one_if_it_is_named() -> None:
    assert check(["none", "loan"] * 20, "none") == "none"


def test_little_fraud_is_enough_and_one_is_not() -> None:
    assert check(["spam"] * 2 + ["ham"] * 20) == "ham"
    assert check(["spam"] * 6 + ["loan"] * 3 + ["ham"] * 20) == "ham"
    assert check(["spam"] * 20 + ["ham"] * 5) == "ham"
    with refused(SchemaError, "fraud"):
        check(["spam"] + ["ham"] * 20)
    with refused(SchemaError, "min_label_rows"):
        check(["spam"] * 9 + ["ham"] * 9)
