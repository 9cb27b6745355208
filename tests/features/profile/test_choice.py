"""Which further columns of a record are features, and which values a model keeps."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import ColumnTypeError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.profile.choice import candidate_columns, choose_profile_columns, declared_columns
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.profile.frames import custom_values

N = 400


def profiles() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(N)],
            "as_of": pd.Timestamp("2026-01-01"),
            "city": rng.choice(["rome", "bonn", "oslo"], N),
            "merchant_email": [f"m{i % 97}@example.org" for i in range(N)],
            "iban": [f"DE{i:020}" for i in range(N)],
            "device_id": [f"d{i % 97}" for i in range(N)],
            "Office ID": rng.choice(["bonn", "oslo"], N),
            "closed_at": pd.Timestamp("2025-01-01"),
            "age": rng.integers(18, 80, N),
        }
    )


def test_identifiers_and_columns_with_many_values_are_left_out_and_named() -> None:
    features = AccountFeatures().fit(profiles())
    assert list(features.matrix_.custom.categories) == ["city", "Office ID"]
    left_out, kept = features.notes_
    assert left_out.startswith("columns left out: merchant_email (an identifier), iban (an identifier)")
    assert all(f"{name} (" in left_out for name in ("iban", "device_id"))
    assert [date.name for date in features.matrix_.custom.dates] == ["closed_at"]
    assert kept.startswith("the model keeps values of city (3), Office ID (2)")


def test_declared_columns_are_categories_whatever_they_hold() -> None:
    features = AccountFeatures(categories=["device_id", "merchant_email"], min_category_rows=1).fit(profiles())
    assert list(features.matrix_.custom.categories) == ["city", "merchant_email", "device_id", "Office ID"]


def nested() -> pd.DataFrame:
    cells = {"tags": [["a"], None], "codes": [np.array([1]), 2], "meta": [{"x": 1}, None], "age": [3, 4]}
    return pd.DataFrame({"account_id": ["a", "b"], **{name: pd.Series(column) for name, column in cells.items()}})


def test_columns_of_lists_and_objects_are_left_out() -> None:
    chosen = choose_profile_columns(nested())
    assert chosen.numbers == ("age",)
    assert chosen.categories == ()
    assert chosen.left_out == {"tags": "lists", "codes": "lists", "meta": "objects"}
    features = AccountFeatures().fit(nested().assign(as_of=pd.Timestamp("2026-01-01")))
    assert features.notes_[0].startswith("columns left out: tags (lists), codes (lists), meta (objects);")
    assert candidate_columns(nested()) == ("age",)


@pytest.mark.parametrize(("name", "kind"), [("tags", "lists"), ("codes", "lists"), ("meta", "objects")])
def test_a_declared_column_of_lists_or_objects_is_an_error(name: str, kind: str) -> None:
    records = nested().assign(text="hi")
    problem = f"'{name}': expected one number or word in each cell, got {kind}. Give a column of single values"
    for own in (CustomColumns((name,)), CustomColumns((), {name: ("a",)})):
        with pytest.raises(ColumnTypeError, match=problem):
            custom_values(records, own)
    with pytest.raises(ColumnTypeError, match=problem):
        declared_columns(records, [name])
    with pytest.raises(ColumnTypeError, match=problem):
        choose_profile_columns(records, declared=[name])


def test_decimals_are_numbers() -> None:
    frame = profiles()
    ages: list[Any] = [None if age == 30 else Decimal(int(age)) for age in frame["age"]]
    decimals = frame.assign(age=ages)
    floats = frame.assign(age=frame["age"].where(frame["age"] != 30))
    features = AccountFeatures().fit(decimals)
    assert features.matrix_.custom.numbers == ("age",)
    np.testing.assert_array_equal(features.transform(decimals), AccountFeatures().fit(floats).transform(floats))


def test_few_values_are_categories_in_a_small_table() -> None:
    small = pd.DataFrame({"account_id": list("abc"), "city": ["rome", "bonn", "oslo"]})
    assert choose_profile_columns(small).categories == ("city",)


@pytest.mark.parametrize("digested", [False, True])
def test_a_model_with_digests_holds_no_value_and_computes_the_same(digested: bool) -> None:
    frame = profiles()
    plain = AccountFeatures().fit(frame)
    features = AccountFeatures(digest_categories=digested).fit(frame)
    assert ("rome" in str(features.matrix_.to_dict())) is not digested
    np.testing.assert_array_equal(features.transform(frame), plain.transform(frame))
    record: dict[str, Any] = {"account_id": "x", "as_of": "2026-01-01T00:00:00Z", "city": "rome", "age": 30}
    for city in ("rome", "unseen", None):
        own, expected = (matrix.rows([record | {"city": city}]).X for matrix in (features.matrix_, plain.matrix_))
        np.testing.assert_array_equal(own, expected)
    assert isinstance(features.matrix_, AccountMatrix)
    assert any("keyed digests of the values of city" in note for note in features.notes_) is digested
