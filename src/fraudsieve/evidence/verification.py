"""Checks of an evidence log: which records were changed, dropped, moved or repeated, or are missing at the end.

Proofs that a record is in a log, which can be checked without the log.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import EvidenceError

from .canonical import decode_canonical, encode_canonical
from .checkpoints import (
    NO_RECORD,
    Checkpoint,
    Frontier,
    Line,
    checkpoint_of,
    inclusion_path,
    is_included,
    line_of,
    log_lines,
    read_line,
    root_of,
    signers,
)
from .log import clock

WITHOUT_CHECKPOINT: Final = (
    "no checkpoint was given: anyone who can write to the file could have rewritten all of it, or cut off its end"
)


@dataclass(frozen=True)
class Problem:
    """A problem in a log."""

    kind: str
    records: tuple[int, int]
    text: str


@dataclass(frozen=True)
class EvidenceCheck:
    """The result of checking a log.

    Parameters
    ----------
    path : Path
        The log.
    log : str
        Its id; empty if no line could be read.
    size : int
        Number of records.
    root : str or None
        Root of the Merkle tree; None if there are problems in the log itself.
    problems : tuple of Problem
        Empty if nothing is wrong.
    checkpoints : int
        Number of checkpoints with which the log was compared.
    signed_by : tuple of str
        Public keys of their signatures, hexadecimal.
    notes : tuple of str
        Limits of the check.
    """

    path: Path
    log: str
    size: int
    root: str | None
    problems: tuple[Problem, ...]
    checkpoints: int
    signed_by: tuple[str, ...]
    notes: tuple[str, ...]


def verify_log(
    path: str | Path, checkpoints: Sequence[Checkpoint] = (), *, public_key: str | None = None
) -> EvidenceCheck:
    """Check that nothing in a log was changed. With checkpoints, also check that nothing was cut off or rewritten.

    Parameters
    ----------
    path : str or Path
        The log.
    checkpoints : sequence of Checkpoint, default=()
        Checkpoints that were kept elsewhere, from `read_checkpoints`.
    public_key : str, default=None
        The key that must have signed the checkpoints, from `read_public_key`; None to accept any.

    Returns
    -------
    EvidenceCheck
        The result; its `problems` are empty if nothing is wrong.

    Raises
    ------
    EvidenceError
        If the file cannot be read, or a signature is to be checked and cryptography is not installed.

    Examples
    --------
    >>> from fraudsieve.evidence.log import EvidenceLog
    >>> path = getfixture("tmp_path") / "evidence.jsonl"
    >>> with EvidenceLog(path) as log:
    ...     kept = log.checkpoint()
    >>> verify_log(path, [kept]).problems
    ()
    """
    lines, log = _read(path)
    good = [line for line in lines if line is not None and line.log == log]
    problems = [*_foreign(lines, log), *_order(good), *_gaps(lines, log), *_chain(good)]
    if not lines:  # a log begins with a record of its settings
        problems.append(Problem("missing", (0, 0), "the file has no records: it is not a log, or all were removed"))
    by_index = {line.index: line.leaf for line in good}
    size = max([*by_index, -1]) + 1
    root = None
    if not problems:
        roots = _roots([by_index[n] for n in range(size)], {one.size for one in checkpoints} | {size})
        root, problems = roots[size].hex(), _compare(checkpoints, log, size, roots)
    else:
        problems += [problem for one in checkpoints if (problem := _beyond(one, log, size))]
    problems += _signatures(checkpoints, public_key)
    notes = [] if checkpoints else [WITHOUT_CHECKPOINT]
    if public_key is None and signers(checkpoints):
        notes.append("no public key was given: compare the one below with that of your organisation")
    if checkpoints and max(one.size for one in checkpoints) < size:
        notes.append(f"records from {max(one.size for one in checkpoints)} on are later than the last checkpoint")
    return EvidenceCheck(
        Path(path), log, size, root, tuple(problems), len(checkpoints), signers(checkpoints), tuple(notes)
    )


def checkpoint_log(path: str | Path) -> Checkpoint:
    """Return a checkpoint of the current log, in which nothing is wrong."""
    check = verify_log(path)
    if check.root is None:
        raise EvidenceError(str(path), check.problems[0].text, "Verify the log first.")
    return Checkpoint(check.log, check.size, check.root, clock())


def _read(path: str | Path) -> tuple[list[Line | None], str]:
    """Return the lines, None for one that cannot be read, and the id that most of them have."""
    lines: list[Line | None] = []
    for line in log_lines(path):
        try:
            lines.append(replace(read_line(line, str(path)), body={}))  # bodies would fill the memory
        except EvidenceError:
            lines.append(None)
    ids = Counter(line.log for line in lines if line is not None)
    return lines, ids.most_common(1)[0][0] if ids else ""


def _foreign(lines: Iterable[Line | None], log: str) -> list[Problem]:
    indices = sorted({line.index for line in lines if line is not None and line.log != log})
    return [Problem("foreign", (n, n), f"a record {n} is of another log") for n in indices]


def _order(lines: Sequence[Line]) -> list[Problem]:
    """Return the records that occur more than once, or after a later one."""
    problems, seen, newest = [], dict[int, bytes](), -1
    for line in lines:
        n = line.index
        if n in seen:
            is_same = seen[n] == line.leaf
            text = f"record {n} occurs twice" + ("" if is_same else ", with different contents")
            problems.append(Problem("repeated" if is_same else "changed", (n, n), text))
        elif n < newest:
            problems.append(Problem("moved", (n, n), f"record {n} is after record {newest}"))
        seen.setdefault(n, line.leaf)
        newest = max(newest, n)
    return problems


def _gaps(lines: Sequence[Line | None], log: str) -> list[Problem]:
    """Return the records that are missing or cannot be read, by the records around them."""
    there = sorted({line.index for line in lines if line is not None and line.log == log})
    problems, before, unreadable = [], -1, 0
    for line in [*lines, None]:
        if line is None:
            unreadable += 1
            continue
        if line.log != log or line.index <= before:
            continue
        problems += _gap(before, line.index, unreadable, there)
        before, unreadable = line.index, 0
    unreadable -= 1  # the one that was added
    if unreadable:
        problems.append(_unreadable(before + 1, before + unreadable))
    return problems


def _gap(before: int, after: int, unreadable: int, there: Sequence[int]) -> list[Problem]:
    """Return what is wrong between two records: lines that cannot be read count as the first absent ones."""
    absent = _absent(before, after, there)
    if unreadable and not absent:
        place = f"before record {after}" if before < 0 else f"between records {before} and {after}"
        return [Problem("foreign", (max(before, 0), after), f"a line {place} is not a record")]
    problems = []
    for first, last in absent:
        n = min(unreadable, last - first + 1)
        if n:
            problems.append(_unreadable(first, first + n - 1))
        if first + n <= last:
            problems.append(Problem("missing", (first + n, last), f"{_named(first + n, last)} missing"))
        unreadable -= n
    return problems


def _absent(before: int, after: int, there: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last number of each gap between two numbers; a forged one can be as large as 2^53."""
    within = there[bisect_right(there, before) : bisect_left(there, after)]
    return [(a + 1, b - 1) for a, b in pairwise([before, *within, after]) if b - a > 1]


