"""``fraudsieve review``: the records that people look at, and their answers."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.cli.console import Answer, Report, count_of, notes
from fraudsieve.cli.options import (
    LanguageOption,
    ReadingOptions,
    RecordOptions,
    Threshold,
    files_of,
    input_table,
    split_names,
    subcommand,
)
from fraudsieve.exceptions import RecipeError

from .state import opened_store

if TYPE_CHECKING:  # imported at first use: pandas takes time
    import pandas as pd

    from fraudsieve._translation import Language
    from fraudsieve.review.agreement import Agreement
    from fraudsieve.review.answers import Collected
    from fraudsieve.review.draw import ReviewDraw, ReviewPlan
    from fraudsieve.tables.source import InputTable

PageOption = Annotated[
    Path | None, typer.Option(help="Page to write as well, .html: people answer in it, without a network.")
]

review_app = typer.Typer(
    name="review",
    help="Records that people should look at, drawn with known probabilities, and their answers as labels.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@subcommand(review_app, "draw")
def draw_command(
    *,
    progress: Report,
    scores: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="Scores of one type of records. Repeat it for several files."),
    ] = None,
    tables: RecordOptions,
    state: Annotated[
        str | None, typer.Option(help="Store of a service that logs records, in place of --scores and tables.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="message, account or event: with --state, if services of several types log to the store."),
    ] = None,
    capacity: Annotated[int, typer.Option(help="How many records people can look at.")],
    audit: Annotated[
        float,
        typer.Option(help="Share of random records among those that are not alerts. At 0, recall cannot be estimated."),
    ] = 0.0,
    novel: Annotated[float, typer.Option(help="Share of passed records that are unlike training.")] = 0.0,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Draw only from records of this day (UTC); by default from all."),
    ] = None,
    threshold: Threshold = None,
    cases: Annotated[
        Path | None, typer.Option(help="Folder of cases: alerts are drawn case by case, by their ranks.")
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(help="An earlier draw, or a folder of all earlier ones: their records are not drawn again."),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(help="Columns that people see, with commas between; by default the text, or all columns."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model of the scores, for sentences of reasons if the scores have none.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    language: LanguageOption = None,
    reading: ReadingOptions,
    output: Annotated[Path, typer.Option(help="File to write: .parquet, .csv, .xlsx or .jsonl.")] = Path("draw.csv"),
    page: PageOption = None,
    choices: Annotated[
        str | None,
        typer.Option(help="Labels that the page offers, with commas between; by default those of the model or scores."),
    ] = None,
) -> Answer:
    """Draw the records that people look at in a day, and say with what probability each was drawn.

    fraudsieve review draw --scores scores.parquet --messages new.parquet --capacity 100 --audit 0.05 --page review.html
    """
    if (scores is None) == (state is None):
        raise RecipeError("review draw", ["expected either --scores, with the table that was scored, or --state"])
    if page is None and choices is not None:
        raise RecipeError("review draw", ["expected --page with --choices: the page offers these labels"])
    progress("reading")
    from fraudsieve._io import check_not_an_input, check_output_file
    from fraudsieve.review.draw import ReviewPlan, write_draw
    from fraudsieve.tables.formats.output import check_output_format

    plan = ReviewPlan(capacity, audit, novel, seed)
    dates = ReadingOptions(day_first=reading.day_first)
    inputs = tables.inputs(reading)
    earlier, scored = _earlier(previous), input_table(scores, dates)
    check_output_format(output)
    check_output_file(output)
    check_not_an_input(output, *files_of(earlier, scored, *inputs.values()))
    _check_page(page)
    settings: dict[str, Any] = {"threshold": threshold, "cases": cases, "previous": earlier}
    settings |= {"day": None if day is None else day.date(), "language": language or "en"}
    settings["show"] = None if show is None else split_names(show)
    if model is not None:
        from fraudsieve.models.predict import Scorer

        settings["model"] = Scorer.load(model)
    drawn = _draw(scored, inputs, state, subject, plan, settings)
    progress("writing")
    cut = write_draw(drawn, output)
    _write_page(page, drawn.records, [*dict.fromkeys(split_names(choices or ""))] or drawn.labels, language)
    notes((*cut, *drawn.notes))
    content: dict[str, Any] = {
        "output": str(output),
        "page": None if page is None else str(page),
        "drawn": len(drawn.records),
    }
    content |= {**drawn.counts, "frame": drawn.frame}
    content |= {"recall_can_be_estimated": drawn.covers, "left_out": drawn.left_out, "notes": [*cut, *drawn.notes]}
    return Answer(content, count_of(len(drawn.records), "record"), _draw_rows(drawn, output))


def _check_page(page: Path | None) -> None:
    from fraudsieve._io import check_output_file

    if page is not None and page.suffix.lower() != ".html":
        raise RecipeError("--page", ["expected a file ending in .html, such as review.html"])
    if page is not None:
        check_output_file(page)


def _write_page(page: Path | None, records: "pd.DataFrame", labels: Sequence[str], language: "Language | None") -> None:
    from fraudsieve._io import PRIVATE, write_file
    from fraudsieve.review.review_page import render_review_page

    if page is not None:
        write_file(page, render_review_page(records, labels, language=language or "en").encode(), mode=PRIVATE)


def _earlier(previous: Path | None) -> "InputTable | None":
    """Return an earlier draw, or all of a folder; None if there is none."""
    from fraudsieve.tables.formats.output import ENDINGS

    if previous is None or not previous.is_dir():
        return None if previous is None else input_table([str(previous)])
    files = sorted(path for path in previous.iterdir() if path.suffix in ENDINGS and not path.name.startswith("."))
    return input_table([*map(str, files)])


def _draw(
    scores: Any,
    inputs: dict[str, Any],
    state: str | None,
    subject: str | None,
    plan: "ReviewPlan",
    settings: dict[str, Any],
) -> "ReviewDraw":
    from fraudsieve.review.draw import draw_from_log, draw_records

    if state is None:
        return draw_records(scores, plan, **inputs, **settings)
    if any(table is not None for table in inputs.values()):
        raise RecipeError("review draw", ["expected no tables beside --state, which has the records"])

    with opened_store(state) as store:
        return draw_from_log(store, plan, subject=subject, **settings)


def _draw_rows(drawn: "ReviewDraw", output: Path) -> list[tuple[str, str]]:
    rows = [("output", str(output)), *((why, f"{count:,}") for why, count in drawn.counts.items())]
    rows.append(("drawn from", f"{drawn.frame:,} records"))
    rows += [("left out", f"{count:,} {reason}") for reason, count in drawn.left_out.items() if count]
    return [*rows, ("recall", "can be estimated" if drawn.covers else "cannot be estimated: there is no audit")]


@subcommand(review_app, "collect")
def collect_command(
    *,
    progress: Report,
    answers: Annotated[
        list[str], typer.Option(metavar="TABLE", help="Answers, as the page saves them. Repeat it for several files.")
    ],
    output: Annotated[
        Path, typer.Option(help="Table of labels to add them to, .parquet or .csv; created if it does not exist.")
    ] = Path("labels.parquet"),
    draws: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE",
            help="A draw that was answered: for --disagreements, and for answers without probabilities.",
        ),
    ] = None,
    disagreements: Annotated[
        Path | None, typer.Option(help="File for records that people disagree on, as the next draw. It needs --draws.")
    ] = None,
    page: PageOption = None,
    language: LanguageOption = None,
) -> Answer:
    """Add answers to a table of labels. A repeated call adds nothing.

    fraudsieve review collect --answers answers.csv --output labels.parquet
    """
    if disagreements is not None and draws is None:
        raise RecipeError("review collect", ["expected --draws with --disagreements: it has the records"])
    if disagreements is None and page is not None:
        raise RecipeError("review collect", ["expected --disagreements with --page: it shows their records"])
    progress("reading")
    from fraudsieve._io import check_not_an_input
    from fraudsieve.review.answers import collect_answers, third_opinions
    from fraudsieve.review.draw import NO_RECALL
    from fraudsieve.tables.formats.output import write_frame

    given, drawn = input_table(answers), input_table(draws)
    assert given is not None
    if disagreements is not None:
        check_not_an_input(disagreements, output, *files_of(given, drawn))
    _check_page(page)
    collected = collect_answers(given, output, drawn)
    if disagreements is not None and drawn is not None:
        third = third_opinions(collected, drawn)
        write_frame(third, disagreements, exact=("subject_id",))
        _write_page(page, third, sorted(collected.labels["label"].unique()), language)
    notes(() if collected.has_audit else (NO_RECALL,))
    content = {"output": str(output), "added": collected.added, "known": collected.known}
    content |= {"skipped": collected.skipped, "has_audit": collected.has_audit}
    content |= {"agreement": [_pair(*names, found) for names, found in collected.agreement.items()]}
    content |= {"disagreements": len(collected.disagreements)}
    return Answer(content, str(output), _collected_rows(collected))


def _pair(first: str, second: str, found: "Agreement") -> dict[str, Any]:
    return {"reviewers": [first, second], **vars(found)}


def _collected_rows(collected: "Collected") -> list[tuple[str, str]]:
    rows = [("added", f"{collected.added:,}"), ("there already", f"{collected.known:,}")]
    rows.append(("skipped", f"{collected.skipped:,}"))
    for (first, second), found in collected.agreement.items():
        rows.append((f"{first}, {second}", f"{_kappa_text(found)} on {count_of(found.records, 'record')}"))
    return [*rows, ("disagreements", f"{len(collected.disagreements):,}")]


def _kappa_text(found: "Agreement") -> str:
    if found.kappa is None or found.interval is None:
        return "kappa undefined, all labels are the same,"
    low, high = found.interval
    return f"kappa {found.kappa:.2f} ({low:.2f} to {high:.2f}), {found.agreement:.0%} the same"
