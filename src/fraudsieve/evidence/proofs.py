"""Proofs that a record is in a log, which can be checked without the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fraudsieve.exceptions import EvidenceError

from .canonical import decode_canonical, encode_canonical
from .checkpoints import Checkpoint, checkpoint_of
from .lines import inclusion_path, is_included, line_of, log_lines, read_line, root_of
from .verification import log_leaves

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
    body: dict[str, Any]
    signed_by: str | None
    # Empty if the proof is valid.
    problems: tuple[str, ...]


def prove_record(path: str | Path, index: int, checkpoint: Checkpoint | None = None) -> dict[str, Any]:
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
    log, leaves = log_leaves(path)
    size = len(leaves) if checkpoint is None else checkpoint.size
    if not 0 <= index < size or size > len(leaves):
        problem = f"expected a record from 0 to {min(size, len(leaves)) - 1}, got {index}"
        raise EvidenceError(str(path), problem, "Name a record of the log that the checkpoint covers.")
    root = root_of(leaves[:size]).hex()
    if checkpoint is not None and (checkpoint.log, checkpoint.root) != (log, root):
        raise EvidenceError(str(path), "is not the log of the checkpoint", "Verify the log first.")
    line = next(line for n, line in enumerate(log_lines(path)) if n == index)
    read = read_line(line, str(path))
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


def read_proof(path: str | Path) -> dict[str, Any] | None:
    """Read a proof from a file; None if the file is something else, such as a log."""
    lines = log_lines(path)
    line = next(lines, b"")
    if not line.startswith(b'{"body":') or next(lines, None) is not None:
        return None
    return dict(decode_canonical(line.removesuffix(b"\n"), str(path)))


def check_proof(
    proof: dict[str, Any], checkpoints: Sequence[Checkpoint] = (), *, public_key: str | None = None
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


def _checkpoint_problems(one: Checkpoint | None, proof: dict[str, Any], public_key: str | None) -> list[str]:
    if one is None:
        return [] if public_key is None else ["there is no checkpoint that the given key could have signed"]
    problems = []
    if (one.log, one.size, one.root) != (proof["log"], proof["size"], proof["root"]):
        problems.append("the checkpoint is of another log, or of another size of it")
    if (text := one.signature_problem()) is not None:
        problems.append(f"the checkpoint {text}")
    elif public_key is not None and one.public_key != public_key:
        problems.append("the checkpoint is not signed by the given key")
    return problems
