"""Custom columns of records: numbers, categories, missing and unseen values, from dicts and from frames alike."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.profile.choice import candidate_columns, declared_columns
from fraudsieve.features.profile.custom_columns import MISSING, UNSEEN, CustomColumns
from fraudsieve.features.profile.dates import NEVER
from fraudsieve.features.profile.frames import custom_values
from tests.messages import refused

OWN = CustomColumns(("age", "verified"), {"channel": ("sms", "app"), "国家": ("CN", "86")})
RECORDS: list[dict[str, Any]] = [
    {"age": 3, "verified": True, "channel": "app", "国家": "CN"},
    {"age": None, "verified": False, "channel": " sms ", "国家": 86},
    {"age": 2.5, "verified": None, "channel": "fax", "国家": None},
    {"age": math.nan, "verified": 1, "channel": "", "国家": "86"},
]


def unknown(n: int) -> Array:
    """Return times of records that are not known."""
    return np.full(n, NEVER)


def read(own: CustomColumns, records: list[dict[str, Any]]) -> tuple[Array, list[str | None]]:
    """Read records whose times are not known."""
    return own.of_records(records, unknown(len(records)))


def test_missing_and_unseen_are_told_apart_and_blanks_do_not_count() -> None:
    columns, why = read(OWN, RECORDS)
    expected = [[3, 1, 1, 0], [np.nan, 0, 0, 1], [2.5, np.nan, UNSEEN, MISSING], [np.nan, 1, MISSING, 1]]
    np.testing.assert_array_equal(columns, np.array(expected))
    assert why == [None] * 4
    assert OWN.columns == ("profile__age", "profile__verified", "profile__channel", "profile__国家")


def test_a_frame_gives_the_same_as_its_records_in_any_batch() -> None:
    frame = pd.DataFrame(RECORDS).assign(verified=pd.Series([True, False, None, True], dtype=object))
    columns = OWN.compute(custom_values(frame, OWN, "messages"), unknown(len(frame)))
    np.testing.assert_array_equal(columns, read(OWN, RECORDS)[0])
    np.testing.assert_array_equal(columns, np.vstack([read(OWN, [record])[0] for record in RECORDS]))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"age": "three"}, "age: expected a number, got other text"),
        ({"age": 1e16}, "age: expected a number up to 1e\\+15"),
        ({"channel": math.inf}, "channel: expected a string, a number or a boolean, got float"),
        ({"channel": ["sms"]}, "channel: expected a string, a number or a boolean, got list"),
    ],
)
def test_wrong_values_are_rejected_by_name_without_touching_others(change: dict[str, Any], text: str) -> None:
    columns, why = read(OWN, [RECORDS[0] | change, RECORDS[0]])
    assert why[0] is not None
    assert why[1] is None
    with pytest.raises(ValueError, match=text):
        raise ValueError(why[0])
    assert np.isnan(columns[0]).all()
    np.testing.assert_array_equal(columns[1], read(OWN, RECORDS[:1])[0][0])


@pytest.mark.parametrize("values", [[7.0, 7.1, 8.0, None], [7.0, 8.0], [7, 8], [7.0, "7.1", None], ["7", "7.1"]])
def test_a_category_of_numbers_does_not_depend_on_the_other_rows(values: list[Any]) -> None:
    own = CustomColumns((), {"version": ("7", "7.1", "8")})
    codes = [{7: 0, 7.1: 1, 8: 2, None: MISSING}[None if value is None else float(value)] for value in values]
    frame = pd.DataFrame({"version": values})
    assert own.compute(custom_values(frame, own), unknown(len(frame)))[:, 0].tolist() == codes
    assert read(own, [{"version": value} for value in values])[0][:, 0].tolist() == codes


def test_a_missing_field_is_not_a_missing_value() -> None:
    record = {name: value for name, value in RECORDS[0].items() if name != "channel"}
    assert read(OWN, [record])[1] == ["channel: the field is missing; pass None if the value is unknown"]


def test_digests_encode_alike_and_hide_values() -> None:
    frame = pd.DataFrame({"channel": ["sms"] * 3 + ["app"] * 2 + ["fax"]})
    columns = declared_columns(frame, ["channel"])
    plain, digested = columns.learn(frame, 2), columns.learn(frame, 2, digested=True)
    assert plain.categories == {"channel": ("sms", "app")}
    assert "sms" not in str(digested.to_dict())
    records: list[dict[str, Any]] = [{"channel": value} for value in frame["channel"]]
    np.testing.assert_array_equal(read(plain, records)[0], read(digested, records)[0])
    assert CustomColumns.from_dict(digested.to_dict()) == digested


def test_a_key_that_blake2b_does_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        CustomColumns.from_dict({"numbers": [], "categories": {}, "digest_key": "00" * 65})


def test_columns_that_cannot_be_features_are_errors_with_a_suggestion() -> None:
    frame = pd.DataFrame({"text": ["a"], "channel": ["sms"], "label": ["x"], "seen": pd.to_datetime(["2026-01-01"])})
    with refused(SchemaError, "channel", "seen"):
        declared_columns(frame, ["chanel"])
    with refused(SchemaError, "lable", "seen"):
        declared_columns(frame, ["lable"])  # the label is no feature, and not suggested
    with pytest.raises(SchemaError, match="'label' cannot be a feature"):
        declared_columns(frame, ["label"])
    with pytest.raises(SchemaError, match="'channel' is named twice"):
        declared_columns(frame, ["channel", "channel"])


def test_numbers_may_be_declared_as_categories() -> None:
    frame = pd.DataFrame({"country": [86.0, 1.0, None], "flag": [True, None, False]})
    assert declared_columns(frame, ["flag"], categories=["flag"]).numbers == ("flag",)
    assert declared_columns(frame, ["country"]).numbers == ("country",)
    own = declared_columns(frame, ["country"], categories=["country"]).learn(frame, 1)
    assert own.categories == {"country": ("1", "86")}
    np.testing.assert_array_equal(read(own, [{"country": 86.0}, {"country": "1"}])[0], [[1.0], [0.0]])


def test_booleans_are_one_category_however_a_file_spells_them() -> None:
    """A column of booleans and another word has words as categories; a file without that word has booleans."""
    own = declared_columns(pd.DataFrame({"flag": ["true", "false", "unknown"]}), ["flag"]).learn(
        pd.DataFrame({"flag": ["true", "true", "true", "FALSE", "false", "unknown"]}), 1
    )
    assert own.categories == {"flag": ("True", "False", "unknown")}
    for flags in ([True, False, None], ["True", "FALSE", None], ["true", " false", " "]):
        expected = [[0.0], [1.0], [MISSING]]
        np.testing.assert_array_equal(read(own, [{"flag": flag} for flag in flags])[0], expected)
        values = custom_values(pd.DataFrame({"flag": flags}), own)
        np.testing.assert_array_equal(own.compute(values, unknown(3)), expected)
    assert own.compute(custom_values(pd.DataFrame({"flag": [True, False]}), own), unknown(2)).tolist() == [[0.0], [1.0]]


def test_candidates_are_columns_that_vary_and_no_label_says() -> None:
    frame = pd.DataFrame(
        {
            "message_id": ["1", "2"],
            "text": ["a", "b"],
            "label": ["x", "y"],
            "campaign": ["c", "d"],
            "channel": ["sms", "app"],
            "constant": ["k", "k"],
            "empty": [None, None],
            "length": [1, 2],
            "device_id": ["d1", "d2"],
            "tags": [["a"], ["b", "c"]],
            "flag": [True, None],
        }
    )
    assert candidate_columns(frame) == ("channel", "length")


def test_a_column_missing_in_a_frame_is_an_error() -> None:
    own = CustomColumns(("age",), {"channel": ("sms",)})
    with pytest.raises(SchemaError, match="column 'channel' is missing"):
        custom_values(pd.DataFrame({"age": [1.0]}), own, "messages")
