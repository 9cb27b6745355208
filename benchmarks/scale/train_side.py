"""One training run in a process of its own: ``python -m benchmarks.scale.train_side``."""

import json
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from fraudsieve.features import large_matrix
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe

__all__ = ["main"]


def main(table: str, source: Path, overrides: dict[str, Any], max_bytes: int | None = None) -> None:
    """Train on a table, with a matrix in memory up to some bytes.

    A line of JSON is printed when a step begins, and when all is done.
    """
    large_matrix.MAX_BYTES = large_matrix.MAX_BYTES if max_bytes is None else max_bytes
    begin = time.perf_counter()

    def report_step(step: str) -> None:
        if "cores used" in step:  # a note, not a step
            return
        sys.stdout.write(json.dumps({"step": step, "at": time.perf_counter() - begin}) + "\n")
        sys.stdout.flush()

    given: dict[str, Any] = {table: source}
    recipe = Recipe.read(None, {"track.enabled": False, **overrides})
    with tempfile.TemporaryDirectory(prefix="fraudsieve-train-") as place:
        trained = train(recipe, output=Path(place) / "model", progress=report_step, **given)
        booster = sha256((Path(place) / "model" / "booster.txt").read_bytes()).hexdigest()
    report_step("done")
    sys.stdout.write(json.dumps({"average_precision": trained.report.average_precision, "booster": booster}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(json.loads, sys.argv[3:]))
