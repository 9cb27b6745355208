"""Requests for reasons, which are explained from the rows and log-odds that scoring has computed.

The text spans of a message that contribute most to the score of its text model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fraudsieve._translation import check_language
from fraudsieve._typing import Array, JsonObject
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.wording.attribution import character_weights, source_positions, spans
from fraudsieve.features.wording.model import TextModel, trusted_shares, without_texts
from fraudsieve.models.artifact.folder import Model

from .explained import check_class, explained_classes, output_signs
from .reason_codes import N_REASONS, explain


def explain_text(
    model: Model,
    texts: Sequence[str],
    folded: CodePoints,
    odds: Array,
    *,
    n: int = N_REASONS,
    of: str | None = None,
) -> list[list[JsonObject]]:
    """Return the text spans of each message that contribute most to the score of its text model.

    Returns for every message its text spans, the strongest first and disjoint, with ``text``, ``start``, ``stop``
    (positions in the message), ``form`` and ``log_odds``. The form is ``raw``, or ``folded`` if a normalised message
    cannot be traced back: then text and positions are those of the normalised text. The last span has None as text and
    holds the rest. They add up to the log-odds of the text model, before the trees: of the explained class against the
    other, as from `explained_classes`. The list is empty without a text model.
    """
    text_model = model.text_model
    if text_model is None:
        return [[] for _ in texts]
    explained, against = explained_classes(model, odds, of)
    raw = pack(texts) if text_model.has_raw else without_texts(len(texts))
    shares = text_model.scale * _trusted(text_model, folded, raw, output_signs(model, explained, against))
    weights = character_weights(text_model, folded, shares, raw)
    of_folded, of_raw = np.split(weights, [len(folded.codes)])
    starts = (shares * text_model.intercept).sum(axis=1).tolist()
    return [
        _spans(text, folded.codes[here], of_folded[here], of_raw[slice(*raw.offsets[i : i + 2])], starts[i], n)
        for i, text in enumerate(texts)
        for here in (slice(*folded.offsets[i : i + 2]),)
    ]


def _trusted(text_model: TextModel, folded: CodePoints, raw: CodePoints, signs: Array) -> Array:
    """Return the shares of the outputs of the text model in the signed sum of its wording columns."""
    if not text_model.trust:
        return signs
    log_odds, known_share = text_model.log_odds(folded, raw)
    familiar = text_model.familiarity(known_share)
    return trusted_shares(signs, log_odds, familiar, text_model.trust, text_model.legitimate)


def _spans(text: str, folded: Array, weights: Array, of_raw: Array, start: float, n: int) -> list[JsonObject]:
    positions, form = source_positions(text, folded), "raw"
    if positions is None:
        text, form, start = CodePoints(folded, np.array([0, len(folded)])).unpack()[0], "folded", start + of_raw.sum()
    else:
        weights = np.bincount(positions, weights, minlength=len(text))
        weights[: len(of_raw)] += of_raw
    named: list[JsonObject] = [
        {"text": text[first:last], "start": first, "stop": last, "form": form, "log_odds": weight}
        for first, last, weight in spans(weights, n)
    ]
    rest = start + float(weights.sum()) - sum(span["log_odds"] for span in named)
    return [*named, {"text": None, "start": None, "stop": None, "form": form, "log_odds": rest}]


def count_reasons(reasons: bool | int) -> int:
    """Return how many reasons are requested; True is the default number."""
    if reasons is True:
        return N_REASONS
    if not isinstance(reasons, int) or reasons < 0:
        raise ValueError(f"reasons: expected True, False or a whole number of at least 0, got {reasons!r}.")
    return int(reasons)


class ReasonRequest:
    """Numbers of reasons and text spans, the class to explain (None: the most probable crime), and the language."""

    def __init__(self, model: Model, n: int, of: str | None, language: str = "en") -> None:
        check_class(model, of)
        self.model, self.n, self.of, self.language = model, n, of, check_language(language)

    def to_record(self) -> JsonObject:
        """Return the number of reasons and the class, as evidence records them."""
        return {"n": self.n, "of": self.of}

    def explain(self, records: Sequence[Mapping[str, Any]], features: FeatureRows, odds: Array) -> list[JsonObject]:
        """Explain the scores of records from their feature rows and log-odds, without computing them again.

        Returns what `explain` returns and, for a message, ``text_spans``; None and empty where a record is unscorable.
        """
        good = [position for position, reason in enumerate(features.why.tolist()) if reason is None]
        if not good:
            return self._empty(features, len(records))
        values, odds = (part if len(good) == len(records) else part[good] for part in (features.X, odds))
        explained = explain(self.model, values, odds, n=self.n, of=self.of, language=self.language)
        if features.texts is not None:
            texts = [records[position]["text"] for position in good]
            spans = explain_text(self.model, texts, features.texts, odds, n=self.n, of=self.of)
            explained = [reasons | {"text_spans": named} for reasons, named in zip(explained, spans, strict=True)]
        if len(good) == len(records):
            return explained
        explanations = self._empty(features, len(records))
        for position, explanation in zip(good, explained, strict=True):
            explanations[position] = explanation
        return explanations

    @staticmethod
    def _empty(features: FeatureRows, n: int) -> list[JsonObject]:
        """Return the explanations of n unscorable records."""
        keys = ("reasons",) if features.texts is None else ("reasons", "text_spans")
        return [{"explained": None, **{key: [] for key in keys}} for _ in range(n)]
