"""The sentence of a reason: the value of a column in words, and the usual value."""

import math
from collections.abc import Mapping
from typing import Final

from fraudsieve.features.profile.own_columns import MISSING, UNSEEN

from .phrases import Phrase
from .templates import fill, read_templates
from .values import Language, in_words

__all__ = ["REST", "sentence_of"]

REST: Final[Mapping[str, Mapping[Language, str]]] = {
    "rest": {"en": "all other features together", "zh": "其余特征合计"},
    "base": {"en": "the starting point of every record", "zh": "所有记录的起点"},
    "calibration": {"en": "the adjustment by calibration", "zh": "校准调整"},
}
"""The sentences of the parts that are not about a column."""
NOT_COMPARED: Final = ("sign", "category", "hour", "weekday")
CODES: Final[Mapping[float, Mapping[Language, str]]] = {
    UNSEEN: {"en": "a value that training did not see", "zh": "训练中没有出现过的值"},
    MISSING: {"en": "not known", "zh": "未知"},
}
KNOWN_CODE: Final[Mapping[Language, str]] = {"en": "one of the values that training saw", "zh": "训练中出现过的值"}


def sentence_of(phrase: Phrase, value: float, usual: float, language: Language) -> str:
    """Return the sentence for the value of a column.

    Parameters
    ----------
    phrase : Phrase
        From `phrases_of`.
    value : float
        The value of the column; NaN if missing.
    usual : float
        The median in training; NaN if not known.
    language : {"en", "zh"}
        The language.

    Returns
    -------
    str
        Without text or identifiers of the record.

    Examples
    --------
    >>> from fraudsieve.features.message_matrix import MessageMatrix
    >>> from fraudsieve.models.sentences.phrases import phrases_of
    >>> phrase = phrases_of(MessageMatrix(None))["cues__hosts"]
    >>> sentence_of(phrase, 1.0, 0.0, "en"), sentence_of(phrase, 0.0, 0.0, "en"), sentence_of(phrase, 2.0, 1.0, "zh")
    ('contains 1 host name, usually none', 'contains no host names', '含 2 个域名（通常为 1）')
    """
    slots = phrase.slots[language]
    if math.isnan(value):
        return fill(read_templates()[phrase.missing].text(language), slots, False)
    template = read_templates()[phrase.key]
    words = _category(value, phrase.words, language) if phrase.words is not None else ""
    words = words or ("" if template.unit == "sign" else in_words(value, template.unit, language))
    is_first = value > 0 if template.unit == "sign" else value == 1
    text = fill(template.text(language), {**slots, "value": words}, is_first)
    if template.unit in NOT_COMPARED or math.isnan(usual):
        return text
    return text + _comparison(in_words(usual, template.unit, language), words, language)


def _comparison(usual: str, words: str, language: Language) -> str:
    if usual == words:
        return ""
    return f"（通常为 {usual}）" if language == "zh" else f", usually {'none' if usual == 'no' else usual}"


def _category(value: float, words: tuple[str, ...], language: Language) -> str:
    """Return the word of a category's code; a digest is not shown."""
    if value in CODES:
        return CODES[value][language]
    return words[int(value)] if 0 <= value < len(words) else KNOWN_CODE[language]
