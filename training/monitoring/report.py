"""Has what a model scores changed? The sheet of drift: features, scores, alerts, calibration, and who cannot be known.

A reference (records that the model was not trained on: the test slice, or the first week in use) is held against the
current records. Labels need not have come: what they say where they have is one part of the sheet.
"""

from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import RecipeError
from fraudsieve.features.tables.reader import Source
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.labelled import data_digest
from fraudsieve.training.labels.trust import Trust
from fraudsieve.training.recipe.sections import MonitorRecipe

from .alerts import alerts, calibration, expected
from .bounds import Share, bounds_passed, rise
from .drift_sheet import moved_columns, moved_scores
from .scored_table import Stream, categories_of, read_stream

__all__ = ["monitor"]


WEEK = np.timedelta64(6, "D")
"""A table of a shorter span has no distribution of weekdays."""
AGES, WEEKDAYS = ("age_days", "since_first"), ("weekday", "weekend")
"""What the cues of columns have in their names that only tell which days were chosen."""


def monitor(
    scorer: Scorer,
    reference: Source,
    current: Source,
    *,
    events: Source | None = None,
    labels: Source | None = None,
    past: Source | None = None,
    settings: MonitorRecipe | None = None,
    trust: Trust | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Compare current records with reference records, as a model sees them.

    Parameters
    ----------
    scorer : Scorer
        The model.
    reference, current : path or DataFrame
        Messages, accounts (with ``as_of``) or events; `LEAST_ROWS` or more that can be scored. The reference should not
        be what the model was trained on: there, wording looks better than it is.
    events, labels, past : path or DataFrame, default=None
        As for `score_file`, for both tables. Labels also say what became of the records.
    settings : MonitorRecipe, default=None
        The bounds; None for the defaults.
    trust : Trust, default=None
        Weights of the sources of labels; None trusts all alike.
    progress : callable, default=None
        Called with what is done next.

    Returns
    -------
    dict
        ``rows``, ``windows``, ``families`` (of each the column that moved most, and the mean), ``columns`` (see
        `Drift`), ``left_out``, ``scores`` (drift of ``probability`` and of ``types``), ``alerts`` (at every operating
        point), ``expected`` (precision and recall before labels come, see `Expected`, and beside them what is observed
        where labels have come), ``calibration`` (of the labelled current rows, as from `evaluate`; None without),
        ``shares`` (rejected, cold start, unseen categories), ``bounds``, ``passed`` (what passed which bound) and
        ``notes``.

    Raises
    ------
    SchemaError
        When a table cannot be used or is too small.
    RecipeError
        When the recipe excludes a column that the model does not have.

    Examples
    --------
    ::

        sheet = monitor(Scorer.load("fraudsieve-model"), "first-week.parquet", "this-week.parquet")
        [one["said"] for one in sheet["passed"]]
    """
    say = progress or (lambda step: None)
    settings = MonitorRecipe() if settings is None else settings
    model = scorer.model
    compared = _compared(model, settings.exclude)
    beside: dict[str, Any] = {"events": events, "labels": labels, "past": past, "trust": trust}
    say("scoring the reference")
    before = read_stream(scorer, reference, **beside)
    say("scoring the current records")
    after = read_stream(scorer, current, **beside)
    say("comparing")
    left_out = _left_out(model, before, after, compared, settings)
    compared &= ~np.isin(model.matrix.columns, [name for names in left_out.values() for name in names])
    sheet: dict[str, Any] = {
        "rows": {"reference": len(before.rows), "current": len(after.rows)},
        "windows": {"reference": _window(model, before), "current": _window(model, after)},
        "labelled": {"reference": int(before.labelled.sum()), "current": int(after.labelled.sum())},
        **moved_columns(model, before, after, compared),
        "left_out": left_out,
        "scores": moved_scores(model, before, after, n_columns=int(compared.sum())),
        "alerts": alerts(model, before, after),
        "expected": expected(model, before, after),
        "calibration": calibration(model, after, settings.replicates),
        "shares": _shares(model, before, after),
        "bounds": settings.model_dump(exclude={"exclude", "ages", "replicates"}),
    }
    notes = [*before.notes, *after.notes, *_notes(model, before, after, reference, events)]
    return sheet | {"passed": bounds_passed(sheet, settings), "notes": list(dict.fromkeys(notes + _said(sheet)))}


def _compared(model: Model, exclude: tuple[str, ...]) -> Array:
    """Tell which columns are compared: all but those that the recipe excludes, by name or by family."""
    columns = np.array(model.matrix.columns, object)
    families = np.array([family for family, _ in model.cues], object)
    unknown = sorted(set(exclude) - {*columns, *families})
    if unknown:
        raise RecipeError("recipe", [f"monitor.exclude: the model has no column or family {unknown[0]!r}"])
    return ~np.isin(columns, exclude) & ~np.isin(families, exclude)


def _left_out(
    model: Model, before: Stream, after: Stream, compared: Array, settings: MonitorRecipe
) -> dict[str, list[str]]:
    """Name the columns that only tell which days were chosen, by why they do."""
    spans = [moments for stream in (before, after) if (moments := stream.moments(model.subject)) is not None]
    short = any(np.nanmax(one) - np.nanmin(one) < WEEK for one in spans)
    asked = {"they grow by themselves": (not settings.ages, AGES), "a table spans less than a week": (short, WEEKDAYS)}
    names = [name for name, kept in zip(model.matrix.columns, compared, strict=True) if kept]
    return {
        why: found
        for why, (leave, words) in asked.items()
        if leave and (found := [name for name in names if any(word in name for word in words)])
    }


def _window(model: Model, stream: Stream) -> list[str] | None:
    moments = stream.moments(model.subject)
    if moments is None:
        return None
    known = moments[~np.isnat(moments)].astype("M8[s]")
    return [str(known.min()), str(known.max())]


def _shares(model: Model, before: Stream, after: Stream) -> dict[str, Any]:
    """Compare the shares of rows of which little can be known."""
    both = before, after
    # Who sent a rejected row is not known.
    rejected = rise(*(Share.of(np.arange(len(one.rows) + one.rejected) < one.rejected) for one in both))
    unseen = {
        model.matrix.columns[place]: rise(*(Share.of(one.unseen[:, i], one.clusters) for one in both))
        for i, place in enumerate(np.flatnonzero(categories_of(model)))
    }
    cold = None
    if before.cold is not None and after.cold is not None:
        cold = rise(Share.of(before.cold, before.clusters), Share.of(after.cold, after.clusters))
    return {"rejected": rejected, "cold_start": cold, "unseen": unseen}


def _notes(model: Model, before: Stream, after: Stream, reference: Source, events: Source | None) -> list[str]:
    """Say what the comparison rests on."""
    notes = []
    inside = _share_trained_on(model, before, reference)
    if inside:
        notes.append(
            f"{inside:.0%} of the reference are of the time that the model was trained on: there, wording and all else "
            "that was fitted look better than on new records, and these seem to have moved. "
            "Take the test slice, or the first week that was scored"
        )
    if model.subject == "event" and events is None:
        notes.append(
            "no events are given: the history of each table begins with it. Give what was before with --events"
        )
    return notes


def _share_trained_on(model: Model, before: Stream, reference: Source) -> float:
    """Return the share of the reference that may have been trained on."""
    moments, window = before.moments(model.subject), model.training.get("window") or ()
    if moments is not None and len(window) == 2:
        start, end = (pd.Timestamp(one).tz_convert("UTC").tz_localize(None).to_datetime64() for one in window)
        return float(((moments >= start) & (moments <= end)).mean())
    digests = (model.training.get("digests") or {}).values()
    return float(data_digest(reference) in digests)


def _said(sheet: dict[str, Any]) -> list[str]:
    """Say what the figures leave open."""
    notes = [f"{', '.join(names)}: not compared, for {why}" for why, names in sheet["left_out"].items()]
    bound = sheet["bounds"]["family_psi"]
    hidden = [one for one in sheet["columns"] if bound is not None and one["chance"] > bound + one["expected"]]
    if hidden:
        most = max(one["chance"] for one in hidden)
        notes.append(f"so few rows hide drift: chance explains an index of up to {most:.2f}. Take a longer time")
    labelled, rows = sheet["labelled"]["current"], sheet["rows"]["current"]
    if sheet["calibration"] and labelled < rows:
        notes.append(
            f"{labelled:,} of {rows:,} current records have labels: those that come early are rarely like the rest"
        )
    if sheet["expected"]:
        notes.append(
            "precision and recall without labels hold where a probability still means what it says: "
            "a new trick that the model takes for legitimate is not in them"
        )
    return notes
