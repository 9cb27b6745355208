"""A case of messages and payments in which everything that must not leave the house has a marker."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from fraudsieve.cases import CaseSettings, find_cases, write_cases
from fraudsieve.leads.case_content import ActionReasons, CaseContent, read_case
from fraudsieve.leads.keys import LeadKey, Secret, derive_key
from fraudsieve.leads.lead_content import LeadTerms
from fraudsieve.models import Model
from fraudsieve.models.points import OperatingPoint, RatioSupport
from fraudsieve.models.sentences.templates import techniques_of

__all__ = [
    "CREATED",
    "MARKERS",
    "REASONS",
    "SECRET",
    "TERMS",
    "case_of",
    "key_of",
    "messages",
    "scores_of",
    "with_support",
    "write_planted",
]

MARKERS = ("marker", "MARKER", "Markermann", "15155501", "0151-5550", "Zebrastreifen")
"""What every account, action, name, telephone and text of the case has a part of."""
SECRET = Secret(b"a secret of the house, 32 bytes or more")
TERMS = LeadTerms("Financial Intelligence Unit", "Art. 33 Directive (EU) 2015/849", "Example Bank")
TOGETHER = CaseSettings(same_sender=1.0, against=1.0)
"""Weights under which the messages and the payments are one case."""
CREATED = datetime(2026, 5, 20, 8, 30, tzinfo=UTC)
TEXT = "Dear Mr Markermann, your account is blocked: call 0151-5550{number} now, Zebrastreifen {number}"


def messages() -> pd.DataFrame:
    """Return flagged messages of two accounts that name one telephone, and others of thirty accounts."""
    flagged = [
        (f"M-MARKER-{n}", f"acc-marker-{n % 2}", f"victim-marker-{n}", TEXT.format(number=1234)) for n in range(5)
    ]
    plain = [(f"M-{n}", f"acc-{n}", f"friend-{n}", "Your account is blocked: call us now") for n in range(30)]
    columns = ["message_id", "account_id", "recipient_id", "text"]
    frame = pd.DataFrame([*flagged, *plain], columns=columns)
    days = pd.to_datetime("2026-05-01T10:11:12", utc=True) + pd.to_timedelta(range(len(frame)), "h")
    return frame.assign(sent_at=days)


def actions() -> pd.DataFrame:
    """Return the flagged messages, and payments of one of the accounts to a collector, as `find_cases` takes them."""
    flagged = messages().head(5).rename(columns={"message_id": "action_id", "recipient_id": "counterparty_id"})
    flagged = flagged.rename(columns={"sent_at": "occurred_at"}).assign(kind="message", type="telecom_scam")
    payments = pd.DataFrame(
        {
            "action_id": [f"P-MARKER-{n}" for n in range(3)],
            "account_id": ["acc-marker-0", "acc-marker-1", "acc-marker-2"],
            "counterparty_id": ["collector-marker", "collector-marker", "acc-marker-0"],
            "occurred_at": pd.to_datetime(["2026-05-02T01:00:00Z", "2026-05-02T02:00:00Z", "2026-05-02T03:00:00Z"]),
            "kind": "payment",
            "type": "money_mule",
            "amount": [950.25, 1200.0, 15.0],
            "currency": "EUR",
            "device_id": ["device-marker", None, "device-marker"],
        }
    )
    return pd.concat([flagged.assign(probability=0.97), payments.assign(probability=0.9999)], ignore_index=True)


def write_planted(folder: Path) -> str:
    """Write the cases to a folder, and return the id of the largest."""
    found = find_cases(actions(), key=b"a key of the cases", settings=TOGETHER)
    write_cases(found, folder)
    return str(found.cases["case_id"].iloc[0])


def case_of(folder: Path) -> CaseContent:
    """Return the largest case."""
    return read_case(folder / "cases", write_planted(folder / "cases"))


REASONS = {
    **{
        f"M-MARKER-{n}": ActionReasons(
            (("cues", "telephones"), ("wording", "telecom_scam")),
            tuple((one["id"], one["name"]) for one in techniques_of("telecom_scam")),
        )
        for n in range(5)
    },
    "P-MARKER-0": ActionReasons((("history", "count__1h"),), (("F1047", "Transfer of funds"),)),
}


def scores_of(columns: dict[str, Any]) -> pd.DataFrame:
    """Return scores with reasons, as ``predict --reasons`` writes them, of the messages."""
    reason = {"family": "cues", "cue": "telephones", "direction": 1, "log_odds": 2.0, "sentence": "a telephone"}
    against = reason | {"cue": "links", "direction": -1, "log_odds": -0.5}
    rest = reason | {"family": "rest", "cue": None}
    explained = {"class": "telecom_scam", "techniques": techniques_of("telecom_scam"), "log_odds": 3.0}
    text = json.dumps({"explained": explained, "reasons": [reason, against, rest]})
    ids = [f"M-MARKER-{n}" for n in range(5)]
    return pd.DataFrame({"message_id": ids, "reasons": text} | columns)


def key_of(recipient: str = TERMS.recipient, **options: Any) -> LeadKey:
    """Return the key of a recipient."""
    return derive_key(SECRET, recipient, **options)


def with_support(model: Model) -> Model:
    """Return a model with an operating point, and bounds that cut the larger ratios of the case."""
    point = OperatingPoint("false_positive_rate_0.01", 0.9, 0.008, 0.75, 0.1, max_false_positive_rate=0.01)
    support = RatioSupport(-1.87, 3.12, 0.1, 120, 1080, 60, 900)
    return replace(model, name="messages", digest="ab" * 32, points=(point,), ratio_support=support)