def _unreadable(first: int, last: int) -> Problem:
    return Problem("changed", (first, last), f"{_named(first, last)} changed: the digest is of other content")


def _named(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"


def _chain(lines: Sequence[Line]) -> list[Problem]:
    """Return the records whose digest the next record does not contain: they were changed, with a matching digest."""
    by_index = {line.index: line for line in lines}
    problems = []
    for n, line in by_index.items():
        before = NO_RECORD if n == 0 else (by_index[n - 1].leaf if n - 1 in by_index else None)
        if before is None or before == line.previous:
            continue
        after = by_index.get(n + 1)
        first = last = n
        if n and after is None:  # it is unknown which of the two is unchanged
            first = n - 1
        elif n and after is not None and after.previous == line.leaf:  # this one is, so the one before it is not
            first = last = n - 1
        text = f"{_named(first, last)} changed: the chain of digests breaks there"
        problems.append(Problem("changed", (first, last), text))
    return problems


def _roots(leaves: Sequence[bytes], sizes: set[int]) -> dict[int, bytes]:
    frontier, roots = Frontier(), {}
    for leaf in [*leaves, b""]:
        if frontier.size in sizes:
            roots[frontier.size] = frontier.root
        frontier.append(leaf)
    return roots


def _compare(checkpoints: Sequence[Checkpoint], log: str, size: int, roots: dict[int, bytes]) -> list[Problem]:
    """Return the checkpoints that do not match the log, with the records that they concern."""
    problems, sound = [], 0
    for one in sorted(checkpoints, key=lambda one: one.size):
        problem = _beyond(one, log, size)
        if problem is None and roots[one.size].hex() != one.root:
            last = max(one.size - 1, sound)
            text = f"{_named(sound, last)} not the same as at the checkpoint of {one.time}"
            problem = Problem("rewritten", (sound, last), text)
        if problem is None:
            sound = one.size
        else:
            problems.append(problem)
    return problems


def _beyond(one: Checkpoint, log: str, size: int) -> Problem | None:
    if one.log != log:
        return Problem("checkpoint", (0, max(one.size - 1, 0)), f"the checkpoint of {one.time} is of another log")
    if one.size > size:
        text = f"{_named(size, one.size - 1)} missing since the checkpoint of {one.time}"
        return Problem("missing", (size, one.size - 1), text)
    return None


def _signatures(checkpoints: Sequence[Checkpoint], public_key: str | None) -> list[Problem]:
    problems = []
    for one in checkpoints:
        if (text := _signature_problem(one, public_key)) is not None:
            place = (0, max(one.size - 1, 0))
            problems.append(Problem("checkpoint", place, f"the checkpoint of {one.time} {text}"))
    return problems


def _signature_problem(one: Checkpoint, public_key: str | None) -> str | None:
    is_other = public_key not in (None, one.public_key)
    return one.signature_problem() or ("is not signed by the given key" if is_other else None)


FORMAT: Final = 1


@dataclass(frozen=True)
class ProofCheck:
    """The result of checking a proof."""

    log: str
    index: int
    # Number of records of the log that the proof covers.
    size: int
    # Root of the tree over them, hexadecimal. Compare it with one that was kept elsewhere, unless it is signed.
    root: str
    body: JsonObject
    signed_by: str | None
    # Empty if the proof is valid.
    problems: tuple[str, ...]


def prove_record(path: str | Path, index: int, checkpoint: Checkpoint | None = None) -> JsonObject:
    """Return the proof that a record is in a log.

    Parameters
    ----------
    path : str or Path
        The log.
    index : int
        The record.
    checkpoint : Checkpoint, default=None
        The checkpoint that the proof refers to, with at least index + 1 records; None for the current log, which
        proves nothing until its root is compared with one that was kept elsewhere.

    Returns
    -------
    dict
        In the types of canonical JSON.

    Raises
    ------
    EvidenceError
        If anything in the log is wrong, it has no such record, or the checkpoint is of another log.
    """
    log = checkpoint_log(path).log
    leaves = [read_line(line, str(path)).leaf for line in log_lines(path)]
    size = len(leaves) if checkpoint is None else checkpoint.size
    if not 0 <= index < size or size > len(leaves):
        problem = f"expected a record from 0 to {min(size, len(leaves)) - 1}, got {index}"
        raise EvidenceError(str(path), problem, "Name a record of the log that the checkpoint covers.")
    root = root_of(leaves[:size]).hex()
    if checkpoint is not None and (checkpoint.log, checkpoint.root) != (log, root):
        raise EvidenceError(str(path), "is not the log of the checkpoint", "Verify the log first.")
    read = read_line(next(islice(log_lines(path), index, None)), str(path))
    return {
        "kind": "proof",
        "format": FORMAT,
        "log": log,
        "index": index,
        "previous": read.previous.hex(),
        "body": read.body,
        "size": size,
        "root": root,
        "path": [digest.hex() for digest in inclusion_path(leaves[:size], index)],
        "checkpoint": None if checkpoint is None else checkpoint.to_dict(),
    }


def read_proof(path: str | Path) -> JsonObject | None:
    """Read a proof from a file; None if the file is something else, such as a log."""
    lines = log_lines(path)
    line = next(lines, b"")
    if not line.startswith(b'{"body":') or next(lines, None) is not None:
        return None
    return dict(decode_canonical(line.removesuffix(b"\n"), str(path)))


def check_proof(
    proof: JsonObject, checkpoints: Sequence[Checkpoint] = (), *, public_key: str | None = None
) -> ProofCheck:
    """Check a proof, without the log.

    Parameters
    ----------
    proof : dict
        From `prove_record`, or `decode_canonical` of its text.
    checkpoints : sequence of Checkpoint, default=()
        Checkpoints that were kept elsewhere, from `read_checkpoints`. One of them must have the root of the proof.
    public_key : str, default=None
        The key that must have signed its checkpoint, from `read_public_key`; None for any.

    Returns
    -------
    ProofCheck
        The record, and what is wrong with the proof.

    Raises
    ------
    EvidenceError
        If it is not a proof.
    """
    try:
        if proof["kind"] != "proof" or proof["format"] != FORMAT:
            raise ValueError
        body = encode_canonical(proof["body"])
        _, leaf = line_of(body, proof["log"], proof["index"], bytes.fromhex(proof["previous"]))
        path, root = [bytes.fromhex(digest) for digest in proof["path"]], bytes.fromhex(proof["root"])
        holds = is_included(leaf, proof["index"], proof["size"], path, root)
        named = {name: proof[name] for name in ("log", "index", "size", "root", "body")}
        checkpoint = None if proof["checkpoint"] is None else checkpoint_of(proof["checkpoint"], "proof")
    except (KeyError, TypeError, ValueError, AttributeError):
        fix = "Name a file that fraudsieve evidence prove wrote."
        raise EvidenceError("proof", f"is not a proof of format {FORMAT}", fix) from None
    problems = [] if holds else ["the record is not in a log with this root"]
    problems += _checkpoint_problems(checkpoint, proof, public_key)
    roots = {one.root for one in checkpoints if (one.log, one.size) == (proof["log"], proof["size"])}
    if checkpoints and not roots:
        problems.append(f"none of the {len(checkpoints)} checkpoints is of this log at {proof['size']} records")
    elif checkpoints and roots != {proof["root"]}:
        problems.append("the root differs from that of the checkpoint that was kept")
    return ProofCheck(
        **named, signed_by=None if checkpoint is None else checkpoint.public_key, problems=tuple(problems)
    )


def _checkpoint_problems(one: Checkpoint | None, proof: JsonObject, public_key: str | None) -> list[str]:
    if one is None:
        return [] if public_key is None else ["there is no checkpoint that the given key could have signed"]
    problems = []
    if (one.log, one.size, one.root) != (proof["log"], proof["size"], proof["root"]):
        problems.append("the checkpoint is of another log, or of another size of it")
    if (text := _signature_problem(one, public_key)) is not None:
        problems.append(f"the checkpoint {text}")
    return problems
