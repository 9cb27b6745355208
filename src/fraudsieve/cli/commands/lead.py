"""``fraudsieve lead``: give a case to an authority, resolve its pseudonyms, and withdraw what labels contradict."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fraudsieve.cli.console import Answer, Report, count_of, notes
from fraudsieve.cli.options import (
    Labels,
    Legitimate,
    Messages,
    ReadingOptions,
    RecordOptions,
    files_of,
    input_table,
    subcommand,
)

if TYPE_CHECKING:  # imported at first use: pandas takes time
    from fraudsieve.models.artifact.folder import Model

lead_app = typer.Typer(
    name="lead",
    help="Leads: share a case with an authority under pseudonyms, resolve the pseudonyms, and withdraw leads.",
    no_args_is_help=True,
    rich_markup_mode=None,
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
    from fraudsieve._io import PRIVATE, check_not_an_input, check_output_file, write_file
    from fraudsieve.leads.case_content import read_case, read_reasons
    from fraudsieve.leads.files import encode_lead, lead_digest, to_stix
    from fraudsieve.leads.keys import derive_key, read_secrets
    from fraudsieve.leads.lead_content import Disclosure, LeadTerms, make_lead
    from fraudsieve.leads.log import LeadLog
    from fraudsieve.leads.words import describe_texts

    terms = LeadTerms(recipient, legal_basis, sender, purpose)
    sent, scored = input_table(messages, reading), input_table(scores)
    check_not_an_input(output or Path("lead.json"), key, log, *files_of(scored, sent))
    check_output_file(output or Path("lead.json"))
    progress("reading the case")
    content = read_case(cases, case)
    used = derive_key(read_secrets(key)[0], recipient, case=case if per_case else None)
    loaded = None if model is None else _load_model(model)
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


def _load_model(address: str) -> "Model":
    from fraudsieve.models.artifact.folder import read_model
    from fraudsieve.models.artifact.model_address import model_folder

    return read_model(model_folder(address))


def _what_is_missing(lead: dict[str, Any], model: "Model | None") -> tuple[str, ...]:
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
    from fraudsieve._io import check_not_an_input, check_output_file
    from fraudsieve.leads.files import read_lead
    from fraudsieve.leads.keys import read_secrets
    from fraudsieve.leads.resolution import resolve_lead, write_resolution

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
    from fraudsieve.exceptions import LeadError
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
        given: dict[str, Any] = {"legitimate": legitimate, "reason": reason or REVERSED}
        paths = withdraw_reversed(log, table, read_secrets(key), output, **given)
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
