"""How much is tested: little while one works, much where CI is set in the environment."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

__all__ = ["IN_CI", "examples", "load", "size"]

EXAMPLES: Final[dict[str, int]] = {"dev": 20, "ci": 100}


IN_CI: Final = os.environ.get("CI", "").lower() in {"1", "true"}


def load() -> None:
    """Register the profiles `dev` and `ci`, and load `ci` where the environment variable CI is true, else `dev`."""
    for name, number in EXAMPLES.items():
        # The first example compiles kernels: neither a deadline nor a slow draw says anything about the test.
        settings.register_profile(
            name, max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
        )
    settings.load_profile("ci" if IN_CI else "dev")


def examples(number: int) -> settings:
    """Return settings with so many examples in CI, and in proportion, five at least, elsewhere."""
    share = settings().max_examples / EXAMPLES["ci"]
    return settings(max_examples=max(round(number * share), min(number, 5)))


def size(number: int, *, dev: int) -> int:
    """Return how many records, requests or worlds a long test goes through: the first in CI, the second elsewhere."""
    return number if IN_CI else dev
