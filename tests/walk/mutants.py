"""Eleven faults that the walk is for, each planted in a copy of the checkout: ``python -m tests.walk.mutants``.

Of each it prints the first failure of the walk, or that it survived; the exit code is 1 if any did. Names after the
command choose mutants.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

__all__ = ["MUTANTS", "Mutant", "main"]

ROOT = Path(__file__).parents[2]
SOURCES = ("src", "features", "models", "training", "tests", "scripts", "pyproject.toml")


class Mutant(NamedTuple):
    """A fault, as a replacement in a file, and the doors that are tried."""

    name: str
    file: str
    old: str
    new: str
    table: str
    doors: tuple[str, ...]


MUTANTS = (
    Mutant(
        "sample numbers are text",
        "models/scoring/samples.py",
        "return FIELD_TYPES[field.kind].samples[n]",
        'return "a" if field.kind == "amount" else FIELD_TYPES[field.kind].samples[n]',
        "paysim",
        ("train",),
    ),
    Mutant(
        "a record's own numbers are read in another order",
        "features/profile/custom_columns.py",
        "for name in self.numbers]\n        found",
        "for name in sorted(self.numbers)[::-1]]\n        found",
        "paysim",
        ("scorer",),
    ),
    Mutant(
        "the table of a category is shifted by one when it is read",
        "features/profile/custom_columns.py",
        "tuple(map(str, seen)) for name, seen in declared",
        "tuple(map(str, [*seen[1:], *seen[:1]])) for name, seen in declared",
        "openings",
        ("training_scores",),
    ),
    Mutant(
        "numbers in a file are times an hour later",
        "src/fraudsieve/tables/conversion.py",
        "np.where(units < 0, _NAT, times)",
        "np.where(units < 0, _NAT, times + 3_600_000_000)",
        "wallet_hashes",
        ("scorer",),
    ),
    Mutant(
        "a file's times without a zone are those of Shanghai",
        "src/fraudsieve/tables/conversion.py",
        "known = (times >= self.reading.earliest)",
        "times = np.where(naive, times - 28_800_000_000, times)\n        known = (times >= self.reading.earliest)",
        "sparkov",
        ("scorer",),
    ),
    Mutant(
        "thresholds are rounded when they are written",
        "models/artifact/folder.py",
        "[asdict(point) for point in model.points]",
        '[asdict(point) | {"threshold": round(point.threshold, 3)} for point in model.points]',
        "openings",
        ("verify",),
    ),
    Mutant(
        "CSV has three digits",
        "src/fraudsieve/tables/formats/output.py",
        "frame.to_csv(index=False,",
        "frame.round(3).to_csv(index=False,",
        "openings",
        ("predict_csv",),
    ),
    Mutant(
        "a live history holds events of the cutoff time",
        "features/history/timeline.py",
        "return self._compute(slots, label_slots, cutoffs, own)",
        "return self._compute(slots, label_slots, cutoffs + 1, own)",
        "paysim",
        ("events",),
    ),
    Mutant(
        "with --history, records that are scored are hidden from each other",
        "models/batch/scored_tables.py",
        "pd.concat([past, scored], ignore_index=True)",
        "pd.concat([past, scored[:0]], ignore_index=True)",
        "paysim",
        ("scorer",),
    ),
    Mutant(
        "the weights of the text model lose bits when they are read",
        "models/artifact/matrix.py",
        'arrays["weights"],',
        'arrays["weights"].astype("f2").astype("f4"),',
        "sms_gb18030",
        ("training_scores",),
    ),
    Mutant(
        "the calibration loses its shift when it is read",
        "models/artifact/folder.py",
        'Calibration(**json.loads(files["calibration.json"]))',
        'Calibration(**json.loads(files["calibration.json"]) | {"shift": 0.0})',
        "openings",
        ("training_scores",),
    ),
)


def main(names: list[str]) -> int:
    """Try the mutants that are named, or all."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    survived = 0
    with tempfile.TemporaryDirectory(prefix="walk-mutants-") as folder:
        copy = Path(folder, "checkout")
        _copy_sources(copy)
        lines = sorted({f"{mutant.table}-{door}" for mutant in chosen for door in mutant.doors})
        found = _walk(copy, lines)
        if found is not None:
            sys.stdout.write(f"without a fault, the walk fails: {found}\n")
            return 2
        for mutant in chosen:
            found = _try(copy, mutant)
            survived += found is None
            sys.stdout.write(f"{mutant.name}: {'SURVIVED' if found is None else f'caught: {found}'}\n")
            sys.stdout.flush()
    return int(survived > 0)


def _copy_sources(copy: Path) -> None:
    """Copy the checkout with its compiled kernels, which stay valid as long as their files do."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, symlinks=True)
        else:
            shutil.copy2(source, copy / name)


def _try(copy: Path, mutant: Mutant) -> str | None:
    """Plant a fault, walk, and mend it again."""
    file = copy / mutant.file
    text = file.read_text("utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.name}: expected its text once in {mutant.file}"
    file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    try:
        return _walk(copy, [f"{mutant.table}-{door}" for door in mutant.doors])
    finally:
        file.write_text(text, "utf-8")


def _walk(copy: Path, lines: list[str]) -> str | None:
    """Run lines of the walk, and return the first failure; None if all pass."""
    chosen = " or ".join(f"test_door[{line}]" for line in lines)
    call = [sys.executable, "-m", "pytest", "tests/walk", "-q", "-m", "walk", "-k", chosen, "--tb=short"]
    environment = os.environ | {"PYTHONPATH": str(copy / "src")}
    done = subprocess.run(call, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-3000:]
    failures = re.findall(r"^E +(.+)$", done.stdout, re.MULTILINE)
    return None if done.returncode == 0 else (failures or ["no reason was printed"])[0][:200]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
