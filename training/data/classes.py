"""The classes that labels give: enough of them, of enough rows, and the legitimate one among them."""

import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.arrays import MAX_CLASSES, MAX_NAME
from fraudsieve.tables.label_values import AUTO
from fraudsieve.tables.source import Source, origin_of
from fraudsieve.tables.values.label_words import NONE
from fraudsieve.training.recipe.data import DataRecipe

from .labelled import FEW_ROWS_OF_LABEL, LabelledData, nearest_label

ASSUME = (
    'If records that nobody labels for long are legitimate, set legitimate_after = "60d" in the section [labels] of a '
    "recipe, or --legitimate-after 60d"
)
MIN_FRAUDS = 2
"""The fewest frauds that a model learns from."""
MAX_SHOWN = 5
"""Labels and reasons that a message names."""


def check_classes(data: LabelledData, source: Source, recipe: DataRecipe) -> None:
    """Check that there are classes to separate, and frauds to learn from."""
    counts, legitimate = data.rows["label"].value_counts(), recipe.legitimate
    if len(counts) < 2:
        had = ", ".join(f"{name!r} ({n:,})" for name, n in counts.items()) or "none"
        problem = f"expected at least 2 classes of {recipe.min_label_rows} rows or more, got {len(counts)}: {had}"
        raise SchemaError(origin_of(source), problem + _causes(data), _fix(data))
    if data.legitimate in counts and len(data.rows) - counts[data.legitimate] < MIN_FRAUDS:
        problem = f"expected at least {MIN_FRAUDS} frauds, got 1 beside {counts[data.legitimate]:,} legitimate rows"
        raise SchemaError(origin_of(source), problem + _causes(data), _fix(data))
    _check_bounds(counts.index, source)
    if legitimate == AUTO and data.legitimate not in counts:
        named = ", ".join(f"{name!r} ({n:,})" for name, n in counts.head(4 * MAX_SHOWN).items())
        problem = f"no label is read as legitimate, the labels are {named}" + _causes(data)
        fix = f"Name the label of legitimate records with --legitimate, or train types only with --legitimate {NONE}."
        fix = f"{fix} {ASSUME}." if data.n_unlabelled and data.assumed_after is None else fix
        raise SchemaError(origin_of(source), problem, fix)
    if legitimate not in (AUTO, NONE, *counts.index):
        meant = nearest_label(legitimate, counts.index)
        names = ", ".join(repr(name) for name in sorted(counts.index)[: 4 * MAX_SHOWN])
        raise SchemaError(
            origin_of(source),
            f"--legitimate: expected one of the labels {names}, got {legitimate!r}",
            "Omit it to detect the label." if meant is None else f"Did you mean {meant!r}?",
        )


def _check_bounds(labels: pd.Index, source: Source) -> None:
    """Check that a model with these classes can be written."""
    longest = max(map(len, labels))
    if len(labels) > MAX_CLASSES:
        problem = f"label: expected at most {MAX_CLASSES} different labels, got {len(labels):,}"
        raise SchemaError(origin_of(source), problem, "Merge labels, or give the column that holds classes.")
    if longest > MAX_NAME:
        problem = f"label: expected labels of at most {MAX_NAME} characters, got one of {longest:,}"
        raise SchemaError(origin_of(source), problem, "Shorten it, or give the column that holds classes.")


def _fix(data: LabelledData) -> str:
    """Say what to do if there are fewer than two classes."""
    if data.assumed_after is not None:
        of_accounts = " with as_of" if data.subject.is_account else ""
        return (
            f"Give older {data.subject}s{of_accounts}, or a shorter legitimate_after: a {data.subject} counts as "
            "legitimate if the data go on for so long after it without a label."
        )
    if not data.n_unlabelled:
        rare = len(data.rejected) and data.rejected["reason"].str.startswith(FEW_ROWS_OF_LABEL).any()
        return f"Give more labels{', or a smaller min_label_rows in the section [data] of a recipe' if rare else ''}."
    return f"Label legitimate records too: a record without a label is not taken as legitimate. {ASSUME}."


def _causes(data: LabelledData) -> str:
    """Describe why rows are missing: those that were rejected, by reason, and those without a label."""
    rejected = data.rejected
    causes = [] if not data.n_unlabelled else [f"{data.n_unlabelled:,} rows have no label"]
    if len(data.young):
        causes.append(f"{len(data.young):,} rows with a label are younger than legitimate_after")
    if len(rejected):
        texts = rejected["column"].fillna("") + ": " + rejected["reason"]
        reasons = texts.str.removeprefix(": ").value_counts().head(MAX_SHOWN)
        named = ", ".join(f"{reason} ({n:,})" for reason, n in reasons.items())
        causes.append(f"{len(rejected):,} {'row is' if len(rejected) == 1 else 'rows are'} rejected: {named}")
    return "".join(f"; {cause}" for cause in causes)
