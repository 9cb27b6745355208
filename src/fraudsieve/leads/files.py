"""The file of a lead: its schema, its exact bytes, and reading it back from JSON or from a STIX bundle."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fraudsieve.exceptions import LeadError

SCHEMA: Final = "urn:fraudsieve:lead:1"
"""The name of the schema, and of the format of leads."""
WITHDRAWAL_SCHEMA: Final = "urn:fraudsieve:lead-withdrawal:1"
NEEDED: Final = ("id", "recipient", "key", "case", "actions", "links")
FIX: Final = "Name a file that 'fraudsieve lead create' has written."


def lead_schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of leads.

    Returns
    -------
    dict
        A copy.

    Examples
    --------
    >>> lead_schema()["$id"]
    'urn:fraudsieve:lead:1'
    """
    return _read_schema("lead")


def withdrawal_schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of notices of withdrawals.

    Returns
    -------
    dict
        A copy.

    Examples
    --------
    >>> withdrawal_schema()["$id"]
    'urn:fraudsieve:lead-withdrawal:1'
    """
    return _read_schema("withdrawal")


def _read_schema(name: str) -> dict[str, Any]:
    text = (files("fraudsieve.leads") / "data" / f"{name}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def encode_lead(lead: dict[str, Any]) -> bytes:
    """Encode a lead or a STIX bundle as JSON with sorted keys, so that equal content gives equal bytes.

    Parameters
    ----------
    lead : dict

    Returns
    -------
    bytes
        UTF-8, with a line feed at the end.

    Examples
    --------
    >>> encode_lead({"b": 1, "a": []})
    b'{\\n  "a": [],\\n  "b": 1\\n}\\n'
    """
    return (json.dumps(lead, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False) + "\n").encode()


def lead_digest(lead: dict[str, Any]) -> str:
    """Return the SHA-256 of a lead, as the log of leads records it.

    Parameters
    ----------
    lead : dict

    Returns
    -------
    str
        Hexadecimal digest of the bytes from `encode_lead`.
    """
    return hashlib.sha256(encode_lead(lead)).hexdigest()


def read_lead(path: str | Path) -> dict[str, Any]:
    """Read a lead from its JSON, or from a STIX bundle that was made from it.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict
        The lead.

    Raises
    ------
    LeadError
        If the file cannot be read, or is not a lead.
    """
    try:
        content = json.loads(Path(path).read_bytes())
        lead = _lead_of_bundle(content) if content.get("type") == "bundle" else content
        if lead["schema"] != SCHEMA or not all(name in lead for name in NEEDED) or not _is_named(lead):
            raise ValueError
        encode_lead(lead)  # as it is resolved
    except OSError as error:
        raise LeadError(str(path), f"cannot be read ({type(error).__name__})", FIX) from None
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        raise LeadError(str(path), f"expected a lead of the schema {SCHEMA}, got something else", FIX) from None
    return dict(lead)


def _is_named(lead: dict[str, Any]) -> bool:
    """Return whether the parts of a lead that its key is found by are strings, or None for the salt."""
    named = lead["id"], lead["recipient"], lead["key"]["id"], lead["key"]["salt"] or ""
    return all(isinstance(value, str) for value in named)


def _lead_of_bundle(bundle: dict[str, Any]) -> dict[str, Any]:
    extensions = (one.get("extensions", {}).values() for one in bundle["objects"] if one["type"] == "grouping")
    return next(dict(extension["lead"]) for found in extensions for extension in found if "lead" in extension)
