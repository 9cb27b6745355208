"""`make_lead`: one case as a minimal lead for one recipient, as a plain dict that the published schema describes."""

import math
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from fraudsieve._typing import Array, JsonObject
from fraudsieve.cases.links.table import LINK_KINDS
from fraudsieve.evidence.log import software
from fraudsieve.exceptions import LeadError
from fraudsieve.models.artifact.folder import LIBRARIES, Model
from fraudsieve.models.guarantees import rate_bounds
from fraudsieve.models.likelihood_ratios import describe_strength, log10_likelihood_ratio
from fraudsieve.models.scoring.scores import reached
from fraudsieve.models.sentences.templates import techniques_of
from fraudsieve.tables.cells import STRING

from .case_content import ActionReasons, CaseContent
from .files import SCHEMA, encode_lead
from .keys import LeadKey, recipient_name
from .words import is_plain, word_list

CLAIM: Final = (
    "A statistical model flagged these actions. A likelihood ratio says how much more probable such a score is for a "
    "fraudulent record than for a legitimate one. It is not the probability that a record is fraudulent, and says "
    "nothing about the guilt of a person. The ratios of several actions are not independent: do not multiply them. "
    "Only the sender can resolve the pseudonyms."
)
"""The statement that every lead contains."""
CONFIDENCE: Final = 0.95
DIGITS: Final = 10.0
"""Ratios are given in tenths of a power of ten, rounded towards 0: finer ones would claim too much."""


def strength_of_actions(members: pd.DataFrame, model: Model | None) -> list[float] | None:
    """Return log10 of the likelihood ratio of every action, within the bounds that the model's calibration supports.

    Returns None without a model, if the model has no bounds, or if it did not score every action: an action has no
    probability, or is a record of another subject.
    """
    support = model.ratio_support if model is not None and scores_all(model, members) else None
    if support is None or "probability" not in members or members["probability"].isna().any():
        return None
    probability = members["probability"].to_numpy(np.float64)
    bounds = (support.log10_low, support.log10_high)
    ratios: Array = log10_likelihood_ratio(probability, support.fraud_share, bounds)
    return [math.trunc(round(ratio * DIGITS, 9)) / DIGITS + 0.0 for ratio in ratios.tolist()]


def scores_all(model: Model, members: pd.DataFrame) -> bool:
    """Return whether all actions are records of the subject that a model scores."""
    return "subject" not in members or bool(members["subject"].eq(model.subject).all())


def summarise_strength(ratios: list[float] | None, model: Model | None) -> JsonObject | None:
    """Return the range of the ratios in words and numbers, their bounds, and the counts behind the bounds.

    Returns None without ratios.
    """
    if ratios is None or model is None or model.ratio_support is None:
        return None
    support, lowest, highest = model.ratio_support, min(ratios), max(ratios)
    return {
        "scale": "ENFSI guideline for evaluative reporting, 2015",
        "lowest": {"log10_lr": lowest, "words": describe_strength(lowest)},
        "highest": {"log10_lr": highest, "words": describe_strength(highest)},
        "log10_bounds": [_rounded(support.log10_low), _rounded(support.log10_high)],
        "bounded_by": "ELUB, Vergeer et al. 2016",
        "frauds": support.frauds,
        "legitimate": support.legitimate,
    }


def error_rates(members: pd.DataFrame, model: Model | None) -> JsonObject | None:
    """Return the error rates at the operating point that flagged the actions, with intervals.

    The intervals count campaigns or accounts, because the rows of one of them are not independent.

    Returns None without a model or rates, if the model scores another subject than that of an action, or if the
    operating point does not flag all actions.
    """
    if (
        model is None
        or not scores_all(model, members)
        or not model.points
        or model.source_points is not None  # its rates are of all sources together
        or model.ratio_support is None
        or "probability" not in members
    ):
        return None
    point, support = model.points[0], model.ratio_support
    flags_all = bool(reached(members["probability"].to_numpy(), point.threshold).all())
    if not flags_all or point.false_positive_rate is None or point.recall is None:
        return None
    return {
        "operating_point": point.name,
        "confidence": CONFIDENCE,
        "false_positive_rate": _with_interval(point.false_positive_rate, support.legitimate_groups),
        "recall": _with_interval(point.recall, support.fraud_groups),
        "promised_false_positive_rate": point.max_false_positive_rate,
        "of": "calibration slice",
    }


