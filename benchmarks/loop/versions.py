"""Whether the workers serve what the alias says: answers of another version, later than an exchange may last."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final, NamedTuple

import mlflow

from fraudsieve.models.predict import Scorer

__all__ = ["EXCHANGE_SECONDS", "Answered", "Move", "count_stale", "watched_alias"]

EXCHANGE_SECONDS: Final = 30.0
"""Seconds after a move of the alias in which a worker may still answer by the version before."""
LOOK_SECONDS: Final = 0.25


class Answered(NamedTuple):
    """When a request was sent and its answer came, and the digest of the model that gave it."""

    sent: float
    came: float
    digest: str


class Move(NamedTuple):
    """When the alias was seen to point to another version, and the digest of its model."""

    time: float
    digest: str


def count_stale(answers: Sequence[Answered], moves: Sequence[Move]) -> int:
    """Count the answers by a model that the alias had left for longer than an exchange may last.

    Examples
    --------
    >>> moves = [Move(0.0, "one"), Move(100.0, "two")]
    >>> [count_stale([Answered(sent, sent + 0.1, "one")], moves) for sent in (50.0, 129.0, 131.0)]
    [0, 0, 1]
    >>> count_stale([Answered(99.9, 100.1, "two"), Answered(500.0, 500.1, "two")], moves)
    0
    """
    ends = [move.time for move in moves[1:]] + [float("inf")]
    left = {move.digest: end for move, end in zip(moves, ends, strict=True)}
    return sum(answer.sent - EXCHANGE_SECONDS > left.get(answer.digest, float("inf")) for answer in answers)


@contextmanager
def watched_alias(name: str, alias: str) -> Iterator[list[Move]]:
    """Look at an alias all the time, until the end of the block; yield its moves, the first one at once."""
    moves, is_over = list[Move](), threading.Event()

    def look() -> None:
        client, seen = mlflow.MlflowClient(), ""
        while not is_over.is_set():
            version = client.get_model_version_by_alias(name, alias).version
            if version != seen:
                time, seen = monotonic(), version
                moves.append(Move(time, Scorer.load(f"models:/{name}/{version}").model.digest))
            is_over.wait(LOOK_SECONDS)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield moves
    finally:
        is_over.set()
        thread.join()
