"""Words for a page instead of names in the code: features, their families, operating points, and numbers."""

import re
from typing import Final

from fraudsieve._translation import current_language, tr
from fraudsieve.models.points import WHERE
from fraudsieve.models.sentences.entities import label_in_words, plain_words
from fraudsieve.models.sentences.templates import read_templates

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
TEXT_MODELS: Final = ("wording", "pinyin")
VIEWS: Final = ("received", "pair", "campaign", "labelled")
"""Names of feature views that the library gives."""
IN_WINDOW: Final = re.compile(r"(?P<measure>\w+?)_(?P<number>\d+)(?P<unit>[smhdw])(?:_(?P<kind>\w+))?")


def feature_words(name: str) -> str:
    """Return the words for a feature or a family of features."""
    english = _english_words(name)
    words = tr(english, sense="feature")
    return words if words != english or current_language() == "en" else _words_of_parts(*name.partition("__"))


def _english_words(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    if match := SURPRISAL.fullmatch(name):
        return _surprisal_words(*match.groups())
    family, _, rest = name.partition("__")
    words = _family_words(family)
    rest = WINDOW.sub(_window, rest.replace("_", " "))
    for measure, text in MEASURES.items():
        rest = re.sub(rf"^{measure}\b", text, rest)
    return f"{words}: {rest}" if rest else words


def _words_of_parts(family: str, mark: str, rest: str) -> str:
    """Return the words for a family and a measure, each of which the catalogue has, for languages with another order.

    What it does not have, such as a kind of events or a column of the user, is in brackets.
    """
    words = tr(_family_words(family), sense="feature")
    if not mark:
        return words
    if family in TEXT_MODELS:
        return tr("{family}: {label}", family=words, label=label_in_words(rest, current_language()))
    measure, window, others = rest, "", []
    if match := IN_WINDOW.fullmatch(rest):
        measure, others = match["measure"], [match["kind"] or ""]
        window = tr("in {number} {unit}", number=match["number"], unit=tr(UNITS[match["unit"]], sense="unit"))
    before, known, after = _known_measure(measure)
    named = measure_name(known) if known else _column_words(after)
    view = tr(before, sense="view") if before in VIEWS else ""
    others = [part for part in ("" if view else before, after if known else "", *others) if part]
    of = tr(" ({others})", others=" ".join(map(_column_words, others))) if others else ""
    return tr("{family}: {window}{view}{measure}{of}", family=words, window=window, view=view, measure=named, of=of)


def measure_name(name: str) -> str:
    """Return the name of a measure in the language of the page, or what it is called in the code."""
    template = read_templates().get(f"history__{name}")
    if template is not None and current_language() == "zh":
        return template.name_zh
    return tr(name, sense="measure")


def _known_measure(name: str) -> tuple[str, str, str]:
    """Return the longest part that the catalogue has as a measure, and what is before and after it."""
    parts = name.split("_")
    for length in range(len(parts), 0, -1):
        for start in range(len(parts) - length + 1):
            known = "_".join(parts[start : start + length])
            if measure_name(known) != known:
                return "_".join(parts[:start]), known, "_".join(parts[start + length :])
    return "", "", name


def _column_words(name: str) -> str:
    words = label_in_words(name, current_language())
    return plain_words(name, current_language()) if words == name.replace("_", " ") else words


def _family_words(family: str) -> str:
    return FAMILIES.get(family, family.replace("_", " "))


def _surprisal_words(text: str, unit: str, measure: str) -> str:
    units = {"char": "characters", "pair": "pairs of characters"}[unit]
    measures = {"mean": "mean", "std": "standard deviation", "worst": "the most unusual stretch"}[measure]
    return f"surprisal: {units}{' of the normalised text' if text == 'folded' else ''}, {measures}"


def _window(match: re.Match[str]) -> str:
    number, unit = match[1], UNITS[match[2]]
    return f"in {number} {unit}{'' if number == '1' else 's'}"


def obfuscation_words(name: str) -> str:
    """Return the words for an obfuscation."""
    return tr(name.replace("_", " "), sense="obfuscation")


def names_in_words(text: str) -> str:
    """Replace the names of features in a sentence."""
    return FEATURE.sub(lambda match: feature_words(match[0]), text)


def point_words(name: str) -> str:
    """Return the words for an operating point, or for what it is for one value of a column."""
    name, where, condition = name.partition(WHERE)
    if where:
        column, _, given = condition.partition(" is ")
        return tr("{point}, where {column} is {value}", point=point_words(name), column=column, value=given)
    match = re.fullmatch(r"(false_positive_rate|alerts_a_day|precision)_([\d.e-]+)", name)
    if match is None:
        return tr("lowest cost") if name == "cost" else tr(name.replace("_", " "))
    kind, value = match[1], float(match[2])
    if kind == "alerts_a_day":
        return tr("{n:g} alerts per day", n=value)
    rate = tr("{share:.4g} % precision") if kind == "precision" else tr("{share:.4g} % false positives")
    return tr(rate, share=100 * value)


def format_number(value: float) -> str:
    """Format a number with up to four significant digits and a separator for thousands."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
