"""Labelled messages: every row is counted, the latest label counts, rare labels are rejected."""

from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.label_trust import WEIGHT, Trust
from fraudsieve.tables import InputTable, ReadOptions
from fraudsieve.tables.source import data_digest
from fraudsieve.training.data.labelled import Labelling, load_labelled
from fraudsieve.training.simulation.world import World


def messages(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"message_id": ["a", "b", "c"], "text": ["one", "two", "three"], **columns})


def labels(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject_id", "label", "labelled_at"])


def test_rows_in_are_labelled_unlabelled_and_rejected() -> None:
    frame = messages(label=["spam", None, "spam"], extra=[1, 2, 3])
    frame.loc[2, "text"] = ""
    loaded = load_labelled(frame)
    assert (len(loaded.rows), loaded.n_unlabelled, len(loaded.rejected)) == (1, 1, 1)
    assert loaded.rows["extra"].tolist() == [1]


@pytest.mark.parametrize("time", ["2026-02-02", None])
def test_fraud_counts_among_labels_of_one_time_whatever_the_order_of_rows(time: str | None) -> None:
    table = labels(("a", "ok", time), ("a", "abuse", time), ("b", "ok", time), ("c", "abuse", time))
    for rows in (table, table.iloc[::-1]):
        assert load_labelled(messages(), rows).rows["label"].tolist() == ["abuse", "ok", "abuse"]


def test_the_latest_label_counts_whatever_the_order_of_rows() -> None:
    table = labels(("a", "spam", "2026-02-02"), ("a", "legitimate", "2026-03-03"), ("b", "spam", "2026-01-01"))
    for rows in (table, table.iloc[::-1]):
        loaded = load_labelled(messages(), rows)
        assert loaded.rows["label"].tolist() == ["legitimate", "spam"]
        # A date without a time stands for the end of the day.
        assert loaded.rows["labelled_at"].iloc[0] == pd.Timestamp("2026-03-04", tz="UTC")
    assert loaded.n_unlabelled == 1


def test_a_label_column_serves_where_the_table_has_nothing() -> None:
    loaded = load_labelled(messages(label=["x", "y", None]), labels(("b", "spam", None)))
    assert loaded.rows["label"].tolist() == ["x", "spam"]


def test_bad_rows_of_the_labels_are_kept_too() -> None:
    loaded = load_labelled(messages(), labels(("a", "spam", None), ("b", "spam", "soon")))
    assert loaded.rejected_labels[["row", "column"]].to_numpy().tolist() == [[1, "labelled_at"]]
    assert (len(loaded.rows), loaded.n_unlabelled, len(loaded.rejected)) == (1, 2, 0)


def test_a_rare_label_is_rejected_with_its_row_and_reason() -> None:
    frame = messages(label=["spam", "rare", "spam"])
    loaded = load_labelled(frame, labelling=Labelling(min_label_rows=2))
    assert loaded.rows["label"].unique().tolist() == ["spam"]
    assert loaded.rejected[["row", "column"]].to_numpy().tolist() == [[1, "label"]]
    assert "fewer than 2 rows" in loaded.rejected["reason"].iloc[0]


def test_rare_types_stay_if_all_fraud_is_rare_and_go_beside_common_ones() -> None:
    def kept(*labels: str) -> list[str]:
        frame = pd.DataFrame({"text": [f"text {n}" for n in range(len(labels))], "label": labels})
        return sorted(load_labelled(frame, labelling=Labelling(min_label_rows=4)).rows["label"].unique())

    assert kept(*["ham"] * 5, "spam", "spam", "loan") == ["ham", "loan", "spam"]
    assert kept(*["ham"] * 5, *["spam"] * 4, "loan") == ["ham", "spam"]
    assert kept(*["ham"] * 3, *["spam"] * 3) == []


def test_columns_of_a_rejected_rare_label_keep_their_values_whatever_their_names() -> None:
    """The table of rejected rows has columns row, column and reason of its own."""
    own = {"row": [7, 8, 9], "input_row": [1, 2, 3], "column": ["A", "B", "C"], "reason": ["x", "y", "z"]}
    frame = messages(label=["spam", "rare", "spam"], **own)
    frame.loc[2, "text"] = ""
    rejected = load_labelled(frame, labelling=Labelling(min_label_rows=1)).rejected
    twice = InputTable(pd.concat([frame, frame.assign(message_id=["d", "e", "f"])]), ReadOptions(max_rejected=1))
    both = load_labelled(twice, labelling=Labelling(min_label_rows=2)).rejected
    assert both["row"].tolist() == [2, 5]
    names = ["row", "column", "reason", "input_input_row", "input_row", "input_column", "input_reason"]
    rare = load_labelled(
        frame.assign(label=["spam", "rare", "spam"], text="hi"), labelling=Labelling(min_label_rows=2)
    ).rejected
    assert rare[names].to_numpy().tolist() == [
        [1, "label", "the label has fewer than 2 rows: too few to train and to test", 8, 2, "B", "y"]
    ]
    assert set(names) <= set(rejected.columns)


def test_the_place_of_a_rare_label_counts_rejected_rows_too() -> None:
    frame = messages(label=["spam", "spam", "rare"])
    frame.loc[0, "text"] = ""
    loaded = load_labelled(frame, labelling=Labelling(min_label_rows=2))
    assert sorted(loaded.rejected["row"].tolist()) == [0, 1, 2]


def test_no_label_at_all_is_an_error() -> None:
    with pytest.raises(SchemaError, match="label"):
        load_labelled(messages())
    with pytest.raises(SchemaError, match="no message has a label"):
        load_labelled(messages(label=[None] * 3), labels(("z", "spam", None)))


def test_integer_ids_meet_string_ids() -> None:
    frame = pd.DataFrame({"message_id": [1, 2], "text": ["x", "y"]})
    loaded = load_labelled(frame, labels(("1", "spam", None), ("2", "ham", None)))
    assert loaded.rows["label"].tolist() == ["spam", "ham"]


@pytest.mark.slow
def test_files_and_frames_give_the_same_rows(small_world: World, tmp_path: Path) -> None:
    paths = small_world.write(tmp_path)
    from_files = load_labelled(paths["messages"], paths["labels"])
    from_frames = load_labelled(small_world.messages, small_world.labels)
    pd.testing.assert_frame_equal(from_files.rows, from_frames.rows)
    assert from_files.n_unlabelled > 0


@pytest.mark.parametrize(
    "when", [[1714500000, 1714586400, 1714672800], ["2024-04-30T18:00Z", "2024-05-01T18:00Z", None]]
)
def test_times_of_labels_in_messages_are_read_like_other_times(when: list[object], tmp_path: Path) -> None:
    frame = messages(label="spam", sent_at=when, labelled_at=when)
    frame.to_csv(tmp_path / "messages.csv", index=False)
    for source in (frame, tmp_path / "messages.csv"):
        rows = load_labelled(source).rows
        pd.testing.assert_series_equal(rows["labelled_at"], rows["sent_at"], check_names=False)
        assert rows["labelled_at"].iloc[0] == pd.Timestamp("2024-04-30 18:00", tz="UTC")


def test_a_message_whose_label_has_an_unreadable_time_is_rejected() -> None:
    loaded = load_labelled(messages(label="spam", labelled_at=["2024-05-01", "SECRET hello", None]))
    assert loaded.rejected[["row", "column"]].to_numpy().tolist() == [[1, "labelled_at"]]
    assert "SECRET" not in loaded.rejected["reason"].iloc[0]


def test_a_digest_separates_tables(tmp_path: Path) -> None:
    frame = messages()
    assert data_digest(frame) == data_digest(frame.copy())
    assert data_digest(frame) != data_digest(frame.assign(text="other"))
    assert data_digest(frame) != data_digest(frame.rename(columns={"text": "words"}))
    (tmp_path / "a.csv").write_text("x\n")
    (tmp_path / "b.csv").write_text("y\n")
    assert data_digest(tmp_path / "a.csv") != data_digest(tmp_path / "b.csv")


def test_the_most_trusted_of_several_sources_counts_with_its_weight() -> None:
    table = labels(("a", "spam", "2026-01-01"), ("a", "legitimate", "2026-02-02"), ("b", "spam", None))
    table["source"] = ["review", "rule", "rule"]
    trust = Trust({"review": 1.0, "rule": 0.25})
    rows = load_labelled(messages(), table, labelling=Labelling(trust=trust)).rows
    assert rows[["label", WEIGHT]].to_numpy().tolist() == [["spam", 1.0], ["spam", 0.25]]
    plain = load_labelled(messages(), table).rows
    assert plain["label"].tolist() == ["legitimate", "spam"]
    assert WEIGHT not in plain


def test_a_source_of_weight_0_leaves_a_record_unlabelled_and_not_legitimate() -> None:
    own = messages(label=["legitimate", "spam", "spam"], source=["rule", "review", "rule"])
    loaded = load_labelled(own, labelling=Labelling(trust=Trust({"rule": 0.0}, default=0.5)))
    assert loaded.rows[["message_id", WEIGHT]].to_numpy().tolist() == [["b", 0.5]]
    assert (loaded.n_unlabelled, len(loaded.waiting)) == (2, 2)


def test_a_source_without_a_weight_is_an_error_with_the_number_of_rows() -> None:
    table = labels(("a", "spam", None), ("b", "spam", None)).assign(source=["review", "hearsay"])
    with pytest.raises(SchemaError, match="in 1 of 2 rows"):
        load_labelled(messages(), table, labelling=Labelling(trust=Trust({"review": 1.0})))


def test_records_that_wait_for_a_label_keep_their_cutoff_times() -> None:
    frame = messages(label=["spam", None, None], sent_at=["2026-01-01", "2026-01-02", None])
    waiting = load_labelled(frame).waiting
    assert waiting.tolist()[0] == pd.Timestamp("2026-01-02", tz="UTC")
    assert waiting.isna().tolist() == [False, True]
