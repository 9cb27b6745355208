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
NAMES: Final = {
    "cues__ats": "cues: @ signs",
    "cues__phones_cn": "cues: Chinese phone numbers",
    "obfuscation__compat": "obfuscation: compatibility characters",
    "obfuscation__enclosed": "obfuscation: enclosed characters",
    "obfuscation__inserted": "obfuscation: inserted symbols",
    "obfuscation__invisible": "obfuscation: invisible characters",
    "obfuscation__lookalike": "obfuscation: look-alike characters",
    "obfuscation__mark": "obfuscation: combining marks",
    "obfuscation__spelled": "obfuscation: spelled-out digits",
    "obfuscation__traditional": "obfuscation: traditional characters",
    "shape__bracketed_head": "shape of the text: bracketed beginning",
    "shape__bracketed_tail": "shape of the text: bracketed end",
    "shape__distinct": "shape of the text: distinct characters",
    "shape__han": "shape of the text: Chinese characters",
    "shape__latin": "shape of the text: Latin letters",
    "shape__other": "shape of the text: characters of other scripts",
    "shape__upper": "shape of the text: capital letters",
    "surprisal__unknown": "surprisal: unknown n-grams",
    "surprisal__unknown_pinyin": "surprisal: unknown n-grams of pinyin",
}
"""Names whose words say too little."""
SURPRISAL: Final = re.compile(r"surprisal__(raw|folded)_(char|pair)_(mean|std|worst)")
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
    if name in NAMES:
        return NAMES[name]
    if match := SURPRISAL.fullmatch(name):
        return _surprisal_words(*match.groups())
    family, _, rest = name.partition("__")
    words = FAMILIES.get(family, family.replace("_", " "))
    rest = WINDOW.sub(_window, rest.replace("_", " "))
    for measure, text in MEASURES.items():
        rest = re.sub(rf"^{measure}\b", text, rest)
    return f"{words}: {rest}" if rest else words


def _surprisal_words(text: str, unit: str, measure: str) -> str:
    units = {"char": "characters", "pair": "pairs of characters"}[unit]
    measures = {"mean": "mean", "std": "standard deviation", "worst": "the most unusual stretch"}[measure]
    return f"surprisal: {units}{' of the normalised text' if text == 'folded' else ''}, {measures}"


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
