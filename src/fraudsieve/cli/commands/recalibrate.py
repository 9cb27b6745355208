"""``fraudsieve recalibrate``."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.cli.console import Answer, Report, notes, stop_on_sigterm
from fraudsieve.cli.options import (
    KnownLabels,
    Labels,
    ModelOption,
    Overwrite,
    ReadingOptions,
    ScoredOptions,
    Track,
    input_table,
    records_to_score,
)

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.training.recalibration.recalibration_run import Recalibrated


def recalibrate_command(
    *,
    progress: Report,
    model: ModelOption,
    tables: ScoredOptions,
    output: Annotated[Path, typer.Option(help="Model folder to write.")],
    labels: Labels = None,
    known_labels: KnownLabels = None,
    alerts_a_day: Annotated[float | None, typer.Option(min=0, help="Alerts per day that people can review.")] = None,
    flagged: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of the records to flag; by default, the share at the model's review capacity."
        ),
    ] = None,
    reading: ReadingOptions,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe (TOML); its section [track] names the MLflow store.")
    ] = None,
    track: Track = None,
    overwrite: Overwrite = False,
) -> Answer:
    """Adapt thresholds and calibration of a model to other traffic, with the same trees.

    Without labels, thresholds are set by alert volume. Labels of all records, or of review collect, also set the
    calibration and the false positive rates.
    """
    with stop_on_sigterm():
        inputs, labelled = tables.inputs(reading), input_table(labels, reading)
        known = input_table(known_labels, reading)
        progress("loading the model")
        from fraudsieve.models.predict import Scorer
        from fraudsieve.training.recalibration.recalibration_run import recalibrate
        from fraudsieve.training.recipe.recipe import Recipe

        settings = Recipe.read(recipe, {"track.enabled": track})
        scorer = Scorer.load(model)
        records, beside = records_to_score(scorer.model, inputs)
        result = recalibrate(
            scorer,
            records,
            output=output,
            labels=labelled,
            known_labels=known,
            alerts_a_day=alerts_a_day,
            flagged=flagged,
            recipe=settings,
            overwrite=overwrite,
            address=model,
            progress=progress,
            **beside,
        )
    notes(result.notes)
    title = f"Recalibrated {result.model.name}"
    return Answer(_content(result), title, _rows(result))


def _content(result: "Recalibrated") -> dict[str, Any]:
    logged = result.logged
    return {
        "folder": str(result.folder),
        "digest": result.model.digest,
        "model": None if logged is None else logged.model_uri,
        "recalibration": result.facts,
        "operating_points": [asdict(point) for point in result.model.points],
        "notes": list(result.notes),
    }


def _rows(result: "Recalibrated") -> Iterator[tuple[str, str]]:
    facts = result.facts
    yield "folder", str(result.folder)
    yield "digest", result.model.digest
    yield "set", " and ".join(facts["of"]).replace("_", " ")
    yield "labels", f"{facts['labels']:,}"
    low, high = facts["flagged_interval"]
    yield "alerts at the capacity", f"{facts['flagged']:.2%} of the records, next time {low:.2%} to {high:.2%}"
    for place, point in enumerate(result.model.points):
        rate = "" if point.false_positive_rate is None else f", false positives {point.false_positive_rate:.2%}"
        interval = facts.get("false_positive_rate_interval", {}).get(point.name)
        between = "" if interval is None else f" ({interval[0]:.2%} to {interval[1]:.2%})"
        decides = "; decides" if place == 0 else ""
        yield f"  {point.name}", f"threshold {point.threshold:.4f}, flags {point.flagged:.2%}{rate}{between}{decides}"
    if "observed_over_expected_interval" in facts:
        ends, error = facts["observed_over_expected_interval"], facts["max_calibration_error"]
        ratio = f"observed over expected {ends[0]:.2f} to {ends[1]:.2f}"
        yield "calibration", f"error at most {error:.3f}, {ratio} (95 %)"
    if result.logged is not None:
        yield "model", result.logged.model_uri
