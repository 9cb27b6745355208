"""Validation of LightGBM's text format of a booster, before LightGBM reads it.

LightGBM trusts its text: an index out of range or a missing field ends the process, and a cycle of splits never ends.
The validation reads every array of every tree, so that LightGBM can evaluate what it accepts.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from fraudsieve._typing import Array

if TYPE_CHECKING:
    from lightgbm import Booster

SPLIT_ARRAYS: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
WHOLE: Final = frozenset(
    ("split_feature", "decision_type", "left_child", "right_child", "internal_count", "leaf_count")
)
FURTHER_SPLIT_ARRAYS: Final = ("split_gain", "internal_value", "internal_weight", "internal_count")
FURTHER_LEAF_ARRAYS: Final = ("leaf_weight", "leaf_count")
"""Scores do not depend on them, but LightGBM ends the process if one is missing; reasons depend on the counts."""
FURTHER_ARRAYS: Final = frozenset((*FURTHER_SPLIT_ARRAYS, *FURTHER_LEAF_ARRAYS))
DECISIONS: Final = (0, 2, 4, 6, 8, 10)
"""Numerical splits: missing values go left or right; they are zeros, NaN, or there are none."""
MAX_LEAF: Final = 1e9
"""Bound of leaf values; the sum of larger ones could overflow."""

HEAD: Final = (
    *("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective"),
    *("feature_names", "monotone_constraints", "feature_infos", "tree_sizes"),
)

_WHOLE = r"-?\d{1,9}"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_THRESHOLDS = re.compile(rf"(?:(?:{_NUMBER}|-?inf)(?: (?:{_NUMBER}|-?inf))*)?")
"""A split between missing and present values has an infinite threshold."""
_PATTERNS = {True: re.compile(rf"(?:{_WHOLE}(?: {_WHOLE})*)?"), False: re.compile(rf"(?:{_NUMBER}(?: {_NUMBER})*)?")}
_OBJECTIVE = re.compile(r"binary sigmoid:1|multiclass num_class:\d{1,4}")
_PARAMETER = re.compile(r"\[\w+: [^\[\]]*\]")
END = "end of trees\n"


def split_trees(text: str) -> tuple[str, list[str], str]:
    """Split the text of a booster into head, trees and rest."""
    body, _, rest = text.partition(END)
    head, *trees = body.split("\nTree=")
    return head, trees, rest


def parse_fields(block: str) -> dict[str, str]:
    """Return the fields of a head or of a tree, by name."""
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def check_booster(content: bytes, n_columns: int, n_outputs: int) -> str:
    """Validate the text of a booster, so that LightGBM can safely read and evaluate it."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    if not text.startswith("tree\n") or END not in text:
        raise ValueError("it does not start like a booster" if END in text or len(text) < 5 else _start_problem(text))
    if re.search(r"[^\n\t -\U0010ffff]", text):
        raise ValueError("it has unprintable characters")
    head, trees, rest = split_trees(text)
    _check_head(head, trees, n_columns, n_outputs)
    for position, tree in enumerate(trees):
        number, _, block = tree.partition("\n")
        if number != str(position):
            raise ValueError(f"tree {position} is out of order")
        try:
            _check_tree(_unique(block), n_columns)
        except ValueError as error:
            raise ValueError(f"tree {position}: {error}") from None
    _check_rest(rest)
    return text


def _start_problem(text: str) -> str:
    return "it is truncated" if text.startswith("tree\n") else "it does not start like a booster"


def _unique(block: str) -> dict[str, str]:
    """Return the fields of a block; raise unless each line is blank or a field that occurs once."""
    lines = [line for line in block.split("\n") if line]
    fields = parse_fields(block)
    if len(fields) != len(lines):
        raise ValueError("a line is not a field, or a field occurs twice")
    return fields


def _check_head(head: str, trees: list[str], n_columns: int, n_outputs: int) -> None:
    first, _, block = head.partition("\n")
    fields = _unique(block)
    expected = {
        "num_class": str(n_outputs),
        "num_tree_per_iteration": str(n_outputs),
        "label_index": "0",
        "max_feature_idx": str(n_columns - 1),
        # LightGBM splits the text by these sizes in bytes; each tree starts with its "Tree=".
        "tree_sizes": " ".join(str(len(f"Tree={tree}\n".encode())) for tree in as_written(trees)),
    }
    if fields.get("max_feature_idx") != expected["max_feature_idx"]:
        raise ValueError(f"the manifest names {n_columns} columns, but the trees have another number")
    if fields.get("num_class") != expected["num_class"]:
        raise ValueError(f"the classes of the manifest need {n_outputs} outputs, but the trees have another number")
    mismatches = [name for name, value in expected.items() if fields.get(name) != value]
    if mismatches:
        raise ValueError(f"its {mismatches[0]} does not match the model and its trees")
    if first != "tree" or not re.fullmatch(r"v\d{1,3}", fields.get("version", "")):
        raise ValueError("it has no version")
    if set(fields) - set(HEAD) or any("=" in value for name, value in fields.items() if name != "feature_names"):
        raise ValueError("its head has unknown fields")
    if not _OBJECTIVE.fullmatch(fields.get("objective", "")):
        raise ValueError("its objective is not supported")
    if any(len(fields.get(name, "").split(" ")) != n_columns for name in ("feature_names", "feature_infos")):
        raise ValueError("it does not list every column")
    if len(trees) % n_outputs:
        raise ValueError("a round lacks a tree of a class")


def as_written(trees: list[str]) -> list[str]:
    """Remove from the last tree the newline that `split_trees` removed from the others."""
    return [*trees[:-1], trees[-1].removesuffix("\n")] if trees else []


