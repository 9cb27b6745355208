"""The detection benchmark on synthetic messages, with stub contestants and with the real peers."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.contestants import ours
from benchmarks.contestants.contestant import Contestant, Fitted, FitTexts, Labels
from benchmarks.data.folds import Rows
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.detection import __main__ as detection
from benchmarks.detection.false_alarms import compare_chat
from benchmarks.detection.messages import compare
from benchmarks.detection.official import compare_split
from sklearn.metrics import f1_score

WORDS = {
    "AD:Shop (new)": "sale bargain voucher today",
    "FR:Bank": "account locked verify now",
    "ham": "see you at home",
}
HAN = {"AD:Shop (new)": "特价优惠打折来店", "FR:Bank": "账户冻结验证密码", "ham": "晚上回家吃饭好吗"}


def made_up(rows: int = 90, *, han: bool = False, campaigns: bool = False) -> pd.DataFrame:
    """Messages of three classes, whose words are drawn for every row."""
    rng = np.random.default_rng(0)
    labels = [sorted(WORDS)[row % 3] for row in range(rows)]
    texts = [_text(label, rng, han=han) for label in labels]
    table = pd.DataFrame({"text": texts, "label": labels})
    return table.assign(campaign=np.arange(rows) // 6 * 3 + np.arange(rows) % 3) if campaigns else table


def _text(label: str, rng: np.random.Generator, *, han: bool) -> str:
    if han:
        return "".join(rng.choice(list(HAN[label]), 8)) + str(rng.integers(10**6))
    return " ".join([*rng.choice(WORDS[label].split(), 5), str(rng.integers(10**6))])


def labelling(label: Callable[[list[str]], Labels]) -> FitTexts:
    """A contestant that learns nothing."""
    return lambda texts, y, groups: Fitted(label, label)


def first_word(texts: list[str]) -> Labels:
    """The class of the first word of each text."""
    return np.array([next(label for label in WORDS if text.split()[0] in WORDS[label].split()) for text in texts])


perfect_contestant = labelling(first_word)
constant_contestant = labelling(lambda texts: np.full(len(texts), "ham", dtype=object))


def test_report_of_stubs() -> None:
    stubs = {"ours": perfect_contestant, "linear_svm": constant_contestant}
    report = compare("fbs_sms", made_up(campaigns=True), stubs, repeats=2, folds=3, ahead=("campaign",))
    assert report.rows == 90
    for scheme in ("campaign", "random"):
        assert report.figures[f"{scheme}.macro_f1"] == 1.0
        assert report.figures[f"{scheme}.macro_f1.std"] == 0.0
        assert report.figures[f"{scheme}.seconds_per_fold"] >= 0.0
        assert report.figures[f"{scheme}.cpu_seconds_per_fold"] >= 0.0
        assert report.peers["linear_svm"][f"{scheme}.macro_f1"] == pytest.approx(1 / 6, abs=0.02)
        assert report.figures[f"{scheme}.vs_linear_svm.mean"] == pytest.approx(5 / 6, abs=0.02)
    assert [bar.name for bar in report.bars] == ["campaign.macro_f1", "campaign.not_behind", "random.not_behind"]
    assert all(bar.holds for bar in report.bars)
    assert "fasttext" not in report.peers


@pytest.mark.slow
def test_one_command_line_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "messages").mkdir()
    made_up(campaigns=True).to_parquet(tmp_path / "messages" / "fbs_sms.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    stub = Contestant("ours", (), frozenset({"detection"}), place=0, fit_texts=perfect_contestant)
    monkeypatch.setattr(ours, "CONTESTANTS", (stub,))
    arguments = ["fbs_sms", "--json", "--repeats", "1", "--folds", "3", "--without", "fasttext"]
    assert detection.main(arguments) == 0
    captured = capsys.readouterr()
    whole = json.loads(captured.out.splitlines()[-1])
    assert whole["figures"]["campaign.macro_f1"] == 1.0
    assert set(whole["peers"]) == {"linear_svm"}
    assert "campaign repeat 1/1 fold 3/3 linear_svm" in captured.err


def test_a_given_split() -> None:
    table = made_up(campaigns=False).assign(split=["train", "test"] * 45)

    def first(texts: list[str], y: Labels, groups: Rows) -> Fitted:
        assert len(texts) == len(y) == len(groups) == 45
        return labelling(lambda texts_test: np.array([y[0]] * len(texts_test), object))(texts, y, groups)

    perfect = labelling(lambda _: table["label"].to_numpy(object)[1::2])
    report = compare_split("stoneskipping", table, {"ours": perfect, "svm": first}, bound=0.9)
    assert report.figures["macro_f1"] == 1.0
    assert [(bar.name, bar.holds) for bar in report.bars] == [("macro_f1", True), ("macro_f1.ahead_of_peers", True)]
    assert report.peers["svm"]["macro_f1"] == pytest.approx(
        f1_score(table["label"][1::2], [table["label"][0]] * 45, average="macro")
    )


def test_chat_is_flagged_above_the_threshold_of_the_other_set() -> None:
    numbers = [str(number) for number in range(200)]
    spam = pd.DataFrame({"text": numbers, "label": ["ham"] * 100 + ["spam"] * 100})
    chat = pd.DataFrame({"text": ["50", "98.5", "150", "199"]})

    fit = labelling(lambda texts: np.array([float(text) for text in texts]))
    report = compare_chat(spam, chat, {"ours": fit, "svm": fit}, folds=2)
    assert report.figures == {"recall": 1.0, "flagged": 0.75}  # 1 % of 0 to 99 exceed 98.01
    assert [(bar.name, bar.holds) for bar in report.bars] == [("recall", True), ("flagged", False)]
