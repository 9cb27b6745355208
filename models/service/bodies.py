"""Bodies of requests and answers: bytes in, records out, and back."""

import json
from typing import Any, NamedTuple

__all__ = ["RejectedRequest", "Reply", "ScoreRequest", "as_list", "decode_json", "encode_json", "json_type"]


_write = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class RejectedRequest(Exception):
    """A request that is not done, with the status of the answer and why, in words that hold none of it.

    Parameters
    ----------
    status : int
        The status.
    why : str
        What was expected and what came.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class ScoreRequest(NamedTuple):
    """A request for scores: its body, and whether it asks for reasons."""

    body: bytes
    reasons: bool


class Reply(NamedTuple):
    """An answer, and what is logged of it."""

    content: bytes
    counts: dict[str, int]


def decode_json(body: bytes) -> Any:
    """Read JSON.

    Parameters
    ----------
    body : bytes
        What came.

    Returns
    -------
    object

    Raises
    ------
    RejectedRequest
        When it is something else.

    Examples
    --------
    >>> decode_json(b'{"text": "hi"}')
    {'text': 'hi'}
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RejectedRequest(400, "body: expected JSON, got something else") from None


def encode_json(content: Any) -> bytes:
    """Write JSON, in ASCII: pieces of a message may hold half of a surrogate pair, which is no UTF-8.

    Examples
    --------
    >>> encode_json({"text": "\\ud83d"})
    b'{"text":"\\\\ud83d"}'
    """
    return _write(content).encode("ascii")


def as_list(read: Any) -> list[Any]:
    """Return the records of a body, of which one may stand alone.

    Examples
    --------
    >>> as_list({"text": "hi"}), as_list([5])
    ([{'text': 'hi'}], [5])
    """
    return read if isinstance(read, list) else [read]


def json_type(value: Any) -> str:
    """Name the type of a value that was read.

    Examples
    --------
    >>> json_type(None), json_type([])
    ('null', 'list')
    """
    return "null" if value is None else type(value).__name__
