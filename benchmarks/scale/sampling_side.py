"""One training of the benchmark of samples, in a process of its own: ``python -m benchmarks.scale.sampling_side``."""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from fraudsieve.training.data.builders import sample_slice
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe

__all__ = ["main"]

METRICS = ("average_precision", "ece", "observed_over_expected")


def main(folder: Path, rate: float) -> None:
    """Train on the payments of a folder, and print the figures."""
    steps: list[tuple[str, float]] = []
    overrides = {"data.subject": "event", "track.enabled": False, "n_jobs": 1, "model.sample_rate": rate}
    recipe = Recipe.read(overrides=overrides)
    start = time.perf_counter()
    trained = train(
        recipe,
        output=folder / f"model-{rate:g}",
        overwrite=True,
        events=folder / "payments.parquet",
        progress=lambda step: steps.append((step, time.perf_counter())),
    )
    end = time.perf_counter()
    began = dict(steps)
    figures = {"seconds": end - start, "fit_s": began["calibrating"] - began["growing trees"]}
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # in kilobytes on Linux
    report, figures["train_rows"] = trained.report, len(sample_slice(trained.data, trained.split.train, recipe))
    for name in METRICS:
        figures[name] = getattr(report, name)
        figures[f"{name}.low"], figures[f"{name}.high"] = (report.intervals or {})[name] or (np.nan, np.nan)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
