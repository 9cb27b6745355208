"""Records that touch all that scoring needs, so that the first real one finds it compiled and read."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fraudsieve.features.message_matrix import MessageMatrix

from .inputs import Matrix

__all__ = ["warm_records"]

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TEXT = (
    "Y\u03bfur p\u00e1rcel N0. 4532015112830366 is h\u200beld: pay $50 at http://xn--paypa1-login.example/a?b=1, call "
    "+44 20 7946 0958 \U0001f600 \u514d\u8d39\u9886\u5956\uff0c\u52a0\u5fae\u4fe1abc123\uff0c\u70b9\u51fb t.cn/x1"
)
"""Digits, a link, a number, look-alikes, hidden characters, Chinese: every step has something to do."""


def warm_records(matrix: Matrix) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Return records that a model can score, and a history in which they have a past.

    Parameters
    ----------
    matrix : MessageMatrix or AccountMatrix
        What is computed.

    Returns
    -------
    records : list of dict
        Three of them.
    history : dict of list of dict
        As for `Scorer.score`.
    """
    if isinstance(matrix, MessageMatrix):
        texts = (TEXT, "see you at six", TEXT + " again")
        records = [{"text": text, "account_id": "a", "sent_at": NOW} for text in texts]
        history = {"events": _events(matrix) if matrix.sender else []}
        if matrix.campaigns:
            history["messages"] = [{**record, "sent_at": NOW - timedelta(hours=1)} for record in records]
        return records, history
    own: dict[str, Any] = {"account_id": "a", "as_of": NOW, "created_at": NOW - timedelta(days=9), "amount": 5.0}
    own |= dict.fromkeys(matrix.numbers, 1.0) | dict.fromkeys(matrix.categories, "a")
    own |= dict.fromkeys((name for view in matrix.histories for name in view.subjects), "a")
    return [own, own | {"account_id": "b"}, own], {"events": _events(matrix)}


def _events(matrix: Matrix) -> list[dict[str, Any]]:
    views = matrix.sender if isinstance(matrix, MessageMatrix) else matrix.histories
    network = None if isinstance(matrix, MessageMatrix) else matrix.network
    names = {name for view in views for name in view.fields} | set(network.links if network else ())
    event = dict.fromkeys(sorted(names), "a") | {"account_id": "a", "kind": "a", "amount": 3.0}
    return [event | {"occurred_at": NOW - timedelta(hours=hours), "event_id": f"e{hours}"} for hours in (30, 3, 1)]
