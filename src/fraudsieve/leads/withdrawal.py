"""The withdrawal of leads: exactly one notice per lead to its recipient, even if the process is killed.

The notice is in the log before it is written. If a run is killed in between, the next run completes it: it writes the
notice from the log, with the same bytes and the same name, and no second notice.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fraudsieve._io import PRIVATE, write_file
from fraudsieve.exceptions import LeadError
from fraudsieve.tables.label_values import AUTO
from fraudsieve.tables.source import Source

from .entries import LeadEntry, notice_id
from .files import WITHDRAWAL_SCHEMA, encode_lead
from .keys import Secret
from .log import LeadLog, LeadRegister, check_log_exists, read_register
from .reversals import find_reversed, read_label_histories
from .stix import to_stix_revocation

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
    with _opened(log, user) as opened:
        register = read_register(log)
        entry = register.find(lead)
        notices = [] if lead in register.withdrawals else [_notice(entry, reason, ())]
        return _complete(opened, log, register, notices, Path(output))


def withdraw_reversed(
    log: str | Path,
    labels: Source,
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
    with _opened(log, user) as opened:
        register = read_register(log)
        current = [entry for entry in register.leads if entry.lead not in register.withdrawals]
        found = find_reversed(current, histories, secrets)
        notices = [_notice(entry, reason, found[entry.lead]) for entry in current if entry.lead in found]
        return _complete(opened, log, register, notices, Path(output))


def _check_reason(reason: str) -> None:
    if not reason.strip() or not reason.isprintable():
        raise LeadError("reason", "expected printable text, got something else", "The recipient reads it.")


def _opened(log: str | Path, user: str | None) -> LeadLog:
    check_log_exists(log)
    return LeadLog(log, user=user)


def _notice(entry: LeadEntry, reason: str, members: Sequence[str]) -> dict[str, Any]:
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


def _complete(
    opened: LeadLog, log: str | Path, register: LeadRegister, notices: list[dict[str, Any]], folder: Path
) -> tuple[Path, ...]:
    """Record new notices, and write all those that the log does not say were written."""
    opened.record_withdrawals(notices)
    unwritten = [one.notice for one in register.withdrawals.values() if not one.is_written]
    exports = {entry.lead: entry.export for entry in register.leads}
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for notice in [*unwritten, *notices]:
        path = folder / f"withdrawal-{notice['lead']}.json"
        write_file(path, encode_lead(_in_format(notice, exports)), mode=PRIVATE)
        opened.record_notice(notice["lead"])
        paths.append(path)
    return tuple(paths)


def _in_format(notice: dict[str, Any], exports: Mapping[str, str]) -> dict[str, Any]:
    """Return a notice in the format in which its recipient got the lead."""
    return to_stix_revocation(notice) if exports[notice["lead"]] == "stix" else notice
