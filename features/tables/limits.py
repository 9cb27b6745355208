"""Limits that every reader of records applies, from files and from requests alike."""

from typing import Final

__all__ = ["MAX_AMOUNT", "MAX_TEXT_LENGTH"]

MAX_AMOUNT: Final = 1e15
"""Larger amounts are rejected: up to this limit sums keep their last digit."""
MAX_TEXT_LENGTH: Final = 1_000_000
"""Longer texts are rejected, in characters: no text is cut."""
