"""Rules in batches: scores in chunks equal those of a frame, and counts survive an interrupted run."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models import Scorer
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.models.rules import Rule, RuleSet


@pytest.fixture
def frame(binary: Any) -> pd.DataFrame:
    n = 400
    ids, accounts = [f"m{i}" for i in range(n)], [f"a{i % 7}" for i in range(n)]
    texts = [f"{text} see bad.example.com" if i % 5 == 0 else text for i, text in enumerate(binary.texts[:n])]
    return pd.DataFrame({"message_id": ids, "text": texts, "account_id": accounts})


@pytest.fixture
def ruled(scorer: Scorer) -> Scorer:
    rules = [
        Rule("accounts", "account_id", ["a1", "a2"], "pass", "contract"),
        Rule("hosts", "host", ["bad.example.com"], "flag", "fake shop"),
    ]
    return Scorer(scorer.model, rules=RuleSet(rules))


@pytest.mark.slow
def test_counts_are_of_all_chunks(ruled: Scorer, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "m.parquet", row_group_size=40)
    whole = score_file(ruled, tmp_path / "m.parquet", tmp_path / "whole.parquet")
    expected = score_frame(ruled, frame)
    written = pd.read_parquet(tmp_path / "whole.parquet")
    for name in ("decision", "rule", "rule_reason", "model_decision"):
        assert written[name].fillna("-").tolist() == expected[name].fillna("-").tolist()
    hosts, both = frame.index % 5 == 0, frame["account_id"].isin(["a1", "a2"]).to_numpy()
    assert [rule.records for rule in whole.rules] == [int((both & ~hosts).sum()), int(hosts.sum())]
    assert score_file(ruled, frame, tmp_path / "again.parquet").rules == whole.rules


def test_a_frame_with_reasons_is_decided_too(ruled: Scorer, frame: pd.DataFrame) -> None:
    plain, explained = score_frame(ruled, frame[:30]), score_frame(ruled, frame[:30], reasons=1)
    assert explained["decision"].tolist() == plain["decision"].tolist()
    assert explained["rule"].tolist() == plain["rule"].tolist()
    np.testing.assert_array_equal(explained["probability"], plain["probability"])
