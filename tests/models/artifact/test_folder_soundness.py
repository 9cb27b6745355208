"""Folders whose files match their digests and hold numbers that no score comes of: `load` and `verify` reject them."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import ArtifactError
from fraudsieve.features.wording.surprisal import CharacterModel
from fraudsieve.models import Scorer, verify
from fraudsieve.models.points import OperatingPoint, RatioSupport
from fraudsieve.models.unlike_training.expected_shares import ExpectedShare
from tests.models.artifact.model_folders import POINT, Copy, Manifest, arrays


def assert_unsound(folder: Path, text: str) -> None:
    """Check that both reject a folder, with the same error."""
    errors = []
    for check in (Scorer.load, verify):
        with pytest.raises(ArtifactError, match=text) as caught:
            check(folder)
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


def stored(folder: Path, name: str) -> Any:
    with np.load(folder / "wording.npz", allow_pickle=False) as content:
        return content[name]


def with_one(values: Any, number: float) -> Any:
    """Return a copy with one number replaced in the middle."""
    changed = np.array(values)
    changed.reshape(-1)[changed.size // 2] = number
    return changed


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("name", ["weights", "intercept", "scale", "trust"])
def test_wording_out_of_bounds_is_rejected(binary: Any, copy: Copy, name: str, number: float) -> None:
    content = arrays(binary.folder, **{name: with_one(stored(binary.folder, name), number)})
    assert_unsound(copy(files={"wording.npz": content}), "not finite, or out of bounds")


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_that_reverses_the_ranking_is_rejected(binary: Any, copy: Copy, scale: float) -> None:
    content = arrays(binary.folder, scale=np.float64(scale))
    assert_unsound(copy(files={"wording.npz": content}), "not finite, or out of bounds")


@pytest.mark.parametrize(
    "change",
    [{"low": -1.0}, {"high": -1.0}, {"low": 0}, {"low": 1e308}, {"shift": 1e308}, {"shift": -51}, {"high": 10**400}],
)
def test_a_calibration_that_reverses_the_ranking_or_overflows_is_rejected(copy: Copy, change: dict[str, float]) -> None:
    content = json.dumps({"low": 1.0, "high": 1.0, "shift": 0.0} | change).encode()
    assert_unsound(copy(files={"calibration.json": content}), r"calibration.json: expected slopes from 0.001 to 1000")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"threshold": 2.0}, "expected a threshold from 0 to 1"),
        ({"threshold": -0.1}, "expected a threshold from 0 to 1"),
        ({"threshold": "0.5"}, "expected numbers, got another type"),
        ({"recall": 1.5}, "expected rates from 0 to 1"),
        ({"false_positive_rate": -0.5}, "expected rates from 0 to 1"),
        ({"precision": 2}, "expected rates from 0 to 1"),
        ({"alerts_a_day": -1}, "expected rates from 0 to 1, and a finite number of alerts"),
        ({"name": 5}, "expected a printable string as name"),
        ({"name": "\x1b[2J"}, "expected a printable string as name"),
        ({"max_false_positive_rate": 2}, "expected rates from 0 to 1"),
        ({"max_false_positive_rate": "0.5"}, "expected numbers, got another type"),
        ({"flagged": None}, "expected rates from 0 to 1"),
        ({"legitimate_groups": -1}, "expected a number of legitimate groups"),
        ({"legitimate_groups": 0.5}, "expected a number of legitimate groups"),
    ],
)
def test_an_operating_point_out_of_bounds_is_rejected(copy: Copy, change: dict[str, Any], text: str) -> None:
    folder = copy(lambda manifest: manifest.update(operating_points=[POINT, POINT | change]))
    assert_unsound(folder, f"operating points: {text}")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": "\x1b[2J"}, "expected a printable string as name"),
        ({"estimated_false_positive_rate": 1.5}, "expected rates from 0 to 1"),
        ({"estimated_false_positive_rate": "0.01"}, "expected numbers"),
        ({"interval": [0, 2]}, "expected rates from 0 to 1"),
        ({"interval": "x"}, "expected numbers"),
        ({"legitimate_groups": -1}, "expected a number of legitimate groups"),
        ({"legitimate_groups": 1.5}, "expected a number of legitimate groups"),
    ],
)
def test_an_estimated_point_out_of_bounds_is_rejected(copy: Copy, change: dict[str, Any], text: str) -> None:
    estimate: dict[str, Any] = {"estimated_false_positive_rate": 0.01, "interval": (0.0, 0.1), "legitimate_groups": 30}
    point = asdict(OperatingPoint("false_positive_rate_0.01", 0.5, 0.0, 1.0, 0.5, **estimate))
    folder = copy(lambda manifest: manifest.update(operating_points=[point, point | change]))
    assert_unsound(folder, f"operating points: {text}")


SUPPORT = asdict(RatioSupport(-1.5, 2.0, 0.1, 100, 900, 40, 700))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"log10_high": float("inf")}, "expected finite bounds"),
        ({"log10_low": "0"}, "expected finite bounds"),
        ({"log10_low": 0.5}, "expected bounds around 0"),
        ({"fraud_share": 1.0}, "expected bounds around 0 and a share between 0 and 1"),
        ({"fraud_groups": 0}, "expected numbers of records and groups"),
        ({"legitimate": 1.5}, "expected numbers of records and groups"),
    ],
)
def test_bounds_of_likelihood_ratios_that_make_no_sense_are_rejected(
    copy: Copy, change: dict[str, Any], text: str
) -> None:
    assert_unsound(copy(lambda manifest: manifest.update(ratio_support=SUPPORT | change)), f"likelihood ratios: {text}")


def test_bounds_of_likelihood_ratios_are_read(copy: Copy) -> None:
    folder = copy(lambda manifest: manifest.update(ratio_support=SUPPORT))
    assert Scorer.load(folder).model.ratio_support == RatioSupport(**SUPPORT)


def test_a_folder_that_is_older_than_bounds_of_likelihood_ratios_has_none(copy: Copy) -> None:
    folder = copy(lambda manifest: manifest.pop("ratio_support"))
    assert Scorer.load(folder).model.ratio_support is None


SHARES = [asdict(ExpectedShare(name, 0.05, 0.001)) for name in ("unlike_training", "flagged")]


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ([SHARES[0] | {"share": 0.0}], "expected a share between 0 and 1 and a spread of at least 0"),
        ([SHARES[0] | {"spread": float("nan")}], "expected a share between 0 and 1 and a spread of at least 0"),
        ([SHARES[0] | {"name": "other"}], "expected unlike_training or flagged"),
        (SHARES * 2, "expected each share once"),
    ],
)
def test_expected_shares_that_make_no_sense_are_rejected(copy: Copy, shares: list[dict[str, Any]], text: str) -> None:
    assert_unsound(copy(lambda manifest: manifest.update(expected_shares=shares)), f"expected shares: {text}")


def test_expected_shares_are_read(copy: Copy) -> None:
    folder = copy(lambda manifest: manifest.update(expected_shares=SHARES))
    assert Scorer.load(folder).model.expected_shares == tuple(ExpectedShare(**share) for share in SHARES)


def test_a_folder_that_is_older_than_expected_shares_has_none(copy: Copy) -> None:
    folder = copy(lambda manifest: manifest.pop("expected_shares"))
    assert Scorer.load(folder).model.expected_shares == ()


def test_the_threshold_of_a_point_that_flags_nothing_is_accepted(copy: Copy) -> None:
    point = POINT | {"threshold": float(np.nextafter(1.0, 2.0))}
    assert Scorer.load(copy(lambda manifest: manifest.update(operating_points=[point]))).model.points


@pytest.mark.parametrize("number", [1e300, float("nan"), float("inf")])
def test_initial_log_odds_out_of_bounds_are_rejected(copy: Copy, number: float) -> None:
    assert_unsound(copy(lambda manifest: manifest["start"].update(base=[number])), "initial log-odds are not finite")


def view(**changes: Any) -> dict[str, Any]:
    return {"windows": ["1h"], "measures": ["count"], **changes}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"sender": [view(windows=[f"{n}s" for n in range(1, 200_001)])]}, "lists of at most 1000 items"),
        ({"sender": [view(measures=["count"] * 200_000)]}, "lists of at most 1000 items"),
        ({"sender": [view(kinds=[str(n) for n in range(200_000)])]}, "lists of at most 1000 items"),
        ({"sender": [view(name=str(n)) for n in range(20_000)]}, "lists of at most 1000 items"),
        ({"campaigns": {"windows": [f"{n}s" for n in range(1, 200_001)]}}, "lists of at most 1000 items"),
        ({"own": {"numbers": ["n"] * 200_000, "categories": {}, "digest_key": ""}}, "lists of at most 1000 items"),
        (
            {"sender": [view(windows=[f"{n}s" for n in range(1, 900)], kinds=[str(n) for n in range(900)])] * 20},
            "views of at most 20000 columns",
        ),
        ({"characters": 10**9}, "1 to 2 character models"),
    ],
)
def test_features_out_of_bounds_are_rejected_at_once(copy: Copy, change: Manifest, text: str) -> None:
    folder = copy(lambda manifest: manifest["features"].update(change))
    start = time.thread_time()
    assert_unsound(folder, text)
    assert time.thread_time() - start < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda manifest: manifest.update(classes=[str(n) for n in range(100_000)]), "at most 256 classes"),
        (lambda manifest: manifest.update(operating_points=[POINT] * 100_000), "at most 1000 operating points"),
        (lambda manifest: manifest.update(columns=manifest["columns"] * 1000), "at most 20000 columns"),
        (lambda manifest: manifest.update(name="x" * 10_000), "at most 256 characters"),
        (lambda manifest: manifest["classes"].__setitem__(0, "\ud800"), "not the wording|a class that is not text"),
    ],
)
def test_a_manifest_out_of_bounds_is_rejected_at_once(
    copy: Copy, change: Callable[[Manifest], object], text: str
) -> None:
    start = time.thread_time()
    assert_unsound(copy(change), text)
    assert time.thread_time() - start < 5


def test_a_class_that_cannot_be_written_as_json_is_rejected(types: Any, copy: Copy) -> None:
    def change(manifest: Manifest) -> None:
        old, manifest["classes"][0] = manifest["classes"][0], "\ud800"
        manifest["features"] = json.loads(json.dumps(manifest["features"]).replace(f'"{old}"', '"\\ud800"'))
        for column in manifest["columns"]:
            column["name"] = column["name"].replace(f"wording__{old}", "wording__\ud800")
            column["name"] = column["name"].replace(f"pinyin__{old}", "pinyin__\ud800")

    assert_unsound(copy(change, of=types), "a class that is not text")


def test_arrays_of_the_other_byte_order_give_the_same_scores(binary: Any, copy: Copy) -> None:
    swapped = {}
    for name in ("buckets", "weights", "intercept", "scale", "trust", "legitimate"):
        values = stored(binary.folder, name)
        swapped[name] = values.astype(values.dtype.newbyteorder(">"))
    scorer = Scorer.load(copy(files={"wording.npz": arrays(binary.folder, **swapped)}))
    expected = Scorer(binary.model).score_columns({"text": binary.texts[:20]})
    actual = scorer.score_columns({"text": binary.texts[:20]})
    assert actual["probability"].tolist() == expected["probability"].tolist()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("internal_count", lambda counts: ["0", *counts[1:]]),
        ("internal_count", lambda counts: ["0" for _ in counts]),
        ("internal_count", lambda counts: ["-5", *counts[1:]]),
        ("internal_count", lambda counts: ["1", *counts[1:]]),
        ("internal_count", lambda counts: ["1.5", *counts[1:]]),
        ("leaf_count", lambda counts: ["999999999", *counts[1:]]),
        ("leaf_count", lambda counts: ["-1", *counts[1:]]),
    ],
)
def test_row_counts_that_do_not_fit_each_other_are_rejected(
    binary: Any, copy: Copy, field: str, change: Callable[[list[str]], list[str]]
) -> None:
    text = (binary.folder / "booster.txt").read_text("utf-8")
    start = text.index(f"\n{field}=", text.index("Tree=2\n")) + len(field) + 2
    stop = text.index("\n", start)
    changed = text[:start] + " ".join(change(text[start:stop].split())) + text[stop:]
    difference = len(changed) - len(text)
    sizes = re.search(r"tree_sizes=(.*)", changed)
    assert sizes is not None
    counted = sizes[1].split()
    counted[2] = str(int(counted[2]) + difference)
    changed = changed.replace(sizes[0], "tree_sizes=" + " ".join(counted))
    assert_unsound(copy(files={"booster.txt": changed.encode()}), "tree 2: (the row counts|its .*_count has a value)")


def test_a_model_whose_kernels_fail_is_rejected(binary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprisal(self: object, texts: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(CharacterModel, "surprisal", surprisal)
    assert_unsound(binary.folder, r"cannot score a sample record \(ZeroDivisionError\)")
