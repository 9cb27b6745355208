"""The part of a monitor's sheet on decisions: what is flagged, what that is worth, and what the labels say of it."""

from dataclasses import asdict
from typing import Any

from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.data.builders import row_groups
from fraudsieve.training.evaluation.capacity import count_days
from fraudsieve.training.evaluation.fraud import fraud_metrics
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.recipe.recipe import EvaluateRecipe

from .bounds import Share, times
from .expected import Expected
from .scored_table import Stream

__all__ = ["alerts", "calibration", "expected"]


def alerts(model: Model, before: Stream, after: Stream) -> list[dict[str, Any]]:
    """Count what is flagged at every operating point.

    Parameters
    ----------
    model : Model
        The model.
    before, after : Stream
        The reference and the current records.

    Returns
    -------
    list of dict
        The point that decides first: ``name``, ``threshold``, what `times` returns, and ``alerts_a_day``.
    """
    both = {"reference": before, "current": after}
    days = {name: count_days(one.moments(model.subject)) for name, one in both.items()}
    found = []
    for point in model.points:
        flagged = {
            name: Share.of(one.scores["probability"] >= point.threshold, one.clusters) for name, one in both.items()
        }
        a_day = {name: flagged[name].hits / day if day else None for name, day in days.items()}
        facts = {"name": point.name, "threshold": point.threshold, "alerts_a_day": a_day}
        found.append(facts | times(**flagged))
    return found


def expected(model: Model, before: Stream, after: Stream) -> list[dict[str, Any]]:
    """Estimate precision and recall of every operating point, beside what is observed where labels have come.

    Parameters
    ----------
    model : Model
        The model.
    before, after : Stream
        The reference and the current records.

    Returns
    -------
    list of dict
        ``name``, and for ``reference`` and ``current`` the fields of `Expected` and ``observed``; see `monitor`.
    """
    return [
        {"name": point.name}
        | {
            name: asdict(Expected.of(one.scores["probability"], point.threshold))
            | {"observed": _observed(model, one, point.threshold)}
            for name, one in (("reference", before), ("current", after))
        }
        for point in model.points
    ]


def _observed(model: Model, stream: Stream, threshold: float) -> dict[str, Any] | None:
    labelled = stream.labelled
    if not labelled.any():
        return None
    fraud = stream.labels[labelled] != model.legitimate
    flagged = stream.scores["probability"][labelled] >= threshold
    return {
        "rows": int(labelled.sum()),
        "precision": float(fraud[flagged].mean()) if flagged.any() else None,
        "recall": float(flagged[fraud].mean()) if fraud.any() else None,
    }


def calibration(model: Model, after: Stream, replicates: int) -> dict[str, Any] | None:
    """Hold the probabilities against the labels that have come.

    Parameters
    ----------
    model : Model
        The model.
    after : Stream
        The current records.
    replicates : int
        How often accounts or campaigns are drawn for the intervals.

    Returns
    -------
    dict or None
        ``rows`` and ``share`` (of those with labels), main figures and their ``intervals`` as from `evaluate`, and the
        reliability curve. None without labels, and where the model knows no legitimate class.
    """
    labelled = after.labelled
    if model.legitimate is None or not labelled.any():
        return None
    groups, kind = row_groups(after.records[labelled], model.subject)
    is_fraud = after.labels[labelled] != model.legitimate
    rows = FraudRows(after.scores["probability"][labelled], is_fraud, groups, replicates)
    metrics = fraud_metrics(rows, EvaluateRecipe(replicates=replicates))
    names = ("ece", "brier", "observed_over_expected", "average_precision", "base_rate", "frauds")
    return {
        "rows": int(labelled.sum()),
        "share": float(labelled.mean()),
        **{name: getattr(metrics, name) for name in names},
        "intervals": {name: metrics.intervals.get(name) for name in names},
        "over": kind,
        "curves": {"reliability": [asdict(one) for one in metrics.curves.reliability] if metrics.curves else None},
    }
