"""The benchmark of folding: shares of messages, by label and kind."""

import json
from pathlib import Path

import pandas as pd
import pytest
from benchmarks import folding


def write_sets(folder: Path) -> None:
    (folder / "messages").mkdir()
    for name in folding.SETS:
        texts = ["hello there，", "plain text", "fr​ee", "加*微*信"]
        frame = pd.DataFrame({"text": texts, "label": ["ham", "ham", "spam", "spam"]})
        frame.to_parquet(folder / "messages" / f"{name}.parquet")


def test_shares_by_label_and_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sets(tmp_path)
    monkeypatch.setenv("FRAUDSIEVE_DATA", str(tmp_path))
    assert folding.main(["--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["rows"] == 4 * len(folding.SETS)
    figures = report["figures"]
    assert (figures["mudou_sms.ham.any"], figures["mudou_sms.ham.sign"]) == (0, 0.5)
    assert (figures["uci_sms.spam.any"], figures["uci_sms.spam.inserted"]) == (1, 0.5)
    assert figures["nus_sms_zh.longest"] == 1
