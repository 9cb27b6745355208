"""The detection benchmark on synthetic messages, with stub contestants and with the real peers."""

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.detection import __main__ as detection
from benchmarks.detection import ours
from benchmarks.detection.false_alarms import compare_chat
from benchmarks.detection.folds import duplicate_groups, folds_of, schemes_of
from benchmarks.detection.official import compare_split
from benchmarks.detection.paired_figures import paired_figures, scheme_bars
from benchmarks.detection.peers import FastText, FastTextSettings, FitPredict, Groups, Labels, LinearSvm
from benchmarks.runner import Bar
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


def perfect_contestant(texts: list[str], y: Labels, groups: Groups, texts_test: list[str]) -> Labels:
    """Predict the class of the first word."""
    return np.array([next(label for label in WORDS if text.split()[0] in WORDS[label].split()) for text in texts_test])


def constant_contestant(texts: list[str], y: Labels, groups: Groups, texts_test: list[str]) -> Labels:
    """Predict ham for every text."""
    return np.full(len(texts_test), "ham", dtype=object)


@pytest.fixture(params=["linear_svm", "fasttext"])
def peer(request: pytest.FixtureRequest) -> FitPredict:
    if request.param == "linear_svm":
        return LinearSvm().fit_predict
    if importlib.util.find_spec("fasttext") is None:
        pytest.skip("fastText is not installed: pip install 'fraudsieve[bench]'")
    return FastText(dim=8, bucket=1000).fit_predict


@pytest.mark.parametrize("han", [False, True])
def test_peers_learn(peer: FitPredict, han: bool) -> None:
    table = made_up(150, han=han)
    texts, y, groups = table["text"].tolist(), table["label"].to_numpy(dtype=object), np.arange(150)
    predicted = peer(texts[:105], y[:105], groups[:105], texts[105:])
    assert predicted.shape == (45,)
    assert f1_score(y[105:], predicted, average="macro") > 0.9


def test_svm_never_sees_test_texts() -> None:
    table = made_up()
    texts, y, groups = table["text"].tolist(), table["label"].to_numpy(dtype=object), np.arange(90)
    whole = LinearSvm().fit_predict(texts[:60], y[:60], groups[:60], texts[60:])
    single = [LinearSvm().fit_predict(texts[:60], y[:60], groups[:60], [text])[0] for text in texts[60:63]]
    assert whole[:3].tolist() == single


@pytest.mark.skipif(importlib.util.find_spec("fasttext") is None, reason="fastText is not installed")
def test_fasttext_trains_without_ngrams() -> None:
    lines = ["sale today", "verify account"] * 40
    model = FastText().train(lines, np.arange(80) % 2, FastTextSettings(wordNgrams=1, epoch=5, lr=0.5))
    labels, _ = model.predict(["sale", ""])
    assert labels[0][0] == "__label__0"
    assert len(labels[1]) == 1


def test_report_of_stubs() -> None:
    stubs = {"ours": perfect_contestant, "linear_svm": constant_contestant}
    report = detection.compare("fbs_sms", made_up(campaigns=True), stubs, repeats=2, folds=3)
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


def test_sets_without_campaigns_have_one_scheme() -> None:
    report = detection.compare(
        "smishing", made_up(), {"ours": constant_contestant, "linear_svm": perfect_contestant}, repeats=1, folds=3
    )
    assert {name.split(".")[0] for name in report.figures} == {"grouped"}
    assert [(bar.name, bar.holds) for bar in report.bars] == [("grouped.not_behind", False)]


def test_peers_alone_have_no_bars() -> None:
    report = detection.compare("smishing", made_up(), {"linear_svm": perfect_contestant}, repeats=1, folds=3)
    assert report.figures == {}
    assert list(report.bars) == []


