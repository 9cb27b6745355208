"""Request and response bodies: JSON to Python values and back."""

import json
from collections.abc import Sequence, Sized
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._subjects import Subject
from fraudsieve._translation import Language
from fraudsieve._typing import Array, JsonObject
from fraudsieve.tables.values.reading import has_surrogate

QUOTE, BACKSLASH, OPEN_LIST, OPEN_OBJECT, CLOSE_LIST, CLOSE_OBJECT = (ord(char) for char in '"\\[{]}')


def json_bounds(body: bytes) -> tuple[int, int]:
    """Count the objects and lists of JSON text, and the deepest nesting of them.

    The text is not validated: the counts of text that is not JSON have no meaning.
    """
    n_containers, depth = _bounds(np.frombuffer(body, np.uint8))
    return n_containers, depth


@compile_kernel()
def _bounds(body: Array) -> tuple[int, int]:
    n_containers = depth = deepest = 0
    in_string = is_escaped = False
    for byte in body:
        if in_string:
            if is_escaped:
                is_escaped = False
            elif byte == BACKSLASH:
                is_escaped = True
            elif byte == QUOTE:
                in_string = False
        elif byte == QUOTE:
            in_string = True
        elif byte in (OPEN_LIST, OPEN_OBJECT):
            n_containers += 1
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (CLOSE_LIST, CLOSE_OBJECT):
            depth -= 1
    return n_containers, deepest


MAX_DEPTH = 32
"""Objects and lists around a value."""
CONTAINERS_PER_RECORD = 8
"""Objects and lists per record, as a mean over the maximum number of records in a body."""
BYTES_PER_WORK = 128
MAX_COUNTED = 1 << 13
WORK_OF_REASONS = 8

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


Explanation: TypeAlias = Language | None
"""The language of reasons; None for scores without reasons."""
SURROGATES: Final = (b"\\ud", b"\\uD", b"\xed")
"""Beginnings of halves of surrogate pairs in JSON, escaped and as bytes."""
Sources: TypeAlias = frozenset[str] | None
"""The sources that the labels of a client may have; None for any."""


class RejectedRequest(Exception):
    """A request that is answered with an error status; the message contains nothing from the request."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ScoreRequest(NamedTuple):
    """Body of a request for scores, whether reasons are requested, the language of their sentences, and its id.

    `sources` are those that labels in the body may have; None for any.
    """

    body: bytes
    reasons: bool
    language: Language = "en"
    id: str = ""
    sources: Sources = None

    @property
    def explanation(self) -> Explanation:
        """The language of the reasons; None if there are none."""
        return self.language if self.reasons else None

    @property
    def work(self) -> int:
        """The work, estimated before decoding; 1 is a record of usual length without reasons.

        The commas of a large body are not all counted, which would take as long as decoding it.
        """
        start = self.body[:MAX_COUNTED].lstrip()
        records = 1 + start.count(b",") if start.startswith(b"[") else 1
        work = max(records, len(self.body) // BYTES_PER_WORK)
        return work * WORK_OF_REASONS if self.reasons else work


class Reply(NamedTuple):
    """A response body, the counts that are logged with it, and the offset of the history that it saw, if any.

    The id of the request is that of the score log. A reply that waits is sent once its evidence is on disk.
    """

    content: bytes
    counts: dict[str, int]
    offset: int | None = None
    request_id: str = ""
    waits: bool = False


def decode_json(body: bytes, max_records: int) -> Any:
    """Decode a JSON body.

    Decoding cannot be interrupted, and its time grows with the number of objects rather than of bytes. So the number of
    objects is checked first.
    """
    n_containers, depth = json_bounds(body)
    if depth > MAX_DEPTH:
        raise RejectedRequest(400, f"body: expected JSON with at most {MAX_DEPTH} levels, got more")
    max_containers = CONTAINERS_PER_RECORD * max_records
    if n_containers > max_containers:
        raise RejectedRequest(413, f"body: expected at most {max_containers} objects and lists, got {n_containers}")
    try:
        # Decoded here, because json.loads would also accept UTF-16, in which other bytes are brackets.
        content = json.loads(body.decode("utf-8", "surrogatepass").removeprefix("\ufeff"), parse_constant=_reject)
    except (ValueError, RecursionError):
        raise RejectedRequest(400, "body: expected JSON, got something else") from None
    # Only such a body can have half of a surrogate pair, which no file can hold as the name of a column.
    if any(sign in body for sign in SURROGATES) and _has_broken_names(content):
        raise RejectedRequest(422, "body: expected names of fields in UTF-8, got broken characters")
    return content


def _has_broken_names(content: Any) -> bool:
    if isinstance(content, dict):
        return any(map(has_surrogate, content)) or any(map(_has_broken_names, content.values()))
    return isinstance(content, list) and any(map(_has_broken_names, content))


def _reject(constant: str) -> None:
    """Reject NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


def encode_json(content: Any) -> bytes:
    """Encode as ASCII JSON: a text span may hold half of a surrogate pair, which UTF-8 cannot encode.

    A list is encoded item by item, so that other threads can run in between.
    """
    if isinstance(content, list):
        return f"[{','.join([_encode(item) for item in content])}]".encode("ascii")
    return _encode(content).encode("ascii")


def as_list(content: Any) -> list[Any]:
    """Return the records of a decoded body, which is one record or a list."""
    return content if isinstance(content, list) else [content]


def check_number(records: Sized, max_records: int) -> None:
    """Raise RejectedRequest if a body has too many records."""
    if len(records) > max_records:
        raise RejectedRequest(413, f"body: expected at most {max_records} records, got {len(records)}")


def why_rejected(records: Sequence[Any], sources: Sources) -> dict[int, str]:
    """Return, by position, why records are rejected before they are read: no objects, or labels of other sources."""
    reasons = {}
    for position, record in enumerate(records):
        label, source = (record.get("label"), record.get("source")) if isinstance(record, dict) else (None, None)
        if not isinstance(record, dict):
            reasons[position] = f"expected an object, got {json_type(record)}"
        elif sources is None or label is None or not str(label).strip():
            continue
        elif not isinstance(source, str) or source not in sources:
            reasons[position] = "source: expected one that the token may write, got another one or none"
    return reasons


def no_explanation(subject: str) -> JsonObject:
    """Return the fields of reasons for a record that has none."""
    return {"explained": None, "reasons": []} | ({"text_spans": []} if subject == Subject.MESSAGE else {})


def json_type(value: Any) -> str:
    """Name the type of a decoded value."""
    return "null" if value is None else type(value).__name__