def _with_interval(rate: float, n: int) -> JsonObject:
    low, high = rate_bounds(rate, n, CONFIDENCE)
    return {"rate": _rounded(rate, 6), "low": _rounded(low, 6), "high": _rounded(high, 6), "groups": n}


def _rounded(number: float, digits: int = 3) -> float:
    return round(float(number), digits) + 0.0  # no -0.0


def describe_model(model: Model | None) -> dict[str, str] | None:
    """Return the name and digest of a model, and the version of fraudsieve in use."""
    if model is None:
        return None
    return {"name": model.name, "digest": model.digest, LIBRARIES[0]: software()[LIBRARIES[0]]}


Lead: TypeAlias = dict[str, Any]

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, SCHEMA)
"""Namespace of the ids of leads, which are digests of their contents."""
BY_ACCOUNT: Final = LINK_KINDS[:4]
WITH_VALUE: Final = (*BY_ACCOUNT, "identifier", "address_range")
"""The kinds of links whose actions share a value; others link actions that are alike."""
LEGITIMATE: Final = "legitimate"
"""The usual name of the class that is not a type of fraud."""
FREE_TEXT: Final = ("kind", "type", "currency")
"""Columns whose values are shown if they are in a declared list; see `is_declared`."""
NO_REASONS: Final = ActionReasons((), ())


@dataclass(frozen=True)
class LeadTerms:
    """The recipient, legal basis, sender and purpose of a lead.

    Parameters
    ----------
    recipient : str
        Who gets the lead. The pseudonyms depend on this name.
    legal_basis : str
        The legal basis of the disclosure, such as an article of a law.
    sender : str
        Your organisation.
    purpose : str, default="report of suspected fraud"
        Purpose of the disclosure.

    Raises
    ------
    LeadError
        If one of them is empty.
    """

    recipient: str
    legal_basis: str
    sender: str
    purpose: str = "report of suspected fraud"

    def __post_init__(self) -> None:
        for name in ("legal_basis", "sender", "purpose"):
            text = getattr(self, name)
            if not text.strip() or not text.isprintable():
                raise LeadError(name, "expected printable text, got something else", "It is part of the lead.")
        object.__setattr__(self, "recipient", recipient_name(self.recipient))


@dataclass(frozen=True)
class Disclosure:
    """The parts of a lead beyond the minimum.

    Parameters
    ----------
    amounts : bool, default=False
        Whether to include exact amounts instead of power-of-ten ranges.
    times : bool, default=False
        Whether to include exact times instead of days. With exact times, two recipients could join their leads.
    shared_accounts : bool, default=False
        Whether to include pseudonyms of accounts that are not flagged but link actions, such as a collecting account.

    Examples
    --------
    >>> Disclosure(amounts=True).times
    False
    """

    amounts: bool = False
    times: bool = False
    shared_accounts: bool = False


