"""The sample of records to label: its strata, its probabilities, and its file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.reader import read_table
from fraudsieve.training.recalibration.audit import draw_audit, labels_of_sample, read_audit, write_audit
from fraudsieve.training.recalibration.traffic import Traffic


def traffic(n: int = 1000, n_groups: int | None = None) -> Traffic:
    groups = np.arange(n) % (n_groups or n)
    records = pd.DataFrame({"message_id": [f"m{i}" for i in range(n)], "text": [f"=您好 {i}" for i in range(n)]})
    labels, times = np.full(n, None, object), pd.Series(pd.NaT, range(n))
    return Traffic(
        records, "message_id", np.zeros((n, 1)), groups, "campaign", labels, None, None, [], times, np.zeros(n), 0, ()
    )


def test_high_scores_are_drawn_more_often_and_never_twice() -> None:
    score = np.random.default_rng(0).permutation(1000) / 1000
    audit = draw_audit(score, np.arange(1000), 100)
    assert len(np.unique(audit.rows)) == len(audit.rows) == 100
    top = score[audit.rows] >= 0.99
    assert top.sum() == 10
    assert (audit.probability[top] == 1).all()
    bottom = score[audit.rows] < 0.7
    assert bottom.sum() == 23
    assert audit.probability[bottom] == pytest.approx(23 / 700)


@pytest.mark.parametrize("n", [1, 7, 300, 1000, 5000])
def test_as_many_are_drawn_as_there_are(n: int) -> None:
    audit = draw_audit(np.linspace(0, 1, 1000), np.arange(1000), n)
    assert len(audit.rows) == min(n, 1000)
    if n >= 1000:
        assert (audit.probability == 1).all()


def test_weights_by_inverse_probabilities_are_unbiased() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 400, 1500)
    score = rng.random(1500)
    value = (score > 0.9) + 0.2 * (groups % 7)
    records, campaigns = [], []
    for seed in range(400):
        audit = draw_audit(score, groups, 100, seed=seed)
        records.append((value[audit.rows] / audit.probability).sum())
        campaigns.append((1 / audit.group_probability).sum())
    error = np.std(records) / np.sqrt(400)
    # Strata are of drawn records, so that probabilities are those of a score's stratum up to its ends.
    assert np.mean(records) == pytest.approx(value.sum(), abs=4 * error)
    assert campaigns == pytest.approx([len(np.unique(groups))] * 400)


def test_a_written_sample_is_read_again_with_further_columns(tmp_path: Path) -> None:
    of, path = traffic(1000, 250), tmp_path / "audit.csv"
    audit = draw_audit(np.linspace(0, 1, 1000), of.groups, 60)
    write_audit(audit, of, path)
    frame = pd.read_csv(path)
    assert list(frame.columns) == ["subject_id", "inclusion_probability", "text", "label"]
    assert frame["text"].tolist() == [f"'=您好 {name[1:]}" for name in frame["subject_id"]]
    assert frame["label"].isna().all()
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert path.stat().st_mode & 0o777 == 0o600
    assert not frame["inclusion_probability"].is_monotonic_decreasing
    frame.assign(label="spam").to_csv(path, index=False)
    again = read_audit(path, of)
    order, expected = np.argsort(again.rows), np.argsort(audit.rows)
    assert again.rows[order].tolist() == audit.rows[expected].tolist()
    assert again.probability[order] == pytest.approx(audit.probability[expected])
    assert again.group_probability[order] == pytest.approx(audit.group_probability[expected])
    assert again.probability * 4 == pytest.approx(again.group_probability)


def test_identifiers_that_look_like_missing_values_are_read_again(tmp_path: Path) -> None:
    ids = np.array(["NA", "null", "None", "nan", "n/a", "-", "7", "007"], object)
    of = replace(traffic(len(ids)), records=pd.DataFrame({"message_id": ids, "text": "a"}))
    audit = draw_audit(np.linspace(0, 1, len(ids)), of.groups, len(ids))
    write_audit(audit, of, tmp_path / "audit.csv")
    again = read_audit(tmp_path / "audit.csv", of)
    assert sorted(ids[again.rows]) == sorted(ids)


def test_records_without_text_have_their_columns(tmp_path: Path) -> None:
    records = pd.DataFrame({"event_id": ["e1", "e2"], "account_id": ["a", "b"], "amount": [1.5, 2.0]})
    of = replace(traffic(2), records=records, id_column="event_id")
    write_audit(draw_audit(np.array([0.1, 0.9]), of.groups, 2), of, tmp_path / "audit.csv")
    frame = pd.read_csv(tmp_path / "audit.csv").sort_values("subject_id")
    assert list(frame.columns) == ["subject_id", "inclusion_probability", "account_id", "amount", "label"]
    assert frame["amount"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_labels_are_filled_in_in_a_spreadsheet_program(tmp_path: Path, ending: str) -> None:
    of, path = traffic(200), tmp_path / f"audit.{ending}"
    audit = draw_audit(np.linspace(0, 1, 200), of.groups, 20)
    write_audit(audit, of, path)
    assert labels_of_sample(path) is None
    frame = pd.read_excel(path) if ending == "xlsx" else pd.read_csv(path)
    frame["label"] = [1, 0, None, " "] * 5
    if ending == "xlsx":
        frame.to_excel(path, index=False)
    else:  # as Excel in a country with decimal commas
        text = frame.to_csv(index=False, sep=";", decimal=",")
        path.write_bytes(text.encode("gb18030"))
    labels = labels_of_sample(path)
    assert labels is not None
    assert labels["subject_id"].tolist() == [name for at, name in enumerate(frame["subject_id"]) if at % 4 < 2]
    assert read_table(labels, "labels").good["label"].tolist() == ["1", "0"] * 5
    again = read_audit(path, of)
    assert sorted(again.probability) == pytest.approx(sorted(audit.probability))


def test_identifiers_that_a_spreadsheet_program_changed_are_named_as_the_cause(tmp_path: Path) -> None:
    of = replace(traffic(2), records=pd.DataFrame({"message_id": ["007", "008"], "text": "a"}))
    write_audit(draw_audit(np.array([0.1, 0.9]), of.groups, 2), of, tmp_path / "audit.csv")
    pd.read_csv(tmp_path / "audit.csv").to_csv(tmp_path / "audit.csv", index=False)
    with pytest.raises(SchemaError, match=r"got 2 others. .* identifiers such as 007, draw it as \.xlsx"):
        read_audit(tmp_path / "audit.csv", of)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"inclusion_probability": 0.0}, "expected probabilities above 0"),
        ({"inclusion_probability": "high"}, "expected probabilities above 0"),
        ({"subject_id": "m1"}, "each once"),
        ({"subject_id": "elsewhere"}, "got 3 others"),
    ],
)
def test_a_sample_that_does_not_fit_is_rejected(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    frame = pd.DataFrame({"subject_id": ["m1", "m2", "m3"], "inclusion_probability": [0.5, 0.5, 1.0]})
    frame.assign(**change).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SchemaError, match=text) as caught:
        read_audit(tmp_path / "a.csv", traffic())
    assert "elsewhere" not in str(caught.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    pd.DataFrame({"subject_id": ["m1"]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SchemaError, match="expected the column inclusion_probability"):
        read_audit(tmp_path / "a.csv", replace(traffic(), rejected=1))
