"""Sample records that exercise all of scoring, so that it is compiled and in memory before the first real record."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.record_fields import FieldKind

__all__ = ["warm_records"]

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TEXT = (
    "Y\u03bfur p\u00e1rcel N0. 4532015112830366 is h\u200beld: pay $50 at http://xn--paypa1-login.example/a?b=1, call "
    "+44 20 7946 0958 \U0001f600 \u514d\u8d39\u9886\u5956\uff0c\u52a0\u5fae\u4fe1abc123\uff0c\u70b9\u51fb t.cn/x1"
)
"""Digits, a link, a number, look-alikes, hidden characters, Chinese: they exercise every step."""
RARE_TEXT = " 0x0000000000000000000000000000000000000000"
"""An address of a crypto currency, whose kernel is compiled only when a text may have one."""
VALUES: Final[dict[FieldKind, tuple[Any, Any, Any]]] = {
    "text": (TEXT, "see you at six", TEXT + " again"),
    "id": ("a", "a", "a"),
    "time": (NOW, NOW, NOW),
    "number": (1.0, 1.0, 1.0),
    "amount": (5.0, 5.0, 5.0),
    "category": ("a", "a", "a"),
}


def warm_records(
    matrix: FeatureMatrix, *, rare: bool = False
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Return three records that a model can score, and a history of their accounts, as for `Scorer.score`.

    With `rare`, a text also has content that few texts have, which takes another second to compile.
    """
    replaced = {field.instead_of for field in matrix.fields}
    fields = [field for field in matrix.fields if field.name not in replaced]
    records = [{field.name: VALUES[field.kind][n] for field in fields} for n in range(3)]
    if matrix.subject != "message":
        records[1] |= {"account_id": "b"}
    elif rare:
        records[0] |= {"text": TEXT + RARE_TEXT}
    for record in records:
        if "created_at" in record:
            record["created_at"] = NOW - timedelta(days=9)
    history = {"events": _events(matrix) if "events" in matrix.history_parts else []}
    if "messages" in matrix.history_parts:
        history["messages"] = [{**record, "sent_at": NOW - timedelta(hours=1)} for record in records]
    return records, history


def _events(matrix: FeatureMatrix) -> list[dict[str, Any]]:
    names = {name for view in matrix.event_views for name in view.fields}
    names |= set(matrix.network.links if matrix.network else ())
    event = dict.fromkeys(sorted(names), "a") | {"account_id": "a", "kind": "a", "amount": 3.0}
    return [event | {"occurred_at": NOW - timedelta(hours=hours), "event_id": f"e{hours}"} for hours in (30, 3, 1)]
