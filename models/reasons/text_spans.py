"""The text spans of a message that contribute most to the score of its text model."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.wording.attribution import character_weights, source_positions, spans
from fraudsieve.features.wording.model import TextModel, trusted_shares
from fraudsieve.features.wording.ngrams import without_texts
from fraudsieve.models.artifact.folder import Model

from .explained import explained_classes, output_signs
from .reason_codes import N_REASONS


def explain_text(
    model: Model,
    texts: Sequence[str],
    folded: CodePoints,
    odds: Array,
    *,
    n: int = N_REASONS,
    of: str | None = None,
) -> list[list[dict[str, Any]]]:
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


def _spans(text: str, folded: Array, weights: Array, of_raw: Array, start: float, n: int) -> list[dict[str, Any]]:
    positions, form = source_positions(text, folded), "raw"
    if positions is None:
        text, form, start = CodePoints(folded, np.array([0, len(folded)])).unpack()[0], "folded", start + of_raw.sum()
    else:
        weights = np.bincount(positions, weights, minlength=len(text))
        weights[: len(of_raw)] += of_raw
    named: list[dict[str, Any]] = [
        {"text": text[first:last], "start": first, "stop": last, "form": form, "log_odds": weight}
        for first, last, weight in spans(weights, n)
    ]
    rest = start + float(weights.sum()) - sum(span["log_odds"] for span in named)
    return [*named, {"text": None, "start": None, "stop": None, "form": form, "log_odds": rest}]
