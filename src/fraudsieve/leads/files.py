"""The file of a lead: its schema, its exact bytes, and reading it back from JSON or from a STIX bundle.

A lead as a STIX 2.1 bundle (OASIS, 2021): a plain dict with ids that depend only on the lead.

A grouping object contains the whole lead in an extension, so that nothing is lost. The bundle also contains the flagged
accounts under their pseudonyms, the number of actions of each, and a note in plain language.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final

from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import LeadError

SCHEMA: Final = "urn:fraudsieve:lead:1"
"""The name of the schema, and of the format of leads."""
WITHDRAWAL_SCHEMA: Final = "urn:fraudsieve:lead-withdrawal:1"
NEEDED: Final = ("id", "recipient", "key", "case", "actions", "links")
FIX: Final = "Name a file that 'fraudsieve lead create' has written."


def lead_schema() -> JsonObject:
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


def withdrawal_schema() -> JsonObject:
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


def _read_schema(name: str) -> JsonObject:
    text = (files("fraudsieve.leads") / "data" / f"{name}.schema.json").read_text("utf-8")
    schema: JsonObject = json.loads(text)
    return schema


def encode_lead(lead: JsonObject) -> bytes:
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


def lead_digest(lead: JsonObject) -> str:
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


def read_lead(path: str | Path) -> JsonObject:
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


def _is_named(lead: JsonObject) -> bool:
    """Return whether the parts of a lead that its key is found by are strings, or None for the salt."""
    named = lead["id"], lead["recipient"], lead["key"]["id"], lead["key"]["salt"] or ""
    return all(isinstance(value, str) for value in named)


def _lead_of_bundle(bundle: JsonObject) -> JsonObject:
    extensions = (one.get("extensions", {}).values() for one in bundle["objects"] if one["type"] == "grouping")
    return next(dict(extension["lead"]) for found in extensions for extension in found if "lead" in extension)


NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, f"{SCHEMA}:stix")
SCO_NAMESPACE: Final = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""The namespace that STIX 2.1 (section 2.9) prescribes for the ids of observables."""
STABLE: Final = {
    "spec_version": "2.1",
    "created": "2026-11-28T00:00:00.000Z",
    "modified": "2026-11-28T00:00:00.000Z",
}
"""Creation time of objects that are the same in every bundle, because an id has only one creation time."""
EXTENSION: Final = f"extension-definition--{uuid.uuid5(NAMESPACE, 'extension')}"
AUTHOR: Final = f"identity--{uuid.uuid5(NAMESPACE, 'fraudsieve')}"
F3: Final = "mitre-f3"


def to_stix(lead: JsonObject) -> JsonObject:
    """Return a lead as a STIX 2.1 bundle.

    Parameters
    ----------
    lead : dict
        From `make_lead`.

    Returns
    -------
    dict
        A bundle with the identities of the sender and of the extension's author, the extension's definition, a user
        account and an observation for each account, a note and a grouping.

    Examples
    --------
    ::

        Path("lead.stix.json").write_bytes(encode_lead(to_stix(lead)))
    """
    created, sender = _stix_time(lead["created"]), _identity(lead["sender"])
    common = {"spec_version": "2.1", "created": created, "modified": created, "created_by_ref": sender}
    accounts = _accounts(lead)
    observed = [_observation(lead, common, account) for account in accounts]
    note = _note(lead, common, [one["id"] for one in observed] or [sender])
    refs = [sender, *(account["id"] for account in accounts), *(one["id"] for one in observed), note["id"]]
    grouping = {
        "type": "grouping",
        **common,
        "id": _id("grouping", lead["id"]),
        "name": f"Lead {lead['id']}",
        "context": "suspicious-activity",
        "object_refs": refs,
        "extensions": {EXTENSION: {"extension_type": "property-extension", "lead": lead}},
    }
    techniques = {one["id"]: one["name"] for kind in lead["types"] for one in kind["techniques"]}
    if techniques:
        grouping["external_references"] = [
            {"source_name": F3, "external_id": name, "description": words} for name, words in sorted(techniques.items())
        ]
    objects = [_sender(lead["sender"]), *_definition(), *accounts, *observed, note, grouping]
    return {"type": "bundle", "id": _id("bundle", lead["id"]), "objects": objects}


