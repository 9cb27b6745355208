"""Sizes of tests: small during development, large if CI is set in the environment."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

__all__ = ["IN_CI", "examples", "load", "size"]

EXAMPLES: Final[dict[str, int]] = {"dev": 20, "ci": 100}


IN_CI: Final = os.environ.get("CI", "").lower() in {"1", "true"}


def load() -> None:
    """Register the profiles `dev` and `ci`, and load `ci` if the environment variable CI is true, otherwise `dev`."""
    for name, number in EXAMPLES.items():
        # The first example compiles kernels, so a deadline or a check of slow draws would fail without reason.
        settings.register_profile(
            name, max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
        )
    settings.load_profile("ci" if IN_CI else "dev")


def examples(number: int) -> settings:
    """Return settings with that number of examples in CI, and proportionally fewer elsewhere, at least five."""
    share = settings().max_examples / EXAMPLES["ci"]
    return settings(max_examples=max(round(number * share), min(number, 5)))


def size(number: int, *, dev: int) -> int:
    """Return the size of a long test, such as its number of records: `number` in CI, and `dev` elsewhere."""
    return number if IN_CI else dev
