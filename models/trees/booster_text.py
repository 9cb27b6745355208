"""LightGBM's own text of a booster, checked before LightGBM reads it.

LightGBM trusts its text: an index beyond an array or a field that is missing ends the process, and a split that leads
back never ends. The check reads every array of every tree; what it lets pass, LightGBM can walk.
"""

import re
from typing import Final

import numpy as np

from fraudsieve._typing import Array

__all__ = ["check_booster", "parse_fields", "split_trees"]


SPLIT_ARRAYS: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
WHOLE: Final = frozenset(("split_feature", "decision_type", "left_child", "right_child"))
FURTHER_SPLIT_ARRAYS: Final = ("split_gain", "internal_value", "internal_weight", "internal_count")
FURTHER_LEAF_ARRAYS: Final = ("leaf_weight", "leaf_count")
"""No score needs them, but LightGBM ends the process where one is missing."""
BESIDE: Final = frozenset((*FURTHER_SPLIT_ARRAYS, *FURTHER_LEAF_ARRAYS))
DECISIONS: Final = (0, 2, 4, 6, 8, 10)
"""Splits of numbers: what is missing goes left or right, and is nothing, zero or NaN."""
LARGEST: Final = 1e100
"""No leaf adds more; larger ones add up to what is no number."""

HEAD: Final = (
    *("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective"),
    *("feature_names", "monotone_constraints", "feature_infos", "tree_sizes"),
)

_WHOLE = r"-?\d{1,9}"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_THRESHOLDS = re.compile(rf"(?:(?:{_NUMBER}|-?inf)(?: (?:{_NUMBER}|-?inf))*)?")
"""A split of what is missing from all that is there has an infinite threshold."""
_PATTERNS = {True: re.compile(rf"(?:{_WHOLE}(?: {_WHOLE})*)?"), False: re.compile(rf"(?:{_NUMBER}(?: {_NUMBER})*)?")}
_OBJECTIVE = re.compile(r"binary sigmoid:1|multiclass num_class:\d{1,4}")
_PARAMETER = re.compile(r"\[\w+: [^\[\]]*\]")
END = "end of trees\n"


def split_trees(text: str) -> tuple[str, list[str], str]:
    """Part the text of a booster into what stands before the trees, the trees, and the rest.

    Parameters
    ----------
    text : str
        From `lightgbm.Booster.model_to_string`.

    Returns
    -------
    head : str
        Without the blank line after it.
    trees : list of str
        Each begins with its number.
    rest : str
        What follows ``end of trees``.

    Examples
    --------
    >>> split_trees("tree\\nversion=v4\\n\\nTree=0\\nnum_leaves=1\\n\\nend of trees\\n\\n")
    ('tree\\nversion=v4\\n', ['0\\nnum_leaves=1\\n\\n'], '\\n')
    """
    body, _, rest = text.partition(END)
    head, *trees = body.split("\nTree=")
    return head, trees, rest


