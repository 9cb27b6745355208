"""The check of a log: whatever is done to it is found, and named."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.evidence.checkpoints import NO_RECORD, Checkpoint, line_of, read_line
from fraudsieve.evidence.verification import WITHOUT_CHECKPOINT, checkpoint_log, prove_record, verify_log
from fraudsieve.exceptions import EvidenceError
from tests.evidence.logs import kinds, lines_of, write_log

N = 7
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(tmp_path: Path) -> tuple[Checkpoint, list[bytes]]:
    """Write a log of N records, and return its checkpoint and its lines."""
    (tmp_path / "log").unlink(missing_ok=True)
    return write_log(tmp_path / "log", N), lines_of(tmp_path / "log")


def changed(tmp_path: Path, lines: list[bytes]) -> Path:
    path = tmp_path / "changed.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def rewritten(lines: list[bytes], start: int) -> list[bytes]:
    """Change a record and write all later ones anew, as somebody could who knows the format."""
    new, previous = lines[:start], read_line(lines[start - 1], "log").leaf
    for index, line in enumerate(lines[start:], start):
        body = read_line(line, "log").body | {"added": "later"}
        written, previous = line_of(encode_canonical(body), read_line(line, "log").log, index, previous)
        new.append(written)
    return new


def test_a_log_as_it_was_written(tmp_path: Path) -> None:
    kept = write_log(tmp_path / "log", N)
    check = verify_log(tmp_path / "log", [kept])
    assert (check.log, check.size, check.root, check.problems, check.notes) == (kept.log, N, kept.root, (), ())
    assert verify_log(tmp_path / "log").notes == (WITHOUT_CHECKPOINT,)
    assert checkpoint_log(tmp_path / "log").root == kept.root


@in_one_folder
@given(st.data())
def test_a_flipped_bit_is_found_and_named(tmp_path: Path, data: st.DataObject) -> None:
    lines = written(tmp_path)[1]
    index = data.draw(st.integers(0, N - 1))
    line = bytearray(lines[index])
    position, bit = data.draw(st.integers(0, len(line) - 1)), data.draw(st.integers(0, 7))
    line[position] ^= 1 << bit
    lines[index] = bytes(line)
    first, last = verify_log(changed(tmp_path, lines)).problems[0].records
    assert first <= index <= last


@pytest.mark.parametrize("index", range(N))
def test_a_flipped_byte_that_ends_a_line(tmp_path: Path, index: int) -> None:
    lines = written(tmp_path)[1]
    lines[index] = lines[index][:-1] + b"x"
    problems = verify_log(changed(tmp_path, lines)).problems
    # The next line is joined to it. That of the last record is a tail, which only a checkpoint would miss.
    expected = {index, index + 1} if index < N - 2 else {index}
    assert {n for one in problems for n in range(one.records[0], one.records[1] + 1)} == expected


@in_one_folder
@given(st.sets(st.integers(0, N - 1), min_size=1, max_size=N - 1))
def test_dropped_records_are_found_and_named(tmp_path: Path, dropped: set[int]) -> None:
    kept, lines = written(tmp_path)
    lines = [line for n, line in enumerate(lines) if n not in dropped]
    problems = verify_log(changed(tmp_path, lines), [kept]).problems
    assert {one.kind for one in problems} == {"missing"}
    assert {n for one in problems for n in range(one.records[0], one.records[1] + 1)} == dropped


@in_one_folder
@given(st.permutations(range(N)).filter(lambda order: order != sorted(order)))
def test_moved_records_are_found_and_named(tmp_path: Path, order: list[int]) -> None:
    lines = written(tmp_path)[1]
    problems = verify_log(changed(tmp_path, [lines[n] for n in order])).problems
    newest = [max(order[: place + 1]) for place in range(N)]
    assert kinds(problems) == [("moved", (n, n)) for n, most in zip(order, newest, strict=True) if n < most]


@pytest.mark.parametrize("index", range(N))
@pytest.mark.parametrize("place", range(N + 1))
def test_a_repeated_record_is_found_and_named(tmp_path: Path, index: int, place: int) -> None:
    lines = written(tmp_path)[1]
    lines.insert(place, lines[index])
    assert ("repeated", (index, index)) in kinds(verify_log(changed(tmp_path, lines)).problems)


@pytest.mark.parametrize("index", range(N))
def test_a_record_that_was_changed_with_its_digest_breaks_the_chain(tmp_path: Path, index: int) -> None:
    kept, lines = written(tmp_path)
    old = read_line(lines[index], "log")
    lines[index], _ = line_of(b'{"kind":"other"}', old.log, index, old.previous)
    problems = verify_log(changed(tmp_path, lines), [kept]).problems
    # Nothing says which of the last two is as it was written, and nothing is chained to the last one.
    expected = {N - 2: ("changed", (N - 2, N - 1)), N - 1: ("rewritten", (0, N - 1))}
    assert kinds(problems) == [expected.get(index, ("changed", (index, index)))]


def test_a_log_written_anew_shows_in_the_checkpoints(tmp_path: Path) -> None:
    first = write_log(tmp_path / "log", N)
    second = write_log(tmp_path / "log", N)  # continues it
    path = changed(tmp_path, rewritten(lines_of(tmp_path / "log"), N + 2))
    assert verify_log(path).problems == ()
    assert kinds(verify_log(path, [second, first]).problems) == [("rewritten", (N, 2 * N - 1))]


def test_a_cut_end_shows_in_a_checkpoint(tmp_path: Path) -> None:
    kept, lines = written(tmp_path)
    path = changed(tmp_path, lines[:-2])
    assert verify_log(path).problems == ()
    (problem,) = verify_log(path, [kept]).problems
    assert (problem.kind, problem.records) == ("missing", (N - 2, N - 1))
    assert "missing since the checkpoint" in problem.text


def test_records_of_another_log_and_other_lines(tmp_path: Path) -> None:
    write_log(tmp_path / "log", N)
    other = write_log(tmp_path / "other", 2)
    lines = lines_of(tmp_path / "log")
    path = changed(tmp_path, [*lines[:3], lines_of(tmp_path / "other")[1], *lines[3:]])
    assert kinds(verify_log(path).problems) == [("foreign", (1, 1))]
    path = changed(tmp_path, [*lines[:3], b"something\n", *lines[3:]])
    assert kinds(verify_log(path).problems) == [("foreign", (2, 3))]
    path = changed(tmp_path, [*lines, lines[-1][:50]])
    assert kinds(verify_log(path).problems) == [("changed", (N, N))]
    assert kinds(verify_log(tmp_path / "log", [other]).problems) == [("checkpoint", (0, 1))]


@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize("index", [-1, -5])
def test_a_forged_record_before_the_first_is_found(tmp_path: Path, index: int, place: int) -> None:
    kept, lines = written(tmp_path)
    forged, _ = line_of(b'{"kind":"lead","lead":"FORGED"}', kept.log, index, NO_RECORD)
    path = changed(tmp_path, [*lines[:place], forged, *lines[place:]])
    (problem,) = verify_log(path, [kept]).problems
    assert (problem.kind, problem.records) == ("foreign", (max(place - 1, 0), place))
    where = f"between records {place - 1} and {place}" if place else "before record 0"
    assert problem.text == f"a line {where} is not a record"
    with pytest.raises(EvidenceError, match="is not a record"):
        checkpoint_log(path)


@pytest.mark.parametrize("index", [N + 3, 2**40, 2**53])
def test_a_record_far_beyond_the_end_is_a_named_gap(tmp_path: Path, index: int) -> None:
    kept = write_log(tmp_path / "log", N)
    forged, _ = line_of(b'{"kind":"other"}', kept.log, index, NO_RECORD)
    path = changed(tmp_path, [*lines_of(tmp_path / "log"), forged])
    assert kinds(verify_log(path, [kept]).problems) == [("missing", (N, index - 1))]
    path = changed(tmp_path, [*lines_of(tmp_path / "log"), b"something\n", forged])
    expected = [("changed", (N, N)), ("missing", (N + 1, index - 1))]
    assert kinds(verify_log(path, [kept]).problems) == expected


def test_a_line_that_cannot_be_read_stands_for_one_record(tmp_path: Path) -> None:
    lines = written(tmp_path)[1]
    path = changed(tmp_path, [lines[0], b"something\n", lines[4], lines[2], *lines[5:]])
    assert kinds(verify_log(path).problems) == [("moved", (2, 2)), ("changed", (1, 1)), ("missing", (3, 3))]


@in_one_folder
@given(st.lists(st.one_of(st.integers(0, N - 1), st.none()), max_size=2 * N).filter(lambda rows: rows != [*range(N)]))
def test_no_other_arrangement_of_the_lines_passes(tmp_path: Path, rows: list[int | None]) -> None:
    lines = written(tmp_path)[1]
    check = verify_log(changed(tmp_path, [b"x\n" if n is None else lines[n] for n in rows]))
    assert check.problems or rows == [*range(len(rows))]
    named = {n for one in check.problems for n in range(one.records[0], one.records[1] + 1)}
    assert {n for n in range(max([-1, *(n for n in rows if n is not None)])) if n not in rows} <= named


def test_proofs_and_checkpoints_of_a_damaged_log_are_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, written(tmp_path)[1][1:])
    for action in (partial(prove_record, index=0), checkpoint_log):
        with pytest.raises(EvidenceError, match="record 0 is missing"):
            action(path)
    with pytest.raises(EvidenceError, match="cannot be read"):
        verify_log(tmp_path / "none")
    path.write_bytes(b"")
    with pytest.raises(EvidenceError, match="has no records"):
        checkpoint_log(path)
