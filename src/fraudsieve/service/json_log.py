"""The log of the service: one JSON object per line, without message texts and identifiers."""

import json
import logging
import os
import socket
import sys
import time
import traceback
from collections import deque
from datetime import UTC, datetime
from typing import Any

from fraudsieve._typing import JsonObject

logger = logging.getLogger("fraudsieve.service")
_encode = json.JSONEncoder(default=str).encode
_requests: deque[tuple[float, JsonObject]] = deque()
"""Times and fields of requests that are not written yet."""


class JsonFormatter(logging.Formatter):
    """Format a log record as a JSON object.

    Of an exception only type and location are written, because its text may quote a message.
    """

    def __init__(self, pid: int | None = None) -> None:
        super().__init__()
        self.fields = {} if pid is None else {"pid": pid}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        content: JsonObject = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        content |= self.fields | getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            content["error"] = error_location(record.exc_info[1])
        return _encode(content)


def error_location(error: BaseException) -> str:
    """Return the type of an exception and where it was raised, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    location = f" in {os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else ""
    return type(error).__name__ + location


def configure_json_logging(*, pid: int | None = None) -> None:
    """Send all logging of this process to standard error, as JSON lines, with the number of a worker's process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(pid))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logger.setLevel(logging.INFO)
    # The lines contain neither, and looking them up takes time for every record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def log_event(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event of the service."""
    if logger.isEnabledFor(level):
        write_requests()  # they came earlier
        _write(event, level, time.time(), fields)


def log_request(fields: JsonObject) -> None:
    """Log a request once `write_requests` or `log_event` is called.

    A line takes a tenth of the time of a request if it is written between two of them, and a third of that in a batch.
    """
    if logger.isEnabledFor(logging.INFO):
        _requests.append((time.time(), fields))


def write_requests() -> None:
    """Write the lines of all logged requests."""
    while _requests:
        try:
            seconds, fields = _requests.popleft()
        except IndexError:  # another thread has written the last one
            return
        _write("request", logging.INFO, seconds, fields)


def _write(event: str, level: int, seconds: float, fields: JsonObject) -> None:
    record = logging.LogRecord(logger.name, level, "", 0, event, None, None)
    record.created, record.fields = seconds, fields
    logger.handle(record)  # logger.log would look up the caller, which takes as long as writing the line


def log_listening(listener: socket.socket) -> None:
    """Log the address that the service listens on."""
    host, port = listener.getsockname()[:2]
    log_event("listening", host=host, port=port)
