"""Sizes of tests: small during development, larger in CI, and full in the check of a release."""

import os
from typing import Final, TypeVar

from hypothesis import HealthCheck, settings

__all__ = ["IN_RELEASE", "examples", "load", "size"]

T = TypeVar("T")
EXAMPLES: Final[dict[str, int]] = {"dev": 20, "ci": 50, "release": 100}
IN_CI: Final = os.environ.get("CI", "").lower() in {"1", "true"}
IN_RELEASE: Final = os.environ.get("FRAUDSIEVE_TESTS", "") == "release"


def load() -> None:
    """Register the profiles of Hypothesis and load that of this run: `dev`, `ci` if CI is true, or `release`."""
    for name, number in EXAMPLES.items():
        # The first example compiles kernels, so a deadline or a check of slow draws would fail without reason.
        settings.register_profile(
            name, max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
        )
    settings.load_profile("release" if IN_RELEASE else "ci" if IN_CI else "dev")


def examples(number: int) -> settings:
    """Return settings with that number of examples in a release, and proportionally fewer elsewhere, at least five."""
    share = settings().max_examples / EXAMPLES["release"]
    return settings(max_examples=max(round(number * share), min(number, 5)))


def size(full: T, *, usual: T) -> T:
    """Return the size of a long test, such as its number of records: `full` in a release, and `usual` elsewhere."""
    return full if IN_RELEASE else usual
