"""The process that `benchmarks.footprint` starts in the fresh environment: ``python footprint_probe.py FOLDER``.

It imports no other module of the benchmarks, because that environment has fraudsieve's base dependencies only.
"""

import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path

TEXT = "Your parcel is held, pay the fee at http://parcel.example"


def memory() -> dict[str, float]:
    """Return the resident memory of this process and its peak, in MB; empty on systems without /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return {name: int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def main(folder: str) -> None:
    """Import, load and score once; print the end of each step, on the clock of all processes, and its duration."""
    start = time.perf_counter()
    from fraudsieve.models.predict import Scorer

    imported = time.perf_counter()
    unexpected = sorted(name for name in ("mlflow", "pandas", "pyarrow", "sklearn") if find_spec(name))
    if unexpected:  # LightGBM imports those that are installed
        sys.exit(f"this environment has {', '.join(unexpected)}: expected only the base dependencies")
    scorer = Scorer.load(folder)
    loaded, loaded_at = time.perf_counter(), time.monotonic()
    score = scorer.score({"text": TEXT})
    scored, scored_at = time.perf_counter(), time.monotonic()
    measured = {
        "import_s": imported - start,
        "load_s": loaded - imported,
        "score_s": scored - loaded,
        "loaded_at": loaded_at,
        "scored_at": scored_at,
        "cpu_s": time.process_time(),
        "status": score["status"],
        **memory(),
    }
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
