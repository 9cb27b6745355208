"""The phrase of every column of a model: its template, and the words that do not depend on a record.

The sentence of a reason: the value of a column in words, and the usual value.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from fraudsieve._translation import Language
from fraudsieve.features.account_matrix import FeatureMatrix, text_matrices
from fraudsieve.features.history.declaration import History, HistoryColumn
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.profile.custom_columns import MISSING, UNSEEN, CustomColumns
from fraudsieve.features.profile.dates import columns_of_dates

from .entities import (
    LANGUAGES,
    events_of,
    in_words,
    label_in_words,
    measured_amounts,
    partners_of,
    plain_words,
    window_words,
)
from .templates import fill, read_templates

Slots = Mapping[Language, Mapping[str, str]]


class Phrase(NamedTuple):
    """The words for a column."""

    key: str
    missing: str
    # By language, the words for the slots of the template.
    slots: Slots
    # The words of a category; None for a number. They are empty if the model keeps digests of them.
    words: tuple[str, ...] | None = None
    # The column of texts that it is about.
    where: str = ""


def phrases_of(matrix: FeatureMatrix) -> dict[str, Phrase]:
    """Return the phrase of every column of a matrix."""
    of_sender = matrix.subject.has_text
    phrases = dict(_of_views(matrix.event_views, "sender" if of_sender else "account"))
    if of_sender:
        phrases = {f"sender__{name.partition('__')[2]}": phrase for name, phrase in phrases.items()}
    phrases |= dict(_of_network(matrix.network)) if matrix.network else {}
    phrases |= dict(_of_custom_columns(matrix.custom))
    for name, text in text_matrices(matrix).items():
        phrases |= {f"{column}_of_{name}": one._replace(where=name) for column, one in phrases_of(text).items()}
    phrases |= {f"cues__own_{name}": Phrase("cues__own", "missing__message", _same(name)) for name in _groups(matrix)}
    for name in matrix.columns:
        if name not in phrases:
            phrases[name] = _of_record(name)
    return {name: phrases[name] for name in matrix.columns}


def _of_views(views: tuple[History, ...], account: str) -> Iterator[tuple[str, Phrase]]:
    for view in views:
        for column, position in view.positions.items():
            slots = {language: _view_slots(view, column, account, language) for language in LANGUAGES}
            yield view.columns[position], Phrase(f"history__{column.measure}", "missing__history", slots)


def _view_slots(view: History, column: HistoryColumn, account: str, language: Language) -> dict[str, str]:
    kind = ""
    if column.kind:
        words = _without_underscores(column.kind)
        kind = f" of kind {words}" if language == "en" else f"“{words}”类"
    return {
        "of": events_of(view, language, account),
        "kind": kind,
        "window": window_words(column.window, language),
        "shortest": window_words(view.shortest, language),
        "amounts": measured_amounts(view, language),
        "partners": partners_of(column.identifier or view.counterparty, language),
    }


def _of_network(network: Network) -> Iterator[tuple[str, Phrase]]:
    for link in network.links:
        ending = "" if link == network.counterparty else f"_{link}"
        for name in network.columns_of(link):
            measure = name.partition("__")[2].removesuffix(ending)
            slots = {language: {"partners": partners_of(link, language)} for language in LANGUAGES}
            yield name, Phrase(f"network__{measure}", "missing__network", slots)


def _groups(matrix: FeatureMatrix) -> Iterator[str]:
    """Yield the groups of custom words."""
    yield from () if matrix.lists is None else matrix.lists.words


def _of_custom_columns(custom: CustomColumns) -> Iterator[tuple[str, Phrase]]:
    for name, column in zip((*custom.numbers, *custom.categories), custom.columns, strict=False):
        seen = custom.categories.get(name)
        words = None if seen is None else () if custom.digest_key else tuple(seen)
        slots = _named(plain_words(name), plain_words(name, "zh"))
        yield column, Phrase("number" if seen is None else "category", "missing__number", slots, words)
    for column, key, names in columns_of_dates(custom.dates):
        slots = {
            language: {slot: plain_words(name, language) for slot, name in zip(("name", "second"), names, strict=False)}
            for language in LANGUAGES
        }
        yield column, Phrase(key, "missing__dates" if len(names) > 1 else "missing__number", slots)


def _of_record(name: str) -> Phrase:
    """Return the phrase of a column of a message, or of the times of an account or an event."""
    family, _, cue = name.partition("__")
    if family in ("profile", "rhythm"):
        return Phrase(name, "missing__number", _named(plain_words(cue), plain_words(cue, "zh")))
    if family in ("wording", "pinyin"):
        return Phrase(family, "missing__message", _label(cue))
    if family == "campaign":
        measure, _, rest = cue.partition("_")
        window = {language: {"window": window_words(rest, language)} for language in LANGUAGES if measure != "labelled"}
        slots: Slots = _label(rest) if measure == "labelled" else window if rest else {"en": {}, "zh": {}}
        return Phrase(f"campaign__{measure}", "missing__campaign", slots)
    return Phrase(name, "missing__message", {"en": {}, "zh": {}})


def _named(english: str, chinese: str) -> Slots:
    return {"en": {"name": english}, "zh": {"name": chinese}}


def _label(label: str) -> Slots:
    return _named(label_in_words(label), label_in_words(label, "zh"))


def _same(name: str) -> Slots:
    """Return a name of the user, which is the same in every language."""
    return _named(_without_underscores(name), _without_underscores(name))


def _without_underscores(name: str) -> str:
    return name.replace("_", " ")


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
    if phrase.where:
        return _in_column(phrase, sentence_of(phrase._replace(where=""), value, usual, language), language)
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


def resemblance(phrase: Phrase, family: str, label: str, log_odds: float, language: Language) -> str:
    """Return the sentence for a text model: whether the wording speaks for a class."""
    said = fill(read_templates()[family].text(language), {"name": label_in_words(label, language)}, log_odds > 0)
    return _in_column(phrase, said, language)


def _in_column(phrase: Phrase, said: str, language: Language) -> str:
    """Return a sentence with the name of the column of texts that it is about, if that is not the text of a message."""
    if not phrase.where:
        return said
    return f"{plain_words(phrase.where, language)}{'：' if language == 'zh' else ': '}{said}"


def _comparison(usual: str, words: str, language: Language) -> str:
    if usual == words:
        return ""
    return f"（通常为 {usual}）" if language == "zh" else f", usually {'none' if usual == 'no' else usual}"


def _category(value: float, words: tuple[str, ...], language: Language) -> str:
    """Return the word of a category's code; a digest is not shown."""
    if value in CODES:
        return CODES[value][language]
    return words[int(value)] if 0 <= value < len(words) else KNOWN_CODE[language]
