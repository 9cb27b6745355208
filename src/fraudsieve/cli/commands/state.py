"""``fraudsieve state`` and ``scores``: what is in an event store, and how it gets in and out; ``fraudsieve review``."""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve._io import PRIVATE, check_not_an_input, check_output_file, write_file
from fraudsieve._typing import JsonObject
from fraudsieve.cli.console import Answer, Report, count_of, notes
from fraudsieve.cli.options import (
    Events,
    LabelDays,
    Labels,
    LanguageOption,
    Lateness,
    Messages,
    ModelOption,
    ReadingOptions,
    RecordOptions,
    ScoredOptions,
    Threshold,
    command_group,
    files_of,
    input_table,
    loaded_scorer,
    split_names,
    subcommand,
)
from fraudsieve.exceptions import RecipeError

if TYPE_CHECKING:  # imported at first use: pandas takes time
    import pandas as pd

    from fraudsieve._translation import Language
    from fraudsieve.live.export import Loaded
    from fraudsieve.live.state import LiveState
    from fraudsieve.live.store.event_store import EventStore
    from fraudsieve.review.answers import Agreement, Collected
    from fraudsieve.review.context import Context
    from fraudsieve.review.draw import ReviewDraw
    from fraudsieve.tables.schema import Cause
    from fraudsieve.tables.source import InputTable

state_app = command_group(
    "state", "Event store of a live state: describe it, load and export events, erase an account, or rewind."
)

Address = Annotated[
    str, typer.Argument(help="Event store: a file such as live.db, or postgresql://USER@HOST/DATABASE.")
]


scores_app = command_group("scores", "Scores that a service logged (serve --score-log): write them as a table.")


