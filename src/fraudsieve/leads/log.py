"""The log of leads: who gave which case to whom, when, why and on which legal basis, and what was withdrawn.

It is an evidence log: durable, append-only, chained by digests, with checkpoints that are kept elsewhere. ``fraudsieve
evidence verify`` checks it. It contains pseudonyms instead of the identifiers of accounts and actions.
"""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.evidence.lines import log_lines, read_line
from fraudsieve.evidence.log import EvidenceLog
from fraudsieve.evidence.records import clock
from fraudsieve.evidence.verification import verify_log
from fraudsieve.exceptions import LeadError

from .entries import Export, LeadEntry, Withdrawal, read_lead_entry, read_notice
from .files import lead_digest

FORMAT: Final = 1


@dataclass(frozen=True)
class LeadRegister:
    """The leads and withdrawals in a log of leads.

    Parameters
    ----------
    leads : tuple of LeadEntry
        In the order in which they were created.
    withdrawals : dict of str to Withdrawal
        By the id of the lead.
    """

    leads: tuple[LeadEntry, ...]
    withdrawals: dict[str, Withdrawal]

    def find(self, lead: str) -> LeadEntry:
        """Return a lead by its id.

        Raises
        ------
        LeadError
            If the log has no such lead.
        """
        for entry in self.leads:
            if entry.lead == lead:
                return entry
        raise LeadError("log of leads", "no lead has this id", "See: fraudsieve lead list.")


class LeadLog:
    """A log of leads, open for appending. Only one process at a time can open it.

    Parameters
    ----------
    path : str or Path
        The file; it is created if it does not exist.
    user : str, default=None
        Who creates or withdraws leads; None for the account of the machine.

    Raises
    ------
    BusyError
        If another process writes to it.
    EvidenceError
        If it cannot be written, or was changed.

    Examples
    --------
    ::

        with LeadLog("leads.jsonl") as log:
            log.record_lead(lead, case.case_id, "json")
            Path("lead.json").write_bytes(encode_lead(lead))
    """

    def __init__(self, path: str | Path, *, user: str | None = None) -> None:
        self.user = user or _account()
        self._log = EvidenceLog(path)

    def record_lead(self, lead: dict[str, Any], case_id: str, export: Export) -> None:
        """Record a lead; return once the record is on disk. Share the lead only after that.

        Parameters
        ----------
        lead : dict
            From `make_lead`.
        case_id : str
            The case of the lead.
        export : {"json", "stix"}
            The format in which it is written.
        """
        accounts = (
            action[name] for action in lead["actions"] for name in ("account", "counterparty") if name in action
        )
        members = sorted({*(action["id"] for action in lead["actions"]), *accounts})
        named = {name: lead[name] for name in ("created", "sender", "recipient", "purpose", "legal_basis")}
        own = {"lead": lead["id"], "digest": lead_digest(lead), "case": case_id, "export": export, "members": members}
        self._append([{"kind": "lead", **named, **own, "key": {name: lead["key"][name] for name in ("id", "salt")}}])

    def record_withdrawals(self, notices: Sequence[dict[str, Any]]) -> None:
        """Record the notices of withdrawals, all or none."""
        self._append([{"kind": "withdrawal", "lead": notice["lead"], "notice": notice} for notice in notices])

    def record_notice(self, lead: str) -> None:
        """Record that the notice of a withdrawal was written."""
        self._append([{"kind": "notice", "lead": lead}])

    def _append(self, bodies: Sequence[dict[str, Any]]) -> None:
        common = {"format": FORMAT, "time": clock(), "user": self.user}
        if bodies:
            self._log.append([encode_canonical(common | body) for body in bodies])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._log.close()


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may have a user without a name
        return "unknown"


def check_log_exists(path: str | Path) -> None:
    """Raise LeadError if there is no such file: opening it would create it."""
    if not Path(path).is_file():
        fix = "Name the log of 'fraudsieve lead create'."
        raise LeadError(str(path), "expected a log of leads, but there is no file", fix)


def read_register(path: str | Path) -> LeadRegister:
    """Read a log of leads, after checking that nothing in it was changed.

    Parameters
    ----------
    path : str or Path
        The log.

    Returns
    -------
    LeadRegister
        Leads and withdrawals.

    Raises
    ------
    EvidenceError
        If it cannot be read.
    LeadError
        If it does not exist, was changed, or is not a log of leads.
    """
    check_log_exists(path)
    check = verify_log(path)
    if check.problems:
        fix = "Keep the file as it is, and see: fraudsieve evidence verify."
        raise LeadError(str(path), check.problems[0].text, fix)
    leads, notices, written = dict[str, LeadEntry](), dict[str, dict[str, Any]](), set[str]()
    for line in log_lines(path):
        read = read_line(line, str(path))
        kind, origin = read.body.get("kind"), f"{path}, record {read.index}"
        if kind == "lead":
            entry = read_lead_entry(read.body, origin)
            leads.setdefault(entry.lead, entry)
        elif kind == "withdrawal":
            notice = read_notice(read.body, leads, origin)
            notices.setdefault(notice["lead"], notice)
        elif kind == "notice":
            written.add(str(read.body.get("lead")))
        elif kind != "opened":
            raise LeadError(origin, "expected a lead or a withdrawal, got another record", "Name the log of leads.")
    withdrawals = {lead: Withdrawal(lead, notice, lead in written) for lead, notice in notices.items()}
    return LeadRegister(tuple(leads.values()), withdrawals)
