"""Signatures of the documentation are short, and inherited methods are left out."""

from typing import Any

import pytest

from scripts.reference.extension import shorten_signature, skip_inherited

APP: Any = None


@pytest.mark.parametrize(
    ("signature", "short"),
    [
        ("(a, b=1)", "(a, b=1)"),
        ("(split=SplitRecipe(kind='auto', gap_days=None), seed=0)", "(split=SplitRecipe(), seed=0)"),
        ("(thresholds=ThresholdRecipe(rates=(0.1, 0.2), costs=None))", "(thresholds=ThresholdRecipe())"),
        ("(dropped=<factory>)", "(dropped=...)"),
        (None, None),
    ],
)
def test_defaults_that_say_nothing_are_short(signature: str | None, short: str | None) -> None:
    assert shorten_signature(APP, "class", "name", None, None, signature, None) == (short, None)


def test_only_requests_of_metadata_are_skipped() -> None:
    assert skip_inherited(APP, "method", "set_fit_request", None, False, None) is True
    assert skip_inherited(APP, "method", "fit", None, False, None) is None