def make_lead(
    case: CaseContent,
    key: LeadKey,
    terms: LeadTerms,
    *,
    disclosure: Disclosure | None = None,
    model: Model | None = None,
    reasons: Mapping[str, ActionReasons] | None = None,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    created: datetime | None = None,
) -> Lead:
    """Return a case as a lead.

    Parameters
    ----------
    case : CaseContent
        From `read_case`.
    key : LeadKey
        The key of the recipient, from `derive_key`.
    terms : LeadTerms
        Recipient, legal basis, sender and purpose.
    disclosure : Disclosure, default=None
        What to disclose beyond the minimum; None for the minimum.
    model : Model, default=None
        The model that scored the actions. Without it, the lead states no strength and no error rates.
    reasons : mapping of str to ActionReasons, default=None
        From `read_reasons`.
    texts : mapping of str to mapping, default=None
        From `describe_texts`.
    created : datetime, default=None
        The time of the lead; None for now.

    Returns
    -------
    dict
        A lead, as `lead_schema` describes it. Actions are sorted by pseudonym, so that their order reveals nothing.

    Raises
    ------
    LeadError
        If the key was derived for another recipient.

    Examples
    --------
    >>> from fraudsieve.leads.keys import Secret, derive_key
    >>> members = pd.DataFrame({"action_id": ["m1", "m2"], "account_id": "ann", "counterparty_id": ["bob", "eve"]})
    >>> link = {"kind": "same_sender", "evidence": "ann", "source_id": "m1", "target_id": "m2"}
    >>> case = CaseContent("case-1", members, pd.DataFrame([link]))
    >>> key = derive_key(Secret(b"s" * 32), "police")
    >>> lead = make_lead(case, key, LeadTerms("police", "Art. 33", "Example Bank"))
    >>> lead["links"][0]["value"] == key.pseudonym("account", "ann"), "counterparty" in lead["actions"][0]
    (True, False)
    """
    if key.recipient != terms.recipient:
        problem = f"expected a key for {terms.recipient}, got one for {key.recipient or 'no recipient'}"
        raise LeadError("key", problem, "Derive it for this recipient: two recipients never share pseudonyms.")
    disclosure = disclosure or Disclosure()
    case = _with_declared_values(case, key, model)
    when = (created or datetime.now(UTC)).astimezone(UTC)
    named = _named_accounts(case, disclosure)
    ratios = strength_of_actions(case.members, model)
    actions = [
        _action(row, key, named, disclosure, (reasons or {}).get(str(row["action_id"]), NO_REASONS))
        | ({} if ratios is None else {"log10_lr": ratios[at], "words": describe_strength(ratios[at])})
        | ({"text": dict(texts[str(row["action_id"])])} if texts and str(row["action_id"]) in texts else {})
        for at, row in enumerate(case.members.to_dict("records"))
    ]
    lead: Lead = {
        "schema": SCHEMA,
        "created": f"{when:%Y-%m-%dT%H:%M:%SZ}",
        "sender": terms.sender,
        "recipient": terms.recipient,
        "legal_basis": terms.legal_basis,
        "purpose": terms.purpose,
        "key": {"id": key.id, "scope": "recipient" if key.salt is None else "case", "salt": key.salt},
        "claim": CLAIM,
        "case": _summary(case, key),
        "types": _types(case.members),
        "reasons": _reasons(case.members, reasons or {}),
        "actions": sorted(actions, key=lambda action: str(action["id"])),
        "links": _links(case, key, named),
        "strength": summarise_strength(ratios, model),
        "error_rates": error_rates(case.members, model),
        "model": describe_model(model),
    }
    return lead | {"id": str(uuid.uuid5(NAMESPACE, encode_lead(lead).decode()))}


def _with_declared_values(case: CaseContent, key: LeadKey, model: Model | None) -> CaseContent:
    """Return the case with pseudonyms for the kinds, types and currencies that are not in a declared list.

    Flagged actions that are more probably legitimate than of any type have no type.
    """
    columns = {name: case.members[name] for name in FREE_TEXT if name in case.members}
    if "type" in columns:
        legitimate = LEGITIMATE if model is None else model.legitimate
        columns["type"] = columns["type"].mask(columns["type"].isin([legitimate]))
    classes = frozenset() if model is None else frozenset(model.classes)
    for name, column in columns.items():
        shown = {
            value: value if is_declared(name, value, classes) else key.pseudonym(name, value)
            for value in column.dropna().astype(str).unique()
        }
        columns[name] = column.astype(STRING).map(shown)
    return replace(case, members=case.members.assign(**columns))


def is_declared(column: str, value: str, classes: Set[str]) -> bool:
    """Return whether a lead shows the value of a column: any other could be free text, and name a person."""
    if column == "currency":
        return value in word_list("currencies")
    if column == "kind":
        return all(word in word_list("kinds") for word in re.split("[ _-]", value.casefold()))
    return bool(techniques_of(value)) or (value in classes and is_plain(value))


def _named_accounts(case: CaseContent, disclosure: Disclosure) -> frozenset[str]:
    """Return the pseudonyms of the accounts in the lead: flagged ones and, if requested, those that link actions."""
    if not disclosure.shared_accounts:
        return case.flagged_accounts
    shared = case.links.loc[case.links["kind"].isin(BY_ACCOUNT), "evidence"].dropna()
    return case.flagged_accounts | frozenset(shared)


def _summary(case: CaseContent, key: LeadKey) -> JsonObject:
    times = _times(case.members).dropna()
    days = [] if times.empty else [_day(times.min()), _day(times.max())]
    counts = {"actions": len(case.members), "flagged_accounts": len(case.flagged_accounts)}
    return {"id": key.pseudonym("case", case.case_id), **counts, "days": days}


def _times(members: pd.DataFrame) -> "pd.Series[pd.Timestamp]":
    column = members["occurred_at"] if "occurred_at" in members else pd.Series(pd.NaT, members.index)
    return pd.to_datetime(column, utc=True)


def _day(time: pd.Timestamp) -> str:
    return f"{time:%Y-%m-%d}"


