"""The log of a service: a JSON object a line, without texts of messages and without identifiers."""

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

__all__ = ["JsonFormatter", "configure_json_logging", "error_location", "log_event"]

logger = logging.getLogger("fraudsieve.service")
_write = json.JSONEncoder(default=str).encode


class JsonFormatter(logging.Formatter):
    """Writes a log record as a JSON object.

    Of an error its type and place are written: its text may quote a message.

    Examples
    --------
    >>> record = logging.LogRecord("x", logging.INFO, "", 0, "stopped", (), None)
    >>> json.loads(JsonFormatter().format(record))["event"]
    'stopped'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        content: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        content |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            content["error"] = error_location(record.exc_info[1])
        return _write(content)


def error_location(error: BaseException) -> str:
    """Return the type and the place of an error, and nothing of its text.

    Parameters
    ----------
    error : BaseException
        The error.

    Returns
    -------
    str

    Examples
    --------
    >>> error_location(ValueError("a secret"))
    'ValueError'
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else ""
    return type(error).__name__ + where


def configure_json_logging() -> None:
    """Write all that is logged in this process to the error stream, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logger.setLevel(logging.INFO)
    # Thread and process are looked up for every record, and the lines do not hold them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def log_event(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event of the service.

    Parameters
    ----------
    event : str
        What happened.
    level : int, default=20
        Of the standard library's levels.
    **fields : object
        Counts, names of routes, versions.
    """
    if logger.isEnabledFor(level):
        record = logging.LogRecord(logger.name, level, "", 0, event, None, None)
        record.fields = fields
        logger.handle(record)  # to look up which line says it takes as long as to write it
