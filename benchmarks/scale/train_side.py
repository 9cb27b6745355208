"""One training run in a process of its own: ``python -m benchmarks.scale.train_side``."""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe

__all__ = ["main"]


def main(table: str, source: Path, sample_rate: float = 1.0) -> None:
    """Train on a table, or on a sample of its legitimate rows.

    A line of JSON is printed when a step begins, and when all is done.
    """
    begin = time.perf_counter()

    def report_step(step: str) -> None:
        if "cores used" in step:  # a note, not a step
            return
        sys.stdout.write(json.dumps({"step": step, "at": time.perf_counter() - begin}) + "\n")
        sys.stdout.flush()

    given: dict[str, Any] = {table: source}
    recipe = Recipe.read(None, {"track.enabled": False, "model.sample_rate": sample_rate})
    with tempfile.TemporaryDirectory(prefix="fraudsieve-train-") as place:
        trained = train(recipe, output=Path(place) / "model", progress=report_step, **given)
    report_step("done")
    sys.stdout.write(json.dumps({"average_precision": trained.report.average_precision}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
