"""What features are made of: the custom columns that are features by a recipe, and notes on the columns of records.

A summary of a refit, for reports and notes: its rows, and the model that the metrics are about.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from fraudsieve._translation import tr
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.profile.choice import (
    ProfileColumns,
    candidate_columns,
    choose_profile_columns,
    declared_columns,
)
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models.artifact.arrays import MAX_ITEMS
from fraudsieve.training.recipe.recipe import Recipe

from .labelled import LabelledData

MAX_NAMES: Final = 8
TEXT: Final = frozenset({"wording", "pinyin", "surprisal", "cues", "shape", "obfuscation"})
"""The families of features of a text."""


def check_custom_columns(data: LabelledData, recipe: Recipe) -> None:
    """Raise an error before the work if a named column is missing or cannot be a feature, or if there are too many."""
    table, declared = f"{data.subject}s", recipe.history.categories
    if not data.subject.has_text:
        _check_settings_of_messages(table, recipe)
    chosen: CustomColumns | ProfileColumns
    if data.precomputed is not None:
        chosen, fix = data.precomputed.matrix_.custom, "Compute the features again, with fewer columns."
    elif data.subject.has_text:
        chosen = declared_columns(data.rows, recipe.features.columns, categories=declared)
        fix = "Name fewer in features.columns."
    elif data.rows.shape[1] > MAX_ITEMS:  # otherwise there cannot be too many, and choosing them takes time
        exclude = {*recipe.history.exclude, *recipe.history.texts, *(("amount",) if data.subject.is_account else ())}
        chosen = choose_profile_columns(data.rows, exclude=exclude, declared=declared)
        fix = "Remove some, or name them in history.exclude."
    else:
        return
    for kind, names in (("numbers", chosen.numbers), ("categories", chosen.categories)):
        if len(names) > MAX_ITEMS:
            problem = f"custom columns: expected at most {MAX_ITEMS:,} of {kind}, got {len(names):,}"
            raise SchemaError(table, problem, fix)


def _check_settings_of_messages(table: str, recipe: Recipe) -> None:
    problems = []
    if recipe.features.campaigns:
        problems.append(f"features.campaigns: expected messages, got {table}. Remove it")
    if recipe.features.columns:
        got = f"got {table}, whose custom columns are features already"
        problems.append(f"features.columns: expected messages, {got}. Remove it")
    if problems:
        raise RecipeError("recipe", problems)


CANDIDATES = "columns that could be features, if they are known when a message is scored: --feature-columns {names}"


def candidate_notes(data: LabelledData, recipe: Recipe) -> list[str]:
    """Return a note that names the columns of messages that could be features, or none."""
    if not data.subject.has_text:
        return []
    names = [name for name in candidate_columns(data.rows) if name not in (*recipe.features.columns, data.group)]
    if not names:
        return []
    shown = ",".join(names[:MAX_NAMES]) + f" and {len(names) - MAX_NAMES} more" * (len(names) > MAX_NAMES)
    return [tr(CANDIDATES, names=shown)]


def built_from(matrix: FeatureMatrix) -> dict[str, str]:
    """Say which columns of the records became views, categories, numbers and text; each only if there are any."""
    views = ["+".join(view.entities) for view in matrix.history_declaration.histories]
    custom = matrix.custom
    n_text = sum(name.partition("__")[0] in TEXT for name in matrix.columns)
    n_views = len(matrix.columns) - len(custom.columns) - n_text + len(custom.text_columns)
    parts = {
        tr("views"): ([*views, *([tr("network")] if matrix.network else [])], n_views),
        tr("categories"): (custom.categories, 0),
        tr("numbers"): (custom.numbers, 0),
        tr("dates"): ([date.name for date in custom.dates], 0),
        tr("text"): ([*([tr("text")] if matrix.subject.has_text else []), *custom.texts], n_text),
    }
    return {kind: _names_text([*dict.fromkeys(names)], n) for kind, (names, n) in parts.items() if names}


def _names_text(names: list[str], n_columns: int) -> str:
    shown = tr(", ").join(names[: 2 * MAX_NAMES])
    if len(names) > 2 * MAX_NAMES:
        shown = tr("{names} and {n:,} more", names=shown, n=len(names) - 2 * MAX_NAMES)
    return tr("{names} ({n:,} columns)", names=shown, n=n_columns) if n_columns else shown


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
