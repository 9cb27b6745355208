"""Several tables as one: later rows replace earlier ones, and every input row is good or rejected."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import check_header, read_table
from fraudsieve.tables.schema import DUPLICATE, REPLACED
from fraudsieve.tables.source import InputTable, data_digest, local_files, origin_of
from tests.messages import refused


def write(folder: Path, name: str, ids: list[str], text: str, **columns: list[object]) -> Path:
    file = folder / name
    frame = pd.DataFrame({"message_id": ids, "text": text, **columns})
    if file.suffix == ".parquet":
        frame.to_parquet(file)
    elif file.suffix == ".jsonl":
        file.write_text("".join(f"{json.dumps(row)}\n" for row in frame.to_dict("records")))
    else:
        frame.to_csv(file, index=False)
    return file


def test_a_later_table_replaces_rows_and_a_duplicate_within_a_table_is_rejected(tmp_path: Path) -> None:
    old = write(tmp_path, "old.parquet", ["a", "b", "b", "c", "d", "e", "f", "g", "h"], "old")
    new = write(tmp_path, "new.csv", ["h", "b", "i", "j"], "new")
    checked = read_table([old, new], "messages")
    assert checked.good["message_id"].tolist() == [*"acdefg", *"hbij"]
    assert checked.good["text"].tolist() == ["old"] * 6 + ["new"] * 4
    assert checked.rejected[["table", "row", "reason", "message_id", "text"]].to_numpy().tolist() == [
        [str(old), 1, REPLACED, "b", "old"],
        [str(old), 2, DUPLICATE, "b", "old"],
        [str(old), 8, REPLACED, "h", "old"],
    ]
    assert len(checked.good) + len(checked.rejected) == 13
    assert checked.notes == ("2 rows are replaced by the row of a later table",)


def test_the_order_of_the_tables_decides(tmp_path: Path) -> None:
    tables = [write(tmp_path, f"{name}.csv", ["a"], name) for name in ("one", "two", "three")]
    assert read_table(tables, "messages").good["text"].tolist() == ["three"]
    assert read_table(tables[::-1], "messages").good["text"].tolist() == ["one"]
    assert data_digest(tables) != data_digest(tables[::-1])


def test_rows_without_ids_replace_nothing() -> None:
    frames = [pd.DataFrame({"text": ["one", "two"]}), pd.DataFrame({"text": ["three"]})]
    checked = read_table(frames, "messages")
    assert (checked.good["message_id"].tolist(), checked.numbered) == (["0", "1", "2"], True)
    named = read_table([frames[0], pd.DataFrame({"message_id": ["0"], "text": ["three"]})], "messages")
    assert (len(named.good), len(named.rejected), named.numbered) == (3, 0, True)
    events = pd.DataFrame({"account_id": ["a"], "occurred_at": ["2026-05-01"], "kind": ["pay"]})
    assert len(read_table([events, events], "events").good) == 2
    labels = pd.DataFrame({"subject_id": ["a"], "label": ["spam"]})
    assert len(read_table([labels, labels], "labels").good) == 2


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".tsv.gz"])
def test_a_pattern_of_text_files_is_one_table(tmp_path: Path, suffix: str) -> None:
    for name, ids in (("b", ["3", "1"]), ("a", ["1", "2"])):
        frame = pd.DataFrame({"message_id": ids, "text": f"from {name}"})
        if suffix == ".jsonl":
            frame.to_json(tmp_path / f"{name}{suffix}", orient="records", lines=True)
        else:
            frame.to_csv(tmp_path / f"{name}{suffix}", index=False, sep="\t" if "tsv" in suffix else ",")
    checked = read_table(tmp_path / f"*{suffix}", "messages")
    assert checked.good["message_id"].tolist() == ["1", "2", "3"]
    assert checked.rejected[["row", "reason"]].to_numpy().tolist() == [[3, DUPLICATE]]
    assert checked.notes == ("read 2 files",)


def test_broken_rows_of_a_pattern_have_their_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("message_id,text\n" + "".join(f"{n},x\n" for n in range(8)))
    (tmp_path / "b.csv").write_text("message_id,text\n8,x\n9\n")
    rejected = read_table(tmp_path / "*.csv", "messages").rejected
    assert rejected[["row", "reason"]].to_numpy().tolist() == [[9, "1 fields where the header has 2"]]


def test_a_pattern_of_several_formats_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", ["1"], "x")
    write(tmp_path, "b.parquet", ["2"], "x")
    with refused(SchemaError):
        read_table(tmp_path / "*", "messages")
    assert len(read_table([tmp_path / "*.csv", tmp_path / "*.parquet"], "messages").good) == 2


def test_a_column_that_is_words_in_one_table_is_words_in_all(tmp_path: Path) -> None:
    numbers = write(tmp_path, "a.csv", ["1", "2"], "x", branch=["007", "7.0"])
    words = write(tmp_path, "b.csv", ["3"], "x", branch=["north"])
    typed = write(tmp_path, "c.parquet", ["4"], "x", branch=[7])
    assert read_table([numbers, words, typed], "messages").good["branch"].tolist() == ["007", "7.0", "north", "7"]
    flags = [
        write(tmp_path, f"{n}.parquet", [str(n)], "x", urgent=[value]) for n, value in enumerate([True, 2.5], start=5)
    ]
    assert read_table(flags, "messages").good["urgent"].tolist() == [1.0, 2.5]


def test_kept_columns_of_other_types_become_strings(tmp_path: Path) -> None:
    words = write(tmp_path, "a.csv", ["1"], "x", branch=["north"])
    typed = write(tmp_path, "b.parquet", ["2"], "x", branch=[7])
    kept = read_table([words, typed], "messages", keep=["branch"]).kept
    assert kept is not None
    kept.to_parquet(tmp_path / "kept.parquet")
    assert pd.read_parquet(tmp_path / "kept.parquet")["branch"].tolist() == ["north", "7"]


def test_a_column_named_table_stays_among_the_rejected_rows(tmp_path: Path) -> None:
    tables = [write(tmp_path, f"{name}.csv", ["1"], name, table=[name]) for name in ("old", "new")]
    rejected = read_table(tables, "messages").rejected
    assert rejected[["table", "input_table"]].to_numpy().tolist() == [[str(tables[0]), "old"]]


def test_values_inside_objects_are_left_out_of_a_pattern_too(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "from": {"id": 1}}')
    (tmp_path / "b.jsonl").write_text('{"text": "b", "address": {"floor": 1}}')
    assert read_table(tmp_path / "*.jsonl", "messages").good.columns.tolist() == ["message_id", "text"]


def test_errors_name_the_table_of_several(tmp_path: Path) -> None:
    good = write(tmp_path, "good.csv", ["1"], "x")
    (tmp_path / "bad.csv").write_text("message_id,body\n2,x\n")
    for check in (read_table, check_header):
        with pytest.raises(SchemaError, match=r"bad\.csv: column 'text' is missing"):
            check([good, tmp_path / "bad.csv"], "messages")
    named = InputTable([good, tmp_path / "bad.csv"], ReadOptions({"text": "body"}))
    assert read_table(named, "messages").good["message_id"].tolist() == ["1", "2"]


def test_names_and_files_of_several_tables(tmp_path: Path) -> None:
    files = [write(tmp_path, name, ["1"], "x") for name in ("a.csv", "b.csv")]
    frame = pd.DataFrame({"message_id": ["1"], "text": "y"})
    assert origin_of([files[0], frame]) == f"{files[0]}, frame"
    assert local_files([tmp_path / "*.csv", frame, "sqlite:///x.db#t"]) == files
    assert local_files(files[0]) == files[:1]
