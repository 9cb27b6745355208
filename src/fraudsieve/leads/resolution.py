"""Resolution of pseudonyms to accounts, actions, texts and cases, by computing the pseudonyms of your tables."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fraudsieve._io import PRIVATE, write_file
from fraudsieve.exceptions import LeadError
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import Source

from .files import encode_lead
from .keys import LeadKey, Secret, find_key, match_values, wanted_pseudonyms

COLUMNS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "accounts": {"account_id": ("account", "action")},
    "events": {
        "event_id": ("action",),
        "account_id": ("account",),
        "counterparty_id": ("account",),
        "kind": ("kind",),
        "currency": ("currency",),
    },
    "messages": {
        "message_id": ("action",),
        "account_id": ("account",),
        "recipient_id": ("account",),
        "text": ("text",),
    },
}
"""Types of pseudonyms that the columns of a table resolve."""


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
    accounts: Source | None = None,
    events: Source | None = None,
    messages: Source | None = None,
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
        table = read_table(source, name).good
        for column, kinds in COLUMNS[name].items():
            if column in table:
                yield from ((kind, table[column]) for kind in kinds)
                if "action" in kinds:  # as in a case of several subjects
                    yield "action", f"{name.removesuffix('s')}:" + table[column].dropna()


def _values_of_cases(folder: str | Path | None) -> Iterator[tuple[str, "pd.Series[Any]"]]:
    if folder is None:
        return
    try:
        members, links = (pd.read_parquet(Path(folder) / f"{name}.parquet") for name in ("members", "links"))
    except (OSError, ValueError) as error:
        fix = "Name a folder that 'fraudsieve cases' has written."
        raise LeadError(str(folder), f"cannot be read ({type(error).__name__})", fix) from None
    yield from (("case", members["case_id"]), ("action", members["action_id"]), ("identifier", links["evidence"]))
    yield from ((name, members[name]) for name in ("kind", "type", "currency") if name in members)


def write_resolution(table: pd.DataFrame, path: str | Path) -> None:
    """Write resolved pseudonyms to a CSV file that only its owner can read."""
    # Quoted, because a text may have a carriage return, which readers take for the end of a row.
    content = str(table.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC))
    write_file(path, content.encode("utf-8", "surrogatepass"), mode=PRIVATE)
