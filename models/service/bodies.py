"""Request and response bodies: JSON to Python values and back."""

import json
from typing import Any, NamedTuple

__all__ = ["RejectedRequest", "Reply", "ScoreRequest", "as_list", "decode_json", "encode_json", "json_type"]


_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class RejectedRequest(Exception):
    """A request that is answered with an error status; the message holds nothing of the request.

    Parameters
    ----------
    status : int
        HTTP status of the response.
    reason : str
        What was expected and what came.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ScoreRequest(NamedTuple):
    """Body of a request for scores, and whether reasons are requested."""

    body: bytes
    reasons: bool


class Reply(NamedTuple):
    """A response body, and the counts that are logged with it."""

    content: bytes
    counts: dict[str, int]


def decode_json(body: bytes) -> Any:
    """Decode a JSON body; raise RejectedRequest (400) if it is not JSON.

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
    """Encode as ASCII JSON: a text span may hold half of a surrogate pair, which UTF-8 cannot encode.

    Examples
    --------
    >>> encode_json({"text": "\\ud83d"})
    b'{"text":"\\\\ud83d"}'
    """
    return _encode(content).encode("ascii")


def as_list(content: Any) -> list[Any]:
    """Return the records of a decoded body, which is one record or a list.

    Examples
    --------
    >>> as_list({"text": "hi"}), as_list([5])
    ([{'text': 'hi'}], [5])
    """
    return content if isinstance(content, list) else [content]


def json_type(value: Any) -> str:
    """Name the type of a decoded value.

    Examples
    --------
    >>> json_type(None), json_type([])
    ('null', 'list')
    """
    return "null" if value is None else type(value).__name__
