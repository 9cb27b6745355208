"""Warnings of other traffic, counted on small sets."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.transfer import other_traffic as module

from tests.benchmarks.transfer.test_contest import made_up


@pytest.mark.slow
def test_the_same_traffic_does_not_warn_and_legitimate_records_alone_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "messages").mkdir()
    rng = np.random.default_rng(0)
    for name, fraud in (("smishing", 0.4), ("nus_sms_en", 0.0)):
        frame = made_up(1500, fraud)
        words = ["".join(rng.choice(list("abcdefghijklmnop"), 30)) for _ in range(len(frame))]  # no campaigns
        pd.DataFrame(frame.assign(text=frame["text"] + " " + words)).to_parquet(
            tmp_path / "messages" / f"{name}.parquet"
        )
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    monkeypatch.setattr(module, "SAME", ("smishing",))
    monkeypatch.setattr(module, "OVER_TIME", ())
    monkeypatch.setattr(module, "OTHER", {"model": (("smishing",), ("nus_sms_en",))})
    monkeypatch.setattr(module, "HELD_TO", ("model.nus_sms_en",))
    report = module.other_traffic(rows=1500)
    assert report.figures == {
        "smishing.alarms": 0,
        "smishing.batches": 6,
        "all.alarms": 0,
        "all.batches": 6,
        "model.nus_sms_en.warned": 1,
    }
    assert all(bar.holds for bar in report.bars)
