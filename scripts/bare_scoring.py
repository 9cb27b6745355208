"""Score model folders and compare with the scores next to them: ``python scripts/bare_scoring.py FOLDER ...``.

It needs only the base dependencies. With the libraries and on a machine like those that wrote the scores, they must be
equal to the last bit; elsewhere log-odds may differ by 1e-12. A folder of another version of the format or the features
must be refused. `scripts.golden_models` writes the folders.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import unpack_archive
from tempfile import TemporaryDirectory
from typing import Any, cast

import llvmlite.binding

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models import Scorer
from fraudsieve.models.artifact.folder import FEATURES_VERSION, FORMAT
from fraudsieve.models.rules import read_rules
from fraudsieve.models.scoring.observers import ScoredChunk
from fraudsieve.models.scoring.score_fields import COMPUTED, Score

MODEL, RECORDS, SCORES, RULES = "model.zip", "records.json", "scores.json", "rules.toml"
"""What a folder holds."""
ABSENT = ("mlflow", "sklearn", "pandas", "pyarrow", "joblib", "pydantic", "typer")
TOLERANCE = 1e-12
KEPT = COMPUTED


class LogOdds:
    """An observer that keeps the log-odds of scores."""

    def __init__(self) -> None:
        self.values: list[list[float]] = []

    def add(self, chunk: ScoredChunk) -> list[Score]:
        """Keep the log-odds of a chunk, and return its answers."""
        self.values += chunk.scores.log_odds.tolist()
        return chunk.answers


@contextmanager
def unpacked(folder: Path) -> Iterator[Path]:
    """Yield the model folder of a folder, as long as the context lasts."""
    with TemporaryDirectory() as scratch:
        unpack_archive(folder / MODEL, scratch)
        yield Path(scratch)


def score_folder(folder: Path, *, n_threads: int = 1) -> dict[str, Any]:
    """Load a model, score its records together and one by one, and return the scores and where they were computed."""
    inputs = json.loads((folder / RECORDS).read_text("utf-8"))
    rules = read_rules(folder / RULES) if (folder / RULES).exists() else None
    with unpacked(folder) as model:
        scorer = Scorer.load(model, n_threads=n_threads, rules=rules)
    scores = _scores(scorer, inputs["records"], inputs["history"])
    if [row for record in inputs["records"] for row in _scores(scorer, [record], inputs["history"])] != scores:
        raise AssertionError(f"{folder}: records that are scored one by one have other scores")
    return {"environment": environment(), "digest": scorer.model.digest, "scores": scores}


def _scores(scorer: Scorer, records: list[dict[str, Any]], history: Any) -> list[dict[str, Any]]:
    log_odds = LogOdds()
    scores = scorer.score(records, history=history, reasons=1, evidence=log_odds)
    kept = (*KEPT, *(("rule", "model_decision") if scorer.rules is not None else ()))
    return [
        {name: cast(dict[str, Any], score)[name] for name in kept}
        | {"reason": score["reasons"][0]["family"], "log_odds": odds}
        for score, odds in zip(scores, log_odds.values, strict=True)
    ]


def environment() -> dict[str, str]:
    """Return what the last bit of a score may depend on: the libraries, and the instructions of the processor."""
    libraries = {name: version(name) for name in ("lightgbm", "numba", "numpy")}
    processor = llvmlite.binding.get_host_cpu_name()
    return libraries | {"machine": platform.machine(), "processor": processor, "libc": " ".join(platform.libc_ver())}


def compare(expected: dict[str, Any], actual: dict[str, Any]) -> str:
    """Describe how scores compare with the expected ones.

    Raises
    ------
    AssertionError
        If they are not equal, or not nearly equal where the environment is another one.
    """
    if actual["digest"] != expected["digest"]:
        raise AssertionError("the manifest is another one")
    n_scores = len(expected["scores"])
    # Fields that scores have only since are not compared.
    names = {*expected["scores"][0]} if n_scores else set()
    actual = actual | {"scores": [{name: one[name] for name in one if name in names} for one in actual["scores"]]}
    if actual["scores"] == expected["scores"]:
        return f"{n_scores} scores equal to the last bit"
    differences = [name for name, value in expected["environment"].items() if actual["environment"][name] != value]
    largest = max(_differences(expected["scores"], actual["scores"]))
    problem = f"{n_scores} scores differ by {largest:.1e}"
    if not differences:
        raise AssertionError(f"{problem}, with the libraries and on the machine that wrote them")
    problem += f", with another {', '.join(differences)}"
    if largest > TOLERANCE:
        raise AssertionError(f"{problem}: expected at most {TOLERANCE:.0e}")
    return problem


def _differences(expected: Any, actual: Any) -> Iterator[float]:
    """Yield the difference of every two numbers, and infinity for anything else that is not equal."""
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.keys() == actual.keys():
        expected, actual = list(expected.values()), [actual[name] for name in expected]
    if isinstance(expected, float) and isinstance(actual, float):
        yield abs(expected - actual)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for pair in zip(expected, actual, strict=True):
            yield from _differences(*pair)
    else:
        yield 0.0 if expected == actual else float("inf")


def check_folder(folder: Path, *, n_threads: int = 1) -> str:
    """Score a folder as `compare` expects, or see it refused if it is of another version, and describe the result.

    Raises
    ------
    AssertionError
        If the scores differ, or a folder of another version is not refused as such.
    """
    with unpacked(folder) as model:
        manifest = json.loads((model / "manifest.json").read_text("utf-8"))
    versions = {"format": (FORMAT, manifest["format"])}
    versions["features of version"] = FEATURES_VERSION, manifest["features"]["version"]
    others = [f"expected {name} {ours}, got {found}" for name, (ours, found) in versions.items() if ours != found]
    if not others:
        expected = json.loads((folder / SCORES).read_text("utf-8"))
        return compare(expected, score_folder(folder, n_threads=n_threads))
    try:
        with unpacked(folder) as model:
            Scorer.load(model)
    except ArtifactError as error:
        if others[0] in str(error):
            return f"refused: {others[0]}"
        raise AssertionError(f"expected a refusal with {others[0]!r}, got {error}") from None
    raise AssertionError(f"a folder of another version was loaded: {others[0]}")


def main() -> None:
    """Check every model below the given folders."""
    parser = argparse.ArgumentParser(description="Score model folders and compare with the scores next to them.")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=1, help="threads of LightGBM")
    parser.add_argument("--cores", type=int, help="cores that this process may use")
    parser.add_argument("--alone", action="store_true", help="fail if more than the base dependencies are installed")
    given = parser.parse_args()
    present = [name for name in ABSENT if find_spec(name) is not None]
    if given.alone and present:
        sys.exit(f"this environment has {', '.join(present)}: expected only the base dependencies")
    if given.cores:  # before LightGBM is imported, which counts them
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    found = sorted(path.parent for folder in given.folders for path in folder.rglob(SCORES))
    if not found:
        sys.exit("no model folder with scores was found")
    for folder in found:
        try:
            result = check_folder(folder, n_threads=given.threads)
        except AssertionError as error:
            sys.exit(f"{folder}: {error}")
        sys.stdout.write(f"{folder.name}: {result}\n")


if __name__ == "__main__":
    main()
