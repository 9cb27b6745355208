"""The files of a model folder and the keys of its manifest: the names from the code, and their contents."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from fraudsieve.models import write_model
from fraudsieve.models.artifact.arrays import FILE_BYTES, MANIFEST_BYTES, TEXT_PREFIXES

from .entries import entry
from .example_models import example_model

__all__ = ["file_names", "manifest_keys", "model_folder_page"]

MANIFEST = "manifest.json"
FILES = {
    "manifest.json": "The description of the model. It names every other file with its size and SHA-256.",
    "booster.txt": "The trees, in the text format of LightGBM.",
    "calibration.json": "The calibration of the log-odds.",
    "wording.npz": "The text model, as arrays without pickle.",
    "pinyin.npz": "The text model for pinyin, as arrays without pickle.",
    "characters.npz": "Counts of characters and pairs of characters in legitimate texts, for surprisal.",
    "unlike_training.npz": "Distances from the training rows, for `unlike_training`.",
    "lists.json": "Your own words, brands, hotlines and link shorteners.",
}
ORDINALS = ("first", "second", "third", "fourth")
FILES |= {
    f"{prefix}{name}": f"The same for the {ordinal} further column of texts."
    for prefix, ordinal in zip(TEXT_PREFIXES, ORDINALS, strict=True)
    for name in ("wording.npz", "pinyin.npz", "characters.npz", "lists.json")
}
KEYS = {
    "format": "Version of the folder layout.",
    "name": "Name of the model.",
    "created_at": "Time at which the folder was written, in UTC.",
    "subject": "What is scored: `message`, `account` or `event`.",
    "classes": "The classes, sorted.",
    "legitimate": "The class that is not fraud; null if there is none.",
    "features": "Version and declaration of the features: the columns that are read, feature views, network and lists.",
    "columns": "Names and types of the feature columns, in the order of the trees.",
    "start": "Columns and initial log-odds that boosting starts from.",
    "unlike_training": "Whether the model computes `unlike_training`.",
    "policy": "What happens to fields that are missing, unknown or of the wrong type.",
    "reasons": "How reasons are computed.",
    "operating_points": "Thresholds with their rates on the calibration slice. The first one decides.",
    "source_points": "Points that decide instead for values of one category, by value; null without `--threshold-by`.",
    "ratio_support": "Bounds of the likelihood ratios that the calibration slice supports, and its counts.",
    "expected_shares": "Shares of records unlike training, and flagged, on the same traffic, and their variance.",
    "training": "Facts about the training run: rows, digests, settings.",
    "libraries": "Versions of the libraries that wrote the folder.",
    "files": "Size and SHA-256 of every other file.",
}


def file_names() -> list[str]:
    """Return the files that a model folder may have."""
    return [MANIFEST, *FILE_BYTES]


@cache
def _written() -> tuple[dict[str, Any], frozenset[str]]:
    with tempfile.TemporaryDirectory() as folder:
        write_model(example_model("message"), Path(folder) / "model")
        names = frozenset(path.name for path in (Path(folder) / "model").iterdir())
        return json.loads((Path(folder) / "model" / MANIFEST).read_text("utf-8")), names


def manifest_keys() -> list[str]:
    """Return the keys of a newly written manifest."""
    return list(_written()[0])


def model_folder_page() -> str:
    """Return an entry per file, with its maximum size, and an entry per key of the manifest.

    Raises
    ------
    ValueError
        If a file or a key has no text here, or a text has no file or key.
    """
    for texts, names in ((FILES, file_names()), (KEYS, manifest_keys())):
        if texts.keys() != {*names}:
            different = ", ".join(sorted(texts.keys() ^ {*names}))
            raise ValueError(f"Expected a text for every name of a model folder, got a difference: {different}.")
    sizes = {MANIFEST: MANIFEST_BYTES, **FILE_BYTES}
    parts = ["## Files\n"]
    parts += [entry("model-file", name, f"{FILES[name]} At most {_size(sizes[name])}.") for name in file_names()]
    parts.append("## Keys of the manifest\n")
    parts += [entry("manifest", key, KEYS[key]) for key in manifest_keys()]
    return "\n".join(parts)


def _size(n_bytes: int) -> str:
    """Return a size in the largest unit that divides it.

    Examples
    --------
    >>> _size(4096), _size(16 << 20)
    ('4 KiB', '16 MiB')
    """
    unit, length = next(unit for unit in (("GiB", 30), ("MiB", 20), ("KiB", 10)) if n_bytes % (1 << unit[1]) == 0)
    return f"{n_bytes >> length} {unit}"
