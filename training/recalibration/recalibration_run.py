"""Recalibrate a model for other traffic: the same trees, other thresholds and, with labels, another calibration.

Rates of labels that were drawn: weighted shares, and rates of false positives that they can promise.
"""

from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from fraudsieve._typing import JsonObject, Progress
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.scores import reached
from fraudsieve.models.thresholds import CAPACITY, deciding_first
from fraudsieve.models.verification import write_verified
from fraudsieve.tables.source import Source, data_digest, local_files
from fraudsieve.training.evaluation.evaluation_run import load_scorer
from fraudsieve.training.evaluation.points import point_notes
from fraudsieve.training.monitoring.bounds import expected_shares
from fraudsieve.training.output import check_model_output, claiming, replacing_models
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.sections import ThresholdRecipe
from fraudsieve.training.tracking.store import tracking_uri
from fraudsieve.training.tracking.tracked_run import LoggedRun, RunContent, RunInput, open_run

from .outcomes import by_all_labels, by_drawn_labels, by_volume, fraud_of
from .traffic import Traffic, read_traffic, volume_interval


@dataclass(frozen=True, eq=False)
class Recalibrated:
    """Result of `recalibrate`.

    Parameters
    ----------
    model : Model
        The model, as written. ``training["recalibration"]`` describes the original model and the data.
    folder : Path
        The model folder.
    logged : LoggedRun or None
        The run in MLflow; None if it is not tracked.
    notes : tuple of str
        Notes for the user.
    """

    model: Model
    folder: Path
    logged: LoggedRun | None
    notes: tuple[str, ...]

    @property
    def facts(self) -> JsonObject:
        """The original model, the data, and what was recalibrated."""
        return dict(self.model.training["recalibration"])


def recalibrate(
    model: str | Path | Scorer,
    traffic: "Source",
    *,
    output: str | Path,
    labels: "Source | None" = None,
    known_labels: "Source | None" = None,
    events: "Source | None" = None,
    history: "Source | None" = None,
    alerts_a_day: float | None = None,
    flagged: float | None = None,
    recipe: Recipe | None = None,
    overwrite: bool = False,
    address: str | None = None,
    progress: "Progress | None" = None,
) -> Recalibrated:
    """Set the thresholds of a model and, with labels, its calibration, for other traffic. The trees do not change.

    Without labels, the only operating point is ``capacity``, the threshold with the given alert volume. With labels
    that have inclusion probabilities, such as those of ``review collect``, the calibration and the points for false
    positive rates are set too, weighted by inverse inclusion probabilities. With labels of all records, they are set as
    in training.

    Parameters
    ----------
    model : str, Path or Scorer
        A model folder, an address such as ``models:/NAME@champion``, or a loaded model.
    traffic : path or DataFrame
        Messages, accounts or events, with identifiers; at least 100 that can be scored.
    output : str or Path
        The model folder to write.
    labels : path or DataFrame, default=None
        A table of labels: of all records, or with inclusion probabilities. None to recalibrate without labels. Labels
        in the traffic itself set no rate.
    known_labels : path or DataFrame, default=None
        Labels known so far, for models that use labels; as ``labels`` for `score_file`. They are features, point in
        time, and set no rate; `labels` set rates, and are not features. One table can serve as both.
    events, history : path or DataFrame, default=None
        As for `score_file`.
    alerts_a_day : float, default=None
        Alerts per day that people can review; the traffic needs times.
    flagged : float, default=None
        Share of the records that people can review. If `alerts_a_day` is None too, the share at the model's point
        ``capacity`` is kept.
    recipe : Recipe, default=None
        Its section ``track`` has the store of MLflow.
    overwrite : bool, default=False
        Whether to replace a model folder of that name.
    address : str, default=None
        Address of a loaded model, for the run in MLflow; by default `model`, if it is an address.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    Recalibrated
        The new model, and what it was recalibrated on.

    Raises
    ------
    SchemaError
        If a table cannot be used, too few of the records that need one have a label, all labels are fraud or all
        legitimate, or the model uses labels and no known labels are given.
    RecipeError
        If the model has no legitimate class, or the alert volume cannot be used.
    FileExistsError
        If the folder exists and is not to be replaced, or another run is writing it.
    TrackingError
        If MLflow's store does not answer. No model was replaced then.

    Examples
    --------
    ::

        recalibrate("fraudsieve-model", "traffic.parquet", labels="reviewed.parquet", output="fraudsieve-here")
    """
    report_step, recipe = progress or (lambda step: None), recipe or Recipe()
    check_model_output(Path(output), overwrite=overwrite)
    _check_volume(alerts_a_day, flagged)
    report_step("loading the model")
    scorer = load_scorer(model)
    if scorer.model.legitimate is None:
        raise RecipeError("the model", ["it has no legitimate class, so it has no operating points to set"])
    report_step("scoring")
    read = read_traffic(scorer.model, traffic, labels=labels, known_labels=known_labels, events=events, history=history)
    share = _share_to_flag(scorer.model, read, alerts_a_day, flagged)
    report_step("recalibrating")
    new, notes = _recalibrate(scorer.model, read, labels is not None, share)
    tables = {"traffic": traffic, "labels": labels, "known_labels": known_labels}
    new = replace(new, digest="", training=_training(scorer.model, new, tables))
    logged = None
    if recipe.track.enabled:
        report_step("logging the run to MLflow")
        with open_run(
            tracking_uri(recipe.track.uri), recipe.track.experiment, name=f"{new.name}, recalibration"
        ) as run:
            path = ", ".join(map(str, local_files(traffic))) or None
            run.log_inputs([RunInput("traffic", path, data_digest(traffic))])
            new = _write(new, Path(output))
            content = _run_content(new, address or (model if isinstance(model, str) else None))
            logged = run.finish(output, content, register_as=new.name if recipe.track.register_model else None)
    else:
        new = _write(new, Path(output))
    return Recalibrated(new, Path(output), logged, (*read.notes, *notes))


