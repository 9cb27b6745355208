"""Text spans: they add up to the log-odds of the text model, and their positions are right."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.models import Model, Scorer
from fraudsieve.models.reasons.explained import explained_classes, output_signs
from fraudsieve.models.reasons.request import explain_text

OBFUSCATED = [
    "Ｙou w.o.n a p*r*i*z*e，加 微 信 号 领奖",
    "ﬁnal  notice\u200b: pay 一三八零零零零零",
    "#",
    "恭喜 🎉 中奖",
]


def text_spans(model: Model, texts: list[str], odds: Any, **options: Any) -> list[list[dict[str, Any]]]:
    """Explain texts from the normalised forms that scoring has computed."""
    features = model.matrix.rows([{"text": text} for text in texts])
    assert features.texts is not None
    return explain_text(model, texts, features.texts, odds, **options)


def test_they_add_up_to_the_log_odds_of_the_text_model(fitted: Any) -> None:
    model, texts = fitted.model, [*fitted.texts[:60], *OBFUSCATED]
    start, odds = model.matrix.compute(texts)[:, model.ensemble.wording], Scorer(model).log_odds(texts)
    for name in model.classes:
        signs = output_signs(model, *explained_classes(model, odds, name))
        for n in (0, 2, 1000):
            for row, explained in enumerate(text_spans(model, texts, odds, n=n, of=name)):
                total = sum(span["log_odds"] for span in explained)
                expected = (signs[row] * start[row]).sum()
                assert total == pytest.approx(expected, rel=1e-9, abs=1e-12)
                assert explained[-1] == {
                    "text": None,
                    "start": None,
                    "stop": None,
                    "form": "raw",
                    "log_odds": explained[-1]["log_odds"],
                }
                assert len(explained) <= n + 1


def test_they_are_disjoint_spans_of_the_raw_text_strongest_first(fitted: Any) -> None:
    texts = [*fitted.texts[:60], *OBFUSCATED]
    explained = text_spans(fitted.model, texts, Scorer(fitted.model).log_odds(texts), n=4)
    assert sum(len(spans) for spans in explained) > 2 * len(texts)
    for text, spans in zip(texts, explained, strict=True):
        named = spans[:-1]
        assert all(text[span["start"] : span["stop"]] == span["text"] for span in named)
        assert all(span["form"] == "raw" for span in named)
        strengths = [abs(span["log_odds"]) for span in named]
        assert strengths == sorted(strengths, reverse=True)
        covered = np.zeros(len(text), int)
        for span in named:
            covered[span["start"] : span["stop"]] += 1
        assert covered.max(initial=0) <= 1


def test_each_message_is_explained_for_its_own_class(several: Any) -> None:
    texts = several.texts[:60]
    odds = Scorer(several.model).log_odds(texts)
    explained = text_spans(several.model, texts, odds)
    for row, text in enumerate(texts):
        assert text_spans(several.model, [text], odds[row : row + 1]) == [explained[row]]
    assert text_spans(several.model, [], odds[:0]) == []


def test_a_text_that_cannot_be_traced_back_has_folded_spans(binary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.models.reasons.request.source_positions", lambda text, folded: None)
    text = binary.texts[0].upper()
    (explained,) = text_spans(binary.model, [text], Scorer(binary.model).log_odds([text]))
    assert {span["form"] for span in explained} == {"folded"}
    assert all(span["text"] in text.lower() for span in explained[:-1])
    assert explained[0]["text"] == text.lower()[explained[0]["start"] : explained[0]["stop"]]


def test_without_wording_there_are_no_spans(binary: Any) -> None:
    model = replace(binary.model, matrix=MessageMatrix(None))
    assert text_spans(model, ["a", "b"], np.zeros((2, 1))) == [[], []]
