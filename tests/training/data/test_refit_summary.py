"""The summary of a refit comes from the training facts of the model alone."""

from typing import Any

from fraudsieve.training.data.column_notes import RefitSummary

FACTS: dict[str, Any] = {
    "refit": True,
    "rows": {"train": 5_000, "calibration": 2_500},
    "window": [],
    "left_out": {},
    "split_model": {"digest": "cd" * 32, "rows": {"train": 3_250}, "window": []},
}


def test_a_model_that_was_not_refitted_has_none() -> None:
    assert RefitSummary.of({}) is None
    assert RefitSummary.of(FACTS | {"refit": False}) is None


def test_rows_without_times_have_no_end() -> None:
    summary = RefitSummary.of(FACTS)
    assert summary is not None
    assert summary.lines == (
        "the metrics are of the evaluated model, trained on 3,250 rows. The model that was written was "
        "trained again, on 5,000 rows",
        "its calibration and operating points come from 2,500 rows, each scored by a model that had not learned "
        "from it",
    )
    assert summary.tags == {"refit": "true", "metrics_of": "split_model", "split_model.digest": "cd" * 32}
