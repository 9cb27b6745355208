"""``fraudsieve cases``, ``lead`` and ``evidence``: what is found and shared, and how a score was computed."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fraudsieve._io import (
    PRIVATE,
    check_not_an_input,
    check_output_file,
    check_output_folder,
    read_secret_file,
    write_file,
)
from fraudsieve._typing import JsonObject
from fraudsieve.cli.console import WRONG_CALL, Answer, Report, count_of, notes
from fraudsieve.cli.options import (
    AsOf,
    Labels,
    LanguageOption,
    Legitimate,
    Messages,
    ModelOption,
    ReadingOptions,
    RecordOptions,
    Scores,
    TableOptions,
    Threshold,
    command_group,
    files_of,
    input_table,
    loaded_scorer,
    subcommand,
)
from fraudsieve.exceptions import LeadError, LocatedError, RecipeError

if TYPE_CHECKING:  # imported at first use: SciPy and PyArrow take time
    from fraudsieve.cases.case_finding import Cases
    from fraudsieve.evidence.replay import ReplayReport
    from fraudsieve.models.artifact.folder import Model

KEY_VARIABLE = "FRAUDSIEVE_CASES_KEY"
SHOWN = 5


def cases_command(
    *,
    progress: Report,
    scores: Scores,
    tables: TableOptions,
    legitimate: Legitimate = "auto",
    threshold: Threshold = None,
    window_days: Annotated[
        float | None, typer.Option(help="Link actions that share an account if they are at most this many days apart.")
    ] = None,
    resolution: Annotated[
        float | None, typer.Option(help="Density of links that a case must exceed; higher values make smaller cases.")
    ] = None,
    as_of: AsOf = None,
    previous: Annotated[Path | None, typer.Option(help="Folder of earlier cases, whose ids are kept.")] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            help=f"File with the secret key for digests; by default ${KEY_VARIABLE}, else a random key for this run."
        ),
    ] = None,
    show_identifiers: Annotated[
        bool, typer.Option("--show-identifiers", help="Show ids of accounts and records on the page.")
    ] = False,
    language: LanguageOption = None,
    reading: ReadingOptions,
    output: Annotated[Path, typer.Option(help="Folder to write; it must not exist.")] = Path("cases"),
) -> Answer:
    """Group flagged records into cases, by shared accounts, identifiers and texts, and by time."""
    import pandas as pd

    from fraudsieve.cases.pages.page import render_cases_page
    from fraudsieve.cases.settings import CaseSettings
    from fraudsieve.cases.tables import find_cases_in_tables, read_ledger, write_cases

    check_output_folder(output)
    usual = CaseSettings()
    settings = CaseSettings(
        window_days=usual.window_days if window_days is None else window_days,
        resolution=usual.resolution if resolution is None else resolution,
    )
    inputs = tables.inputs(reading)
    cutoff = None if as_of is None else pd.Timestamp(as_of)
    progress("linking and partitioning")
    dates = ReadingOptions(day_first=reading.day_first)
    given_scores: list[Any] = [input_table([source], dates) for source in scores]
    found = find_cases_in_tables(
        given_scores,
        key=_key(key),
        threshold=threshold,
        settings=settings,
        as_of=cutoff,
        legitimate=legitimate,
        ledger=None if previous is None else read_ledger(previous),
        **inputs,
    )
    progress("writing")
    page = render_cases_page(found, show_identifiers=show_identifiers, as_of=cutoff, language=language or "en")
    folder = write_cases(found, output, page)
    counts = {"cases": len(found.cases), "members": len(found.members), "links": len(found.links)}
    content = {"output": str(folder), **counts, "hubs": len(found.hubs)}
    content |= {"page": str(folder / "cases.html")}
    title = f"{count_of(counts['cases'], 'case')} of {count_of(counts['members'], 'flagged record')}"
    return Answer(content, title, [("page", str(folder / "cases.html")), *_rows(found)])


def _key(path: Path | None) -> bytes:
    """Return the key of digests; by default a random one, so that digests of two runs cannot be compared."""
    from fraudsieve.features.cues.contacts import LONGEST_KEY

    if path is None:
        origin, key = KEY_VARIABLE, os.environ.get(KEY_VARIABLE, "").encode() or os.urandom(32)
    else:
        origin, key = str(path), read_secret_file(path, LocatedError, "Name a file with a key.")
    if not 1 <= len(key) <= LONGEST_KEY:
        raise RecipeError(origin, [f"expected a key of 1 to {LONGEST_KEY} bytes, got {len(key)}"])
    return key


def _rows(found: "Cases") -> list[tuple[str, str]]:
    """Return the first cases by rank, and the hubs."""
    columns = [found.cases[name] for name in ("case_id", "actions", "accounts", "expected_frauds")]
    first = zip(*(column.head(SHOWN) for column in columns), strict=True)
    rows = [(str(name), f"{n:,} actions, {m:,} accounts, {frauds:.1f} frauds expected") for name, n, m, frauds in first]
    return [*rows, ("hubs", f"{len(found.hubs):,} values that too many share link nothing")]


lead_app = command_group(
    "lead", "Leads: share a case with an authority under pseudonyms, resolve the pseudonyms, and withdraw leads."
)

Key = Annotated[
    Path,
    typer.Option(help="File of secrets for pseudonyms: lines of a date and openssl rand -hex 32, the newest first."),
]
Log = Annotated[Path, typer.Option(help="Log of leads; evidence verify checks it.")]
LOG = Path("leads.jsonl")


@subcommand(lead_app, "create")
def create_command(
    *,
    progress: Report,
    case: Annotated[str, typer.Argument(help="case_id of the case, from cases.parquet.")],
    recipient: Annotated[str, typer.Option(help="Who gets the lead. The pseudonyms depend on this name.")],
    legal_basis: Annotated[str, typer.Option(help="Legal basis of the disclosure, such as an article of a law.")],
    sender: Annotated[str, typer.Option(help="Your organisation.", envvar="FRAUDSIEVE_SENDER")],
    key: Key,
    cases: Annotated[Path, typer.Option(help="Folder that cases has written.")] = Path("cases"),
    model: Annotated[
        str | None, typer.Option(help="Model that scored the case, for the strength and the error rates.")
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE", help="Scores that predict --reasons has written, for the reasons of actions."),
    ] = None,
    messages: Messages = None,
    reading: ReadingOptions,
    texts: Annotated[
        Literal["omitted", "digests", "excerpts"],
        typer.Option(help="Texts: nothing, keyed digests, or also excerpts that keep only the words of many accounts."),
    ] = "digests",
    amounts: Annotated[bool, typer.Option("--amounts", help="Include exact amounts instead of powers of ten.")] = False,
    times: Annotated[
        bool,
        typer.Option(
            "--times", help="Include exact times instead of days. Two recipients could join their leads by them."
        ),
    ] = False,
    shared_accounts: Annotated[
        bool, typer.Option("--shared-accounts", help="Include accounts that are not flagged but link actions.")
    ] = False,
    per_case: Annotated[
        bool,
        typer.Option("--per-case", help="Use a separate key, so that the recipient cannot join this case with others."),
    ] = False,
    purpose: Annotated[str, typer.Option(help="Purpose of the disclosure.")] = "report of suspected fraud",
    format: Annotated[Literal["json", "stix"], typer.Option(help="JSON, or a STIX 2.1 bundle.")] = "json",
    output: Annotated[Path | None, typer.Option(help="File to write; by default lead-ID.json.")] = None,
    log: Log = LOG,
) -> Answer:
    """Write a case as a lead: as little as possible, under pseudonyms, with the reasons. Record it in the log of leads.

    echo "$(date +%F) $(openssl rand -hex 32)" > lead.key && chmod 600 lead.key

    fraudsieve lead create case-1f0c --recipient "Financial Intelligence Unit" --legal-basis "Art. 33 AMLD"
    --sender "Example Bank" --key lead.key --model fraudsieve-model --scores scores.parquet
    """
    from fraudsieve.leads.case_content import read_case, read_reasons
    from fraudsieve.leads.files import encode_lead, lead_digest, to_stix
    from fraudsieve.leads.keys import derive_key, read_secrets
    from fraudsieve.leads.lead_content import Disclosure, LeadTerms, make_lead
    from fraudsieve.leads.log import LeadLog
    from fraudsieve.leads.words import describe_texts
    from fraudsieve.models.artifact.folder import read_model
    from fraudsieve.models.artifact.model_address import model_folder

    terms = LeadTerms(recipient, legal_basis, sender, purpose)
    sent, scored = input_table(messages, reading), input_table(scores)
    check_not_an_input(output or Path("lead.json"), key, log, *files_of(scored, sent))
    check_output_file(output or Path("lead.json"))
    progress("reading the case")
    content = read_case(cases, case)
    used = derive_key(read_secrets(key)[0], recipient, case=case if per_case else None)
    loaded = None if model is None else read_model(model_folder(model))
    lead = make_lead(
        content,
        used,
        terms,
        disclosure=Disclosure(amounts=amounts, times=times, shared_accounts=shared_accounts),
        model=loaded,
        reasons=None if scored is None else read_reasons(scored, content.members),
        texts=None if sent is None else describe_texts(sent, content.members, texts, used),
    )
    path = output or Path(f"lead-{lead['id']}.json")
    progress("writing")
    with LeadLog(log) as opened:  # the log has the lead before the file exists
        opened.record_lead(lead, case, format)
        write_file(path, encode_lead(to_stix(lead) if format == "stix" else lead), mode=PRIVATE)
    notes((*_what_is_missing(lead, loaded), *_without_reasons(lead, given=scores is not None)))
    written = {"output": str(path), "lead": lead["id"], "digest": lead_digest(lead), "recipient": lead["recipient"]}
    counts = {"actions": lead["case"]["actions"], "flagged_accounts": lead["case"]["flagged_accounts"]}
    rows = [(name.replace("_", " "), str(value)) for name, value in (written | counts).items()]
    return Answer(written | counts | {"log": str(log)}, f"Lead for {lead['recipient']}", rows)


def _what_is_missing(lead: JsonObject, model: "Model | None") -> tuple[str, ...]:
    """Return notes on what a lead does not state, and why."""
    if model is None:
        return ("the lead states no strength and no error rates: they need --model",)
    if model.ratio_support is None:
        return ("the model has no bounds of likelihood ratios, so the lead states no strength: train it again",)
    missing = []
    if lead["strength"] is None:
        why = "an action of the case has no probability, or another model scored it"
        missing.append(f"the lead states no strength: {why}")
    if lead["error_rates"] is None:
        why = "the operating point of the model does not flag all its actions, or another model scored one"
        missing.append(f"the lead states no error rates: {why}")
    return tuple(missing)


def _without_reasons(lead: dict[str, Any], *, given: bool) -> tuple[str, ...]:
    if not given:
        return ("the lead states no reasons: they need --scores",)
    n = sum(not action["reasons"] for action in lead["actions"])
    return (f"{n} of {len(lead['actions'])} actions have no reasons in the scores",) if n else ()


@subcommand(lead_app, "resolve")
def resolve_command(
    *,
    progress: Report,
    lead: Annotated[Path, typer.Argument(help="Lead, as JSON or as a STIX bundle.")],
    key: Key,
    tables: RecordOptions,
    reading: ReadingOptions,
    cases: Annotated[Path | None, typer.Option(help="Folder of cases, to resolve cases and identifiers.")] = None,
    output: Annotated[Path, typer.Option(help="CSV file to write; it contains identifiers.")] = Path("resolved.csv"),
) -> Answer:
    """Write the account, action or text of each pseudonym in a lead, by computing the pseudonyms of your tables."""
    from fraudsieve.leads.files import read_lead
    from fraudsieve.leads.keys import read_secrets
    from fraudsieve.leads.withdrawal import resolve_lead, write_resolution

    inputs = tables.inputs(reading)
    check_not_an_input(output, lead, key, *files_of(*inputs.values()))
    check_output_file(output)
    secrets, content = read_secrets(key), read_lead(lead)
    progress("computing pseudonyms")
    table = resolve_lead(content, secrets, cases=cases, **inputs)
    write_resolution(table, output)
    resolved = table["value"].notna()
    counts = {"pseudonyms": len(table), "resolved": int(resolved.sum())}
    by_type = {
        str(kind): f"{int(known.sum())} of {len(known)}" for kind, known in resolved.groupby(table["type"], sort=True)
    }
    rows = [("output", str(output)), *by_type.items()]
    title = f"{counts['resolved']} of {counts['pseudonyms']} pseudonyms resolved"
    return Answer({"output": str(output), **counts, "by_type": by_type}, title, rows)


@subcommand(lead_app, "withdraw")
def withdraw_command(
    *,
    progress: Report,
    lead: Annotated[str | None, typer.Argument(help="Id or file of the lead; leave it out with --labels.")] = None,
    labels: Labels = None,
    reading: ReadingOptions,
    legitimate: Legitimate = "auto",
    key: Annotated[Path | None, typer.Option(help="File of secrets for pseudonyms, for --labels.")] = None,
    reason: Annotated[str | None, typer.Option(help="Reason, which the recipient reads.")] = None,
    output: Annotated[Path, typer.Option(help="Folder for the notices.")] = Path("withdrawals"),
    log: Log = LOG,
) -> Answer:
    """Withdraw a lead, or all leads that labels contradict. Write one notice for each."""
    from fraudsieve.leads.files import read_lead
    from fraudsieve.leads.keys import read_secrets
    from fraudsieve.leads.withdrawal import REVERSED, withdraw_lead, withdraw_reversed

    if (lead is None) == (labels is None) or (labels is not None and key is None) or not (reason or labels):
        problem = "expected a lead and --reason, or --labels and --key, and not both"
        raise LeadError("withdraw", problem, "See: fraudsieve lead withdraw --help.")
    progress("withdrawing")
    if lead is not None:
        name = str(read_lead(lead)["id"]) if Path(lead).is_file() else lead
        paths = withdraw_lead(log, name, reason or "", output)
    else:
        table = input_table(labels, reading)
        assert table is not None
        assert key is not None
        paths = withdraw_reversed(
            log, table, read_secrets(key), output, legitimate=legitimate, reason=reason or REVERSED
        )
    rows = [("notice", str(path)) for path in paths] or [("notices", "none to write")]
    content = {"notices": [str(path) for path in paths], "log": str(log)}
    return Answer(content, f"{count_of(len(paths), 'notice')} written", rows)


@subcommand(lead_app, "list")
def list_command(log: Log = LOG) -> Answer:
    """List the leads in a log, and which of them were withdrawn."""
    from fraudsieve.leads.log import read_register

    register = read_register(log)
    names = ("lead", "time", "user", "recipient", "case", "purpose", "legal_basis", "digest")
    leads = [
        {name: getattr(entry, name) for name in names} | {"withdrawn": entry.lead in register.withdrawals}
        for entry in register.leads
    ]
    rows = [
        (str(one["lead"]), f"{one['time']} {one['recipient']}{', withdrawn' if one['withdrawn'] else ''}")
        for one in leads
    ]
    return Answer({"leads": leads}, count_of(len(leads), "lead"), rows or [("leads", "none")])


evidence_app = command_group(
    "evidence", "Evidence of scores: verify a log, replay its scores, prove a record, and write checkpoints."
)

EvidenceFile = Annotated[Path, typer.Argument(help="Evidence log.")]
Checkpoints = Annotated[Path | None, typer.Option(help="File of checkpoints that was kept elsewhere.")]
PublicKey = Annotated[Path | None, typer.Option(help="Ed25519 public key that the signatures must match (PEM).")]


@subcommand(evidence_app, "verify")
def verify_evidence_command(
    file: Annotated[Path, typer.Argument(help="Evidence log, or the proof of one record.")],
    checkpoints: Checkpoints = None,
    public_key: PublicKey = None,
) -> Answer:
    """Check that a log, or the proof of a record, was not changed. If it was, exit with 2."""
    from fraudsieve.evidence.checkpoints import read_checkpoints, read_public_key
    from fraudsieve.evidence.verification import check_proof, read_proof, verify_log

    key = None if public_key is None else read_public_key(public_key)
    proof, kept = read_proof(file), [] if checkpoints is None else read_checkpoints(checkpoints)
    if proof is not None:
        shown = check_proof(proof, kept, public_key=key)
        problems = shown.problems
        content = asdict(shown)
        rows = [("log", shown.log), ("record", f"{shown.index} of {shown.size:,}"), ("root", shown.root)]
        rows += [("signed by", shown.signed_by or "nobody")]
    else:
        check = verify_log(file, kept, public_key=key)
        problems = tuple(problem.text for problem in check.problems)
        content = asdict(check)
        rows = [("log", check.log), ("records", f"{check.size:,}"), ("root", check.root or "none")]
        rows += [("checkpoints", f"{check.checkpoints}"), ("signed by", ", ".join(check.signed_by) or "nobody")]
        notes(check.notes)
    rows += [("problem", text) for text in problems]
    title = f"{file}: {'something is wrong' if problems else 'nothing was changed'}"
    return Answer(content, title, rows, WRONG_CALL if problems else 0)


@subcommand(evidence_app, "replay")
def replay_command(
    *,
    progress: Report,
    file: EvidenceFile,
    model: ModelOption,
    state: Annotated[str | None, typer.Option(help="Event store that the history was read from, as for serve.")] = None,
    threads: Annotated[int, typer.Option(help="Number of LightGBM threads, 0 for all cores.", min=0)] = 1,
) -> Answer:
    """Compute the scores of a log again, and compare them to the last bit.

    If a number differs, a record is malformed, or no score could be computed, exit with 2.
    """
    from fraudsieve.evidence.replay import replay_log

    scorer = loaded_scorer(model, progress, n_threads=threads)
    progress("replaying")
    report = replay_log(file, scorer, state=state, progress=lambda done: progress("replaying", done))
    rows = [("scores", f"{report.scores:,}"), ("replayed from vectors", f"{report.replayed:,}")]
    rows += [("vectors rebuilt from inputs", f"{report.rebuilt:,}"), ("different", f"{report.different:,}")]
    rows += [("malformed", f"{report.malformed:,}")] if report.malformed else []
    rows += [(f"{count:,} times", why) for why, count in report.skipped.items()]
    rows += [
        (f"record {one.record}", f"{one.number}: {one.recorded}, now {one.computed}") for one in report.differences
    ]
    is_wrong = report.different or report.malformed or (report.scores and not report.replayed)
    return Answer(asdict(report), f"{file}: {_outcome(report)}", rows, WRONG_CALL if is_wrong else 0)


def _outcome(report: "ReplayReport") -> str:
    if report.different:
        return "some numbers differ"
    if report.malformed:
        return "some records are malformed"
    if not report.replayed:
        return "no score was replayed"
    return "equal to the last bit" if report.replayed == report.scores else "some scores were not replayed"


@subcommand(evidence_app, "prove")
def prove_command(
    file: EvidenceFile,
    record: Annotated[int, typer.Option(help="Number of the record, as in the field evidence of its score.", min=0)],
    output: Annotated[Path, typer.Option(help="File of the proof to write.")],
    checkpoints: Checkpoints = None,
) -> Answer:
    """Write a record and the proof that it is in a log, up to the last checkpoint. No other record is written."""
    from fraudsieve.evidence.canonical import encode_canonical
    from fraudsieve.evidence.checkpoints import read_checkpoints
    from fraudsieve.evidence.verification import prove_record

    check_not_an_input(output, file, checkpoints)
    check_output_file(output)
    kept = [] if checkpoints is None else read_checkpoints(checkpoints)
    last = max(kept, key=lambda one: one.size, default=None)
    proof = prove_record(file, record, last)
    write_file(output, encode_canonical(proof) + b"\n", mode=PRIVATE)
    content = {"output": str(output), "record": record, "size": proof["size"], "root": proof["root"]}
    return Answer(content, str(output), [(name, str(value)) for name, value in content.items()])


@subcommand(evidence_app, "checkpoint")
def checkpoint_command(
    file: EvidenceFile,
    output: Annotated[Path, typer.Option(help="File to append the checkpoint to. Keep it apart from the log.")],
    private_key: Annotated[Path | None, typer.Option(help="Ed25519 private key to sign with (PEM).")] = None,
) -> Answer:
    """Append the current size and root of a log to a file. Kept elsewhere, it shows whether the log is cut later.

    openssl genpkey -algorithm ed25519 -out private.pem && openssl pkey -in private.pem -pubout -out public.pem

    fraudsieve evidence checkpoint evidence.jsonl --output /elsewhere/checkpoints.jsonl --private-key private.pem
    """
    from fraudsieve.evidence.checkpoints import read_private_key, write_checkpoint
    from fraudsieve.evidence.verification import checkpoint_log

    check_not_an_input(output, file, private_key)
    check_output_file(output)
    checkpoint = checkpoint_log(file)
    if private_key is not None:
        checkpoint = checkpoint.sign(read_private_key(private_key))
    write_checkpoint(checkpoint, output)
    content: JsonObject = checkpoint.to_dict() | {"output": str(output)}
    names = ("log", "size", "root", "time", "public_key", "output")
    rows = [(name, str(content[name])) for name in names if content[name] is not None]
    return Answer(content, f"Checkpoint of {file}", rows)