def _action(
    row: Mapping[Any, Any], key: LeadKey, named: frozenset[str], disclosure: Disclosure, reasons: ActionReasons
) -> JsonObject:
    """Return one action, without its ratio and its text."""
    action: JsonObject = {"id": key.pseudonym("action", str(row["action_id"]))}
    for field, column in (("account", "account_id"), ("counterparty", "counterparty_id")):
        if _known(row, column) and row[column] in named:
            action[field] = key.pseudonym("account", str(row[column]))
    action |= {name: str(row[name]) for name in FREE_TEXT if _known(row, name)}
    if _known(row, "occurred_at"):
        time = pd.to_datetime(row["occurred_at"], utc=True)
        action["time"] = f"{time:%Y-%m-%dT%H:%M:%SZ}" if disclosure.times else _day(time)
    amount = float(row["amount"]) if _known(row, "amount") else np.nan
    if np.isfinite(amount):
        action["amount"] = amount if disclosure.amounts else amount_class(amount)
    return action | {"reasons": [f"{family}__{cue}" for family, cue in reasons.named]}


def _known(row: Mapping[Any, Any], name: str) -> bool:
    return name in row and not pd.isna(row[name])


def amount_class(amount: float) -> str:
    """Return the power-of-ten range of an amount, ignoring its sign."""
    size = abs(amount)
    if not size >= 1:
        return "below 1"
    low = 10 ** int(np.floor(np.log10(size)))
    low = low // 10 if low > size else low * 10 if low * 10 <= size else low  # at powers of ten, log10 can be off
    return f"{low:,} to {low * 10:,}"


def _types(members: pd.DataFrame) -> list[JsonObject]:
    counts = Counter(members["type"].dropna().astype(str)) if "type" in members else Counter[str]()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "actions": n, "techniques": techniques_of(name)} for name, n in ordered]


def _reasons(members: pd.DataFrame, reasons: Mapping[str, ActionReasons]) -> list[JsonObject]:
    """Return every reason with the number of actions that have it, and the techniques that it indicates."""
    counts: Counter[tuple[str, str]] = Counter()
    techniques: dict[tuple[str, str], set[str]] = {}
    for action in members["action_id"].astype(str):
        found = reasons.get(action, NO_REASONS)
        for name in found.named:
            counts[name] += 1
            techniques.setdefault(name, set()).update(technique for technique, _ in found.techniques)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": "__".join(name), "actions": n, "techniques": sorted(techniques[name])} for name, n in ordered]


def _links(case: CaseContent, key: LeadKey, named: frozenset[str]) -> list[JsonObject]:
    """Return what the actions share: each value once, with the actions that share it."""
    links = []
    for kind, value, ids in _linked(case.links):
        actions = sorted(key.pseudonym("action", one) for one in ids)
        links.append({"kind": kind, "actions": actions, **_shared_value(kind, value, key, named)})
    return sorted(links, key=lambda link: (link["kind"], link.get("value", ""), link["actions"]))


def _linked(links: pd.DataFrame) -> Iterator[tuple[str, str | None, set[str]]]:
    """Yield the actions that share a value; without a value, those that are linked, also through others."""
    values = links["evidence"].astype(STRING).where(links["kind"].isin(WITH_VALUE))
    for (kind, value), rows in links.groupby([links["kind"], values], dropna=False):
        if isinstance(value, str):
            yield str(kind), value, _ends(rows)
        else:
            for _, part in rows.groupby(_components(rows)):
                yield str(kind), None, _ends(part)


def _ends(links: pd.DataFrame) -> set[str]:
    return {*links["source_id"].astype(str), *links["target_id"].astype(str)}


def _components(links: pd.DataFrame) -> Array:
    """Return the connected component of each link."""
    codes, ids = pd.factorize(pd.concat([links["source_id"], links["target_id"]]))
    source, target = np.split(codes, 2)
    graph = sp.coo_matrix((np.ones(len(links)), (source, target)), (len(ids),) * 2)
    component: Array = connected_components(graph, directed=False)[1][source]
    return component


def _shared_value(kind: str, value: str | None, key: LeadKey, named: frozenset[str]) -> dict[str, str]:
    """Return the pseudonym of the shared value; nothing for a similarity, or for an account that is left out."""
    if value is None:
        return {}
    if kind in BY_ACCOUNT:
        return {"value": key.pseudonym("account", value)} if value in named else {}
    of, colon, _ = value.partition(":")
    return {"of": of, "value": key.pseudonym("identifier", value)} if colon else {}
