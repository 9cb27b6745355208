"""The facts about a training run that a model keeps in its manifest."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fraudsieve._typing import Array, JsonObject
from fraudsieve.training.data.assumed_labels import ASSUMED
from fraudsieve.training.data.builders import sample_of, sample_slice
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.report import TreeChoice
from fraudsieve.training.evaluation.report_parts.slices import mixture_of
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.sections import LISTS
from fraudsieve.training.splits.split import Split

OLD = 0.25
"""Part of the span of the records: points chosen on records that are older than this are mentioned."""
MIN_TO_CALIBRATE = 200
"""With fewer rows, the calibration and its operating points are not reliable."""


def training_facts(data: LabelledData, split: Split, recipe: Recipe, choice: TreeChoice | None = None) -> JsonObject:
    """Return the rows, windows, digests and settings of a training run, as plain JSON types.

    The training rows are those of the sample, if there is one. Places of tables and runs are left out. The recipe is
    that of the user: trees that were chosen are not part of it.
    """
    settings = written_settings(recipe)
    without_lists = [name for name in settings["features"] if name not in LISTS]  # the model holds the lists
    return {
        "rows": split.rows | {"train": len(sample_slice(data, split.train, recipe))},
        "unlabelled": data.n_unlabelled,
        **_assumed_facts(data),
        "rejected": len(data.rejected),
        "split": split.kind,
        "gap_days": split.gap_days,
        "window": window_of(data, split.train),
        "calibration_window": window_of(data, split.calibration),
        "mixture": mixture_of(data.rows.iloc[split.train]),
        "digests": data.digests,
        "label_classes": dict(data.reading.classes),
        **({"read_as": dict(data.read_as)} if data.read_as else {}),
        "recipe": settings | {"features": {name: settings["features"][name] for name in without_lists}},
        **sample_of(data, recipe).facts,
        **({} if choice is None else {"trees_chosen": to_json_types(choice)}),
    }


def _assumed_facts(data: LabelledData) -> JsonObject:
    if data.assumed_after is None:
        return {}
    counts = {"assumed": int(data.rows[ASSUMED].sum()), "young": len(data.young)}
    return counts | {"assumed_after": f"{data.assumed_after.total_seconds():.0f}s"}


def age_notes(data: LabelledData, training: Mapping[str, Any]) -> list[str]:
    """Return notes on a delay of labels that is long for the span of the records, and on what it makes old."""
    notes, window = [data.delay_note(training["gap_days"])], training["calibration_window"]
    times = data.subjects["as_of"]
    age = times.max() - pd.Timestamp(window[1]) if window else pd.Timedelta(0)
    if age > OLD * (times.max() - times.min()):
        notes.append(
            f"the operating points were chosen on records until {window[1][:10]}, {age.days} days before the newest: "
            "if records have changed since, they flag another share of them. Compare with monitor"
        )
    return [note for note in notes if note is not None]


def written_settings(recipe: Recipe) -> JsonObject:
    """Return what may be written of a recipe, to a model folder or to MLflow, as plain JSON types.

    The addresses of tables and of the tracking store are left out: they may hold passwords and queries. So is the time
    as of which tables are read, which is not that of a later run.
    """
    tables = {"messages", "accounts", "events", "labels", "features", "as_of"}
    return recipe.model_dump(mode="json", exclude={"data": tables, "track": True, "n_jobs": True, "language": True})


def window_of(data: LabelledData, rows: Array) -> list[str]:
    """Return the first and the last cutoff time of some rows; an empty list if none has a time."""
    times = data.rows["as_of"].iloc[rows].dropna()
    return [] if times.empty else [times.min().isoformat(), times.max().isoformat()]


def few_to_calibrate(n_rows: int) -> list[str]:
    """Return a note if there are too few rows for a reliable calibration, else none."""
    few = n_rows < MIN_TO_CALIBRATE
    return [f"calibrated on only {n_rows} rows: the probabilities are not reliable"] if few else []
