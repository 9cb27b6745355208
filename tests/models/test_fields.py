"""Columns from tables of other libraries: the same scores, and none of them is imported."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fraudsieve.models import Scorer
from fraudsieve.models.fields import columns_of, lists_of
from tests.messages import refused

TEXTS = ["Wire 500 to Zebedee", "see you at six", None, "免费领奖"]


class Frame:
    """A table with the interface of a Polars frame."""

    columns = ("text", "n")

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        raise AssertionError("not expected to be called")

    def __getitem__(self, name: str) -> Any:
        return pd.Series({"text": TEXTS, "n": range(4)}[name])


@pytest.mark.parametrize(
    "batch",
    [
        pa.table({"text": TEXTS, "n": [1, 2, 3, 4]}),
        pa.record_batch({"text": pa.array(TEXTS, pa.large_string())}),
        pa.table({"text": pa.array(TEXTS).dictionary_encode()}),
        pa.table({"text": pa.chunked_array([TEXTS[:1], TEXTS[1:]])}),
        pd.DataFrame({"text": TEXTS, "n": 1}),
        Frame(),
        {"text": np.array(TEXTS, object)},
        {"text": pa.array(TEXTS).to_pylist()},
    ],
    ids=lambda batch: type(batch).__name__,
)
def test_every_table_gives_the_same_scores(scorer: Scorer, batch: Any) -> None:
    expected = scorer.score([{"text": text} for text in TEXTS])
    columns = scorer.score_columns(batch)
    assert [None if np.isnan(value) else value for value in columns["probability"]] == [
        score["probability"] for score in expected
    ]
    assert columns["status"].tolist() == [score["status"] for score in expected]


def test_times_are_preserved() -> None:
    time = datetime(2026, 5, 1, 10, tzinfo=UTC)
    columns = columns_of(pa.table({"at": pa.array([time, None], pa.timestamp("us", "UTC"))}))
    assert columns["at"][0] == time
    assert columns["at"][1] is None


def test_two_columns_of_one_name_are_rejected() -> None:
    with refused(ValueError):
        columns_of(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["text", "text"]))


@pytest.mark.parametrize("batch", [None, 5, "text", ["text"], [{"text": "a"}], object(), np.zeros(3), pa.array(["a"])])
def test_objects_without_columns_are_a_type_error(scorer: Scorer, batch: Any) -> None:
    with refused(TypeError):
        scorer.score_columns(batch)


@pytest.mark.parametrize("column", [5, None, "secret", b"secret", {"secret": 1}, np.array("secret", object), object()])
def test_invalid_columns_are_a_type_error(column: Any) -> None:
    with refused(TypeError, "text") as caught:
        lists_of({"text": column}, ["text"])
    assert "secret" not in str(caught.value)


def test_columns_of_other_lengths_are_rejected() -> None:
    with refused(ValueError, "sent_at"):
        lists_of({"text": ["a", "b"], "sent_at": [1]}, ["text", "sent_at"])
    assert lists_of({"text": ["a", "b"], "more": [1]}, ["text"]) == {"text": ["a", "b"]}


@pytest.mark.slow
def test_no_library_is_imported_for_a_table(binary: Any, run_alone: Callable[[str], str]) -> None:
    program = f"""
import sys
class Table:
    column_names = ["text"]
    def to_pydict(self):
        return {{"text": ["hello there", None]}}
from fraudsieve.models import Scorer
scorer = Scorer.load({str(binary.folder)!r})
before = set(sys.modules)  # LightGBM imports some of them if they are installed
print(scorer.score_columns(Table())["status"].tolist())
print({{name.partition(".")[0] for name in set(sys.modules) - before}} & {{"pyarrow", "pandas", "polars"}})
"""
    assert run_alone(program).splitlines() == ["['ok', 'unscorable']", "set()"]
