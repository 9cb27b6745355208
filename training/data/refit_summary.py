"""A summary of a refit, for reports and notes: its rows, and the model that the metrics are about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fraudsieve._translation import tr


@dataclass(frozen=True, kw_only=True)
class RefitSummary:
    """Rows and calibration of a shipped model, and the evaluated model of its run."""

    # Rows that the model was trained on again.
    rows: int
    # First and last cutoff time of these rows; empty if they have no times.
    window: tuple[str, ...]
    # Labelled rows that are not mature, by reason.
    left_out: Mapping[str, int]
    # Rows behind its calibration and operating points: each was scored by a model that had not learned from it.
    calibration_rows: int
    # Digest of the evaluated model, which the metrics of the run are about.
    split_model: str
    split_rows: int
    # First and last cutoff time of these rows.
    split_window: tuple[str, ...]

    @classmethod
    def of(cls, training: Mapping[str, Any]) -> Self | None:
        """Summarise the training facts of a model; None if it was not refitted."""
        if not training.get("refit"):
            return None
        before = training["split_model"]
        return cls(
            rows=training["rows"]["train"],
            window=tuple(training["window"]),
            left_out=training["left_out"],
            calibration_rows=training["rows"]["calibration"],
            split_model=before["digest"],
            split_rows=before["rows"]["train"],
            split_window=tuple(before["window"]),
        )

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run in MLflow, whose metrics are not those of the model that it logs."""
        return {"refit": "true", "metrics_of": "split_model", "split_model.digest": self.split_model}

    @property
    def metrics_of(self) -> str:
        """Say which model the metrics are of."""
        return tr(
            "the evaluated model, trained on {rows}. The model that was written was trained again, on {rows_again}",
            rows=_rows(self.split_rows, self.split_window),
            rows_again=_rows(self.rows, self.window),
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """Sentences about both models, without a full stop at the end."""
        left_out = {reason: rows for reason, rows in self.left_out.items() if rows}
        names = {"no_time": tr("without a time"), "not_mature": tr("with labels that are not mature")}
        calibrated = tr(
            "its calibration and operating points come from {rows:,} rows, each scored by a model that had not learned "
            "from it",
            rows=self.calibration_rows,
        )
        return (
            tr("the metrics are of {model}", model=self.metrics_of),
            calibrated,
            *(
                tr("{rows:,} labelled rows {which} were left out of it", rows=rows, which=names[reason])
                for reason, rows in left_out.items()
            ),
        )


def _rows(rows: int, window: tuple[str, ...]) -> str:
    if not window:
        return tr("{rows:,} rows", rows=rows)
    return tr("{rows:,} rows up to {date}", rows=rows, date=window[1][:10])
