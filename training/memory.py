"""The memory that training will need, from the size of the data, and the memory that is available."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import joblib

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import ShortOfMemoryError
from fraudsieve.features.cues.matrix import CUES, SHAPES
from fraudsieve.features.default_views import default_histories
from fraudsieve.features.history.declaration import check_histories, history_columns
from fraudsieve.features.large_matrix import is_large
from fraudsieve.features.text.fold import OBFUSCATIONS
from fraudsieve.features.wording.model import BITS
from fraudsieve.features.wording.surprisal import SURPRISALS
from fraudsieve.tables.cells import STRING
from fraudsieve.training.data.builders import PLAIN_ROWS, make_builder, sample_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.precomputed_matrix import PrecomputedMatrix
from fraudsieve.training.recipe.recipe import Recipe

ROOT = Path("/")
NO_LIMIT = 1 << 60
"""Version 1 of control groups writes a number near 2**63 for no limit."""
VERSIONS = (
    ("", "sys/fs/cgroup", "memory.max", "memory.current", ""),
    ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
"""Controller, mount, files of the limit and of the use, and the prefix of names in ``memory.stat``, by version."""
CACHED = ("inactive_file", "active_file")
"""Files in memory that the system releases when memory is short."""


def available_memory(root: Path = ROOT) -> int | None:
    """Return the bytes that this process may still allocate."""
    try:
        of_machine = _number_after("MemAvailable:", root / "proc/meminfo") * 1024
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return None
    limits = [_of_group(root, line) for line in groups]
    return max(min([of_machine, *(limit for limit in limits if limit is not None)]), 0)


def _of_group(root: Path, line: str) -> int | None:
    """Return the memory left in a control group and those above it; None if nothing is limited."""
    _, controllers, path = line.split(":", 2)
    left = []
    for controller, mount, limit, used, prefix in VERSIONS:
        if controller not in controllers.split(","):
            continue
        base = root / mount
        group = base / path.lstrip("/")
        # In a container, the path may be that of the host, and the mount the group itself.
        for folder in [group, *group.parents]:
            if not folder.is_relative_to(base):
                break
            left += _left(folder, limit, used, prefix)
    return min(left, default=None)


def _left(folder: Path, limit: str, used: str, prefix: str) -> list[int]:
    try:
        most = int((folder / limit).read_text())  # "max" for no limit
        cached = sum(_number_after(f"{prefix}{name} ", folder / "memory.stat", "0") for name in CACHED)
        in_use = int((folder / used).read_text()) - cached
    except (OSError, ValueError):
        return []
    return [most - in_use] if most < NO_LIMIT else []


def _number_after(name: str, file: Path, missing: str = "") -> int:
    """Return the number behind a name in a file. Raises ValueError if it is missing and has no default."""
    lines = (line for line in file.read_text().splitlines() if line.startswith(name))
    number = next(lines, name + missing).removeprefix(name).split()
    return int(number[0] if number else "")


MARGIN = 1.5
"""The factor by which the estimate may be wrong; a test compares it with the peak of runs."""
CODE_POINTS = 12
"""Bytes per character: raw and folded texts, and pinyin."""
NGRAMS = 40
"""Bytes per character: about five n-grams of four bytes, and as much while rare ones are taken out."""
CHARACTERS_PER_COLUMN = 8
"""Least number of characters in many texts for each n-gram of the text model."""
PER_RECORD, PER_EVENT = 400, 300
"""Bytes per record and per event: identifiers, times and labels, sorted and as frames."""
SAMPLE = 1_000
"""Records from which the columns of accounts and events are determined."""


@dataclass(frozen=True)
class DataSize:
    """The sizes that the memory of a training run depends on."""

    subject: Subject
    rows: int
    columns: int
    characters: int = 0
    # Outputs of the text model: 1 for two classes, otherwise one per class.
    outputs: int = 1
    events: int = 0
    # Whether a large matrix is in a file. One that is precomputed is in memory.
    has_file: bool = True


def needed_memory(size: DataSize, *, train_share: float = 1.0, n_jobs: int = 1) -> int:
    """Estimate the bytes that training takes at its peak, beside the tables and the libraries."""
    n_rows = int(size.rows * train_share)
    matrix = 8.0 * size.columns * n_rows
    records = PER_RECORD * size.rows + PER_EVENT * size.events
    if not size.subject.has_text:
        # With the distance from the training rows. Of a matrix in a file, the bins of LightGBM are in memory.
        distance = 8 * size.columns * min(n_rows, PLAIN_ROWS)
        matrix = distance + (size.columns * n_rows if size.has_file and is_large(n_rows, size.columns) else matrix)
    if not size.characters:
        return int(matrix + records)
    characters = size.characters * train_share
    columns = min(1 << BITS, int(characters / CHARACTERS_PER_COLUMN))
    fit = columns * (8 + 16 * (1 + size.outputs)) + size.rows * train_share * (24 + 4 * size.outputs)
    return int(matrix + records + characters * (CODE_POINTS + NGRAMS) + fit * n_jobs)


def data_size(data: LabelledData, recipe: Recipe) -> DataSize:
    """Return the sizes that the memory of a training run depends on."""
    rows, events = len(data.rows), 0 if data.events is None else len(data.events)
    if not data.subject.has_text:
        builder = make_builder(data, recipe)
        if isinstance(builder, PrecomputedMatrix):
            return DataSize(data.subject, rows, len(builder.matrix_.columns), has_file=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit of all rows warns
            sample = data.rows.head(SAMPLE)
            columns = len(builder.fit(sample, sample["label"]).matrix_.columns)
        lengths = [int(data.rows[name].astype(STRING).str.len().sum()) for name in recipe.history.texts]
        return DataSize(data.subject, rows, columns, max(lengths, default=0), events=events)
    n_classes = data.rows["label"].nunique()
    outputs = 1 if n_classes == 2 else n_classes
    text = len(CUES) + len(SHAPES) + len(OBFUSCATIONS) + 2 * len(SURPRISALS) + 2 * (outputs + 1)
    if data.events is not None:
        views = recipe.history.histories("UTC") or default_histories([str(name) for name in data.events.columns])
        text += len(history_columns(check_histories(views)))
    columns = text + len(recipe.features.columns)
    return DataSize(Subject.MESSAGE, rows, columns, int(data.rows["text"].str.len().sum()), outputs, events)


def check_memory(data: LabelledData, recipe: Recipe, available: int | None = None) -> None:
    """Raise an error if training certainly takes more memory than there is."""
    available = available_memory() if available is None else available
    if available is None:
        return
    size = data_size(data, recipe)
    # The text model is fitted for each fold and for all rows, and no more fits can run at a time.
    n_fits = min(joblib.effective_n_jobs(recipe.n_jobs or -1), recipe.features.n_folds + 1)
    needed = needed_memory(size, train_share=train_share(data, recipe), n_jobs=n_fits)
    if needed > MARGIN * available:
        raise ShortOfMemoryError(needed, available, f"{size.rows:,} {size.subject}s")


def train_share(data: LabelledData, recipe: Recipe) -> float:
    """Return the share of the rows whose matrix is in memory at the peak, together with copies of the same size."""
    test, calibration = recipe.split.test_share, recipe.split.calibration_share
    learned = 1.0 if recipe.model.refit else 1 - test - calibration
    if data.precomputed is None:
        return learned * sample_of(data, recipe).rate
    if recipe.model.refit:
        return learned
    # Only rows of the training slice were left out of a sample, so that most of it may be the test slice.
    whole = 1 + data.precomputed.declared.left_out / max(len(data.rows), 1)
    return max(1 - (test + calibration) * whole, test * whole / 2)
