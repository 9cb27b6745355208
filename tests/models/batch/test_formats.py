"""The ending of the output decides its format, whether a file is scored in chunks or whole."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.batch.formats import check_output_format, publish
from fraudsieve.models.batch.score import score_file
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.formats.files import load


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Return a Parquet file of two row groups with odd values."""
    frame = pd.DataFrame(
        {
            "message_id": ["a,b", "雷", None],
            "occurred_at": pd.Series(["2026-05-01T10:00:00.000001", None, "2026-05-02"], dtype="datetime64[us, UTC]"),
            "probability": [0.1 + 0.2, 1e-300, None],
        }
    )
    frame.to_parquet(tmp_path / "scores", index=False, row_group_size=2)
    return tmp_path / "scores"


def test_csv_holds_what_parquet_does(scores: Path) -> None:
    publish(scores, scores.with_name("scores.csv"))
    frame, written = pd.read_parquet(scores), pd.read_csv(scores.with_name("scores.csv"))
    assert written["probability"].tolist()[:2] == frame["probability"].tolist()[:2]
    assert written["message_id"].tolist()[:2] == ["a,b", "雷"]
    assert pd.to_datetime(written["occurred_at"]).tolist()[::2] == frame["occurred_at"].tolist()[::2]
    assert written.isna().sum().to_dict() == {"message_id": 1, "occurred_at": 1, "probability": 1}


def test_json_lines_hold_what_parquet_does(scores: Path) -> None:
    publish(scores, scores.with_name("scores.jsonl"))
    lines = scores.with_name("scores.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    expected = {"message_id": "a,b", "occurred_at": "2026-05-01T10:00:00.000001+00:00", "probability": 0.1 + 0.2}
    assert json.loads(lines[0]) == expected
    assert lines[1] == '{"message_id": "雷", "occurred_at": null, "probability": 1e-300}'


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("source", ["messages.parquet", "messages.csv"])
def test_scores_are_written_in_the_format_of_the_ending(
    scorer: Scorer, tmp_path: Path, source: str, ending: str
) -> None:
    frame = pd.DataFrame({"message_id": ["1", "2"], "text": ["hello there", "win money now"]})
    frame.to_parquet(tmp_path / source) if source.endswith("parquet") else frame.to_csv(tmp_path / source, index=False)
    output = score_file(scorer, tmp_path / source, tmp_path / f"scores{ending}").output
    written = load(output).frame
    expected = [score["probability"] for score in scorer.score([{"text": text} for text in frame["text"]])]
    assert written["probability"].astype(float).tolist() == expected
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["scores", "scores.xlsx", "scores.parquet.gz"])
def test_another_ending_is_an_error(name: str) -> None:
    with pytest.raises(SchemaError, match=r"expected a file of scores ending in \.parquet, \.csv"):
        check_output_format(Path(name))
