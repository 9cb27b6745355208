"""Requests for reasons, which are explained from the rows and log-odds that scoring has computed."""

from collections.abc import Mapping, Sequence
from typing import Any

from fraudsieve._translation import check_language
from fraudsieve._typing import Array
from fraudsieve.features.record_fields import FeatureRows
from fraudsieve.models.artifact.folder import Model

from .explained import check_class
from .reason_codes import N_REASONS, explain
from .text_spans import explain_text


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

    def to_record(self) -> dict[str, Any]:
        """Return the number of reasons and the class, as evidence records them."""
        return {"n": self.n, "of": self.of}

    def explain(self, records: Sequence[Mapping[str, Any]], features: FeatureRows, odds: Array) -> list[dict[str, Any]]:
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
    def _empty(features: FeatureRows, n: int) -> list[dict[str, Any]]:
        """Return the explanations of n unscorable records."""
        keys = ("reasons",) if features.texts is None else ("reasons", "text_spans")
        return [{"explained": None, **{key: [] for key in keys}} for _ in range(n)]
