"""How many examples hypothesis draws: few while one works, many where CI is set in the environment."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

__all__ = ["examples", "load"]

EXAMPLES: Final[dict[str, int]] = {"dev": 20, "ci": 100}


def load() -> None:
    """Register the profiles `dev` and `ci`, and load `ci` where the environment variable CI is true, else `dev`."""
    for name, number in EXAMPLES.items():
        # The first example compiles kernels: neither a deadline nor a slow draw says anything about the test.
        settings.register_profile(
            name, max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
        )
    settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "dev")


def examples(number: int) -> settings:
    """Return settings with so many examples in CI, and in proportion, five at least, elsewhere."""
    share = settings().max_examples / EXAMPLES["ci"]
    return settings(max_examples=max(round(number * share), min(number, 5)))
