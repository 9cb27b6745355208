"""The page of the features says what every column of a model means."""

import re

import pytest

from fraudsieve.features.history.declaration import FAMILIES
from scripts.reference.example_models import matrices
from scripts.reference.features import feature_entries, features_page, measures_in_words


def test_every_column_has_an_entry_whose_name_begins_it() -> None:
    entries = feature_entries()
    described = {column: name for name, (_, columns) in entries.items() for column in columns}
    for matrix in matrices():
        for column in matrix.columns:
            family, _, measure = described[column].partition("__")
            fixed = re.sub(r"(^|_)[A-Z]+$", "", measure)
            if column.startswith(("sender__", "value__limit")):
                family = column.partition("__")[0]
            assert column.startswith(f"{family}__")
            assert fixed in column


def test_every_measure_of_a_history_says_what_it_is_without_events() -> None:
    formulas = dict(measures_in_words())
    assert formulas.keys() == FAMILIES.keys()
    assert formulas["count"] == "Computed as: number of events. Without events: 0."
    assert formulas["last_5"] == "Computed as: amount of the fifth latest event. Without events: NaN."


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("volume__count", "A count: “*n* events of the account in the window”."),
        ("wording__CLASS", "Log-odds: “the wording resembles messages labelled CLASS”."),
        ("cues__own_GROUP", "A count: “uses *n* words of the list GROUP”."),
        ("reciprocity__returned", "A share, from 0 to 1: “*n* of its counterparties also have it as counterparty”."),
    ],
)
def test_an_entry_has_the_unit_and_the_sentence(entry: str, text: str) -> None:
    assert f":::{{feature}} {entry}\n{text}\n" in features_page()


def test_no_slot_is_left_open() -> None:
    assert not re.search(r"\{(?!feature\}|py:obj\})", features_page())
