"""The entries of a log of leads: read strictly, because anyone who can write to the file can add entries.

Names of files and notices to recipients are made from them.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from typing import Any, Final, Literal, TypeAlias, get_args

from fraudsieve._pseudonyms import PSEUDONYM
from fraudsieve.exceptions import LeadError

from .files import WITHDRAWAL_SCHEMA

Export: TypeAlias = Literal["json", "stix"]
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, WITHDRAWAL_SCHEMA)
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
KEY_ID: Final = re.compile(r"[0-9a-f]{8}")
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
    key: dict[str, Any]
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
    notice: dict[str, Any]
    is_written: bool


def notice_id(lead: str) -> str:
    """Return the id of the notice of a withdrawal. It depends only on the lead, so that it can be recognised."""
    return str(uuid.uuid5(NAMESPACE, lead))


def read_lead_entry(body: Mapping[str, Any], origin: str) -> LeadEntry:
    """Return the lead that a record of the log describes."""
    _check(body, ENTRY, origin)
    own = {name: body[name] for name in ENTRY}
    return LeadEntry(**own | {"members": tuple(body["members"])})


def read_notice(body: Mapping[str, Any], leads: Mapping[str, LeadEntry], origin: str) -> dict[str, Any]:
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


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


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
    "lead": _is_uuid,
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
    "id": _is_uuid,
    "created": _is_time,
    **dict.fromkeys(("sender", "recipient", "legal_basis", "reason"), _is_words),
    "lead": _is_uuid,
    "lead_created": _is_time,
    "lead_digest": _is(DIGEST),
    "reversed": _is_members,
}
OF_LEAD: Final = ("sender", "recipient", "lead", "lead_created", "lead_digest", "legal_basis")
"""Fields of a notice that are those of its lead."""