def to_stix_revocation(notice: JsonObject) -> JsonObject:
    """Return the notice of a withdrawal as a STIX 2.1 bundle that revokes the grouping of the lead.

    Returns a bundle with the identity of the sender and the revoked grouping, whose description states the reason.
    """
    created = _stix_time(notice["lead_created"])
    next_second = datetime.fromisoformat(notice["lead_created"]) + timedelta(seconds=1)
    modified = _stix_time(max(notice["created"], f"{next_second:%Y-%m-%dT%H:%M:%SZ}"))
    sender = _identity(notice["sender"])
    grouping = {
        "type": "grouping",
        "spec_version": "2.1",
        "id": _id("grouping", notice["lead"]),
        "created": created,
        "modified": modified,
        "created_by_ref": sender,
        "revoked": True,
        "name": f"Lead {notice['lead']}, withdrawn",
        "description": notice["reason"],
        "context": "suspicious-activity",
        "object_refs": [sender],
    }
    return {"type": "bundle", "id": _id("bundle", notice["id"]), "objects": [_sender(notice["sender"]), grouping]}


def _sender(name: str) -> JsonObject:
    return {"type": "identity", "id": _identity(name), **STABLE, "name": name, "identity_class": "organization"}


def _id(kind: str, lead: str, part: str = "") -> str:
    """Return the id of an object of a lead, from the id of the lead."""
    return f"{kind}--{uuid.uuid5(NAMESPACE, f'{kind} {lead} {part}')}"


def _identity(sender: str) -> str:
    return f"identity--{uuid.uuid5(NAMESPACE, f'sender {sender}')}"


def _stix_time(time: str) -> str:
    """Return a time in whole seconds as STIX writes it."""
    return f"{time.removesuffix('Z')}.000Z"


def _definition() -> list[JsonObject]:
    """Return the definition of the extension and the identity of its author, the same in every bundle."""
    author = {"type": "identity", "id": AUTHOR, **STABLE, "name": "fraudsieve", "identity_class": "system"}
    definition = {
        "type": "extension-definition",
        "id": EXTENSION,
        **STABLE,
        "created_by_ref": AUTHOR,
        "name": "Lead of fraudsieve",
        "description": "Adds the whole lead to a grouping, as the property lead.",
        "schema": SCHEMA,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }
    return [author, definition]


def _accounts(lead: JsonObject) -> list[JsonObject]:
    """Return the accounts that acted, as observables with the ids that STIX derives from their properties."""
    names = sorted({action["account"] for action in lead["actions"] if "account" in action})
    accounts = []
    for name in names:
        contributing = json.dumps({"user_id": name}, separators=(",", ":"))  # RFC 8785 of one ASCII property
        identifier = f"user-account--{uuid.uuid5(SCO_NAMESPACE, contributing)}"
        accounts.append({"type": "user-account", "spec_version": "2.1", "id": identifier, "user_id": name})
    return accounts


def _observation(lead: JsonObject, common: JsonObject, account: JsonObject) -> JsonObject:
    """Return how often, and when, an account took a flagged action."""
    actions = [action for action in lead["actions"] if action.get("account") == account["user_id"]]
    first, last = _span([action["time"] for action in actions if "time" in action], lead)
    return {
        "type": "observed-data",
        **common,
        "id": _id("observed-data", lead["id"], account["user_id"]),
        "first_observed": first,
        "last_observed": last,
        "number_observed": len(actions),
        "object_refs": [account["id"]],
    }


def _span(times: Sequence[str], lead: JsonObject) -> tuple[str, str]:
    """Return the first and the last time: for days their beginning and end, and without times that of the lead."""
    if not times:
        return _stix_time(lead["created"]), _stix_time(lead["created"])
    first, last = min(times), max(times)
    if "T" in first:
        return _stix_time(first), _stix_time(last)
    return f"{first}T00:00:00.000Z", f"{last}T23:59:59.999Z"


def _note(lead: JsonObject, common: JsonObject, refs: list[str]) -> JsonObject:
    return {
        "type": "note",
        **common,
        "id": _id("note", lead["id"]),
        "abstract": "What the lead claims, and what not",
        "content": "\n".join([lead["claim"], *_in_words(lead)]),
        "authors": [lead["sender"]],
        "object_refs": refs,
    }


def _in_words(lead: JsonObject) -> list[str]:
    lines = [f"{lead['case']['actions']} flagged actions of {lead['case']['flagged_accounts']} flagged accounts."]
    strength, rates = lead["strength"], lead["error_rates"]
    if strength is not None:
        ratios = [f"{strength[end]['words']} (log10 {strength[end]['log10_lr']})" for end in ("lowest", "highest")]
        low, high = strength["log10_bounds"]
        lines.append(f"Support by the score, from {ratios[0]} to {ratios[1]}. Bounds of log10: {low} to {high}.")
    if rates is not None:
        for name in ("false_positive_rate", "recall"):
            one = rates[name]
            interval = f"{rates['confidence']:.0%} interval {one['low']} to {one['high']}, {one['groups']} groups"
            lines.append(f"{name.replace('_', ' ').capitalize()} at the operating point: {one['rate']} ({interval}).")
    return [*lines, f"Recipient: {lead['recipient']}. Legal basis: {lead['legal_basis']}. Purpose: {lead['purpose']}."]