def _write(model: Model, output: Path) -> Model:
    """Write a model in place of an older one, which stays until then."""
    with claiming(output), replacing_models([output]):
        return write_verified(model, output)


def _check_volume(alerts_a_day: float | None, flagged: float | None) -> None:
    """Check the alert volume before any work."""
    if alerts_a_day is not None and flagged is not None:
        raise RecipeError("--alerts-a-day", ["expected one alert volume, got --flagged too. Remove one"])
    if alerts_a_day is not None and not 0 <= alerts_a_day < inf:
        raise RecipeError("--alerts-a-day", [f"expected a number of at least 0, got {alerts_a_day}"])
    if flagged is not None and not 0 <= flagged <= 1:
        raise RecipeError("--flagged", [f"expected a share from 0 to 1, got {flagged}"])


def _share_to_flag(model: Model, read: Traffic, alerts_a_day: float | None, flagged: float | None) -> float:
    """Return the share of the records that are flagged at the capacity."""
    if alerts_a_day is not None:
        if read.days is None:
            raise RecipeError("--alerts-a-day", ["the records have no times. Add times, or use --flagged"])
        return min(alerts_a_day * read.days / len(read.ids), 1.0)
    if flagged is not None:
        return flagged
    share = next((point.flagged for point in model.points if point.name == CAPACITY), None)
    if share is None:
        raise RecipeError("the model", ["it has no alert volume. Give one: --alerts-a-day or --flagged"])
    return share


def _recalibrate(model: Model, read: Traffic, has_labels: bool, share: float) -> tuple[Model, tuple[str, ...]]:
    """Return the model with new points and facts, and notes."""
    thresholds = model.training.get("recipe", {}).get("thresholds")
    targets = (ThresholdRecipe() if thresholds is None else ThresholdRecipe.model_validate(thresholds)).targets
    if not has_labels:
        outcome = by_volume(model, read, targets, share)
    elif read.probability is not None:
        outcome = by_drawn_labels(model, read, read.probability, targets, share)
    else:
        outcome = by_all_labels(model, read, targets, share)
    points = deciding_first(outcome.points, targets.decide_by or targets.names[0])
    capacity = next(point for point in points if point.name == CAPACITY)
    fraud = fraud_of(outcome.model, read)
    low, high = volume_interval(reached(fraud, capacity.threshold), read.groups)
    volume = {"flagged": capacity.flagged, "flagged_interval": [low, high], "days": read.days}
    window = {"window": _window(model, read, has_labels)}
    facts = model.training | {"recalibration": outcome.facts | volume | window}
    chosen = {point.name for point in points}
    left_out = ", ".join(name for name in targets.names if name not in chosen)
    notes = point_notes(points, targets)
    if left_out:
        notes = (*notes, f"operating points that are not chosen again: {left_out}")
    if model.source_points is not None:
        gone = f"the thresholds by {model.source_points.column} are not set again: {points[0].name} decides all records"
        notes = (*notes, gone)
    new = replace(outcome.model, points=points, source_points=None, training=facts)
    scores = {"unlike_training": read.unlike, "probability": fraud}
    return replace(new, expected_shares=expected_shares(new, scores, read.groups, read.times)), notes


def _window(model: Model, read: Traffic, has_labels: bool) -> list[str]:
    """Return the first and the last time of the records, and of those of an earlier recalibration that still counts."""
    before = model.training.get("recalibration")
    if has_labels or before is None:  # with labels, an earlier recalibration is replaced completely
        return read.window
    windows = [read.window, before.get("window")]
    if not all(windows):
        return []
    firsts, lasts = zip(*windows, strict=True)
    return [min(firsts, key=pd.Timestamp), max(lasts, key=pd.Timestamp)]


def _training(model: Model, new: Model, tables: dict[str, Source | None]) -> dict[str, Any]:
    """Return the training facts of the new model: those of the old one, and what was recalibrated."""
    digests = {name: data_digest(table) for name, table in tables.items() if table is not None}
    facts = new.training["recalibration"]
    parent = {"parent": model.digest, "calibration_before": asdict(model.calibration), "digests": digests}
    return new.training | {"recalibration": parent | facts}


def _run_content(model: Model, address: str | None) -> RunContent:
    """Return the content of the run of a recalibration in MLflow."""
    facts, first = model.training["recalibration"], model.points[0]
    low, high = facts["flagged_interval"]
    lines = [
        f"Recalibrated from the model with digest `{facts['parent']}`: {', '.join(facts['of'])}.",
        f"- labels: {facts['labels']:,}",
        f"- {first.name} decides",
        f"- alerts at the capacity: {100 * low:.2f} % to {100 * high:.2f} % of the records",
        f"- digest of the model folder: `{model.digest}`",
    ]
    parent = {"parent.model": address} if address is not None and address.startswith("models:/") else {}
    metrics = {"labels": float(facts["labels"]), "flagged": facts["flagged"]}
    if "max_calibration_error" in facts:
        metrics["max_calibration_error"] = facts["max_calibration_error"]
    return RunContent(
        name=f"{model.name}, recalibrated",
        description="\n".join(lines),
        params={"parent_digest": facts["parent"], "recalibrated": ", ".join(facts["of"])},
        metrics=metrics,
        tags={"model.digest": model.digest, "parent.model.digest": facts["parent"], **parent}
        | {f"data.{name}.sha256": digest for name, digest in facts["digests"].items()},
        documents={
            "recalibration.json": facts,
            "operating_points.json": [asdict(point) for point in model.points],
        },
    )