@pytest.mark.slow
def test_one_command_line_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "messages").mkdir()
    made_up(campaigns=True).to_parquet(tmp_path / "messages" / "fbs_sms.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    monkeypatch.setattr(ours, "fit_predict", perfect_contestant)
    arguments = ["fbs_sms", "--json", "--repeats", "1", "--folds", "3", "--without", "fasttext"]
    assert detection.main(arguments) == 0
    captured = capsys.readouterr()
    whole = json.loads(captured.out.splitlines()[-1])
    assert whole["figures"]["campaign.macro_f1"] == 1.0
    assert set(whole["peers"]) == {"linear_svm"}
    assert "campaign repeat 1/1 fold 3/3 linear_svm" in captured.err


class _Features:
    """Stands in for MessageFeatures: texts pass through."""

    def __init__(self, *, legitimate: str) -> None:
        assert legitimate == "ham"

    def set_output(self, *, transform: str) -> "_Features":
        return self

    def fit_transform(self, texts: list[str], y: Labels, *, groups: Groups) -> list[str]:
        assert texts[:2] == ["1", "2"]
        assert groups.tolist()[:2] == [4, 5]
        assert set(groups[2:]) <= {5}  # the copy of a message is of its campaign
        return texts

    def transform(self, texts: list[str]) -> list[str]:
        return texts


class _Classifier:
    """Stands in for FraudClassifier: remembers the texts that it was fitted on."""

    def fit(self, X: list[str], y: Labels, **_: object) -> "_Classifier":
        self.labels = dict(zip(X, y, strict=True))
        return self

    def predict(self, X: list[str]) -> list[str]:
        return [self.labels[text] for text in X]


def test_ours_calls_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudsieve.features.MessageFeatures", _Features)
    monkeypatch.setattr("fraudsieve.models.FraudClassifier", _Classifier)
    predicted = ours.fit_predict(["1", "2"], np.array(["ham", "spam"]), np.array([4, 5]), ["2", "1", "2"])
    assert predicted.tolist() == ["spam", "ham", "spam"]


def test_paired_differences() -> None:
    own, theirs = np.array([0.9, 0.8, 0.7, 0.9]), np.array([0.8, 0.8, 0.6, 0.7])
    figures = paired_figures("random", "svm", own, theirs, folds=2)
    deviation = np.std([0.1, 0.0, 0.1, 0.2], ddof=1)
    assert figures["random.vs_svm.mean"] == pytest.approx(0.1)
    assert figures["random.vs_svm.se"] == pytest.approx(deviation / 2)
    assert figures["random.vs_svm.se_corrected"] == pytest.approx(deviation * math.sqrt(1 / 4 + 1))


def test_one_fold_has_no_error() -> None:
    assert set(paired_figures("s", "p", np.array([0.9]), np.array([0.8]), folds=5)) == {"s.vs_p.mean"}


def test_bars_are_relative_to_the_better_peer() -> None:
    bars = scheme_bars("campaign", 0.93, {"a": 0.91, "b": 0.925}, ahead=True)
    assert bars == [
        Bar("campaign.macro_f1", 0.93, 0.925 + 0.01, False),
        Bar("campaign.not_behind", 0.93, 0.925 - 0.005, True),
    ]
    assert scheme_bars("campaign", 0.93, {}, ahead=True) == []


def test_folds_keep_groups_whole() -> None:
    table = made_up(campaigns=True)
    groups, contestant_groups = schemes_of(table)["campaign"]
    assert contestant_groups is groups
    folds = list(folds_of(table["label"].to_numpy(dtype=object), groups, repeats=2, folds=3))
    assert [(fold.repeat, fold.number) for fold in folds] == [(r, n) for r in range(2) for n in range(3)]
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.test])
    assert sorted(np.concatenate([fold.test for fold in folds[:3]])) == list(range(90))


def test_users_are_kept_apart_and_contestants_receive_duplicates() -> None:
    table = pd.DataFrame({"text": ["hi", "yes", "HI", "no"], "recipient_id": ["u", "u", "v", "w"]})
    fold_groups, contestant_groups = schemes_of(table)["users"]
    assert (fold_groups.tolist(), contestant_groups.tolist()) == ([0, 0, 1, 2], [0, 1, 0, 2])


def test_a_given_split() -> None:
    table = made_up(campaigns=False).assign(split=["train", "test"] * 45)

    def first(texts: list[str], y: Labels, groups: Groups, texts_test: list[str]) -> Labels:
        assert len(texts) == len(y) == len(groups) == 45
        return np.array([y[0]] * len(texts_test), object)

    def perfect(texts: list[str], y: Labels, groups: Groups, texts_test: list[str]) -> Labels:
        return table["label"].to_numpy(object)[1::2]

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

    def fit(texts: list[str], is_fraud: Labels, groups: Groups) -> Any:
        return lambda texts_test: np.array([float(text) for text in texts_test])

    report = compare_chat(spam, chat, {"ours": fit, "svm": fit}, folds=2)
    assert report.figures == {"recall": 1.0, "flagged": 0.75}  # 1 % of 0 to 99 exceed 98.01
    assert [(bar.name, bar.holds) for bar in report.bars] == [("recall", True), ("flagged", False)]


def test_duplicates_share_a_group() -> None:
    assert duplicate_groups(["Ｗin  now", "hi", "WIN NOW\n", "win-now"]).tolist() == [0, 1, 0, 2]
