"""``fraudsieve recalibrate``."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.cli.console import answer, count_of, exit_on_error, notes, steps, stop_on_sigterm
from fraudsieve.cli.options import (
    Json,
    KnownLabels,
    Labels,
    ModelOption,
    ReadingOptions,
    ScoredOptions,
    input_table,
    records_to_score,
)
from fraudsieve.cli.summary import next_command
from fraudsieve.exceptions import RecipeError

if TYPE_CHECKING:  # imported at first use: MLflow alone takes seconds
    from fraudsieve.training.recalibration.recalibration_run import Recalibrated


def recalibrate_command(
    *,
    model: ModelOption,
    tables: ScoredOptions,
    output: Annotated[Path | None, typer.Option(help="Model folder to write.")] = None,
    labels: Labels = None,
    draw: Annotated[
        int | None, typer.Option(min=1, help="Draw this many records to label, write them to --sample, and stop.")
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(
            help="File of the drawn records, .csv or .xlsx: fill in its column label, and give it in the next call."
        ),
    ] = None,
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
    track: Annotated[
        bool | None,
        typer.Option(
            "--track/--no-track", help="Whether to log the run and the model to MLflow; by default they are logged."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing model folder.")] = False,
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None,
    json: Json = False,
) -> None:
    """Adapt thresholds and calibration of a model to other traffic, with the same trees.

    Without labels, thresholds are set by alert volume. --draw 300 --sample audit.csv draws records to label. With the
    column label filled in, --sample audit.csv then sets the calibration and the false positive rates.
    """
    with exit_on_error(as_json=json), stop_on_sigterm(), steps(quiet=json) as progress:
        later = {"--output": output, "--labels": labels, "--alerts-a-day": alerts_a_day, "--flagged": flagged}
        _check(draw, sample, [option for option, value in later.items() if value is not None])
        if draw is not None and sample is not None:
            from fraudsieve.training.recalibration.audit import check_sample

            check_sample(sample)
        inputs, labelled = tables.inputs(reading), input_table(labels, reading)
        known = input_table(known_labels, reading)
        progress("loading the model")
        from fraudsieve.models.predict import Scorer
        from fraudsieve.training.recalibration.recalibration_run import check_options, draw_audit_sample, recalibrate
        from fraudsieve.training.recipe.recipe import Recipe

        settings = Recipe.read(recipe, {"track.enabled": track, "seed": seed})
        if draw is None:
            check_options(alerts_a_day, flagged, sample, labelled)
        scorer = Scorer.load(model)
        records, beside = records_to_score(scorer.model, inputs)
        if draw is not None and sample is not None:
            audit = draw_audit_sample(scorer, records, draw, sample, known_labels=known, **beside, seed=settings.seed)
            content: dict[str, Any] = {"sample": str(sample), "drawn": len(audit.rows)}
            given = vars(tables) | {"known_labels": known_labels} | vars(reading) | {"recipe": recipe, "sample": sample}
            following = next_command("recalibrate", model=model, **given, output="fraudsieve-recalibrated")
            rows = [("sample", str(sample)), ("next", f"fill in its column label, then: {following}")]
            title = f"Drew {count_of(len(audit.rows), 'record')} to label"
        else:
            result = recalibrate(
                scorer,
                records,
                output=output or Path(),
                labels=labelled,
                known_labels=known,
                sample=sample,
                alerts_a_day=alerts_a_day,
                flagged=flagged,
                recipe=settings,
                overwrite=overwrite,
                address=model,
                progress=progress,
                **beside,
            )
            notes(result.notes)
            content, rows, title = _content(result), list(_rows(result)), f"Recalibrated {result.model.name}"
    answer(content, as_json=json, title=title, rows=rows)


def _check(draw: int | None, sample: Path | None, later: list[str]) -> None:
    """Check that the options make one of the two calls: a draw, or a recalibration with options that a draw lacks."""
    if draw is not None and sample is None:
        raise RecipeError("--draw", ["expected a file for the sample. Add --sample audit.csv"])
    if draw is None and "--output" not in later:
        raise RecipeError("--output", ["expected a model folder to write, got none. Add --output, or draw with --draw"])
    if draw is not None and later:
        raise RecipeError("--draw", [f"draws and stops: use {' and '.join(later)} in the next call, without --draw"])


def _content(result: "Recalibrated") -> dict[str, Any]:
    logged = result.logged
    return {
        "folder": str(result.folder),
        "digest": result.model.digest,
        "model": None if logged is None else logged.model_uri,
        "recalibration": result.facts,
        "operating_points": [asdict(point) for point in result.model.points],
        "absent_points": [asdict(point) for point in result.model.absent_points],
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
