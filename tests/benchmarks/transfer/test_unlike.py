"""The benchmark of `unlike_training`, on small simulated sets under the names of the shared ones."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.transfer.recalibrated import recalibrated
from benchmarks.transfer.unlike import LANGUAGES, unlike_sets

from fraudsieve.training.simulation.world import simulate


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = simulate(days=20, n_accounts=120).messages[["message_id", "text"]]
    messages["label"] = np.where(np.arange(len(messages)) % 3, "ham", "spam")
    folder = tmp_path / "messages"
    folder.mkdir()
    for name in LANGUAGES:
        messages.to_parquet(folder / f"{name}.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("sets")
def test_the_report_compares_a_model_with_the_other_sets() -> None:
    report = unlike_sets(["uci_sms"])
    figures = report.figures
    assert figures["uci_sms.ks"] < figures["uci_sms.noise"]
    assert min(figures["uci_sms.above.emoji"], figures["uci_sms.above.random"]) > 0.97
    assert 0.4 < figures["uci_sms.auc.nus_sms_zh"] < 0.6  # here it has the same messages
    assert {bar.name for bar in report.bars} >= {"uci_sms.ks", "uci_sms.above.fbs_sms"}


@pytest.mark.slow
def test_a_recalibrated_model_is_checked_on_the_other_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = simulate(days=40, n_accounts=200)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    messages = world.messages[["message_id", "text"]].assign(label=world.messages["message_id"].map(labels)).dropna()
    messages["label"] = np.where(messages["label"] == "legitimate", "ham", "spam")
    (tmp_path / "messages").mkdir()
    is_ham = messages["label"] == "ham"
    tables = {"smishing": messages, "nus_sms_en": messages[is_ham], "spamhunter": messages[~is_ham]}
    for name, rows in tables.items():
        rows.reset_index(drop=True).to_parquet(tmp_path / "messages" / f"{name}.parquet")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    report = recalibrated(draws=1)
    names = ("volume", "false_positives", "promised", "observed_over_expected", "ece")
    assert [bar.name for bar in report.bars] == [f"{name}.inside" for name in names]
    assert report.figures["volume"] == pytest.approx(0.06, abs=0.04)
    assert set(report.peers["before"]) >= {"observed_over_expected", "ece"}
