"""Transfer between small made-up sets under the names of the shared ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from benchmarks.contestants.contestant import Fitted
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.transfer.contest import compare_pairs

FRAUD = "prize claim urgent account locked verify winner voucher cash gift bonus bank"
HAM = "dinner home tonight see you at six bring wine bread milk bus late"

Flags = npt.NDArray[np.bool_]
Score = Callable[[list[str]], npt.NDArray[Any]]


def made_up(rows: int, fraud: float, *, seed: int = 0) -> pd.DataFrame:
    """Messages whose words are drawn for every row."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(rows) < fraud, "spam", "ham")
    texts = [" ".join(rng.choice((FRAUD if label == "spam" else HAM).split(), 7)) for label in labels]
    return pd.DataFrame({"text": texts, "label": labels})


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()
    made_up(400, 0.4).to_parquet(folder / "smishing.parquet")
    made_up(300, 0.0, seed=1).to_parquet(folder / "nus_sms_en.parquet")
    reports = made_up(200, 1.0, seed=2).assign(sent_at=pd.Timestamp("2020-05-01"))
    reports.loc[0, "text"], reports.loc[1, "text"] = "ваш приз", "préstamo"
    reports.loc[100:, "sent_at"] = pd.Timestamp("2021-05-01")
    reports.to_parquet(folder / "spamhunter.parquet")
    made_up(400, 0.5).assign(split="train").to_parquet(folder / "stoneskipping.parquet")
    made_up(200, 0.5, seed=3).to_parquet(folder / "mudou_sms.parquet")
    made_up(150, 1.0, seed=4).replace({"label": {"spam": "FR:Bank"}}).to_parquet(folder / "fbs_sms.parquet")
    made_up(250, 0.0, seed=5).to_parquet(folder / "nus_sms_zh.parquet")
    harm = made_up(100, 0.7, seed=6).replace({"label": {"ham": "ordinary", "spam": "gambling"}})
    harm.to_parquet(folder / "chineseharm.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))


def scoring(score: Score) -> Fitted:
    return Fitted(lambda batch: score(batch) > 0.5, score)


def fraud_words(texts: list[str], is_fraud: Flags, groups: npt.NDArray[np.intp]) -> Fitted:
    """Count the words of fraud."""
    return scoring(
        lambda batch: np.array([sum(word in FRAUD.split() for word in text.split()) for text in batch], float)
    )


@pytest.mark.usefixtures("sets")
def test_no_contestant_is_trained_on_held_back_rows() -> None:
    trained: list[set[str]] = []
    scored: list[list[str]] = []

    def remember(texts: list[str], is_fraud: Flags, groups: npt.NDArray[np.intp]) -> Fitted:
        trained.append(set(texts))
        score = fraud_words(texts, is_fraud, groups).score

        def remember_scored(batch: list[str]) -> npt.NDArray[Any]:
            scored.append(batch)
            return score(batch)

        return scoring(remember_scored)

    report = compare_pairs(["smishing_nus_sms_en", "smishing_spamhunter"], {"ours": remember}, draws=2)
    assert len(trained) == 2  # pairs of a source share their models
    assert trained[0] != trained[1]
    held_back = scored[0]
    assert not trained[0] & set(held_back)
    assert report.figures["smishing_nus_sms_en.recall_at_1pct"] == 1.0
    assert report.figures["smishing_nus_sms_en.flagged"] == 0.0
    assert report.figures["smishing_spamhunter.recall_at_1pct.2021"] == 1.0
    assert [bar.name for bar in report.bars] == [
        "smishing_nus_sms_en.flagged",
        "smishing_nus_sms_en.flagged_promised",
    ]


@pytest.mark.usefixtures("sets")
def test_bars_hold_ours_to_the_svm() -> None:
    def blind(texts: list[str], is_fraud: Flags, groups: npt.NDArray[np.intp]) -> Fitted:
        return scoring(lambda batch: np.zeros(len(batch)))

    fits = {"ours": blind, "linear_svm": fraud_words}
    report = compare_pairs(["stoneskipping_mudou_sms"], fits, draws=1)
    assert [(bar.name, bar.value, bar.bound, bar.holds) for bar in report.bars] == [
        ("stoneskipping_mudou_sms.recall_at_1pct", 0.0, 1.0, False)
    ]
    assert report.figures["stoneskipping_mudou_sms.recall_at_1pct.lead_over_linear_svm.high"] < 0
