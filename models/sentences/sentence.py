"""The sentence of a reason: the value of a column in words, and the usual value."""

import math
from collections.abc import Mapping
from typing import Final

from fraudsieve.features.profile.custom_columns import MISSING, UNSEEN

from .entities import label_in_words
from .phrases import Phrase
from .templates import fill, read_templates
from .values import Language, in_words

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
    if template.unit == "level" and math.isnan(usual):
        return read_templates()["missing__usual"].text(language)
    words = words or ("" if template.unit in ("sign", "level") else in_words(value, template.unit, language))
    is_first = {"sign": value > 0, "level": value > usual}.get(template.unit, value == 1)
    text = fill(template.text(language), {**slots, "value": words}, is_first)
    if template.unit in NOT_COMPARED or math.isnan(usual):
        return text
    return text + _comparison(in_words(usual, template.unit, language), words, language)


def resemblance(family: str, label: str, log_odds: float, language: Language) -> str:
    """Return the sentence for a text model: whether the wording speaks for a class.

    Parameters
    ----------
    family : {"wording", "pinyin"}
        The text model.
    label : str
        The class.
    log_odds : float
        What the text model contributes.
    language : {"en", "zh"}

    Returns
    -------
    str

    Examples
    --------
    >>> resemblance("wording", "phishing", 1.5, "en"), resemblance("pinyin", "spam", -1.0, "zh")
    ('the wording resembles messages labelled phishing', '读音不像标记为“垃圾信息”的消息')
    """
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
