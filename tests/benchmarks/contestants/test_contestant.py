"""The table of contestants: a new one is one file, and each benchmark takes its own."""

from pathlib import Path

import pytest
from benchmarks import contestants
from benchmarks.contestants.contestant import contestants_of, fits_of

NEW = """
from benchmarks.contestants.contestant import Contestant, Fitted

CONTESTANTS = (
    Contestant("newest", (), frozenset({"detection"}), fit_texts=lambda *_: Fitted(len, len)),
    Contestant("absent", (), frozenset({"detection"}), needs="no_such_module", fit_texts=lambda *_: Fitted(len, len)),
)
"""


def test_a_new_contestant_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "newest_one.py").write_text(NEW)
    monkeypatch.setattr(contestants, "__path__", [*contestants.__path__, str(tmp_path)])
    assert list(fits_of("detection", without=["fasttext"])) == ["ours", "linear_svm", "newest"]
    assert "newest" not in contestants_of("attack")


def test_each_benchmark_takes_its_own() -> None:
    assert set(fits_of("attack", without=["fasttext"])) == {"ours", "linear_svm"}
    assert set(fits_of("transfer", without=["fasttext"])) == {"ours", "linear_svm", "lightgbm_svd"}
    assert next(iter(contestants_of("contest"))) == "fraudsieve"
