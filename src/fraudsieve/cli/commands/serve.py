"""``fraudsieve predict``, ``serve`` and ``verify``."""

import logging
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fraudsieve._translation import tr
from fraudsieve.cli.console import WORK_FAILED, Answer, Report, exit_on_error, notes
from fraudsieve.cli.options import (
    EvidenceOptions,
    Json,
    KnownLabels,
    LabelDays,
    LanguageOption,
    Lateness,
    ModelOption,
    ReadingOptions,
    RulesOption,
    ScoredOptions,
    input_table,
    loaded_scorer,
    records_to_score,
    split_names,
)
from fraudsieve.cli.tables import rule_rows, traffic_rows

if TYPE_CHECKING:
    from fraudsieve.service.settings import Settings


@dataclass(frozen=True)
class ServiceOptions:
    """The options of a service that are fields of its settings."""

    state: Annotated[
        str | None,
        typer.Option(
            help="Event store of the history: a file such as live.db, or postgresql://USER@HOST/DATABASE for several "
            "machines (password in PGPASSWORD or ~/.pgpass). Without it, the history is lost on exit."
        ),
    ] = None
    workers: Annotated[
        int, typer.Option(help="Number of processes. For several, a model with history needs --state.", min=1)
    ] = 1
    lateness: Lateness = "1d"
    label_days: LabelDays = 180.0
    threads: Annotated[
        int | None, typer.Option(help="Scoring threads per worker; by default, one per core over all workers.", min=1)
    ] = None
    max_body: Annotated[int, typer.Option(help="Largest request body, in bytes.", min=1)] = 1 << 20
    max_records: Annotated[int, typer.Option(help="Largest number of records per request.", min=1)] = 1000
    max_requests: Annotated[
        int, typer.Option(help="Largest number of requests in progress, per worker; further ones get 503.", min=1)
    ] = 64
    body_seconds: Annotated[float, typer.Option(help="Seconds that a request may take to arrive.", min=0.1)] = 10.0
    watch_seconds: Annotated[
        float, typer.Option(help="Seconds between checks of a registry alias and of the rules file.", min=0.1)
    ] = 20.0
    after_seconds: Annotated[
        float, typer.Option(help="Seconds that a request may wait for the offset in Fraudsieve-After.", min=0.0)
    ] = 1.0
    grace_seconds: Annotated[float, typer.Option(help="Seconds that requests may take to finish on shutdown.")] = 30.0
    rules: RulesOption = None
    score_log: Annotated[
        Literal["off", "scores", "records"],
        typer.Option(
            help="What the store of --state keeps of each score: nothing (off), ids and scores, or also the records."
        ),
    ] = "off"
    score_days: Annotated[int, typer.Option(help="Days after which a logged score is deleted.", min=1)] = 400
    record_days: Annotated[
        int, typer.Option(help="Days after which a logged record is deleted; at the latest with its score.", min=1)
    ] = 180


def serve_command(
    *,
    model: ModelOption,
    options: ServiceOptions,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free port.", min=0, max=65535)] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must send; by default $FRAUDSIEVE_TOKEN.")
    ] = None,
    label_tokens: Annotated[
        Path | None,
        typer.Option(help="File with further tokens, one per line, each with the sources that its labels may have."),
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Allow requests from other machines without a token.")] = False,
    evidence: EvidenceOptions,
    json: Json = False,
) -> None:
    """Serve a model over HTTP until it is stopped (POSIX only). Log JSON lines to standard error.

    fraudsieve serve --model fraudsieve-model --state live.db

    fraudsieve serve --model models:/fraudsieve@champion --state postgresql://fraud@db/history --workers 4
    """
    with exit_on_error(as_json=json):
        from fraudsieve.service.json_log import configure_json_logging, log_event
        from fraudsieve.service.processes.worker import check_installed
        from fraudsieve.service.settings import (
            Settings,
            check_exposure,
            check_platform,
            listen,
            read_label_tokens,
            read_token,
        )

        check_platform()
        check_installed()
        token = read_token(token_file)
        check_exposure(host, token, is_open=open)
        configure_json_logging()
        if token is None:
            clients = "every machine that can reach it" if open else "all users of this machine"
            log_event(f"no token is set: the service accepts requests from {clients}", level=logging.WARNING)
        settings = Settings(
            token=token,
            label_tokens={} if label_tokens is None else read_label_tokens(label_tokens, token),
            is_open=open,
            address=model,
            evidence=evidence.settings(),
            **vars(options),
        )
        with listen(host, port) as listener:
            is_clean = _serve(settings, listener)
    if not is_clean:
        raise typer.Exit(WORK_FAILED)


def _serve(settings: "Settings", listener: socket) -> bool:
    """Serve until a signal; return whether all workers stopped cleanly."""
    if settings.workers > 1:
        from fraudsieve.service.processes.supervisor import supervise

        return supervise(settings, listener)
    from fraudsieve.service.processes.worker import load_app
    from fraudsieve.service.server import run

    run(load_app(settings), settings, listener)
    return True


def verify_command(
    *,
    progress: Report,
    model: ModelOption,
    digest: Annotated[str | None, typer.Option(help="Digest that the model must have, as train prints it.")] = None,
) -> Answer:
    """Check a model folder, score sample records with it, and list the checks. If a check fails, exit with 2."""
    progress("checking")
    from fraudsieve.models.verification import verify

    verified = verify(model, digest=digest)
    notes(verified.notes)
    content = asdict(verified) | {"folder": str(verified.folder), "checks": dict(verified.checks)}
    facts = [("digest", verified.digest), ("trained on", verified.trained_on)]
    rows = [*facts, *((f"checked {name}", text) for name, text in verified.checks)]
    return Answer(content, f"{verified.folder}: {verified.name}, a model of {verified.subject}s", rows)


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
    from fraudsieve.models.batch.score import score_file
    from fraudsieve.models.rules.files import read_rules

    applied = None if rules is None else read_rules(rules)
    scorer = loaded_scorer(model, progress, n_threads=0, rules=applied)
    progress("reading")
    show_rows = partial(progress, "scoring")
    records, beside = records_to_score(scorer.model, inputs)
    with nullcontext() if recording is None else recording.open() as log:
        result = score_file(
            scorer,
            records,
            output,
            show_rows,
            events=beside["events"],
            history=beside["history"],
            known_labels=labels,
            keep=split_names(keep or ""),
            reasons=reasons,
            language=language or "en",
            evidence=log,
        )
    notes(result.notes, language or "en")
    rows = [("scores", str(result.output)), ("scored", f"{result.scored:,}"), ("rejected", f"{result.rejected:,}")]
    if result.rejected_output is not None:
        rows.append(("rejected rows", str(result.rejected_output)))
    rows += [*rule_rows(result.rules, result.scored), *traffic_rows(scorer.model, result.unusual_shares)]
    unusual = [asdict(share) | {"text": share.text} for share in result.unusual_shares]
    content = asdict(result) | {"unusual_shares": unusual, "model": scorer.model.name, "digest": scorer.model.digest}
    return Answer(content, tr("Scored with {name}", name=scorer.model.name), rows, language=language or "en")
