"""Scoring a file of messages: read, check, score, write, and keep what was set aside beside it."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fraudsieve.features.schema import Source, read_table, write_rejected

from .predict import CHUNK, Scorer

__all__ = ["Scored", "score_file", "score_frame"]


@dataclass(frozen=True)
class Scored:
    """What became of a file; rows in = scored + rejected.

    Parameters
    ----------
    output : Path
        The scores.
    rejected_output : Path or None
        Rows set aside with their reasons, when there were any.
    scored, rejected : int
        Rows in each.
    notes : tuple of str
        What was assumed or changed.
    """

    output: Path
    rejected_output: Path | None
    scored: int
    rejected: int
    notes: tuple[str, ...]


def score_frame(
    scorer: Scorer, messages: pd.DataFrame, progress: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """Score a frame of messages.

    Parameters
    ----------
    scorer : Scorer
        The model.
    messages : DataFrame
        With columns ``message_id`` and ``text``.
    progress : callable, default=None
        Called with the rows done and the rows in all.

    Returns
    -------
    DataFrame
        ``message_id`` and the columns of `Scorer.score_columns`, in the order of the input.
    """
    parts = []
    for start in range(0, len(messages), CHUNK):
        part = messages.iloc[start : start + CHUNK]
        scores = scorer.score_columns({"text": part["text"].tolist()})
        parts.append(pd.DataFrame({"message_id": part["message_id"].to_numpy(object), **scores}))
        if progress is not None:
            progress(start + len(part), len(messages))
    return pd.concat(parts, ignore_index=True)


def score_file(
    scorer: Scorer, source: Source, output: str | Path, progress: Callable[[int, int], None] | None = None
) -> Scored:
    """Score a file of messages into a Parquet file.

    Parameters
    ----------
    scorer : Scorer
        The model.
    source : path or DataFrame
        A table of messages.
    output : str or Path
        The Parquet file to write, whole or not at all; rejected rows go beside it, into ``<name>.rejected.parquet``.
    progress : callable, default=None
        Called with the rows done and the rows in all.

    Returns
    -------
    Scored

    Raises
    ------
    SchemaError
        When the table cannot be used.
    FileExistsError
        When the output would be written over the input.
    """
    output = Path(output)
    rejected_output = output.with_suffix(".rejected.parquet")
    if not isinstance(source, pd.DataFrame) and Path(source).resolve() in (output.resolve(), rejected_output.resolve()):
        raise FileExistsError(f"{source}: the scores would be written over their input. Name another output.")
    table = read_table(source, "messages")
    scores = score_frame(scorer, table.good, progress)
    for name in ("label", "decision", "status", "why"):
        scores[name] = scores[name].astype("str")
    output.parent.mkdir(parents=True, exist_ok=True)
    rejected_output.unlink(missing_ok=True)
    if len(table.rejected):
        write_rejected(table, rejected_output)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as staging:
        scores.to_parquet(Path(staging, output.name), index=False)
        os.replace(Path(staging, output.name), output)
    return Scored(
        output, rejected_output if len(table.rejected) else None, len(scores), len(table.rejected), table.notes
    )