def parse_fields(block: str) -> dict[str, str]:
    """Return the fields of a head or of a tree, by name.

    Parameters
    ----------
    block : str
        Lines; those without a ``=`` are none.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> parse_fields("tree\\nnum_class=1\\n")
    {'num_class': '1'}
    """
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def check_booster(content: bytes, n_columns: int, n_outputs: int) -> str:
    """Check the text of a booster, so that LightGBM can read it and walk its trees.

    Parameters
    ----------
    content : bytes
        The text.
    n_columns : int
        The columns that a feature row has.
    n_outputs : int
        Trees a round: one for two classes, one a class for more.

    Returns
    -------
    str
        The text.

    Raises
    ------
    ValueError
        When it is cut short, a tree has arrays of other lengths, a split leads nowhere or back, looks at a column that
        is not there, or at a category; or a number is none.

    Examples
    --------
    >>> check_booster(b"garbage", 3, 1)
    Traceback (most recent call last):
    ...
    ValueError: it does not begin as a booster does
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    if not text.startswith("tree\n") or END not in text:
        raise ValueError("it does not begin as a booster does" if END in text or len(text) < 5 else _cut(text))
    if re.search(r"[^\n\t -\U0010ffff]", text):
        raise ValueError("it holds characters that do not print")
    head, trees, rest = split_trees(text)
    _check_head(head, trees, n_columns, n_outputs)
    for place, tree in enumerate(trees):
        number, _, block = tree.partition("\n")
        if number != str(place):
            raise ValueError(f"tree {place} is not where it should be")
        try:
            _check_tree(_unique(block), n_columns)
        except ValueError as error:
            raise ValueError(f"tree {place}: {error}") from None
    _check_rest(rest)
    return text


def _cut(text: str) -> str:
    return "it is cut short" if text.startswith("tree\n") else "it does not begin as a booster does"


def _unique(block: str) -> dict[str, str]:
    """Return the fields of a block whose every line is a field or blank, and none is there twice."""
    lines = [line for line in block.split("\n") if line]
    fields = parse_fields(block)
    if len(fields) != len(lines):
        raise ValueError("a line is no field, or a field is there twice")
    return fields


def _check_head(head: str, trees: list[str], n_columns: int, n_outputs: int) -> None:
    first, _, block = head.partition("\n")
    fields = _unique(block)
    expected = {
        "num_class": str(n_outputs),
        "num_tree_per_iteration": str(n_outputs),
        "label_index": "0",
        "max_feature_idx": str(n_columns - 1),
        # LightGBM cuts the text by these, in bytes, and each begins with its "Tree=" and ends before the next.
        "tree_sizes": " ".join(str(len(f"Tree={tree}\n".encode())) for tree in _ended(trees)),
    }
    if fields.get("max_feature_idx") != expected["max_feature_idx"]:
        raise ValueError(f"the manifest names {n_columns} columns, and the trees have another number")
    if fields.get("num_class") != expected["num_class"]:
        raise ValueError(f"the classes of the manifest need {n_outputs} outputs, and the trees have another number")
    wrong = [name for name, value in expected.items() if fields.get(name) != value]
    if wrong:
        raise ValueError(f"its {wrong[0]} is not that of the model and its trees")
    if first != "tree" or not re.fullmatch(r"v\d{1,3}", fields.get("version", "")):
        raise ValueError("it names no version")
    if set(fields) - set(HEAD) or any("=" in value for name, value in fields.items() if name != "feature_names"):
        raise ValueError("its head says what no head says")
    if not _OBJECTIVE.fullmatch(fields.get("objective", "")):
        raise ValueError("its objective is none of those that are trained")
    if any(len(fields.get(name, "").split(" ")) != n_columns for name in ("feature_names", "feature_infos")):
        raise ValueError("it does not name every column")
    if len(trees) % n_outputs:
        raise ValueError("a round has not a tree for every class")


def _ended(trees: list[str]) -> list[str]:
    """Give the last tree the end that parting by the name of the next took from the others."""
    return [*trees[:-1], trees[-1].removesuffix("\n")] if trees else []


def _check_tree(fields: dict[str, str], n_columns: int) -> None:
    n_leaves = _count(fields, "num_leaves", 1)
    if fields.get("num_cat") != "0" or fields.get("is_linear") != "0":
        raise ValueError("it splits on categories, or its leaves are no constants")
    splits = {name: _numbers(fields, name, n_leaves - 1) for name in SPLIT_ARRAYS}
    leaves = _numbers(fields, "leaf_value", n_leaves)
    for name in FURTHER_SPLIT_ARRAYS:
        _numbers(fields, name, n_leaves - 1)
    for name in FURTHER_LEAF_ARRAYS:
        _numbers(fields, name, n_leaves)
    _numbers(fields, "shrinkage", 1)
    if not (np.abs(leaves) < LARGEST).all():
        raise ValueError("a leaf is no log-odds")
    feature = splits["split_feature"]
    if not ((feature >= 0) & (feature < n_columns)).all():
        raise ValueError(f"a split looks at a column that is none of the {n_columns}")
    if not np.isin(splits["decision_type"], DECISIONS).all():
        raise ValueError("a split is of no kind that is trained")
    if n_leaves > 1:
        _check_paths(splits["left_child"], splits["right_child"], n_leaves)


def _check_paths(left: Array, right: Array, n_leaves: int) -> None:
    """Refuse splits that lead back, nowhere, or twice to one place: each is below one that comes before."""
    child = np.concatenate([left, right])
    above = np.tile(np.arange(n_leaves - 1), 2)
    below = np.sort(child)
    if not np.array_equal(below, np.concatenate([np.arange(-n_leaves, 0), np.arange(1, n_leaves - 1)])):
        raise ValueError("a split or a leaf is reached twice, or not at all")
    if (child[child >= 0] <= above[child >= 0]).any():
        raise ValueError("a split leads back")


def _count(fields: dict[str, str], name: str, least: int) -> int:
    text = fields.get(name, "")
    if not re.fullmatch(r"\d{1,7}", text) or int(text) < least:
        raise ValueError(f"its {name} is no number")
    return int(text)


def _numbers(fields: dict[str, str], name: str, n: int) -> Array:
    """Return an array, which must have so many numbers."""
    whole, text = name in WHOLE, fields.get(name)
    if text is None:
        raise ValueError(f"it has no {name}")
    pattern = _THRESHOLDS if name == "threshold" else _PATTERNS[whole]
    if not pattern.fullmatch(text):
        raise ValueError(f"its {name} holds what is no number")
    words = text.split()
    # Of a tree that does not split LightGBM writes neither splits nor what is beside its one leaf.
    if len(words) != n and not (name in BESIDE and not words and fields["num_leaves"] == "1"):
        raise ValueError(f"its {name} has {len(words)} numbers, {n} were expected")
    values = np.array(words[:n], np.int64 if whole else np.float64)
    finite = np.isfinite(values)
    # A number that is too large reads as an infinity too.
    if not finite.all() and not np.isin(np.array(words[:n])[~finite], ["inf", "-inf"]).all():
        raise ValueError(f"its {name} holds what is no number")
    return values


def _check_rest(rest: str) -> None:
    """Check what follows the trees: importances, parameters, and the categories of pandas, of which there are none."""
    before, found, after = rest.partition("\nparameters:\n")
    if not found:
        raise ValueError("it is cut short")
    parameters, ended, last = after.partition("\nend of parameters\n")
    good = all(_PARAMETER.fullmatch(line) for line in parameters.split("\n") if line)
    if not ended or not good or last.strip("\n") not in ("", "pandas_categorical:null", "pandas_categorical:[]"):
        raise ValueError("its parameters cannot be read")
    if not all(re.fullmatch(r"feature_importances:|\S+=\d+|", line) for line in before.split("\n")):
        raise ValueError("its importances cannot be read")