def _check_tree(fields: dict[str, str], n_columns: int) -> None:
    n_leaves = _count(fields, "num_leaves", 1)
    if fields.get("num_cat") != "0" or fields.get("is_linear") != "0":
        raise ValueError("it splits on categories, or its leaves are not constants")
    splits = {name: _numbers(fields, name, n_leaves - 1) for name in SPLIT_ARRAYS}
    leaves = _numbers(fields, "leaf_value", n_leaves)
    further = {name: _numbers(fields, name, n_leaves - 1) for name in FURTHER_SPLIT_ARRAYS}
    further |= {name: _numbers(fields, name, n_leaves) for name in FURTHER_LEAF_ARRAYS}
    _numbers(fields, "shrinkage", 1)
    if not (np.abs(leaves) < MAX_LEAF).all():
        raise ValueError("a leaf is not a log-odds value")
    feature = splits["split_feature"]
    if not ((feature >= 0) & (feature < n_columns)).all():
        raise ValueError(f"a split uses a column beyond the {n_columns}")
    if not np.isin(splits["decision_type"], DECISIONS).all():
        raise ValueError("a split has an unsupported decision type")
    if n_leaves > 1:
        _check_paths(splits["left_child"], splits["right_child"], n_leaves)
        for side in ("left_child", "right_child"):
            _check_counts(splits[side], further["internal_count"], further["leaf_count"])


def _check_paths(left: Array, right: Array, n_leaves: int) -> None:
    """Raise unless every split and leaf has exactly one parent, and parents come before children."""
    child = np.concatenate([left, right])
    above = np.tile(np.arange(n_leaves - 1), 2)
    below = np.sort(child)
    if not np.array_equal(below, np.concatenate([np.arange(-n_leaves, 0), np.arange(1, n_leaves - 1)])):
        raise ValueError("a split or a leaf is reached twice or never")
    if (child[child >= 0] <= above[child >= 0]).any():
        raise ValueError("a split leads back")


def _check_counts(child: Array, splits: Array, leaves: Array) -> None:
    """Raise unless every split has rows, and no child has more than its parent: reasons weigh by the shares."""
    below = np.where(child >= 0, splits[np.maximum(child, 0)], leaves[np.maximum(-1 - child, 0)])
    if not ((splits > 0) & (below >= 0) & (below <= splits)).all():
        raise ValueError("the row counts of a split and of its children do not fit each other")


def _count(fields: dict[str, str], name: str, minimum: int) -> int:
    text = fields.get(name, "")
    if not re.fullmatch(r"\d{1,7}", text) or int(text) < minimum:
        raise ValueError(f"its {name} is not a number")
    return int(text)


def _numbers(fields: dict[str, str], name: str, n: int) -> Array:
    """Return an array of a field; raise unless it has n numbers."""
    whole, text = name in WHOLE, fields.get(name)
    if text is None:
        raise ValueError(f"it has no {name}")
    pattern = _THRESHOLDS if name == "threshold" else _PATTERNS[whole]
    if not pattern.fullmatch(text):
        raise ValueError(f"its {name} has a value that is not a number")
    words = text.split()
    # For a tree without splits LightGBM writes neither splits nor the further arrays of its leaf.
    if len(words) != n and not (name in FURTHER_ARRAYS and not words and fields["num_leaves"] == "1"):
        raise ValueError(f"its {name} has {len(words)} numbers, expected {n}")
    values = np.array(words[:n], np.int64 if whole else np.float64)
    finite = np.isfinite(values)
    # A number that is too large is parsed as infinity too.
    if not finite.all() and not np.isin(np.array(words[:n])[~finite], ["inf", "-inf"]).all():
        raise ValueError(f"its {name} has a value that is not a number")
    return values


def _check_rest(rest: str) -> None:
    """Check what follows the trees: importances, parameters, and the categories of pandas, which must be empty."""
    importances, has_parameters, after = rest.partition("\nparameters:\n")
    if not has_parameters:
        raise ValueError("it is truncated")
    parameters, has_end, last = after.partition("\nend of parameters\n")
    are_valid = all(_PARAMETER.fullmatch(line) for line in parameters.split("\n") if line)
    if not has_end or not are_valid or last.strip("\n") not in ("", "pandas_categorical:null", "pandas_categorical:[]"):
        raise ValueError("its parameters cannot be read")
    if not all(re.fullmatch(r"feature_importances:|\S+=\d+|", line) for line in importances.split("\n")):
        raise ValueError("its importances cannot be read")


VALUES = re.compile(r"(?m)^(leaf_value|internal_value)=(.*)$")


def average_boosters(boosters: Sequence["Booster"]) -> "Booster":
    """Return a booster with the trees of all, whose values are divided by the number of boosters."""
    if len(boosters) == 1:
        return boosters[0]
    from lightgbm import Booster  # LightGBM is imported while kernels compile: see `load_model`

    parts = [split_trees(booster.model_to_string(num_iteration=-1)) for booster in boosters]
    trees = [_divide(tree, len(boosters)) for _, trees, _ in parts for tree in as_written(trees)]
    blocks = [f"Tree={number}\n{tree.partition(chr(10))[2]}\n" for number, tree in enumerate(trees)]
    sizes = " ".join(str(len(block.encode())) for block in blocks)
    head = re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={sizes}", parts[0][0])
    return Booster(model_str=f"{head}\n{''.join(blocks)}{END}{parts[0][2]}")


def _divide(tree: str, n: int) -> str:
    return VALUES.sub(
        lambda field: f"{field[1]}={' '.join(repr(float(value) / n) for value in field[2].split())}", tree
    )
