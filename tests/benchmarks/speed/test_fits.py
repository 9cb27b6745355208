"""The speed benchmark of fits of the text model on synthetic texts."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.speed import fits as speed_fits


@pytest.mark.slow
def test_figures_and_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    words = ("晚上回家吃饭好吗", "请加微信领取红包", "贷款利率低办理快")
    texts = ["".join(rng.choice(list(words[row % 3] + "我你他是的了"), 12)) for row in range(180)]
    labels = {"fbs_sms": ["ham", "spam", "loan"] * 60, "stoneskipping": ["ham", "spam", "spam"] * 60}
    monkeypatch.setattr(speed_fits, "load_messages", lambda name: pd.DataFrame({"text": texts, "label": labels[name]}))
    report = speed_fits.run(messages=150)
    assert report.rows == 300
    assert {"sklearn", "sklearn_loose"} == set(report.peers)
    for dataset in labels:
        assert report.figures[f"macro_f1.{dataset}"] > 0.7
        ratio = report.figures[f"cpu_seconds.{dataset}"] / report.peers["sklearn"][f"cpu_seconds.{dataset}"]
        assert report.figures[f"ratio_to_sklearn.{dataset}"] == pytest.approx(ratio)
    assert [bar.name for bar in report.bars] == [
        f"{figure}.{dataset}" for dataset in labels for figure in ("ratio_to_sklearn", "macro_f1")
    ]
