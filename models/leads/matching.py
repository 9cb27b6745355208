"""Search for the values behind pseudonyms: those of all values of a table are compared with those of a lead."""

import re
from base64 import b32decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .keys import LeadKey

__all__ = ["Wanted", "match_values", "wanted_pseudonyms"]

PSEUDONYM: Final = re.compile(r"p1\.([0-9a-f]{8})\.([a-z][a-z0-9_]*)\.([a-z2-7]{26})")
CHUNK: Final = 100_000

Wanted = dict[str, dict[bytes, str]]
"""Pseudonyms by type and digest."""


def wanted_pseudonyms(texts: Iterable[str], key_id: str) -> Wanted:
    """Return the pseudonyms in texts that were made with a key.

    Examples
    --------
    >>> key = LeadKey(b"k" * 32)
    >>> name = key.pseudonym("account", "ann")
    >>> list(wanted_pseudonyms([f"of {name}"], key.id)["account"].values()) == [name]
    True
    """
    wanted: Wanted = {}
    for text in texts:
        for match in PSEUDONYM.finditer(text):
            if match[1] == key_id:
                wanted.setdefault(match[2], {})[b32decode(match[3].upper() + "======")] = match[0]
    return wanted


def match_values(key: LeadKey, kind: str, values: Sequence[str], wanted: Mapping[bytes, str]) -> dict[str, str]:
    """Return the values behind pseudonyms. Only the digests of one chunk of values are in memory at a time.

    Parameters
    ----------
    key : LeadKey
        The key of the pseudonyms.
    kind : str
        Their type.
    values : sequence of str
        All values that could be behind them.
    wanted : mapping of bytes to str
        The pseudonyms, by digest.

    Returns
    -------
    dict of str to str
        Values by pseudonym.
    """
    found = {}
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        for digest, value in zip(key.digests(kind, chunk), chunk, strict=True):
            if digest in wanted:
                found[wanted[digest]] = value
    return found
