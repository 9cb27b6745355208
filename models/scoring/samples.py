"""Sample records that exercise all of scoring, so that it is compiled and in memory before the first real record."""

from datetime import timedelta
from typing import Any

from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.network.declaration import event_fields
from fraudsieve.features.record_fields import RecordField
from fraudsieve.models.fields import FIELD_TYPES, SAMPLE_TEXT, SAMPLE_TIME

RARE_TEXT = " 0x0000000000000000000000000000000000000000"
"""An address of a crypto currency, whose kernel is compiled only when a text may have one."""


def warm_records(
    matrix: FeatureMatrix, *, rare: bool = False
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Return three records that a model can score, and a history of their accounts, as for `Scorer.score`.

    With `rare`, a text also has content that few texts have, which takes another second to compile.
    """
    replaced = {field.instead_of for field in matrix.fields}
    fields = [field for field in matrix.fields if field.name not in replaced]
    records = [{field.name: _sample(field, n) for field in fields} for n in range(3)]
    if not matrix.subject.has_text:
        records[1] |= {"account_id": "b"}
    elif rare:
        records[0] |= {"text": SAMPLE_TEXT + RARE_TEXT}
    for record in records:
        if "created_at" in record:
            record["created_at"] = SAMPLE_TIME - timedelta(days=9)
    history = {"events": _events(matrix) if "events" in matrix.history_parts else []}
    if "messages" in matrix.history_parts:
        history["messages"] = [{**record, "sent_at": SAMPLE_TIME - timedelta(hours=1)} for record in records]
    return records, history


def _sample(field: RecordField, n: int = 0) -> Any:
    return FIELD_TYPES[field.kind].samples[n]


def _events(matrix: FeatureMatrix) -> list[dict[str, Any]]:
    fields = (RecordField("account_id", "id"), RecordField("kind", "category"), RecordField("amount", "amount"))
    event = {field.name: _sample(field) for field in (*fields, *event_fields(matrix.event_views, matrix.network))}
    times = {hours: SAMPLE_TIME - timedelta(hours=hours) for hours in (30, 3, 1)}
    return [event | {"occurred_at": time, "event_id": f"e{hours}"} for hours, time in times.items()]
