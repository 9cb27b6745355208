"""Which further columns of a record are features, and which values a model keeps."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.profile.choice import choose_profile_columns

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
            "device_id": rng.choice(["d1", "d2"], N),
            "ip": rng.choice(["10.0.0.1", "10.0.0.2"], N),
            "closed_at": pd.Timestamp("2025-01-01"),
            "age": rng.integers(18, 80, N),
        }
    )


def test_identifiers_and_columns_with_many_values_are_left_out_and_named() -> None:
    features = AccountFeatures().fit(profiles())
    assert list(features.matrix_.own.categories) == ["city"]
    left_out, kept = features.notes_
    assert left_out.startswith(
        "columns left out: merchant_email (looks like e-mail addresses), iban (400 distinct values"
    )
    assert all(f"{name} (" in left_out for name in ("iban", "device_id", "ip", "closed_at"))
    assert kept.startswith("the model keeps values of city (3)")


def test_declared_columns_are_categories_whatever_they_hold() -> None:
    features = AccountFeatures(categories=["device_id", "merchant_email"], min_category_rows=1).fit(profiles())
    assert list(features.matrix_.own.categories) == ["city", "merchant_email", "device_id"]


def test_decimals_are_numbers() -> None:
    frame = profiles()
    ages: list[Any] = [None if age == 30 else Decimal(int(age)) for age in frame["age"]]
    decimals = frame.assign(age=ages)
    floats = frame.assign(age=frame["age"].where(frame["age"] != 30))
    features = AccountFeatures().fit(decimals)
    assert features.matrix_.own.numbers == ("age",)
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
