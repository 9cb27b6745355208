"""The attack benchmark on made-up messages: what is compared, what is reported, and the real contestants."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from benchmarks import attack
from benchmarks.contestants import ours
from benchmarks.contestants.contestant import Contestant, Fitted
from benchmarks.data.folds import Rows
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.runner import Report

FRAUD = "prize claim urgent account locked verify winner voucher"
HAM = "dinner home tonight see you at six bring wine"
HAN = {"spam": "中奖领取贷款办理账户冻结验证", "ham": "晚上回家吃饭好吗我在路上了"}

ENGLISH = ("zero_width", "homoglyph", "full_width", "symbols", "spacing", "leetspeak", "spelled_digits")

Flags = npt.NDArray[np.bool_]
Score = Callable[[list[str]], npt.NDArray[Any]]


def made_up(rows: int = 120, *, han: bool = False) -> pd.DataFrame:
    """Messages of two classes, a third of them fraud, whose words are drawn for every row."""
    rng = np.random.default_rng(0)
    labels = np.where(np.arange(rows) % 3 == 0, "spam", "ham")
    texts = []
    for label in labels:
        number = str(rng.integers(10**6, 10**7))
        if han:
            texts.append("".join(rng.choice(list(HAN[label]), 12)) + number)
        else:
            texts.append(" ".join([*rng.choice((FRAUD if label == "spam" else HAM).split(), 6), number]))
    return pd.DataFrame({"text": texts, "label": labels})


def scoring(score: Score) -> Fitted:
    return Fitted(lambda batch: score(batch) > 0.5, score)


def first_words(texts: list[str], is_fraud: Flags, groups: Rows) -> Fitted:
    """Classify by the first word or character; any character that is neither ASCII nor Chinese evades it."""
    fraud_words = {*FRAUD.split(), *HAN["spam"]}

    def is_detected(text: str) -> bool:
        plain = all(char.isascii() or "一" <= char <= "鿿" for char in text)
        return plain and (text.split()[0] in fraud_words or text[0] in fraud_words)

    return scoring(lambda batch: np.array([float(is_detected(text)) for text in batch]))


def constant_score(texts: list[str], is_fraud: Flags, groups: Rows) -> Fitted:
    """Give every text the same score."""
    return scoring(lambda batch: np.zeros(len(batch)))


def test_figures_of_stubs() -> None:
    report = attack.compare("smishing", made_up(), {"ours": first_words, "linear_svm": constant_score}, folds=3)
    assert report.rows == 120
    own = report.figures
    assert own["smishing.recall"] == 1.0
    assert own["smishing.kept.strong.zero_width"] == own["smishing.kept.strong.homoglyph"] == 0.0
    assert own["smishing.kept.light.worst"] == 0.0
    assert own["smishing.changed.medium.spacing"] == 1.0
    applying = [f"smishing.kept.medium.{name}" for name in ENGLISH]
    assert own["smishing.kept.medium.character"] == pytest.approx(np.mean([own[name] for name in applying]))
    assert "smishing.kept.medium.synonym" in own
    assert "smishing.kept.medium.homophone" not in own
    peer = report.peers["linear_svm"]
    assert peer["smishing.recall"] == peer["smishing.flagged.medium.character"] == 0.0
    assert not [name for name in peer if ".kept." in name or ".both." in name]  # nothing is caught, so nothing is kept


def test_what_flags_all_that_is_odd_keeps_its_recall_but_not_when_all_are_obfuscated() -> None:
    def flag_odd(texts: list[str], is_fraud: Flags, groups: Rows) -> Fitted:
        score = first_words(texts, is_fraud, groups).score
        return scoring(lambda batch: np.where([not text.isascii() for text in batch], 2.0, score(batch)))

    figures = attack.compare("smishing", made_up(), {"ours": flag_odd}, folds=3).figures
    assert figures["smishing.kept.medium.zero_width"] == 1.0
    assert figures["smishing.both.medium.zero_width"] == 0.0
    assert figures["smishing.flagged.medium.zero_width"] == 1.0
    assert figures["smishing.flagged.medium.leetspeak"] < 0.5
    assert 0 < figures["smishing.both.medium.character"] < figures["smishing.kept.medium.character"]


def test_training_rows_are_clean_and_near_duplicates_stay_together() -> None:
    table = made_up(60)
    copies = table.assign(text=table["text"] + " ok")
    both = pd.concat([table, copies], ignore_index=True)
    seen: list[set[str]] = []

    def remember(texts: list[str], is_fraud: Flags, groups: Rows) -> Fitted:
        assert set(texts) <= set(both["text"])
        assert len(texts) == len(is_fraud) == len(groups)
        seen.append({text.removesuffix(" ok") for text in texts})
        fraud = {text.removesuffix(" ok") for text, bad in zip(texts, is_fraud, strict=True) if bad}
        return scoring(lambda batch: np.array([text.removesuffix(" ok") in fraud for text in batch], float))

    report = attack.compare("smishing", both, {"ours": remember}, folds=3)
    assert len(seen) == 3
    assert report.figures["smishing.recall"] == 0.0


def report_of(dataset: str, mean: float, peer: float) -> Report:
    figures = {f"{dataset}.recall": 0.5, f"{dataset}.kept.medium.character": mean, f"{dataset}.kept.light.worst": mean}
    figures |= {f"{dataset}.both.medium.character": mean, f"{dataset}.flagged.medium.character": 1 - mean}
    return Report("attack", dataset, "", 10, figures, {"svm": {f"{dataset}.kept.medium.character": peer}})


def test_all_sets_are_held_to_the_bar() -> None:
    report = attack.merge([report_of("smishing", 0.95, 0.8), report_of("mudou_sms", 0.85, 0.9)])
    assert (report.dataset, report.rows) == ("smishing, mudou_sms", 20)
    assert report.figures["kept.medium.character"] == 0.85
    assert report.figures["kept.light.worst"] == 0.85
    assert report.figures["flagged.medium.character"] == pytest.approx(0.15)
    assert report.figures["smishing.kept.medium.character"] == 0.95
    assert report.peers["svm"]["kept.medium.character"] == 0.8
    assert {bar.name: bar.holds for bar in report.bars} == {
        "kept.medium.character": False,
        "smishing.kept.medium.character": True,
        "mudou_sms.kept.medium.character": False,
        "both.medium.character": False,
        "smishing.both.medium.character": True,
        "mudou_sms.both.medium.character": False,
        "flagged.medium.character": False,
        "smishing.flagged.medium.character": False,
        "mudou_sms.flagged.medium.character": False,
    }


@pytest.mark.slow
def test_one_command_line_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "messages").mkdir()
    for name in attack.SETS:
        made_up(han=name == "mudou_sms").to_parquet(tmp_path / "messages" / f"{name}.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    stub = Contestant("ours", (), frozenset({"attack"}), place=0, fit_texts=first_words)
    monkeypatch.setattr(ours, "CONTESTANTS", (stub,))
    assert attack.main(["--json", "--folds", "3", "--without", "fasttext"]) == 0
    captured = capsys.readouterr()
    content = json.loads(captured.out.splitlines()[-1])
    assert 0 <= content["figures"]["kept.medium.character"] <= 1
    assert set(content["peers"]) == {"linear_svm"}
    assert next(bar["name"] for bar in content["bars"]) == "kept.medium.character"
    assert "mudou_sms fold 3/3 linear_svm: recall" in captured.err
