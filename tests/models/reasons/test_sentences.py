"""Sentences in the reasons of a score: in both languages, of the record's own values, without its text."""

import re
from typing import Any

import pytest

from fraudsieve.models import Scorer
from tests.fitted_models import Fitted

TEXT = "Zq7 parcel held: pay 500 dollars at http://parcel-fee.example/a or call 13800000000"


@pytest.mark.slow
def test_reasons_have_sentences_in_both_languages(fitted: Fitted) -> None:
    scorer = Scorer(fitted.model)
    english, chinese = (scorer.score({"text": TEXT}, reasons=8, language=language) for language in ("en", "zh"))
    assert [reason["cue"] for reason in english["reasons"]] == [reason["cue"] for reason in chinese["reasons"]]
    assert [reason["log_odds"] for reason in english["reasons"]] == [
        reason["log_odds"] for reason in chinese["reasons"]
    ]
    for first, second in zip(english["reasons"], chinese["reasons"], strict=True):
        assert not re.search("[\u4e00-\u9fff]", first["sentence"])
        assert re.search("[\u4e00-\u9fff]", second["sentence"])
        for sentence in (first["sentence"], second["sentence"]):
            assert not any(part in sentence for part in ("Zq7", "parcel-fee", "13800000000"))
    assert english["reasons"][-1]["sentence"] == "the adjustment by calibration"


def test_a_sentence_is_about_the_value_of_the_record(binary: Fitted) -> None:
    scorer = Scorer(binary.model)
    named = scorer.score({"text": TEXT}, reasons=500)["reasons"]
    sentences = {f"{reason['family']}__{reason['cue']}": reason["sentence"] for reason in named}
    length = sentences.get("shape__length")
    assert length is None or length.startswith(f"is {len(TEXT)} characters long, usually ")
    values = dict(zip(scorer.model.matrix.columns, scorer.model.matrix.rows([{"text": TEXT}]).X[0], strict=True))
    counts = [name for name in sentences if name.startswith("cues__")]
    assert counts
    for name in counts:
        assert (" no " in f" {sentences[name]} ".replace(", usually none", "")) == (values[name] == 0), sentences[name]


def test_explained_classes_have_the_techniques_of_f3(several: Fitted) -> None:
    scorer = Scorer(several.model)
    phishing: Any = scorer.score({"text": TEXT}, reasons=True, reasons_of="phishing")
    assert phishing["explained"]["techniques"][0] == {"id": "T1660", "name": "Phishing"}
    legitimate: Any = scorer.score({"text": TEXT}, reasons=True, reasons_of="legitimate")
    assert legitimate["explained"]["techniques"] == []


def test_an_unknown_language_is_rejected(scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="language: expected one of en, zh"):
        scorer.score({"text": TEXT}, reasons=True, language="fr")
