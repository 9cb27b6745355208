"""Offsets in HTTP: the header of an answer, and the wait for the offset that a request requires."""

import asyncio
import time

from fraudsieve.live.state import LiveState
from fraudsieve.service.bodies import RejectedRequest

__all__ = ["AFTER", "OFFSET", "wait_for_offset"]

OFFSET, AFTER = "fraudsieve-offset", "fraudsieve-after"
"""Headers: the offset of the history behind an answer, and the offset that a request requires at least.

They are headers because a list of scores has no place for an offset, and because proxies and clients can pass on a
header without knowing the body.
"""
MAX_DIGITS = 18
"""Of an offset; more do not fit into 64 bits."""
INTERVAL = 0.005
"""Seconds between two looks at the offset."""


async def wait_for_offset(live: LiveState, header: str, seconds: float) -> None:
    """Wait until the history of this process has the offset that a request requires.

    Raises
    ------
    RejectedRequest
        If the header is not an offset, or the history does not have it in time.
    """
    if not (header.isascii() and header.isdigit() and len(header) <= MAX_DIGITS):
        raise RejectedRequest(422, f"{AFTER}: expected the offset of an earlier answer, got something else")
    after, end = int(header), time.monotonic() + seconds
    # A look costs little, while a blocking wait would take one of the few threads that score.
    while live.offset < after:
        if time.monotonic() >= end:
            problem = f"{AFTER}: expected offset {after} within {seconds:g} s, the history is at {live.offset}"
            raise RejectedRequest(503, problem)
        await asyncio.sleep(INTERVAL)
