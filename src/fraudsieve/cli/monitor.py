"""``fraudsieve monitor``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .console import BOUND_EXCEEDED, answer, exit_on_error, notes, steps
from .options import Events, Json, ModelOption

__all__ = ["monitor_command"]


def monitor_command(
    model: ModelOption,
    reference: Annotated[
        Path, typer.Option(help="Messages, accounts or events of before: the test slice, or the first week in use.")
    ],
    current: Annotated[Path, typer.Option(help="Those of now: Parquet, CSV or JSON Lines.")],
    events: Events = None,
    labels: Annotated[Path | None, typer.Option(help="Labels that have come, when they are no column.")] = None,
    past: Annotated[
        Path | None, typer.Option(help="Messages sent before, with labels where known, for models of campaigns.")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="A TOML file; its section [monitor] has the bounds.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="A page to write, such as monitor.html; the sheet goes beside it as JSON.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what has changed since a model was made: features, scores, alerts, calibration, unknown accounts.

    Exit code 3: the work is done, and something passed a bound of the recipe; the answer names it. As ever, 0 is fine,
    1 that the work failed, 2 that the call or the data were wrong.
    """
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("loading the model")
        from fraudsieve.models.flavor import model_folder
        from fraudsieve.models.predict import Scorer
        from fraudsieve.training.evaluation.json_types import to_json_types
        from fraudsieve.training.monitoring.page import monitor_page
        from fraudsieve.training.monitoring.report import monitor as run
        from fraudsieve.training.pages.evaluation import check_report_path, model_facts, write_page
        from fraudsieve.training.recipe.recipe import Recipe

        if report is not None:
            check_report_path(report)
        scorer, read = Scorer.load(model_folder(model)), Recipe.read(recipe)
        sheet = to_json_types(
            run(
                scorer,
                reference,
                current,
                events=events,
                labels=labels,
                past=past,
                settings=read.monitor,
                trust=read.data.trusted,
                progress=say,
            )
        )
        written: dict[str, str] = {}
        if report is not None:
            html = monitor_page(sheet, title=f"Monitor: {scorer.model.name}", facts=model_facts(scorer.model))
            page, beside = write_page(report, html, sheet)
            written = {"page": str(page), "sheet": str(beside)}
    notes(tuple(sheet["notes"]))
    content = {"model": scorer.model.name, "digest": scorer.model.digest, "passed": sheet["passed"], "sheet": sheet}
    content |= {"report": written} if written else {}
    rows = _rows(sheet)
    rows += [("report", f"{written['page']}, and as JSON {written['sheet']}")] if written else []
    count = sheet["rows"]
    title = f"{scorer.model.name}: {count['current']:,} {scorer.model.subject}s beside {count['reference']:,} of before"
    answer(content, as_json=json, title=title, rows=rows)
    if sheet["passed"]:
        raise typer.Exit(BOUND_EXCEEDED)


def _rows(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    """Lay out what moved, for people."""
    rows = [("passed", one["said"]) for one in sheet["passed"]] or [("passed", "no bound")]
    for one in sheet["families"]:
        worst = one["worst"]
        rows.append((f"family {one['family']}", f"{_index(worst)}  {worst['column']}"))
    rows += [(f"scores, {name}", _index(one)) for name, one in sheet["scores"].items()]
    for one in sheet["alerts"]:
        shares = f"{one['current']:.2%} flagged, {one['reference']:.2%} in the reference"
        rows.append((f"alerts, {one['name']}", shares))
    for one in sheet["expected"][:1]:
        now = one["current"]
        said = [f"{name} {now[name]:.3f}" for name in ("precision", "recall") if now[name] is not None]
        rows.append(("expected there", ", ".join(said) or "nothing is flagged"))
    found = sheet["calibration"]
    if found:
        ratio = found["observed_over_expected"]
        observed = "" if ratio is None else f", observed over expected {ratio:.2f}"
        rows.append(("calibration error", f"{found['ece']:.3f}{observed}, of {found['rows']:,} labelled"))
    for name, words in (("rejected", "rejected"), ("cold_start", "without a history")):
        one = sheet["shares"][name]
        rows += [] if one is None else [(words, f"{one['current']:.2%}, {one['reference']:.2%} in the reference")]
    return rows


def _index(one: dict[str, Any]) -> str:
    return f"PSI {one['psi']:.3f} ({one['expected']:.3f} without drift), JS {one['js']:.3f}"
