"""The withdrawal of leads: exactly one notice per lead to its recipient, even if the process is killed.

The notice is in the log before it is written. If a run is killed in between, the next run completes it: it writes the
notice from the log, with the same bytes and the same name, and no second notice.

Resolution of pseudonyms to accounts, actions, texts and cases, by computing the pseudonyms of your tables.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fraudsieve._io import PRIVATE, write_file
from fraudsieve._typing import JsonObject
from fraudsieve.cases.actions import IDS
from fraudsieve.exceptions import LeadError
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.label_values import AUTO, read_labels, resolve_label_times
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import Source, origin_of

from .case_content import read_case_tables
from .files import WITHDRAWAL_SCHEMA, encode_lead, to_stix_revocation
from .keys import LeadKey, Secret, find_key, match_values, wanted_pseudonyms
from .log import LeadEntry, LeadLog, LeadRegister, check_log_exists, notice_id, read_register

ACTION: Final = "action"
ACCOUNT: Final = "account"
SUBJECTS: Final = tuple(name.removesuffix("_id") for name in IDS)


@dataclass(frozen=True, eq=False)
class LabelHistories:
    """The labels of records and accounts over time."""

    # Shape (n_labels, 3). `subject`, `label` and `time` (NaT if it is not known), the oldest first, and those that mean
    # fraud last among labels of the same time.
    table: pd.DataFrame
    legitimate: str

    def candidates(self) -> dict[str, list[str]]:
        """Return the subjects that could contradict a lead, as actions and as accounts."""
        last = self.table.drop_duplicates("subject", keep="last")
        first = self.table.drop_duplicates(["subject", "label"])
        several = first.loc[first["subject"].duplicated(), "subject"].unique().tolist()
        legitimate = last.loc[last["label"].eq(self.legitimate), "subject"].tolist()
        return {ACTION: list({*legitimate, *several}), ACCOUNT: several}

    def reversed(self, kind: str, subjects: Iterable[str], created: pd.Timestamp) -> set[str]:
        """Return the subjects whose labels contradict a lead that was created at a time, according to `is_reversed`."""
        own = self.table[self.table["subject"].isin(set(subjects))]
        return {
            str(subject)
            for subject, group in own.groupby("subject")
            if is_reversed(
                kind, group["label"].tolist(), group["time"].tolist(), created=created, legitimate=self.legitimate
            )
        }


def is_reversed(
    kind: str, labels: Sequence[str], times: Sequence[pd.Timestamp], *, created: pd.Timestamp, legitimate: str
) -> bool:
    """Return whether the labels of a subject contradict a lead.

    They do if a fraud label that was known when the lead was created, or came later, was replaced by another label. An
    action also contradicts its lead if it is now labelled legitimate and had no label before. An account does not,
    because the account from which a fraudulent payment was made is often legitimate.
    """
    last = labels[-1]
    if kind == ACTION and last == legitimate:
        return True
    before = sum(bool(pd.isna(time) or time <= created) for time in times)
    believed = labels[max(before - 1, 0) :]
    return any(label not in (last, legitimate) for label in believed)


def read_label_histories(labels: Source, legitimate: str = AUTO) -> LabelHistories:
    """Read the labels of records and accounts over time."""
    table = read_table(labels, "labels").good
    reading = read_labels(table["label"], legitimate, of_two=False)
    unknown = pd.Series(pd.NaT, table.index)
    times = resolve_label_times(pd.to_datetime(table.get("labelled_at", unknown), utc=True))[0]
    columns = {"subject": table["subject_id"].astype(STRING), "label": reading.apply(table["label"]), "time": times}
    frame = pd.DataFrame(columns)
    frame = frame[frame["label"].notna()].assign(is_fraud=lambda rows: rows["label"] != reading.legitimate)
    frame = frame.sort_values(["time", "is_fraud", "label"], na_position="first", ignore_index=True)[[*columns]]
    if legitimate == AUTO and not frame["label"].eq(reading.legitimate).any():
        fix = "Name the label of legitimate records with --legitimate."
        raise LeadError(origin_of(labels), "none of the labels is a word for legitimate records", fix)
    return LabelHistories(frame, reading.legitimate)


def find_reversed(
    leads: Sequence[LeadEntry], histories: LabelHistories, secrets: Sequence[Secret]
) -> dict[str, tuple[str, ...]]:
    """Find the leads that labels contradict.

    Returns the pseudonyms that are contradicted, by the id of the lead.
    """
    by_key: dict[tuple[str, str, str | None], list[LeadEntry]] = {}
    for entry in leads:
        by_key.setdefault((entry.recipient, entry.key["id"], entry.key["salt"]), []).append(entry)
    keys = {place: find_key(secrets, *place) for place in by_key}
    unknown = sum(key is None for key in keys.values())
    if unknown:
        fix = "Name the key file that also contains the older secrets."
        raise LeadError("log of leads", f"{unknown} of {len(keys)} keys were derived from none of the secrets", fix)
    candidates, found = histories.candidates(), dict[str, tuple[str, ...]]()
    for place, entries in by_key.items():
        key = keys[place]
        assert key is not None
        wanted = wanted_pseudonyms((name for entry in entries for name in entry.members), key.id)
        if ACTION in wanted:
            _check_named(candidates[ACTION], key, wanted[ACTION])
        subjects = {
            kind: match_values(key, kind, ids, wanted[kind]) for kind, ids in candidates.items() if kind in wanted
        }
        for entry in entries:
            created, contradicted = pd.Timestamp(entry.created), list[str]()
            for kind, by_name in subjects.items():
                own = {name: by_name[name] for name in entry.members if name in by_name}
                changed = histories.reversed(kind, own.values(), created) if own else set()
                contradicted += [name for name, subject in own.items() if subject in changed]
            if contradicted:
                found[entry.lead] = tuple(sorted(contradicted))
    return found


def _check_named(ids: Sequence[str], key: LeadKey, wanted: Mapping[bytes, str]) -> None:
    """Refuse bare ids of actions that a lead names with their subject, because two subjects may have the same id."""
    named = [f"{subject}:{one}" for one in ids for subject in SUBJECTS]
    count = len(match_values(key, ACTION, named, wanted))
    if count:
        problem = f"{count} labels may be those of actions of cases with several kinds of records"
        raise LeadError("labels", problem, "Write the kind before the id, as in message:17 or event:17.")


REVERSED: Final = "the labels of actions or accounts of the lead were reversed"


def withdraw_lead(
    log: str | Path, lead: str, reason: str, output: str | Path, *, user: str | None = None
) -> tuple[Path, ...]:
    """Withdraw a lead.

    Parameters
    ----------
    log : str or Path
        The log of leads.
    lead : str
        The id of the lead.
    reason : str
        The reason, which the recipient reads.
    output : str or Path
        The folder of notices; it is created.
    user : str, default=None
        As for `LeadLog`.

    Returns
    -------
    tuple of Path
        The notices that were written, including those of an earlier, interrupted run.

    Raises
    ------
    LeadError
        If the log has no such lead, or the reason is empty.

    Examples
    --------
    ::

        withdraw_lead("leads.jsonl", lead["id"], "given in error", "withdrawals")
    """
    _check_reason(reason)
    check_log_exists(log)
    with LeadLog(log, user=user) as opened:
        register = read_register(log)
        entry = register.find(lead)
        notices = [] if lead in register.withdrawals else [_notice(entry, reason, ())]
        return _complete(opened, register, notices, Path(output))


def withdraw_reversed(
    log: str | Path,
    labels: "Source",
    secrets: Sequence[Secret],
    output: str | Path,
    *,
    legitimate: str = AUTO,
    reason: str = REVERSED,
    user: str | None = None,
) -> tuple[Path, ...]:
    """Withdraw every lead that labels contradict; see `find_reversed`.

    Parameters
    ----------
    log : str or Path
        The log of leads.
    labels : path or DataFrame
        As for `read_label_histories`.
    secrets : sequence of Secret
        From `read_secrets`.
    output : str or Path
        The folder of notices; it is created.
    legitimate : str, default="auto"
        As for `read_label_histories`.
    reason : str, default="the labels of actions or accounts of the lead were reversed"
        The reason, which the recipients read.
    user : str, default=None
        As for `LeadLog`.

    Returns
    -------
    tuple of Path
        The notices that were written, one per lead that was not withdrawn before.

    Raises
    ------
    LeadError
        If the key of a lead was derived from none of the secrets, or no label means legitimate.

    Examples
    --------
    ::

        withdraw_reversed("leads.jsonl", "labels.parquet", read_secrets("lead.key"), "withdrawals")
    """
    _check_reason(reason)
    histories = read_label_histories(labels, legitimate)
    check_log_exists(log)
    with LeadLog(log, user=user) as opened:
        register = read_register(log)
        current = [entry for entry in register.leads if entry.lead not in register.withdrawals]
        found = find_reversed(current, histories, secrets)
        notices = [_notice(entry, reason, found[entry.lead]) for entry in current if entry.lead in found]
        return _complete(opened, register, notices, Path(output))


def _check_reason(reason: str) -> None:
    if not reason.strip() or not reason.isprintable():
        raise LeadError("reason", "expected printable text, got something else", "The recipient reads it.")


def _notice(entry: LeadEntry, reason: str, members: Sequence[str]) -> JsonObject:
    """Return the notice of a withdrawal."""
    return {
        "schema": WITHDRAWAL_SCHEMA,
        "id": notice_id(entry.lead),
        "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "sender": entry.sender,
        "recipient": entry.recipient,
        "lead": entry.lead,
        "lead_created": entry.created,
        "lead_digest": entry.digest,
        "legal_basis": entry.legal_basis,
        "reason": reason,
        "reversed": list(members),
    }


def _complete(opened: LeadLog, register: LeadRegister, notices: list[JsonObject], folder: Path) -> tuple[Path, ...]:
    """Record new notices, and write all those that the log does not say were written."""
    opened.record_withdrawals(notices)
    unwritten = [one.notice for one in register.withdrawals.values() if not one.is_written]
    exports = {entry.lead: entry.export for entry in register.leads}
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for notice in [*unwritten, *notices]:
        path = folder / f"withdrawal-{notice['lead']}.json"
        exported = to_stix_revocation(notice) if exports[notice["lead"]] == "stix" else notice
        write_file(path, encode_lead(exported), mode=PRIVATE)
        opened.record_notice(notice["lead"])
        paths.append(path)
    return tuple(paths)


COLUMNS: Final = {
    **dict.fromkeys(("account_id", "counterparty_id", "recipient_id"), "account"),
    **{name: name for name in ("kind", "currency", "text")},
}
"""The type of the pseudonyms that a column of a table resolves."""


def key_of_lead(lead: Mapping[str, Any], secrets: Sequence[Secret]) -> LeadKey:
    """Return the key that the pseudonyms of a lead were made with."""
    key = find_key(secrets, lead["recipient"], lead["key"]["id"], lead["key"]["salt"])
    if key is None:
        problem = f"its key {lead['key']['id']} was derived from none of the {len(secrets)} secrets"
        raise LeadError("lead", problem, "Name the key file that also contains the older secrets.")
    return key


def resolve_lead(
    lead: Mapping[str, Any],
    secrets: Sequence[Secret],
    *,
    accounts: "Source | None" = None,
    events: "Source | None" = None,
    messages: "Source | None" = None,
    cases: str | Path | None = None,
) -> pd.DataFrame:
    """Find the values behind the pseudonyms of a lead.

    Parameters
    ----------
    lead : mapping
    secrets : sequence of Secret
        From `read_secrets`.
    accounts, events, messages : path or DataFrame, default=None
        Your tables with the accounts, actions and texts.
    cases : str or Path, default=None
        The folder of cases, to resolve the case and its identifiers. Identifiers resolve to the keyed digests in it.

    Returns
    -------
    DataFrame of shape (n_pseudonyms, 3)
        ``pseudonym``, ``type`` and ``value``, which is missing if no table has it; sorted by type and pseudonym. An
        action of a case of several subjects is ``message:17`` for message 17.

    Raises
    ------
    LeadError
        If the key of the lead was derived from none of the secrets.

    Examples
    --------
    >>> from fraudsieve.leads.keys import derive_key
    >>> secret = Secret(b"s" * 32)
    >>> key = derive_key(secret, "police")
    >>> lead = {"recipient": "police", "key": {"id": key.id, "salt": None}, "account": key.pseudonym("account", "ann")}
    >>> accounts = pd.DataFrame({"account_id": ["ann", "bob"]})
    >>> resolve_lead(lead, [secret], accounts=accounts)["value"].tolist()
    ['ann']
    """
    key = key_of_lead(lead, secrets)
    wanted = wanted_pseudonyms([encode_lead(dict(lead)).decode()], key.id)
    found: dict[str, str] = {}
    given = {"accounts": accounts, "events": events, "messages": messages}
    for kind, values in (*_values(given), *_values_of_cases(cases)):
        if kind in wanted:
            unique = values.dropna().astype(STRING).unique().tolist()
            found |= match_values(key, kind, unique, wanted[kind])
    rows = [(name, kind, found.get(name)) for kind in sorted(wanted) for name in sorted(wanted[kind].values())]
    return pd.DataFrame(rows, columns=["pseudonym", "type", "value"]).astype(STRING)


def _values(given: Mapping[str, Source | None]) -> Iterator[tuple[str, "pd.Series[Any]"]]:
    for name, source in given.items():
        if source is None:
            continue
        table, subject = read_table(source, name).good, name.removesuffix("s")
        yield from ((kind, table[column]) for column, kind in COLUMNS.items() if column in table)
        if f"{subject}_id" in table:
            ids = table[f"{subject}_id"].dropna()
            yield from ((ACTION, ids), (ACTION, f"{subject}:" + ids))  # the second as in a case of several subjects


def _values_of_cases(folder: str | Path | None) -> Iterator[tuple[str, "pd.Series[Any]"]]:
    if folder is None:
        return
    members, links = read_case_tables(folder)
    yield from (("case", members["case_id"]), ("action", members["action_id"]), ("identifier", links["evidence"]))
    yield from ((name, members[name]) for name in ("kind", "type", "currency") if name in members)


def write_resolution(table: pd.DataFrame, path: str | Path) -> None:
    """Write resolved pseudonyms to a CSV file that only its owner can read."""
    # Quoted, because a text may have a carriage return, which readers take for the end of a row.
    content = str(table.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC))
    write_file(path, content.encode("utf-8", "surrogatepass"), mode=PRIVATE)
