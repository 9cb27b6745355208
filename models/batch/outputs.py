"""The files of a scored table: scores, with columns of the input beside them, and rejected rows, in one format."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fraudsieve._io import check_not_an_input, check_output_file
from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.predict import Scorer
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.models.scoring.score_fields import NAMES, PREFIXES
from fraudsieve.models.unlike_training.expected_shares import UnusualShare
from fraudsieve.tables.formats.output import check_output_format, publish


@dataclass(frozen=True)
class RuleCount:
    """The number of records that a rule decided, and in how many of them it overrode the model."""

    id: str
    action: str
    reason: str
    records: int
    changed: int
    expired: bool


def match_table(rules: RuleSet | None, records: pd.DataFrame) -> Array | None:
    """Return the rule that decides each record, as `RuleSet.match` does; None without rules."""
    if rules is None:
        return None
    return rules.match({name: records[name].tolist() for name in rules.fields if name in records}, len(records))


def count_rules(rules: RuleSet | None, scores: pd.DataFrame) -> tuple[RuleCount, ...]:
    """Return how many of the scored records each rule decided, in the order of the rules."""
    if rules is None:
        return ()
    by_rule = np.zeros((len(rules), 2), np.int64)
    if len(scores):
        names = [rule.id for rule in rules.rules]
        position = pd.Categorical(scores["rule"], names).codes
        changed = (scores["decision"].astype(object) != scores["model_decision"].astype(object)).to_numpy()
        by_rule[:, 0] = np.bincount(position[position >= 0], minlength=len(rules))
        by_rule[:, 1] = np.bincount(position[(position >= 0) & changed], minlength=len(rules))
    expired = rules.expired()
    return tuple(
        RuleCount(rule.id, rule.action, rule.reason, int(records), int(changed), rule.id in expired)
        for rule, (records, changed) in zip(rules.rules, by_rule, strict=True)
    )


def add_rules(counts: Sequence[RuleCount], more: Sequence[RuleCount]) -> tuple[RuleCount, ...]:
    """Add the counts of two parts of the records."""
    return tuple(
        replace(one, records=one.records + other.records, changed=one.changed + other.changed)
        for one, other in zip(counts, more, strict=True)
    )


@dataclass(frozen=True)
class ScoringResult:
    """The result of scoring a file. Every input row is scored or rejected.

    Parameters
    ----------
    output : Path
        File of the scores.
    rejected_output : Path or None
        File of the rejected rows with reasons, if there are any.
    scored, rejected : int
        Number of rows in each.
    notes : tuple of str
        Assumptions and changes.
    rules : tuple of RuleCount, default=()
        The number of records that each rule decided.
    unusual_shares : tuple of UnusualShare, default=()
        The shares of the records that show other traffic than that of training: see `unusual_shares`.
    """

    output: Path
    rejected_output: Path | None
    scored: int
    rejected: int
    notes: tuple[str, ...]
    rules: tuple[RuleCount, ...] = ()
    unusual_shares: tuple[UnusualShare, ...] = ()


@dataclass(frozen=True)
class ScoreFiles:
    """The files that a table is scored to."""

    # The file of the scores; its extension sets the format of both.
    scores: Path
    # Columns of the input beside the scores. Only the owner can read the file then.
    keep: tuple[str, ...]
    # Columns that are written as they are, so that the scores can be joined.
    ids: tuple[str, ...]

    @classmethod
    def of(cls, scorer: Scorer, output: str | Path, keep: Sequence[str]) -> "ScoreFiles":
        """Return the files for the scores of a model."""
        keep = (keep,) if isinstance(keep, str) else tuple(dict.fromkeys(keep))
        ids = scorer.model.subject.ids
        for name in keep:
            if name in NAMES or name in ids or name.startswith(PREFIXES):
                problem = f"expected columns that the scores do not have, got {name!r}"
                fix = "It is written in any case." if name in ids else "Give it another name in the input."
                raise SchemaError("--keep", problem, fix)
        return cls(Path(output), keep, ids)

    @property
    def rejected(self) -> Path:
        """The file of the rejected rows."""
        return self.scores.with_suffix(f".rejected{self.scores.suffix}")

    def check(self, *inputs: Path | None) -> None:
        """Check, before any work, that both files can be written, are none of the inputs, and have a known format."""
        for path in (self.scores, self.rejected):
            check_not_an_input(path, *inputs)
            check_output_file(path)
        check_output_format(self.scores)

    def publish(self, scores: Path, rejected: Path | None) -> tuple[str, ...]:
        """Move finished Parquet files to their places, in the format of the output; return notes."""
        notes: tuple[str, ...] = ()
        if rejected is None:
            self.rejected.unlink(missing_ok=True)
        else:
            notes = publish(rejected, self.rejected, private=True)
        return notes + publish(scores, self.scores, private=bool(self.keep), exact=self.ids)


def with_kept(scores: pd.DataFrame, kept: pd.DataFrame | None) -> pd.DataFrame:
    """Return scores with columns of the input after their ids."""
    if kept is None:
        return scores
    n_ids = scores.columns.get_loc("probability")
    return pd.concat([scores.iloc[:, :n_ids], kept, scores.iloc[:, n_ids:]], axis=1)
