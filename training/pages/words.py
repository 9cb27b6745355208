"""Words for a page instead of names in the code: features, their families, and operating points."""

import re
from typing import Final

__all__ = ["feature_words", "names_in_words", "point_words"]

FAMILIES: Final = {"wording": "text model", "cues": "cues", "shape": "shape of the text"}
MEASURES: Final = {
    "std": "standard deviation",
    "z": "z-score",
    "gap mean": "mean gap",
    "gap std": "standard deviation of the gaps",
    "to mean": "ratio to the mean",
    "to max": "ratio to the maximum",
}
UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
FEATURE: Final = re.compile(r"\b([a-z][a-z_]*?)__(\w+)")
WINDOW: Final = re.compile(r"\b(\d+)([smhdw])\b")


def feature_words(name: str) -> str:
    """Return the words for a feature or a family of features.

    Examples
    --------
    >>> feature_words("value__mean_7d"), feature_words("wording"), feature_words("since_last")
    ('value: mean in 7 days', 'text model', 'since last')
    """
    family, _, rest = name.partition("__")
    words = FAMILIES.get(family, family.replace("_", " "))
    rest = WINDOW.sub(_window, rest.replace("_", " "))
    for measure, text in MEASURES.items():
        rest = re.sub(rf"^{measure}\b", text, rest)
    return f"{words}: {rest}" if rest else words


def _window(match: re.Match[str]) -> str:
    number, unit = match[1], UNITS[match[2]]
    return f"in {number} {unit}{'' if number == '1' else 's'}"


def names_in_words(text: str) -> str:
    """Replace the names of features in a sentence.

    Examples
    --------
    >>> names_in_words("value__mean_1d: high alone separates 'spam'.")
    "value: mean in 1 day: high alone separates 'spam'."
    """
    return FEATURE.sub(lambda match: feature_words(match[0]), text)


def point_words(name: str) -> str:
    """Return the words for an operating point.

    Examples
    --------
    >>> point_words("false_positive_rate_0.01"), point_words("alerts_a_day_50"), point_words("precision_0.9")
    ('1 % false positives', '50 alerts per day', '90 % precision')
    """
    match = re.fullmatch(r"(false_positive_rate|alerts_a_day|precision)_([\d.e-]+)", name)
    if match is None:
        return "lowest cost" if name == "cost" else name.replace("_", " ")
    kind, value = match[1], float(match[2])
    if kind == "alerts_a_day":
        return f"{value:g} alerts per day"
    return f"{100 * value:.4g} % {'precision' if kind == 'precision' else 'false positives'}"
