"""``fraudsieve predict``."""

from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fraudsieve.cli.console import Answer, Report, notes
from fraudsieve.cli.options import (
    EvidenceOptions,
    KnownLabels,
    LanguageOption,
    ModelOption,
    ReadingOptions,
    RulesOption,
    ScoredOptions,
    input_table,
    records_to_score,
    split_names,
)
from fraudsieve.cli.tables import rule_rows, traffic_rows


def predict_command(
    *,
    progress: Report,
    model: ModelOption,
    tables: ScoredOptions,
    known_labels: KnownLabels = None,
    reading: ReadingOptions,
    keep: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Columns of the records to write beside the scores, such as text,sent_at."),
    ] = None,
    reasons: Annotated[
        int, typer.Option(min=0, help="Number of reasons to write for each record, as columns and as JSON.")
    ] = 0,
    language: LanguageOption = None,
    rules: RulesOption = None,
    output: Annotated[Path, typer.Option(help="File of scores to write: .parquet, .csv, .xlsx or .jsonl.")] = Path(
        "scores.parquet"
    ),
    evidence: EvidenceOptions,
) -> Answer:
    """Score a file of messages, accounts or events."""
    from fraudsieve.tables.formats.output import check_output_format

    check_output_format(output)
    recording = evidence.settings()
    inputs, labels = tables.inputs(reading), input_table(known_labels, reading)
    progress("loading the model")
    from fraudsieve.models.batch.score import score_file
    from fraudsieve.models.predict import Scorer
    from fraudsieve.models.rules.files import read_rules

    applied = None if rules is None else read_rules(rules)
    scorer = Scorer.load(model, n_threads=0, rules=applied)
    progress("reading")
    show_rows = partial(progress, "scoring")
    records, beside = records_to_score(scorer.model, inputs)
    settings: dict[str, Any] = {"keep": split_names(keep or ""), "reasons": reasons, "language": language or "en"}
    with nullcontext() if recording is None else recording.open() as log:
        result = score_file(scorer, records, output, show_rows, known_labels=labels, **beside, **settings, evidence=log)
    notes(result.notes)
    rows = [("scores", str(result.output)), ("scored", f"{result.scored:,}"), ("rejected", f"{result.rejected:,}")]
    if result.rejected_output is not None:
        rows.append(("rejected rows", str(result.rejected_output)))
    rows += rule_rows(result.rules, result.scored)
    rows += traffic_rows(scorer.model, result.unusual_shares)
    unusual = [asdict(share) | {"text": share.text} for share in result.unusual_shares]
    content = asdict(result) | {"unusual_shares": unusual, "model": scorer.model.name, "digest": scorer.model.digest}
    return Answer(content, f"Scored with {scorer.model.name}", rows)
