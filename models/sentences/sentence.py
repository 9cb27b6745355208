"""The sentence of a reason: the value of a column in words, and the usual value."""

import math
from collections.abc import Mapping
from typing import Final

from fraudsieve._translation import Language
from fraudsieve.features.profile.custom_columns import MISSING, UNSEEN

from .entities import label_in_words
from .phrases import Phrase
from .templates import fill, read_templates
from .values import in_words

REST: Final[Mapping[str, Mapping[Language, str]]] = {
    "rest": {"en": "all other features together", "zh": "其余特征合计"},
    "base": {"en": "the starting point of every record", "zh": "所有记录的起点"},
    "calibration": {"en": "the adjustment by calibration", "zh": "校准调整"},
}
"""The sentences of the parts that are not about a column."""
NOT_COMPARED: Final = ("sign", "level", "category", "hour", "weekday")
CODES: Final[Mapping[float, Mapping[Language, str]]] = {
    UNSEEN: {"en": "a value that training did not see", "zh": "训练中没有出现过的值"},
    MISSING: {"en": "not known", "zh": "未知"},
}
KNOWN_CODE: Final[Mapping[Language, str]] = {"en": "one of the values that training saw", "zh": "训练中出现过的值"}


def sentence_of(phrase: Phrase, value: float, usual: float, language: Language) -> str:
    """Return the sentence for the value of a column."""
    slots = phrase.slots[language]
    if math.isnan(value):
        return fill(read_templates()[phrase.missing].text(language), slots, False)
    template = read_templates()[phrase.key]
    words = _category(value, phrase.words, language) if phrase.words is not None else ""
    if template.unit == "level" and math.isnan(usual):
        return read_templates()["missing__usual"].text(language)
    words = words or ("" if template.unit in ("sign", "level") else in_words(value, template.unit, language))
    is_first = {"sign": value > 0, "level": value > usual}.get(template.unit, value == 1)
    text = fill(template.text(language), {**slots, "value": words}, is_first)
    if template.unit in NOT_COMPARED or math.isnan(usual):
        return text
    return text + _comparison(in_words(usual, template.unit, language), words, language)


def resemblance(family: str, label: str, log_odds: float, language: Language) -> str:
    """Return the sentence for a text model: whether the wording speaks for a class."""
    return fill(read_templates()[family].text(language), {"name": label_in_words(label, language)}, log_odds > 0)


def _comparison(usual: str, words: str, language: Language) -> str:
    if usual == words:
        return ""
    return f"（通常为 {usual}）" if language == "zh" else f", usually {'none' if usual == 'no' else usual}"


def _category(value: float, words: tuple[str, ...], language: Language) -> str:
    """Return the word of a category's code; a digest is not shown."""
    if value in CODES:
        return CODES[value][language]
    return words[int(value)] if 0 <= value < len(words) else KNOWN_CODE[language]
