"""The text of a booster: LightGBM's own text is valid, and text that would break LightGBM does not reach it."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.models.trees.booster_text import check_booster, parse_fields, split_trees
from tests.profiles import examples

COLUMNS = 6
X = np.random.default_rng(0).normal(size=(600, COLUMNS))
X[::7, 2] = np.nan
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 3] > 1)


def written(n_classes: int = 2, **further: Any) -> bytes:
    settings = {"verbosity": -1, "num_leaves": 7, "min_data_in_leaf": 5, "num_threads": 1, "objective": "binary"}
    if n_classes > 2:
        settings |= {"objective": "multiclass", "num_class": n_classes}
    labels = Y.clip(0, n_classes - 1)
    booster = lgb.train(settings | further, lgb.Dataset(X, labels), 4)
    text: str = booster.model_to_string(num_iteration=-1)
    return text.encode()


@pytest.fixture(scope="module")
def binary_text() -> str:
    return written().decode()


def resized(text: str) -> str:
    """Update the sizes of the trees, as an attacker who changes a tree would."""
    trees = text[text.index("Tree=0") : text.index("end of trees")].split("\nTree=")
    sizes = [len(trees[0]) + 1, *(len(f"Tree={tree}\n") for tree in trees[1:])]
    sizes[-1] -= 1
    return re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(map(str, sizes)), text)


def changed(text: str, name: str, change: Callable[[list[str]], list[str]], tree: int = 1) -> bytes:
    """Change a field of a tree."""
    at = text.index(f"Tree={tree}\n")
    start = text.index(f"\n{name}=", at) + len(name) + 2
    stop = text.index("\n", start)
    return resized(text[:start] + " ".join(change(text[start:stop].split())) + text[stop:]).encode()


def test_what_lightgbm_writes_passes() -> None:
    for n_classes, n_outputs in ((2, 1), (3, 3)):
        for further in ({}, {"min_data_in_leaf": 500}, {"use_missing": False}, {"zero_as_missing": True}):
            content = written(n_classes, **further)
            assert check_booster(content, COLUMNS, n_outputs) == content.decode()
            again = lgb.Booster(model_str=content.decode()).model_to_string().encode()
            check_booster(again, COLUMNS, n_outputs)


def test_the_sizes_are_told_as_lightgbm_tells_them(binary_text: str) -> None:
    assert resized(binary_text) == binary_text
    head, trees, _ = split_trees(binary_text)
    assert len(trees) == len(parse_fields(head)["tree_sizes"].split()) == 4


FIRST: list[tuple[str, Callable[[list[str]], list[str]], str]] = [
    ("num_leaves", lambda _: ["8"], "has 6 numbers, expected 7"),
    ("num_leaves", lambda _: ["0"], "num_leaves is not a number"),
    ("num_leaves", lambda _: ["99999999999"], "num_leaves is not a number"),
    ("num_cat", lambda _: ["1"], "splits on categories"),
    ("is_linear", lambda _: ["1"], "are not constants"),
    ("split_feature", lambda words: ["6", *words[1:]], "beyond the 6"),
    ("split_feature", lambda words: ["-1", *words[1:]], "beyond the 6"),
    ("split_feature", lambda words: words[1:], "has 5 numbers, expected 6"),
    ("split_feature", lambda words: ["9999999999", *words[1:]], "has a value that is not a number"),
    ("threshold", lambda words: ["nan", *words[1:]], "threshold has a value that is not a number"),
    ("threshold", lambda words: ["1_0", *words[1:]], "threshold has a value that is not a number"),
    ("threshold", lambda words: ["1e999", *words[1:]], "threshold has a value that is not a number"),
    ("decision_type", lambda words: ["1", *words[1:]], "unsupported decision type"),
    ("decision_type", lambda words: ["12", *words[1:]], "unsupported decision type"),
    ("left_child", lambda words: ["0", *words[1:]], "reached twice or never"),
    ("left_child", lambda words: ["77", *words[1:]], "reached twice or never"),
    ("left_child", lambda words: ["-99", *words[1:]], "reached twice or never"),
    ("right_child", lambda words: [*words[:-1], words[0]], "reached twice or never"),
    ("leaf_value", lambda words: ["inf", *words[1:]], "leaf_value has a value that is not a number"),
    ("leaf_value", lambda words: ["1e300", *words[1:]], "a leaf is not a log-odds value"),
    ("leaf_value", lambda words: words[:-1], "has 6 numbers, expected 7"),
    ("leaf_count", lambda words: words[:-1], "leaf_count has 6 numbers"),
    ("internal_weight", lambda words: [*words, "1"], "internal_weight has 7 numbers"),
    ("shrinkage", lambda words: [*words, *words], "shrinkage has 2 numbers"),
]


@pytest.mark.parametrize(("name", "change", "problem"), FIRST)
def test_a_tree_that_lightgbm_could_not_walk_is_refused(
    binary_text: str, name: str, change: Callable[[list[str]], list[str]], problem: str
) -> None:
    with pytest.raises(ValueError, match=rf"tree 1: .*{problem}"):
        check_booster(changed(binary_text, name, change), COLUMNS, 1)


def test_a_tree_without_one_of_its_fields_is_rejected(binary_text: str) -> None:
    names = list(parse_fields(split_trees(binary_text)[1][1]))
    assert len(names) == 16
    for name in names:
        at = binary_text.index(f"\n{name}=", binary_text.index("Tree=1\n"))
        text = binary_text[:at] + binary_text[binary_text.index("\n", at + 1) :]
        with pytest.raises(ValueError, match="tree 1: "):
            check_booster(resized(text).encode(), COLUMNS, 1)


def test_a_split_between_missing_and_present_values_is_valid(binary_text: str) -> None:
    check_booster(changed(binary_text, "threshold", lambda words: ["inf", *words[1:]]), COLUMNS, 1)
    check_booster(changed(binary_text, "threshold", lambda words: ["-inf", *words[1:]]), COLUMNS, 1)
    with pytest.raises(ValueError, match="leaf_value has a value that is not a number"):
        check_booster(changed(binary_text, "leaf_value", lambda words: ["inf", *words[1:]]), COLUMNS, 1)


def test_a_split_that_leads_back_is_rejected(binary_text: str) -> None:
    fields = parse_fields(split_trees(binary_text)[1][1])
    left, right = (fields[f"{side}_child"].split() for side in ("left", "right"))
    # Swap the first split and the last one that is below another, so that each is still named once.
    low = max(int(child) for child in left + right)
    rows = [
        (side, at) for side, words in (("left", left), ("right", right)) for at, w in enumerate(words) if int(w) == low
    ]
    side, at = rows[0]
    text = changed(binary_text, f"{side}_child", lambda words: [*words[:at], left[low], *words[at + 1 :]])
    text = changed(text.decode(), "left_child", lambda words: [*words[:low], str(low), *words[low + 1 :]])
    with pytest.raises(ValueError, match="tree 1: a split leads back"):
        check_booster(text, COLUMNS, 1)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("tree\n", "tee\n", "does not start like a booster"),
        ("version=v4", "version=", "has no version"),
        ("num_class=1", "num_class=3", "need 1 outputs, but the trees have another"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=0", "its num_tree_per_iteration does not match"),
        ("max_feature_idx=5", "max_feature_idx=4", "names 6 columns, but the trees have another"),
        ("tree_sizes=", "tree_sizes=9", "its tree_sizes does not match"),
        ("label_index=0", "label_index=9", "its label_index does not match"),
        ("objective=binary sigmoid:1", "objective=lambdarank", "its objective is not supported"),
        ("objective=binary", "average_output\nobjective=binary", "a line is not a field"),
        ("num_class=1", "num_class=1\nnum_class=1", "a field occurs twice"),
        ("label_index", "linear_tree=1\nlabel_index", "unknown fields"),
        ("feature_infos=[", "feature_infos=[=", "unknown fields"),
        ("Column_0 ", "", "does not list every column"),
        ("Tree=2", "Tree=3", "tree 2 is out of order"),
        ("end of trees", "end of tees", "it is truncated"),
        ("\nparameters:", "\nparametres:", "it is truncated"),
        ("[boosting: gbdt]", "[boosting: gbdt", "parameters cannot be read"),
        ("end of parameters", "end of parametres", "parameters cannot be read"),
        ("pandas_categorical:null", "pandas_categorical:[[1]]", "parameters cannot be read"),
        ("feature_importances:", "feature_importances:x", "importances cannot be read"),
        ("version=v4", "version=v4\0", "unprintable characters"),
    ],
)
def test_head_and_rest_are_checked(binary_text: str, old: str, new: str, problem: str) -> None:
    assert old in binary_text
    with pytest.raises(ValueError, match=problem):
        check_booster(binary_text.replace(old, new, 1).encode(), COLUMNS, 1)


def test_other_content_is_rejected_with_a_problem() -> None:
    for content in (b"", b"\xff\xfe", b"tree", b"tree\n", b"garbage" * 100):
        with pytest.raises(ValueError, match=r"^it "):
            check_booster(content, COLUMNS, 1)


# In another process, because LightGBM would end the process of the tests on invalid text.
WALK = """
import sys
import lightgbm as lgb, numpy as np
from fraudsieve.models.trees.booster_text import check_booster
X = np.random.default_rng(1).normal(size=(50, 6))
whole = sys.stdin.buffer.read()
rng, passed, rejected = np.random.default_rng(int(sys.argv[1])), 0, 0
stop = whole.index(b"\\nparameters:")
for _ in range(1500):
    content = bytearray(whole)
    for at in rng.integers(0, stop, int(rng.integers(1, 4))):
        likely = rng.choice(np.frombuffer(b"0123456789 -.e=\\n", np.uint8))
        content[at] = likely if rng.random() < 0.7 else rng.integers(128)
    try:
        text = check_booster(bytes(content), 6, 1)
    except ValueError:
        rejected += 1
        continue
    passed += 1
    assert np.isfinite(lgb.Booster(model_str=text).predict(X, raw_score=True)).all()
print(passed, rejected)
"""


@pytest.mark.slow
def test_accepted_damage_can_be_scored() -> None:
    done = subprocess.run([sys.executable, "-c", WALK, "0"], input=written(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    passed, rejected = map(int, done.stdout.split())
    assert passed > 100  # a digit of a threshold is another model
    assert rejected > 300


@examples(200)
@given(content=st.binary(max_size=200), at=st.integers(0, 5000))
def test_any_content_is_valid_or_a_value_error(binary_text: str, content: bytes, at: int) -> None:
    whole = binary_text.encode()
    for damaged in (content, whole[:at] + content + whole[at:], whole[:at] + content):
        try:
            check_booster(damaged, COLUMNS, 1)
        except ValueError:
            continue
        assert damaged == whole or len(content)
