"""Each model reads the records under the names of columns that it was trained with."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import ComparisonError
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.source import as_input
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.fit import train
from fraudsieve.training.promotion.judged_models import compare_judged
from fraudsieve.training.promotion.own_names import borrowed_names, match_records
from fraudsieve.training.recipe.recipe import Recipe


def model(reads: str = "amount", **names: str) -> Any:
    """Return a model that remembers names of columns, and reads a field."""
    columns = {name.replace("__", "."): column for name, column in names.items()}
    custom = SimpleNamespace(categories={})
    matrix = SimpleNamespace(fields=[SimpleNamespace(name=reads)], custom=custom)
    return SimpleNamespace(training={"recipe": {"data": {"columns": columns}}}, matrix=matrix, subject="event")


@pytest.mark.parametrize(
    ("own", "other", "there", "expected"),
    [
        ({"amount": "amt"}, {}, ["amt", "amount"], {}),  # its own name is there
        ({}, {"amount": "amt"}, ["amount", "amt"], {}),  # and so is the name that fraudsieve knows
        ({}, {"amount": "amt"}, ["amt"], {"amount": "amt"}),  # only the other knows it
        ({"amount": "amt"}, {"amount": "sum"}, ["sum"], {"amount": "sum"}),
        ({"events__amount": "amt"}, {}, ["amount"], {"amount": "amount"}),
        ({"events__amount": "amt"}, {"events__amount": "sum"}, ["amount", "sum"], {"amount": "amount"}),
        ({"amount": "amt"}, {"value": "amt"}, ["amt"], {}),  # it has a name for that column
        ({}, {"amount": "amt", "labels__label": "y"}, ["y"], {}),  # of another table
    ],
)
def test_names_that_are_borrowed(
    own: dict[str, str], other: dict[str, str], there: list[str], expected: dict[str, str]
) -> None:
    table = as_input(pd.DataFrame({name: [1] for name in there}))
    assert borrowed_names("events", table, model(**own), model(**other)) == expected


def test_a_column_that_a_model_reads_under_its_own_name_is_not_borrowed() -> None:
    table = as_input(pd.DataFrame({"amt": [1]}))
    assert borrowed_names("events", table, model(reads="amt"), model(amount="amt")) == {}


def labelled(**columns: Any) -> LabelledData:
    rows = pd.DataFrame({"as_of": pd.Timestamp("2026-01-01", tz="UTC"), "label": "fraud", **columns})
    return LabelledData(rows, pd.DataFrame(), pd.DataFrame(), 0, ("a note",), {}, subject="event")


def test_records_are_matched_by_their_ids() -> None:
    old, new = labelled(event_id=["a", "b", "c"], amt=[1, 2, 3]), labelled(event_id=["c", "x", "a"], amount=[3, 9, 1])
    matched = match_records(old, new)
    assert matched.champion is not None
    assert matched.champion.rows["amt"].tolist() == matched.challenger.rows["amount"].tolist() == [3, 1]
    assert matched.challenger.notes == (
        "a note",
        "1 events can be read under the names of columns of one model only: they are left out",
    )


def test_records_without_ids_are_matched_by_their_order() -> None:
    old, new = labelled(amt=[1, 2]), labelled(amount=[1, 2])
    assert match_records(old, new).champion is old
    with pytest.raises(ComparisonError, match=r"got 2 events under those of the champion, and 1 .* Add ids"):
        match_records(old, labelled(amount=[1]))
    twice = labelled(event_id=["a", "a"], amt=[1, 2])
    assert match_records(twice, new).champion is twice


@pytest.mark.slow
def test_a_champion_with_another_name_for_a_column_scores_as_before(tmp_path: Path) -> None:
    """The champion has learned from a column of its own, which is the amount for the challenger."""
    rng = np.random.default_rng(0)
    n, is_fraud = 1200, rng.random(1200) < 0.3
    whole = pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(n)],
            "account_id": [f"a{number}" for number in range(n)],
            "occurred_at": pd.date_range("2026-01-01", periods=n, freq="h", tz="UTC"),
            "amt": rng.normal(2.0 * is_fraud, 1.0),
            "label": np.where(is_fraud, "fraud", "legitimate"),
        }
    )
    earlier, settings = whole.iloc[:800], {"history.views": [], "history.network": False, "track.enabled": False}

    def fit(name: str, **overrides: Any) -> Scorer:
        recipe = Recipe.read(overrides={**settings, "n_jobs": 1, "model.n_rounds": 40, **overrides})
        return Scorer(train(recipe, output=tmp_path / name, events=earlier.reset_index(drop=True)).model)

    old, new = fit("old"), fit("new", **{"data.columns": {"amount": "amt"}, "seed": 1})
    assert [[name in str(scorer.model.matrix.columns) for name in ("amt", "amount")] for scorer in (old, new)] == [
        [True, False],
        [False, True],
    ]
    recipe = Recipe.read(overrides={"track.uri": f"sqlite:///{tmp_path}/mlflow.db", "evaluate.replicates": 20})
    result, _ = compare_judged(old, new, {"events": whole}, recipe, lambda step: None)
    pair = result.figures["average_precision"]
    assert pair.champion is not None
    assert pair.difference is not None
    assert pair.champion > 0.7
    assert abs(pair.difference) < 0.1
    assert result.left_out["unscorable"] == 0
