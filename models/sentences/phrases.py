"""The phrase of every column of a model: its template, and the words that do not depend on a record."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fraudsieve._translation import Language
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.features.history.declaration import History, HistoryColumn
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.profile.custom_columns import CustomColumns

from .entities import events_of, label_in_words, measured_amounts, partners_of, plain_words
from .values import LANGUAGES, window_words

Slots = Mapping[Language, Mapping[str, str]]


class Phrase(NamedTuple):
    """The words for a column."""

    key: str
    missing: str
    # By language, the words for the slots of the template.
    slots: Slots
    # The words of a category; None for a number. They are empty if the model keeps digests of them.
    words: tuple[str, ...] | None = None


def phrases_of(matrix: FeatureMatrix) -> dict[str, Phrase]:
    """Return the phrase of every column of a matrix."""
    of_sender = matrix.subject == "message"
    phrases = dict(_of_views(matrix.event_views, "sender" if of_sender else "account"))
    if of_sender:
        phrases = {f"sender__{name.partition('__')[2]}": phrase for name, phrase in phrases.items()}
    phrases |= dict(_of_network(matrix.network)) if matrix.network else {}
    phrases |= dict(_of_custom_columns(matrix.custom))
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
    for name, column in zip(custom.names, custom.columns, strict=True):
        seen = custom.categories.get(name)
        words = None if seen is None else () if custom.digest_key else tuple(seen)
        slots = _named(plain_words(name), plain_words(name, "zh"))
        yield column, Phrase("number" if seen is None else "category", "missing__number", slots, words)


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
