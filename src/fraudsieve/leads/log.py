"""The log of leads: who gave which case to whom, when, why and on which legal basis, and what was withdrawn.

It is an evidence log: durable, append-only, chained by digests, with checkpoints that are kept elsewhere. ``fraudsieve
evidence verify`` checks it. It contains pseudonyms instead of the identifiers of accounts and actions.

The entries of a log of leads: read strictly, because anyone who can write to the file can add entries.

Names of files and notices to recipients are made from them.
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias, get_args

from fraudsieve._io import user_name
from fraudsieve._pseudonyms import PSEUDONYM
from fraudsieve._typing import JsonObject
from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.evidence.checkpoints import log_lines, read_line
from fraudsieve.evidence.log import EvidenceLog, clock
from fraudsieve.evidence.verification import verify_log
from fraudsieve.exceptions import LeadError

from .files import WITHDRAWAL_SCHEMA, lead_digest

Export: TypeAlias = Literal["json", "stix"]
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, WITHDRAWAL_SCHEMA)
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
KEY_ID: Final = re.compile(r"[0-9a-f]{8}")
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SALT: Final = re.compile(r"[0-9a-f]{32}")
TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z")
FIX: Final = "Compare the log with your copies: a record that fraudsieve did not write was added."


@dataclass(frozen=True)
class LeadEntry:
    """A lead in the log.

    Parameters
    ----------
    lead, digest, created : str
        Its id, the SHA-256 of its JSON, and its time.
    time, user : str
        When and by whom it was created, according to the clock and the account of the machine.
    sender, recipient, purpose, legal_basis : str
        As in the lead.
    case : str
        The id of the case.
    key : dict
        Id and salt of the key of its pseudonyms.
    export : {"json", "stix"}
        The format in which it was written.
    members : tuple of str
        Pseudonyms of its actions and accounts.
    """

    lead: str
    digest: str
    created: str
    time: str
    user: str
    sender: str
    recipient: str
    purpose: str
    legal_basis: str
    case: str
    key: JsonObject
    export: Export
    members: tuple[str, ...]


@dataclass(frozen=True)
class Withdrawal:
    """The withdrawal of a lead.

    Parameters
    ----------
    lead : str
        The id of the lead.
    notice : dict
        The notice to its recipient.
    is_written : bool
        Whether the log says that the notice was written.
    """

    lead: str
    notice: JsonObject
    is_written: bool


def notice_id(lead: str) -> str:
    """Return the id of the notice of a withdrawal. It depends only on the lead, so that it can be recognised."""
    return str(uuid.uuid5(NAMESPACE, lead))


def read_lead_entry(body: Mapping[str, Any], origin: str) -> LeadEntry:
    """Return the lead that a record of the log describes."""
    _check(body, ENTRY, origin)
    own = {name: body[name] for name in ENTRY}
    return LeadEntry(**own | {"members": tuple(body["members"])})


def read_notice(body: Mapping[str, Any], leads: Mapping[str, LeadEntry], origin: str) -> JsonObject:
    """Return the notice that a record of the log describes."""
    notice = body.get("notice")
    if not isinstance(notice, dict) or set(notice) != set(NOTICE):
        raise LeadError(origin, "expected the notice of a withdrawal, got something else", FIX)
    _check(notice, NOTICE, origin)
    entry = leads.get(notice["lead"])
    if entry is None or body.get("lead") != entry.lead:
        raise LeadError(origin, "expected the withdrawal of an earlier lead, got that of an unknown lead", FIX)
    given = {name: getattr(entry, name.removeprefix("lead_")) for name in OF_LEAD} | {"id": notice_id(entry.lead)}
    different = [name for name, value in given.items() if notice[name] != value]
    if different:
        raise LeadError(origin, f"{', '.join(different)}: expected what the lead has, got another value", FIX)
    return dict(notice)


def _check(content: Mapping[str, Any], fields: Mapping[str, Callable[[Any], bool]], origin: str) -> None:
    wrong = [name for name, is_valid in fields.items() if name not in content or not is_valid(content[name])]
    if wrong:
        raise LeadError(origin, f"{', '.join(wrong)}: expected what fraudsieve writes, got another value or none", FIX)


def _is_words(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_time(value: Any) -> bool:
    """Return whether a value is a time as fraudsieve writes it, so that a notice can be a second later."""
    try:
        return _is(TIME)(value) and datetime.fromisoformat(value).year < MAXYEAR
    except ValueError:
        return False


def _is(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_key(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"id", "salt"}:
        return False
    return _is(KEY_ID)(value["id"]) and (value["salt"] is None or _is(SALT)(value["salt"]))


def _is_members(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is(PSEUDONYM), value))


ENTRY: Final[Mapping[str, Callable[[Any], bool]]] = {
    "lead": _is(UUID),
    "digest": _is(DIGEST),
    "created": _is_time,
    "time": _is_time,
    **dict.fromkeys(("sender", "recipient", "purpose", "legal_basis"), _is_words),
    **dict.fromkeys(("user", "case"), _is_text),
    "key": _is_key,
    "export": lambda value: isinstance(value, str) and value in get_args(Export),
    "members": _is_members,
}
NOTICE: Final[Mapping[str, Callable[[Any], bool]]] = {
    "schema": lambda value: bool(value == WITHDRAWAL_SCHEMA),
    "id": _is(UUID),
    "created": _is_time,
    **dict.fromkeys(("sender", "recipient", "legal_basis", "reason"), _is_words),
    "lead": _is(UUID),
    "lead_created": _is_time,
    "lead_digest": _is(DIGEST),
    "reversed": _is_members,
}
OF_LEAD: Final = ("sender", "recipient", "lead", "lead_created", "lead_digest", "legal_basis")
"""Fields of a notice that are those of its lead."""


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
        self.user = user or user_name("unknown")
        self._log = EvidenceLog(path)

    def record_lead(self, lead: JsonObject, case_id: str, export: Export) -> None:
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

    def record_withdrawals(self, notices: Sequence[JsonObject]) -> None:
        """Record the notices of withdrawals, all or none."""
        self._append([{"kind": "withdrawal", "lead": notice["lead"], "notice": notice} for notice in notices])

    def record_notice(self, lead: str) -> None:
        """Record that the notice of a withdrawal was written."""
        self._append([{"kind": "notice", "lead": lead}])

    def _append(self, bodies: Sequence[JsonObject]) -> None:
        common = {"format": FORMAT, "time": clock(), "user": self.user}
        if bodies:
            self._log.append([encode_canonical(common | body) for body in bodies])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._log.close()


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
    leads, notices, written = dict[str, LeadEntry](), dict[str, JsonObject](), set[str]()
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