@subcommand(scores_app, "export")
def export_scores_command(
    *,
    progress: Report,
    address: Address,
    since: Annotated[
        datetime | None, typer.Option(help="Write only scores that were answered from this time on (UTC).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Write only scores that were answered before this time (UTC).")
    ] = None,
    output: Annotated[Path, typer.Option(help="File to write: .parquet, .csv, .xlsx or .jsonl.")] = Path(
        "scores.parquet"
    ),
    records: Annotated[
        Path | None, typer.Option(help="File for the records that were scored, as the service got them.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(help="message, account or event: which scores, if services of several types log to the store."),
    ] = None,
    repeated: Annotated[
        bool, typer.Option("--repeated", help="Write every score of a record; by default only the latest.")
    ] = False,
) -> Answer:
    """Write logged scores as the table that predict writes, with the request, model, offset and time of the answer.

    fraudsieve scores export live.db --since 2026-05-01 --output scores.parquet --records records.parquet
    """
    progress("reading the log")
    from fraudsieve.live.score_tables import export_scores

    with opened_store(address) as store:
        found = export_scores(
            store, output, since=since, until=until, subject=subject, records=records, repeated=repeated
        )
    rows = [("scores", f"{found.scores:,}")]
    rows += [] if records is None else [("records", f"{found.records:,}, in {records}")]
    if found.superseded:
        notes((f"{count_of(found.superseded, 'earlier score')} of the same records left out; --repeated writes them",))
    if found.without_id:
        notes((f"{count_of(found.without_id, 'score')} of records without an id, which no label can be joined to",))
    if found.left_out_fields:
        notes((f"{count_of(found.left_out_fields, 'value')} of further fields of records left out",))
    return Answer({"output": str(output), **found._asdict()}, str(output), rows)


@dataclass(frozen=True)
class PartOptions:
    """Records to load, by their type."""

    events: Events = None
    messages: Messages = None
    labels: Labels = None


@subcommand(state_app, "info")
def info_command(address: Address) -> Answer:
    """Describe a store: rows, offsets, times, fields, snapshots and removals."""
    from fraudsieve.live.contents import describe_store

    with opened_store(address) as store:
        content = describe_store(store)
    rows = [(name, _text(value)) for name, value in content.items() if name != "removals"]
    rows += [("removed", ", ".join(f"{name} {value}" for name, value in one.items())) for one in content["removals"]]
    return Answer(content, content["address"], rows)


@subcommand(state_app, "load")
def load_command(
    *,
    progress: Report,
    address: Address,
    model: ModelOption,
    tables: PartOptions,
    reading: ReadingOptions,
    lateness: Lateness = "1d",
    label_days: LabelDays = 180.0,
) -> Answer:
    """Add records to a store, in order of time, such as those of past months. Records of one id count once.

    fraudsieve state load live.db --events events.parquet --labels labels.csv --model fraudsieve-model

    JSON Lines from standard input have the name -

    kcat -C -t payments -e | fraudsieve state load live.db --events - --model fraudsieve-model
    """
    given: dict[Any, list[str]] = {part: sources for part, sources in vars(tables).items() if sources}
    if not given:
        raise RecipeError("state load", ["expected a table: --events, --messages or --labels"])
    streams = [part for part, sources in given.items() if sources == ["-"]]
    if len(streams) > 1:
        raise RecipeError("state load", ["expected one table from standard input, got several"])
    inputs = {
        part: table
        for part, sources in given.items()
        if part not in streams and (table := input_table(sources, reading)) is not None
    }
    from fraudsieve.live.export import json_lines, load_records
    from fraudsieve.live.state import LiveState

    scorer = loaded_scorer(model, progress)
    progress("opening the store")
    with LiveState(scorer, address, lateness=lateness, label_days=label_days) as live:
        loaded, rejected = _load_tables(live, inputs, progress)
        for part in streams:
            load_records(live, part, json_lines(sys.stdin.buffer), partial(progress, "loading"), loaded)
    for part, reasons in loaded.rejected.items():
        rejected[part].update({("", reason): count for reason, count in reasons.items()})
    for part, causes in rejected.items():
        source = ", ".join(given.get(part) or [name for sources in given.values() for name in sources])
        _check_rejected(source, part, loaded.accepted, causes, reading.max_rejected)
    return _answer_loaded(address, loaded, rejected)


def _load_tables(
    live: "LiveState", inputs: dict[Any, "InputTable"], progress: Any
) -> tuple["Loaded", "defaultdict[str, Counter[Cause]]"]:
    """Load tables in order of time; return what was loaded, and by type why rows were rejected when they were read."""
    from fraudsieve.live.export import Loaded, load_in_order

    rejected: defaultdict[str, Counter[Cause]] = defaultdict(Counter)
    if not inputs:
        return Loaded(), rejected
    from fraudsieve.live.export import merge_tables, records_of_table
    from fraudsieve.tables.source import origin_of

    progress("reading")
    tables = []
    for part, table in inputs.items():
        read = records_of_table(table, part, live.scorer.model)
        rejected[part] = read.rejected
        tables.append(read.records)
        if read.missing:
            columns = ", ".join(read.missing)
            notes((f"{origin_of(table)}: no column {columns}, which the model uses: stored as missing",))
    return load_in_order(live, merge_tables(tables), partial(progress, "loading")), rejected


def _answer_loaded(address: str, loaded: "Loaded", rejected: "Mapping[str, Counter[Cause]]") -> Answer:
    reasons = Counter[str]()
    for (_, reason), count in (pair for causes in rejected.values() for pair in causes.items()):
        reasons[reason] += count  # two columns may have one reason
    content = {"accepted": loaded.accepted.total(), "rejected": reasons.total(), "reasons": dict(reasons)}
    content |= {"unknown": loaded.unknown}
    rows = [(f"accepted {part}", f"{count:,}") for part, count in loaded.accepted.items()]
    rows += [("rejected", f"{reasons.total():,}")]
    rows += [(f"{count:,} times", reason) for reason, count in reasons.most_common()]
    rows += [("labels without a record so far", f"{loaded.unknown:,}")] if loaded.unknown else []
    return Answer(content, f"Loaded into {address}", rows)


@subcommand(state_app, "export")
def export_command(
    *,
    progress: Report,
    address: Address,
    output: Annotated[Path, typer.Option(help="Folder for the Parquet tables.")] = Path("live-tables"),
    model: Annotated[
        str | None,
        typer.Option(help="Model whose labels and records are written, with the names of columns of its training."),
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Export only records from this time on (UTC).")] = None,
    until: Annotated[
        str | None, typer.Option(help="Export only records before this time, such as 2026-05-01T10:00:00Z.")
    ] = None,
) -> Answer:
    """Write the events, labels and logged messages of a store as tables, to train on."""
    progress("reading the store")
    from fraudsieve.live.export import export_tables
    from fraudsieve.models.predict import Scorer

    with opened_store(address) as store:
        trained = None if model is None else Scorer.load(model).model
        content = export_tables(store, output, trained, since=since, until=until)
    return Answer(content, str(output), [(name, _text(value)) for name, value in content.items()])


@subcommand(state_app, "erase")
def erase_command(
    address: Address,
    account_id: Annotated[str, typer.Option(help="Id of the account; - reads it from standard input.")],
) -> Answer:
    """Erase all rows with an account in any id field, and all snapshots. Running services follow by themselves."""
    from fraudsieve.live.contents import erase

    with opened_store(address) as store:
        content = {"erased": erase(store, account_id=sys.stdin.readline() if account_id == "-" else account_id)}
    return Answer(content, "Erased", [("rows", f"{content['erased']:,}")])


@subcommand(state_app, "rewind")
def rewind_command(
    address: Address,
    until: Annotated[str, typer.Option(help="Remove rows with a later time than this, such as 2026-05-01T10:00:00Z.")],
) -> Answer:
    """Remove rows that are dated after a time. Events with wrong times in the future make correct ones too late."""
    from fraudsieve.live.contents import rewind

    with opened_store(address) as store:
        content = {"removed": rewind(store, until)}
    return Answer(content, "Rewound", [("rows", f"{content['removed']:,}")])


def _check_rejected(
    source: str, part: str, accepted: Counter[str], causes: Counter["Cause"], max_rejected: float | None
) -> None:
    """Raise SchemaError if too many of the records were rejected; an empty file is not an error."""
    from fraudsieve.tables.schema import check_rejected

    if causes:
        stored = ", ".join(f"{count:,} {name}" for name, count in accepted.items() if count) or "nothing"
        check_rejected(
            causes,
            accepted[part] + causes.total(),
            max_rejected=max_rejected,
            origin="standard input" if source == "-" else source,
            expected="Correct the records, or give them with the option of their type.",
            stored=stored,
        )


def opened_store(address: str) -> "EventStore":
    """Open a store that exists."""
    from fraudsieve.live.store.event_store import existing_store

    return existing_store(address)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


PageOption = Annotated[
    Path | None, typer.Option(help="Page to write as well, .html: people answer in it, without a network.")
]

review_app = command_group(
    "review", "Records that people should look at, drawn with known probabilities, and their answers as labels."
)


ScoresOption = Annotated[
    list[str] | None,
    typer.Option(metavar="TABLE", help="Scores of one type of records. Repeat it for several files."),
]
StateOfRecords = Annotated[
    str | None, typer.Option(help="Store of a service that logs records, in place of --scores and tables.")
]
SubjectOption = Annotated[
    str | None,
    typer.Option(help="message, account or event: with --state, if services of several types log to the store."),
]
DayOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Draw only from records of this day (UTC); by default from all."),
]
PreviousOption = Annotated[
    Path | None,
    typer.Option(help="An earlier draw, or a folder of all earlier ones: their records are not drawn again."),
]


@subcommand(review_app, "draw")
def draw_command(
    *,
    progress: Report,
    scores: ScoresOption = None,
    tables: ScoredOptions,
    state: StateOfRecords = None,
    subject: SubjectOption = None,
    capacity: Annotated[int, typer.Option(help="How many records people can look at.")],
    audit: Annotated[
        float,
        typer.Option(help="Share of random records among those that are not alerts. At 0, recall cannot be estimated."),
    ] = 0.0,
    near: Annotated[
        float, typer.Option(help="Share of passed records just below the threshold, one of each campaign or account.")
    ] = 0.0,
    day: DayOption = None,
    threshold: Threshold = None,
    cases: Annotated[
        Path | None, typer.Option(help="Folder of cases: alerts are drawn case by case, by their ranks.")
    ] = None,
    previous: PreviousOption = None,
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
    _check_scored(scores, tables, state)
    if page is None and choices is not None:
        raise RecipeError("review draw", ["expected --page with --choices: the page offers these labels"])
    progress("reading")
    from fraudsieve.review.draw import ReviewPlan, draw_from_log, draw_records, write_draw
    from fraudsieve.tables.formats.output import check_output_format

    plan = ReviewPlan(capacity, audit, near, seed)
    dates = ReadingOptions(day_first=reading.day_first)
    inputs = tables.inputs(reading)
    earlier, scored = _earlier(previous), input_table(scores, dates)
    check_output_format(output)
    check_output_file(output)
    check_not_an_input(output, *files_of(earlier, scored, *inputs.values()))
    _check_page(page)
    draw = partial(
        draw_records if state is None else draw_from_log,
        plan=plan,
        day=None if day is None else day.date(),
        threshold=threshold,
        cases=cases,
        previous=earlier,
        show=None if show is None else split_names(show),
        model=None if model is None else loaded_scorer(model, progress),
        with_context=page is not None,
        language=language or "en",
    )
    if state is None:
        drawn = draw(scored, **inputs)
    else:
        with opened_store(state) as store:
            drawn = draw(store, subject=subject)
    progress("writing")
    cut = write_draw(drawn, output)
    offered = [*dict.fromkeys(split_names(choices or ""))] or drawn.labels
    _write_page(page, drawn.records, offered, language, drawn.context)
    notes((*cut, *drawn.notes))
    content: JsonObject = {
        "output": str(output),
        "page": None if page is None else str(page),
        "drawn": len(drawn.records),
    }
    content |= {**drawn.counts, "frame": drawn.frame}
    content |= {"recall_can_be_estimated": drawn.covers, "left_out": drawn.left_out, "notes": [*cut, *drawn.notes]}
    return Answer(content, count_of(len(drawn.records), "record"), _draw_rows(drawn, output))


def _check_page(page: Path | None) -> None:
    if page is not None:
        if page.suffix.lower() != ".html":
            raise RecipeError("--page", ["expected a file ending in .html, such as review.html"])
        check_output_file(page)


def _write_page(
    page: Path | None,
    records: "pd.DataFrame",
    labels: Sequence[str],
    language: "Language | None",
    context: "Context | None" = None,
) -> None:
    from fraudsieve.review.review_page import render_review_page

    if page is not None:
        rendered = render_review_page(records, labels, context=context or {}, language=language or "en")
        write_file(page, rendered.encode(), mode=PRIVATE)


def _earlier(previous: Path | None) -> "InputTable | None":
    """Return an earlier draw, or all of a folder; None if there is none."""
    from fraudsieve.tables.formats.output import ENDINGS

    if previous is None or not previous.is_dir():
        return None if previous is None else input_table([str(previous)])
    files = sorted(path for path in previous.iterdir() if path.suffix in ENDINGS and not path.name.startswith("."))
    return input_table([*map(str, files)])


def _draw_rows(drawn: "ReviewDraw", output: Path) -> list[tuple[str, str]]:
    rows = [("output", str(output)), *((why, f"{count:,}") for why, count in drawn.counts.items())]
    rows.append(("drawn from", f"{drawn.frame:,} records"))
    rows += [("left out", f"{count:,} {reason}") for reason, count in drawn.left_out.items() if count]
    return [*rows, ("recall", "can be estimated" if drawn.covers else "cannot be estimated: there is no audit")]


@subcommand(review_app, "plan")
def plan_command(
    *,
    progress: Report,
    scores: ScoresOption = None,
    tables: RecordOptions,
    state: StateOfRecords = None,
    subject: SubjectOption = None,
    recall: Annotated[float, typer.Option(help="How far the ends of the interval of recall may be from it.")] = 0.05,
    day: DayOption = None,
    threshold: Threshold = None,
    previous: PreviousOption = None,
    reading: ReadingOptions,
) -> Answer:
    """Say how many random records people must look at, beside all alerts, for an interval of recall.

    fraudsieve review plan --scores scores.parquet --messages new.parquet --recall 0.05
    """
    _check_scored(scores, tables, state)
    progress("reading")
    from fraudsieve.review.planning import plan_review

    estimate = partial(
        plan_review,
        recall=recall,
        subject=subject,
        day=None if day is None else day.date(),
        threshold=threshold,
        previous=_earlier(previous),
    )
    if state is None:
        scored = input_table(scores, ReadingOptions(day_first=reading.day_first))
        assert scored is not None
        cost = estimate(scored, **tables.inputs(reading))
    else:
        with opened_store(state) as store:
            cost = estimate(store)
    rows = [("records", f"{cost.records:,}, {cost.flagged:,} of them flagged")]
    rows.append(("expected frauds", f"{cost.found:,.1f} flagged, {cost.missed:,.1f} missed: recall {cost.recall:.3f}"))
    for reach, audits in cost.audits.items():
        needed = f"more than one record of each of {cost.groups:,} campaigns or accounts"
        rows.append((f"within {reach:g}", needed if audits is None else count_of(audits, "audit")))
    wanted = cost.audits[recall]
    notes(("these numbers hold if the probabilities are right: look at the interval after the first draws",))
    return Answer({**vars(cost), "recall": cost.recall}, "-" if wanted is None else count_of(wanted, "audit"), rows)


def _check_scored(scores: list[str] | None, tables: RecordOptions, state: str | None) -> None:
    if (scores is None) == (state is None):
        raise RecipeError("review", ["expected either --scores, with the table that was scored, or --state"])
    if state is not None and any(vars(tables).values()):
        raise RecipeError("review", ["expected no tables beside --state, which has the records"])


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
    content |= {"agreement": [{"reviewers": names, **vars(found)} for names, found in collected.agreement.items()]}
    content |= {"disagreements": len(collected.disagreements)}
    return Answer(content, str(output), _collected_rows(collected))


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
