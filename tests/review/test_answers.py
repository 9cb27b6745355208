"""Answers as labels: what is added, repeats, kills, earlier labels, and disagreements."""

import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve import _io
from fraudsieve.exceptions import BusyError, SchemaError
from fraudsieve.review import Collected, collect_answers, third_opinions
from fraudsieve.tables import read_table
from fraudsieve.tables.formats.output import write_frame
from tests.messages import refused
from tests.profiles import size

KILLS = size(50, usual=5)
COLUMNS = ["subject_id", "label", "reviewer", "answered_at", "why_drawn", "inclusion_probability", "confidence"]
ROWS = [
    ("007", "fraud", "ann", "2026-05-01T10:00:00.000Z", "alert", 1.0, 0.9),
    ("m2", "legitimate", "ann", "2026-05-01T10:01:00.123Z", "audit", 0.1 + 0.2, None),
    ("m3", None, "ann", "2026-05-01T10:02:00.000Z", "audit", 0.3, None),
    ("007", "legitimate", "bob", "2026-05-01T11:00:00.000Z", "alert", 1.0, None),
    ("m2", "legitimate", "bob", "2026-05-01T11:01:00.000Z", "audit", 0.1 + 0.2, 1.0),
]


def answers(rows: list[tuple[Any, ...]] | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(ROWS if rows is None else rows, columns=COLUMNS)
    return frame.assign(comment="=looks odd", model_digest="5f")


@pytest.fixture(params=["parquet", "csv"])
def labels(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return tmp_path / f"labels.{request.param}"


def saved(folder: Path, rows: list[tuple[Any, ...]] | None = None) -> Path:
    """Return a CSV file of answers, as a page saves it."""
    answers(rows).to_csv(folder / "answers.csv", index=False)
    return folder / "answers.csv"


def test_answers_become_labels(tmp_path: Path, labels: Path) -> None:
    collected = collect_answers(saved(tmp_path), labels)
    assert (collected.added, collected.known, collected.skipped, collected.has_audit) == (4, 0, 1, True)
    table = read_table(labels, "labels")
    assert table.rejected.empty
    assert table.good.columns.tolist() == [
        *("subject_id", "source", "labelled_at", "label", "confidence", "inclusion_probability", "why_drawn"),
    ]
    assert table.good["subject_id"].tolist() == ["007", "m2", "007", "m2"]
    assert table.good["source"].tolist() == ["review:ann", "review:ann", "review:bob", "review:bob"]
    assert table.good["labelled_at"][1] == pd.Timestamp("2026-05-01T10:01:00.123Z")
    assert table.good["inclusion_probability"].tolist() == [1, 0.1 + 0.2, 1, 0.1 + 0.2]
    assert table.good["confidence"].tolist()[0] == 0.9
    assert labels.stat().st_mode & 0o077 == 0


def test_a_repeat_adds_nothing(tmp_path: Path, labels: Path) -> None:
    collect_answers(saved(tmp_path), labels)
    before = labels.read_bytes()
    again = collect_answers([saved(tmp_path), answers()], labels)
    assert (again.added, again.known) == (0, 4)
    assert labels.read_bytes() == before


def test_ids_and_labels_that_look_like_formulas_are_kept(labels: Path) -> None:
    rows = [("=7", "=spam", *ROWS[0][2:]), ("+49 abc", "-ham", *ROWS[1][2:])]
    collect_answers(answers(rows), labels)
    assert collect_answers(answers(rows), labels).known == 2
    assert read_table(labels, "labels").good[["subject_id", "label"]].to_numpy().tolist() == [
        [*row[:2]] for row in rows
    ]


def test_later_answers_are_appended_and_count(tmp_path: Path, labels: Path) -> None:
    collect_answers(saved(tmp_path), labels)
    changed = ("007", "fraud", "bob", "2026-05-02T09:00:00.000Z", "alert", 1.0, None)
    collected = collect_answers(saved(tmp_path, [*ROWS, changed]), labels)
    assert (collected.added, collected.known, collected.disagreements) == (1, 4, [])
    assert len(read_table(labels, "labels").good) == 5


def test_the_rows_of_others_keep_their_cells(labels: Path) -> None:
    cells = {"subject_id": ["0010", "m2"], "label": ["1", "0"], "note": ["007", "1e3"], "source": ["bank", None]}
    own = pd.DataFrame(cells | {"labelled_at": ["2026-05-01 10:00", None]})
    if labels.suffix == ".csv":
        own.to_csv(labels, index=False)
    else:
        own.assign(labelled_at=pd.to_datetime(own["labelled_at"], utc=True)).to_parquet(labels)
    collect_answers(answers(), labels)
    table = pd.read_csv(labels, dtype=str) if labels.suffix == ".csv" else pd.read_parquet(labels)
    assert table["note"].tolist()[:2] == ["007", "1e3"]
    assert table["subject_id"].tolist() == ["0010", "m2", "007", "m2", "007", "m2"]
    assert table["note"][2:].isna().all()


def test_a_table_with_a_row_that_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    content = "subject_id,label,labelled_at\na,1,01.05.2026\n"  # which can be read in two ways
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(SchemaError, match="labelled_at"):
        collect_answers(answers(), tmp_path / "labels.csv")
    assert (tmp_path / "labels.csv").read_text() == content


def test_a_kill_before_the_new_table_is_in_place_loses_nothing(tmp_path: Path, labels: Path) -> None:
    collect_answers(answers(ROWS[:1]), labels)
    before = labels.read_bytes()
    process = multiprocessing.get_context("fork").Process(target=collect_and_die, args=(labels,))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert labels.read_bytes() == before
    assert collect_answers(answers(), labels).added == 3
    assert len(read_table(labels, "labels").good) == 4


def collect_and_die(labels: Path) -> None:
    """Collect, and die as after a kill when the new table is complete, but not yet in place."""
    _io.os.replace = lambda *_: os._exit(9)  # type: ignore[attr-defined]
    collect_answers(answers(), labels)


@pytest.mark.slow
def test_kills_at_any_time_lose_nothing_and_add_nothing_twice(tmp_path: Path, labels: Path) -> None:
    chance, batches, n_killed = random.Random(0), [batch(0, 4000), *(batch(k, 50) for k in range(1, KILLS + 1))], 0
    began = time.monotonic()
    collect_answers(batches[0], labels)
    duration, known = time.monotonic() - began, ids_in(labels)
    for k in range(1, KILLS + 1):
        offered = pd.concat(batches[: k + 1])
        process = multiprocessing.get_context("fork").Process(target=collect_answers, args=(offered, labels))
        process.start()
        if k % 2:
            wait_for_writing(tmp_path, process)
        time.sleep(chance.uniform(0, 0.01 if k % 2 else duration))
        process.kill()
        process.join()
        n_killed += process.exitcode == -signal.SIGKILL
        found = ids_in(labels)
        assert found in (known, sorted(offered["subject_id"]))
        assert found != known or process.exitcode != 0
        known = found
    everything = pd.concat(batches)
    assert collect_answers(everything, labels).added == len(everything) - len(known)
    assert collect_answers(everything, labels).added == 0
    assert ids_in(labels) == sorted(everything["subject_id"])
    assert n_killed >= max(1, KILLS // 4)  # a process may end before it is killed


def wait_for_writing(folder: Path, process: multiprocessing.process.BaseProcess) -> None:
    """Wait until a process changes a file in a folder, or has ended."""
    before = files_in(folder)
    while process.is_alive() and files_in(folder) == before:
        pass


def files_in(folder: Path) -> list[tuple[str, int, int]]:
    found = []
    for file in os.scandir(folder):
        with suppress(FileNotFoundError):
            found.append((file.name, file.stat().st_size, file.stat().st_mtime_ns))
    return sorted(found)


def batch(number: int, n: int) -> pd.DataFrame:
    return answers([(f"m{number}-{k}", "fraud", *ROWS[1][2:]) for k in range(n)])


def ids_in(labels: Path) -> list[str]:
    return sorted(read_table(labels, "labels").good["subject_id"])


def test_two_at_a_time_are_refused(tmp_path: Path, labels: Path) -> None:
    with (tmp_path / f".{labels.name}.lock").open("w") as other:
        assert _io.lock_file(other.fileno())
        with pytest.raises(BusyError, match="another process adds answers"):
            collect_answers(answers(), labels)
    assert collect_answers(answers(), labels).added == 4


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("reviewer", None, "reviewer"),
        ("answered_at", "yesterday", "answered_at"),
        ("confidence", 1.5, "expected a number from 0 to 1"),
        ("inclusion_probability", 0, "expected a number above 0"),
        ("answered_at", "2026-05-01T10:00:00Z", "2 answers contradict another one of the same person and time"),
    ],
)
def test_wrong_answers_add_nothing(tmp_path: Path, column: str, value: Any, problem: str) -> None:
    rows = [*ROWS, ("007", "spam", *ROWS[0][2:]), ("007", "spam", *ROWS[3][2:])] if "Z" in str(value) else ROWS
    frame = answers(rows)
    frame[column] = frame[column].astype(object).where(frame.index != 1, value)
    with pytest.raises(SchemaError, match=problem):
        collect_answers(frame, tmp_path / "labels.csv")
    assert not (tmp_path / "labels.csv").exists()


def test_answers_that_do_not_fit_their_draws_add_nothing(tmp_path: Path) -> None:
    draw = pd.DataFrame({"subject_id": ["007", "m2"], "why_drawn": "audit", "inclusion_probability": [1.0, 0.1 + 0.2]})
    fits = answers([row for row in ROWS if row[0] != "m3"])
    other, late = fits.assign(inclusion_probability=0.9), fits.assign(answered_at="2099-05-01T10:00:00Z")
    for rows, drawn, problem in (
        (fits, draw[:1], "2 answered records are in no draw, and 0 have another probability"),
        (other, draw, "0 answered records are in no draw, and 4 have another probability"),
        (late, draw, "times that are not in the future, 4 answers have later ones"),
    ):
        with pytest.raises(SchemaError, match=problem):
            collect_answers(rows, tmp_path / "labels.csv", drawn)
    assert not (tmp_path / "labels.csv").exists()
    assert collect_answers(fits, tmp_path / "labels.csv", [draw[:1], draw[1:]]).added == 4


def test_another_format_and_a_damaged_table_are_refused(tmp_path: Path) -> None:
    with refused(SchemaError):
        collect_answers(answers(), tmp_path / "labels.xlsx")
    (tmp_path / "labels.csv").write_text("id,label\n1,fraud\n")
    with pytest.raises(SchemaError, match="column 'subject_id' is missing"):
        collect_answers(answers(), tmp_path / "labels.csv")
    assert (tmp_path / "labels.csv").read_text() == "id,label\n1,fraud\n"
    with pytest.raises(FileExistsError, match="would overwrite"):
        collect_answers(saved(tmp_path), tmp_path / "answers.csv")


def test_every_label_has_the_inclusion_probability_of_its_record(tmp_path: Path, labels: Path) -> None:
    lacking = answers().drop(columns=["why_drawn", "inclusion_probability"])
    with refused(SchemaError):
        collect_answers(lacking, labels)
    audited = answers().assign(inclusion_probability=None)
    with pytest.raises(SchemaError, match="2 have none"):  # those of alerts are certain
        collect_answers(audited, labels)
    draw = pd.DataFrame({"subject_id": ["m2", "007"], "why_drawn": ["audit", "alert"], "text": "=1"})
    write_frame(draw.assign(inclusion_probability=[0.125, 1.0]), tmp_path / "draw.csv", exact=("subject_id",))
    assert not labels.exists()
    collect_answers(lacking, labels, tmp_path / "draw.csv")
    table = read_table(labels, "labels").good
    assert table["inclusion_probability"].tolist() == [1, 0.125, 1, 0.125]
    assert table["why_drawn"].tolist() == ["alert", "audit", "alert", "audit"]
    assert collect_answers(answers(ROWS[:2]), labels, draw).known == 2


def collected(*labels: tuple[str, str, str]) -> Collected:
    frame = pd.DataFrame(labels, columns=["subject_id", "source", "label"])
    frame = frame.assign(source="review:" + frame["source"], why_drawn="audit")
    times = pd.date_range("2026-05-01", periods=len(frame), tz="UTC")
    return Collected(frame.assign(labelled_at=times), len(frame), 0, 0)


def test_agreement_of_every_two_people() -> None:
    found = collected(
        *(("a", "ann", "x"), ("b", "ann", "y"), ("c", "ann", "y"), ("d", "ann", "x")),
        *(("a", "bob", "x"), ("b", "bob", "x"), ("c", "bob", "y"), ("d", "cid", "x"), ("b", "bob", "y")),
    )
    assert {names: one.kappa for names, one in found.agreement.items()} == {("ann", "bob"): 1.0, ("ann", "cid"): None}
    assert found.agreement["ann", "bob"].records == 3
    assert collected(("a", "ann", "x")).agreement == {}


def test_disagreements_are_the_next_draw_until_most_people_agree(tmp_path: Path) -> None:
    two = (("007", "ann", "fraud"), ("007", "bob", "ham"), ("b", "ann", "ham"), ("b", "bob", "ham"))
    assert collected(*two).disagreements == ["007"]
    assert collected(*two, ("007", "cid", "ham")).disagreements == []
    draw = pd.DataFrame({"subject_id": ["b", "007"], "why_drawn": "audit", "inclusion_probability": 0.25, "text": "=1"})
    write_frame(draw, tmp_path / "draw.csv")
    (row,) = third_opinions(collected(*two), tmp_path / "draw.csv").to_dict("records")
    assert (row["subject_id"], row["why_drawn"], float(row["inclusion_probability"])) == ("007", "disagreement", 0.25)
    with refused(SchemaError):
        third_opinions(collected(*two), draw.head(1))
