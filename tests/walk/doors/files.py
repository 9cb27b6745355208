"""Scores in files: ``predict`` to every format."""

import json

from tests.walk.scores import Scores, read_scores, with_all_digits
from tests.walk.walk import Walk

__all__ = ["as_one_table", "to_csv", "to_json_lines", "to_parquet", "to_workbook", "with_themselves"]


def to_parquet(walk: Walk) -> Scores:
    """Return the reference: every record is scored or rejected, and at least half of them are scored."""
    scores = walk.reference
    assert (scores["status"] != "unscorable").mean() >= 0.5
    assert len(set(scores["probability"])) > 1 or scores["probability"].isna().all()
    return scores


def to_csv(walk: Walk) -> Scores:
    """Score to CSV, which has all digits."""
    output = walk.outputs / "scores.csv"
    walk.predict(output).succeeded()
    return read_scores(output, len(walk.files.records))


def to_workbook(walk: Walk) -> Scores:
    """Score to a workbook, which has the digits of Excel."""
    output = walk.outputs / "scores.xlsx"
    walk.predict(output).succeeded()
    return with_all_digits(read_scores(output, len(walk.files.records)), walk.reference)


def to_json_lines(walk: Walk) -> Scores:
    """Score to JSON Lines, with evidence, which changes no score."""
    return read_scores(walk.recorded[0], len(walk.files.records))


def as_one_table(walk: Walk) -> Scores:
    """Score the history and the new records as one table, without ``--history``."""
    rows = [*walk.files.events, *walk.files.records]
    theirs = walk.files.names
    lines = [json.dumps({theirs.get(name, name): value for name, value in row.items()}) for row in rows]
    table, output = walk.outputs / "all.jsonl", walk.outputs / "all-scores.parquet"
    table.write_text("\n".join(lines), "utf-8")
    walk.run(
        "predict", "--model", walk.model, f"--{walk.rows}", table, *walk.files.options, "--output", output
    ).succeeded()
    return read_scores(output, len(rows)).tail(len(walk.files.records)).reset_index(drop=True)


def with_themselves(walk: Walk) -> Scores:
    """Score with the new records in the history too, which changes nothing: each of them counts once."""
    output = walk.outputs / "both-scores.parquet"
    walk.predict(output, "--history", walk.files.new).succeeded()
    return read_scores(output, len(walk.files.records))
