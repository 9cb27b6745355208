"""Which spans of a message carry what its wording says."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack, select_texts
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.features.wording.attribution import character_weights, sources, spans
from fraudsieve.features.wording.model import as_known
from fraudsieve.models.artifact.folder import Model

from .reason_codes import N_REASONS, explained_classes, output_of

__all__ = ["explain_text"]


def explain_text(
    model: Model, texts: Sequence[str], odds: Array, *, n: int = N_REASONS, of: str | None = None
) -> list[list[dict[str, Any]]]:
    """Say which pieces of messages carry what the wording says.

    Parameters
    ----------
    model : Model
        A model of messages.
    texts : sequence of str, length n_records
        The messages.
    odds : ndarray of float64, shape (n_records, n_outputs)
        Their calibrated log-odds.
    n : int, default=5
        How many pieces are named; the others are added up.
    of : str, default=None
        The class that is explained; None for the likeliest of those that are a crime.

    Returns
    -------
    list of list of dict
        Of every message pieces with ``text``, ``start``, ``stop`` (where in the message), ``form`` (``raw``, or
        ``folded`` where a folded message cannot be traced back: then the piece and its place are of that) and
        ``log_odds``, the strongest first and disjoint. The last has None as text: the rest. They add up to the log-odds
        of the wording, before the trees. No pieces without a wording model.

    Raises
    ------
    ValueError
        When the model has no such class.
    """
    wording = model.wording
    if wording is None:
        return [[] for _ in texts]
    folded = fold_codes(pack(texts))[0]
    trust = as_known(np.ones((len(texts), 1)), wording.log_odds(folded)[1], wording.trust)[:, 0]
    classes = explained_classes(model, odds, of)
    found: list[list[dict[str, Any]]] = [[] for _ in texts]
    for position in np.unique(classes).tolist():
        rows = np.flatnonzero(classes == position)
        mine, (output, sign) = select_texts(folded, rows), output_of(model, position)
        weights = sign * wording.scale * character_weights(wording, mine, output)
        start = float(sign * wording.scale * wording.intercept[output])
        for place, row in enumerate(rows.tolist()):
            part = slice(mine.offsets[place], mine.offsets[place + 1])
            found[row] = _pieces(texts[row], mine.codes[part], trust[row] * weights[part], trust[row] * start, n)
    return found


def _pieces(text: str, folded: Array, weights: Array, start: float, n: int) -> list[dict[str, Any]]:
    places, form = sources(text, folded), "raw"
    if places is None:
        text, form = CodePoints(folded, np.array([0, len(folded)])).unpack()[0], "folded"
    else:
        weights = np.bincount(places, weights, minlength=len(text))
    named: list[dict[str, Any]] = [
        {"text": text[first:last], "start": first, "stop": last, "form": form, "log_odds": weight}
        for first, last, weight in spans(weights, n)
    ]
    rest = start + float(weights.sum()) - sum(piece["log_odds"] for piece in named)
    return [*named, {"text": None, "start": None, "stop": None, "form": form, "log_odds": rest}]
