"""The table of data sets: each is declared once."""

from pathlib import Path

import pandas as pd
import pytest
from benchmarks.data.kinds import LEGITIMATE
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.sets.table import MESSAGE_SETS


def test_a_set_names_its_legitimate_class_and_keeps_near_duplicates_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    (tmp_path / "messages").mkdir()
    texts = ["win 100 now at w1.example", "see you at six", "Win 999 now at w2.example"]
    table = pd.DataFrame({"text": texts, "label": ["fraud", "ordinary", "fraud"]})
    table.to_parquet(tmp_path / "messages" / "chineseharm.parquet")
    loaded = MESSAGE_SETS["chineseharm"].load()
    assert loaded["label"].tolist() == ["fraud", LEGITIMATE, "fraud"]
    assert loaded["campaign"].tolist() == [0, 1, 0]
