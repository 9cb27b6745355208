"""The check of a model folder, which `Scorer.load`, `verify` and whatever writes a model share.

It reads the folder, and then scores sample records and explains the scores. Files that match their digests can still
hold numbers from which no valid score can be computed.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fraudsieve._precompiled import compile_kernels, compiling
from fraudsieve._subjects import Subject
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.artifact.folder import (
    FEATURES_VERSION,
    FORMAT,
    LIBRARIES,
    Model,
    read_manifest,
    read_model,
    training_line,
    write_model,
)
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.reasons.reason_codes import N_REASONS
from fraudsieve.models.reasons.request import ReasonRequest
from fraudsieve.models.scoring.samples import warm_records
from fraudsieve.models.scoring.scores import score_features

from .fields import Policy
from .given_history import Events, resolve_history

DEFECT = (
    "This is a defect of fraudsieve: report it with this message. Until it is fixed, leave out the column that it names"
)
NOT_PINNED = (
    "the digest is not pinned: the folder is complete, but its author is not verified; "
    "pass the digest that train printed"
)


@dataclass(frozen=True)
class Verified:
    """The checks that a model folder passed. A folder that fails a check raises `ArtifactError` instead."""

    folder: Path
    # The model's name, what it scores, and the SHA-256 of its manifest.
    name: str
    subject: Subject
    digest: str
    # How many records it was trained on, of which time, and of which channel or source, if these are known.
    trained_on: str
    # Whether an expected digest was given and matched.
    pinned: bool
    checks: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def load_model(folder: str | Path, *, digest: str | None = None) -> Model:
    """Read a model folder and check it, up to scoring sample records and explaining the scores."""
    is_message = read_manifest(Path(folder), digest=digest)[0].get("subject") == "message"
    with compiling("message") if is_message else nullcontext():
        model = read_model(folder, digest=digest)
    if model.matrix.history_parts and not is_message:
        compile_kernels("account")
    try:
        problem = _sample_problem(model)
    except Exception as error:  # arrays that fit each other can still cause any error in a kernel or in LightGBM
        # Errors of values name fields, and the values are those of sample records.
        why = f": {error}" if isinstance(error, ValueError) else ""
        problem = f"cannot score a sample record ({type(error).__name__}{why})"
    if problem is not None:
        raise ArtifactError(str(folder), problem, "Train the model again.")
    return model


def write_verified(model: Model, folder: str | Path) -> Model:
    """Write a model folder, and check it as `load_model` does, from its files alone, before it gets its name."""

    def check(staged: Path) -> None:
        try:
            load_model(staged)
        except ArtifactError as error:
            problem = f"the model is not kept, because its files fail the check of verify: {error.problem}"
            raise ArtifactError(str(folder), problem, DEFECT) from error

    return write_model(model, folder, check=check)


def _sample_problem(model: Model) -> str | None:
    """Score sample records, one and several, without and with a history, and explain the scores."""
    records, history = warm_records(model.matrix)
    for events in (None, history):
        for batch in (records[:1], records):
            problem = _batch_problem(model, batch, events)
            if problem is not None:
                return problem
    return None


def _batch_problem(model: Model, records: Sequence[Mapping[str, Any]], events: Events | None) -> str | None:
    features = model.matrix.rows(records, resolve_history(model.matrix, events))
    why = next((reason for reason in features.why.tolist() if reason is not None), None)
    if why is not None:
        return f"does not score a sample record ({why})"
    scores = score_features(model, Policy(), features)
    if np.isinf(features.X).any() or not np.isfinite(scores.log_odds).all():
        return "gives a sample record a feature or log-odds that are not finite"
    explained = ReasonRequest(model, N_REASONS, None).explain(records, features, scores.log_odds)
    try:
        json.dumps([scores.to_records(), explained], ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return "gives a sample record a score or a reason that is not finite, or a class that is not text"
    return None


def verify(folder: str | Path, *, digest: str | None = None) -> Verified:
    """Check a model folder as `Scorer.load` does, and list the checks.

    Parameters
    ----------
    folder : str or Path
        As for `Scorer.load`.
    digest : str, default=None
        The SHA-256 of its manifest, to accept only that model.

    Returns
    -------
    Verified
        The model's name, subject and digest, the checks with their results, and the limits of the checks.

    Raises
    ------
    ArtifactError
        If a check fails. Nothing is built from a file that fails its check.

    Examples
    --------
    ::

        verify("fraudsieve-model", digest="…").checks[0]  # ('digest', 'of the manifest, equals the given one')
    """
    folder = model_folder(folder)
    model = load_model(folder, digest=digest)
    manifest, _ = read_manifest(folder, digest=model.digest)  # the same bytes as before
    trees = model.ensemble.booster
    sizes = [entry["bytes"] for entry in manifest["files"].values()]
    checks = (
        ("digest", "of the manifest, equals the given one" if digest else "of the manifest, none was given"),
        ("versions", f"format {FORMAT}, features {FEATURES_VERSION}: those of this fraudsieve"),
        ("files", f"{len(sizes)}, {sum(sizes):,} bytes, in the folder itself, SHA-256 as in the manifest"),
        ("booster", f"{trees.num_trees()} trees: every split and leaf is reached once, and every column exists"),
        ("arrays", "sizes before they were unpacked, shapes, types and ranges; every number is finite"),
        ("columns", f"{len(model.matrix.columns)}, in the order of the features that the manifest declares"),
        ("classes", f"{len(model.classes)}, as many as the trees have outputs for"),
        ("thresholds", f"{_count_points(model)} from 0 to 1; the calibration keeps the ranking"),
        ("samples", "sample records were scored and explained, without and with a history"),
    )
    notes = () if digest else (NOT_PINNED,)
    notes = (*notes, *_version_notes(manifest))
    facts = model.name, model.subject, model.digest, training_line(model)
    return Verified(folder, *facts, bool(digest), checks, notes)


def _count_points(model: Model) -> str:
    estimated = sum(point.estimated_false_positive_rate is not None for point in model.points)
    return f"{len(model.points)} operating points{f' ({estimated} estimated)' if estimated else ''}"


def _version_notes(manifest: JsonObject) -> tuple[str, ...]:
    """Return a note on the libraries whose version differs from the one that wrote the folder."""
    written = manifest.get("libraries")
    written = written if isinstance(written, dict) else {}
    pairs = [(name, str(written.get(name)), version(name)) for name in LIBRARIES]
    differences = ", ".join(f"{name} {was} (here {now})" for name, was, now in pairs if was != now)
    return (f"written with {differences}",) if differences else ()
