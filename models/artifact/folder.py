"""The model folder: written completely or not at all, and checked before anything is built from it.

A folder holds ``manifest.json``, ``booster.txt`` (LightGBM's own text), ``wording.npz`` (arrays, no pickle),
``calibration.json`` and ``unlike_training.npz``. The manifest names every other file with its size and SHA-256; its own
SHA-256 is the model's digest, which a caller can pin. The bytes of a file are read once, checked, and the model is
built from these bytes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Self

import numpy as np

from fraudsieve._html import facts_table
from fraudsieve._io import PRIVATE, new_folder, read_file, which_version, write_file
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, JsonObject
from fraudsieve.exceptions import ArtifactError
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.wording.model import TextModel, output_classes
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.fields import Policy
from fraudsieve.models.given_history import GivenFields, given_fields
from fraudsieve.models.points import OperatingPoint, RatioSupport, SourcePoints
from fraudsieve.models.sentences.phrases import Phrase, phrases_of
from fraudsieve.models.trees.booster_text import check_booster
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.trees.shapley import REASONS
from fraudsieve.models.unlike_training.compared_columns import MAX_COMPARED_COLUMNS
from fraudsieve.models.unlike_training.distance import TrainingDistance
from fraudsieve.models.unlike_training.expected_shares import ExpectedShare, expected_problem
from fraudsieve.models.unlike_training.shares import MAX_VALUES, UnlikeTraining

from .arrays import FILE_BYTES, MANIFEST_BYTES, file_size_problem, pack_arrays, read_arrays, size_problem
from .matrix import EXPORT, LISTS_FILE, MANIFEST, array_mismatch, build_matrix, matrix_files

FORMAT = 3
"""The version of the folder's layout. It increases when an older reader would misread a newer folder."""
FEATURES_VERSION = 8
"""The version of the features' arithmetic. It increases when the same text would give other numbers."""

BOOSTER = "booster.txt"
MAX_LOG_ODDS = 1e9
"""Bound of the initial log-odds; the sum of larger ones could overflow."""
SMALLER = "Train it on fewer or smaller columns, labels or lists."
LIBRARIES = ("fraudsieve", "numpy", "lightgbm", "numba")
DIGITS = 12
"""Digits of a digest that are shown; enough to recognise a model."""


class SourceThresholds(NamedTuple):
    """What decides the records by the code of their category. The last place is for all other codes."""

    # Position of the column of the category.
    column: int
    thresholds: Array
    # The values that have a threshold of their own; None for the others.
    values: Array


class RankedPoints(NamedTuple):
    """The thresholds of all points, ascending, and the false positive rates from none of them reached to all."""

    thresholds: Array
    # NaN where none is known.
    rates: Array


@dataclass(frozen=True)
class Model:
    """The content of a model folder: features, trees, calibration and operating points.

    Parameters
    ----------
    name : str
    classes : tuple of str
        The classes, sorted.
    legitimate : str or None
        The class that is not a crime. None if the training data had no such class; then only types are predicted.
    matrix : MessageMatrix or AccountMatrix
        Converts records to feature rows.
    ensemble : Ensemble
        Converts feature rows to log-odds.
    calibration : Calibration
        Converts log-odds to calibrated log-odds.
    points : tuple of OperatingPoint, default=()
        The operating points; the first one makes the decision.
    source_points : SourcePoints, default=None
        Points that decide instead for some values of a category, such as a channel; None if the first decides always.
    ratio_support : RatioSupport, default=None
        The bounds of likelihood ratios that the calibration slice supports; None if they are not known.
    expected_shares : tuple of ExpectedShare, default=()
        The shares of records on traffic like that of the calibration slice; other traffic gives a warning.
    policy : Policy, optional
        What to do with a field that is missing, unknown or of the wrong type.
    training : dict, optional
        Information about the training: rows, digests, settings.
    unlike : UnlikeTraining, default=None
        The share of training records that are less unfamiliar than a record; None if it is not computed.
    digest : str, default=""
        SHA-256 of the manifest, once written or read.
    """

    name: str
    classes: tuple[str, ...]
    legitimate: str | None
    matrix: FeatureMatrix
    ensemble: Ensemble
    calibration: Calibration
    points: tuple[OperatingPoint, ...] = ()
    source_points: SourcePoints | None = None
    ratio_support: RatioSupport | None = None
    expected_shares: tuple[ExpectedShare, ...] = ()
    policy: Policy = field(default_factory=Policy)
    training: JsonObject = field(default_factory=dict)
    unlike: UnlikeTraining | None = None
    digest: str = ""

    def __repr__(self) -> str:
        """Return one line; the arrays are too long to show."""
        return f"Model({model_line(self)})"

    def _repr_html_(self) -> str:
        return model_table("Model", self)

    @property
    def subject(self) -> Subject:
        """The type of record that the model scores: ``message``, ``account`` or ``event``."""
        return self.matrix.subject

    @cached_property
    def given(self) -> dict[str, GivenFields]:
        """How the records of each table were given in the training."""
        return given_fields(self.training)

    @cached_property
    def cues(self) -> tuple[tuple[str, str], ...]:
        """The family and the cue of every column: the parts of its name before and after the first ``__``."""
        split = (name.partition("__") for name in self.matrix.columns)
        return tuple((family, cue) for family, _, cue in split)

    @cached_property
    def phrases(self) -> tuple[Phrase, ...]:
        """The phrase of every column, for the sentences of reasons."""
        return tuple(phrases_of(self.matrix).values())

    @cached_property
    def texts(self) -> tuple[dict[str, Array], ...]:
        """For each column of texts, first that of messages, the positions of its columns by family, and by name."""
        places: dict[str, dict[str, list[int]]] = {}
        for place, (phrase, (family, cue)) in enumerate(zip(self.phrases, self.cues, strict=True)):
            text, end = places.setdefault(phrase.where, {}), f"_of_{phrase.where}" if phrase.where else ""
            for name in (family, f"{family}__{cue.removesuffix(end)}"):
                text.setdefault(name, []).append(place)
        return tuple({name: np.array(one, np.int64) for name, one in text.items()} for text in places.values())

    @cached_property
    def source_thresholds(self) -> SourceThresholds | None:
        """The thresholds of `source_points` by the codes of the category."""
        if self.source_points is None:
            return None
        column, by_value = self.source_points.column, self.source_points.points
        values = [value if value in by_value else None for value in self.matrix.custom.categories[column]]
        points = [self.points[0] if value is None else by_value[value] for value in (*values, None)]
        place = self.matrix.columns.index(f"profile__{column}")
        thresholds = np.array([point.threshold for point in points])
        return SourceThresholds(place, thresholds, np.array([*values, None], object))

    @cached_property
    def ranked_points(self) -> RankedPoints:
        """The operating points in the order of their thresholds."""
        points = sorted(self.points, key=lambda point: point.threshold)
        rates = [np.nan, *(np.nan if (rate := one.false_positive_rate) is None else rate for one in points)]
        return RankedPoints(np.array([one.threshold for one in points]), np.array(rates, np.float64))

    @cached_property
    def usual(self) -> Array:
        """The median of every column in training; NaN where it is not known."""
        return np.full(len(self.matrix.columns), np.nan) if self.unlike is None else self.unlike.usual

    @property
    def text_model(self) -> TextModel | None:
        """The text model; None without one."""
        return self.matrix.text_models.get("wording")


def model_line(model: Model) -> str:
    """Return the name, the subject, the classes and the digest of a model in one line."""
    return f"{model.name}: {model.subject}s as {', '.join(model.classes)}; digest {model.digest[:DIGITS] or 'none'}"


class TrainingRecords(NamedTuple):
    """The records that a model was trained on: their number, times, and number by the value of some columns.

    Facts that a manifest does not have, or has in another form, are None or left out.
    """

    rows: Annotated[int | None, "Number of records; null if the model does not know it."]
    since: Annotated[str | None, "Time of the first record; null without times."]
    until: Annotated[str | None, "Time of the last record; null without times."]
    mixture: Annotated[
        dict[str, dict[str, int]],
        "Number of records by each value of the columns `channel` and `source`, if the table had them.",
    ]

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Read them from the facts about a training run, ``model.training``."""
        rows, window, mixture = (facts.get(name) for name in ("rows", "window", "mixture"))
        train = rows.get("train") if isinstance(rows, Mapping) else None
        since, until = window if isinstance(window, list) and len(window) == 2 else (None, None)
        columns = mixture.items() if isinstance(mixture, Mapping) else ()
        return cls(
            rows=train if isinstance(train, int) else None,
            since=since if isinstance(since, str) else None,
            until=until if isinstance(until, str) else None,
            mixture={name: dict(counts) for name, counts in columns if isinstance(counts, Mapping)},
        )


def training_line(model: Model) -> str:
    """Return what a model was trained on: how many records, of which time, and of which channel or source."""
    used = TrainingRecords.of(model.training)
    parts = [f"{'an unknown number of' if used.rows is None else f'{used.rows:,}'} {model.subject}s"]
    if used.since is None or used.until is None:
        parts.append("of unknown times")
    else:
        parts.append(f"from {' to '.join(time[:16].replace('T', ' ') for time in (used.since, used.until))} UTC")
    for name, counts in used.mixture.items():
        parts.append(f"by {name}: {', '.join(f'{value} {count:,}' for value, count in counts.items())}")
    text = ", ".join(parts)
    return text if text.isprintable() else repr(text)  # a terminal obeys other characters


def model_summary(model: Model) -> dict[str, str]:
    """Return the main facts about a model as rows of a table."""
    points = ", ".join(f"{point.name} (recall {point.recall:.3f})" for point in model.points)
    return {
        "model": model.name,
        "scores": f"{model.subject}s",
        "trained on": training_line(model),
        "classes": ", ".join(model.classes),
        "legitimate class": model.legitimate or "none",
        "columns": f"{len(model.matrix.columns):,}",
        "operating points, the first decides": points or "none",
        "digest": model.digest or "none, not yet written",
    }


def model_table(title: str, model: Model) -> str:
    """Return a model as a table in HTML."""
    return facts_table(title, model_summary(model))


def write_model(model: Model, folder: str | Path, *, check: Callable[[Path], object] | None = None) -> Model:
    """Write a model folder, completely or not at all.

    Parameters
    ----------
    model : Model
    folder : str or Path
        The folder to create; its parent is created too.
    check : callable, default=None
        Called with the complete folder before it gets its name. If it raises an error, nothing is written.

    Returns
    -------
    Model
        The same model with its digest.

    Raises
    ------
    FileExistsError
        If the folder exists: models are not overwritten.
    ArtifactError
        If the model is too large to be read again. Nothing was written then.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder}: a model folder must be new, this one exists. Choose another or delete it.")
    files = _serialise(model)
    manifest = json.dumps(_manifest(model, files), indent=2, ensure_ascii=False).encode()
    problem = size_problem(json.loads(manifest)) or file_size_problem({**files, MANIFEST: manifest})
    if problem is not None:
        raise ArtifactError(str(folder), f"the model cannot be written: {problem}", SMALLER)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(folder) as staged:
        for name, content in [*files.items(), (MANIFEST, manifest)]:
            write_file(staged / name, content, mode=PRIVATE)  # categories are in clear
        if check is not None:
            check(staged)
    return replace(model, digest=hashlib.sha256(manifest).hexdigest())


def _serialise(model: Model) -> dict[str, bytes]:
    """Return the content of every file except the manifest."""
    files = {
        BOOSTER: model.ensemble.booster.model_to_string(num_iteration=-1).encode(),
        "calibration.json": json.dumps(asdict(model.calibration), indent=2).encode(),
    }
    return files | matrix_files(model.matrix) | unlike_files(model.unlike)


def _manifest(model: Model, files: dict[str, bytes]) -> JsonObject:
    return {
        "format": FORMAT,
        "name": model.name,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "subject": model.subject,
        "classes": list(model.classes),
        "legitimate": model.legitimate,
        "features": {"version": FEATURES_VERSION, **model.matrix.to_dict()},
        "columns": [{"name": name, "type": "float64"} for name in model.matrix.columns],
        "start": {"wording": list(model.ensemble.wording), "base": model.ensemble.base.tolist()},
        "unlike_training": model.unlike is not None,
        "policy": asdict(model.policy),
        "reasons": REASONS,
        "operating_points": [asdict(point) for point in model.points],
        "source_points": None if model.source_points is None else asdict(model.source_points),
        "ratio_support": None if model.ratio_support is None else asdict(model.ratio_support),
        "expected_shares": [asdict(share) for share in model.expected_shares],
        "training": model.training,
        "libraries": {name: version(name) for name in LIBRARIES},
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(files.items())
        },
    }


def read_model(folder: str | Path, *, digest: str | None = None) -> Model:
    """Check a model folder and read it.

    Parameters
    ----------
    folder : str or Path
        A folder that `write_model` made.
    digest : str, default=None
        The SHA-256 of the manifest, to accept only that model.

    Returns
    -------
    Model
        The model with its digest.

    Raises
    ------
    ArtifactError
        If a file is missing or changed, or the format, the features or the digest is not the expected one.
    """
    folder = Path(folder)
    manifest, actual = read_manifest(folder, digest=digest)
    files = {name: _checked_bytes(folder, name, entry) for name, entry in manifest["files"].items()}
    try:
        model = replace(_build(manifest, files), digest=actual)
        problem = _mismatch(model, manifest)
    except ArtifactError as error:  # its origin is the file
        raise ArtifactError(str(folder / error.origin), error.problem, error.fix) from None
    except Exception as error:  # malformed bytes can raise anything in NumPy, zipfile, JSON or LightGBM
        problem = f"the files are not a valid model ({type(error).__name__})"
    if problem is not None:
        raise ArtifactError(str(folder), problem, EXPORT)
    return model


def read_manifest(folder: Path, *, digest: str | None = None) -> tuple[JsonObject, str]:
    """Return the manifest of a folder and its SHA-256, after checking the version and the expected digest."""
    raw = _read_bytes(folder, MANIFEST)
    actual = hashlib.sha256(raw).hexdigest()
    if digest is not None and digest != actual:
        raise ArtifactError(
            str(folder / MANIFEST),
            f"expected digest {digest}, got {actual}",
            "Use the model that was pinned.",
        )
    return _parse_manifest(raw, folder), actual


def _read_bytes(folder: Path, name: str, limit: int = MANIFEST_BYTES) -> bytes:
    """Read a regular file that is in the folder itself and not larger than the limit."""
    path, fix = folder / name, "Use the path of a complete model folder."
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # before Python 3.13 circular links raise RuntimeError
        raise ArtifactError(str(path), f"cannot be read ({type(error).__name__})", fix) from None
    if not is_inside:
        raise ArtifactError(str(path), "it is a link out of the model folder", fix)
    return read_file(path, limit, ArtifactError, fix)


def _parse_manifest(raw: bytes, folder: Path) -> JsonObject:
    """Parse a manifest and check its versions."""
    where = str(folder / MANIFEST)
    try:
        manifest = json.loads(raw)
        layout, features, files = manifest["format"], manifest["features"]["version"], manifest["files"]
        for name, entry in files.items():
            str(name), str(entry["sha256"]), str(entry["bytes"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ArtifactError(where, "is not a manifest of fraudsieve", EXPORT) from None
    for name, got, ours in (("format", layout, FORMAT), ("features of version", features, FEATURES_VERSION)):
        if got != ours:
            fix = "Upgrade fraudsieve." if isinstance(got, int) and got > ours else "Train the model again."
            libraries = manifest.get("libraries")
            writer = libraries.get("fraudsieve") if isinstance(libraries, dict) else None
            fix = f"{fix} {which_version(writer, manifest.get('created_at'))}"
            raise ArtifactError(where, f"expected {name} {ours}, got {got!r}", fix)
    unknown = set(files) - set(FILE_BYTES)
    problem = f"names {len(unknown)} unknown files" if unknown else _size_problem(manifest)
    if problem is not None:
        raise ArtifactError(where, problem, EXPORT)
    return dict(manifest)


def _size_problem(manifest: JsonObject) -> str | None:
    try:
        return size_problem(manifest)
    except (KeyError, TypeError, AttributeError) as error:
        return f"is not a manifest of fraudsieve ({type(error).__name__})"


def _checked_bytes(folder: Path, name: str, entry: JsonObject) -> bytes:
    content = _read_bytes(folder, name, FILE_BYTES[name])
    if len(content) != entry["bytes"] or hashlib.sha256(content).hexdigest() != entry["sha256"]:
        problem = "its content does not match the manifest (SHA-256)"
        raise ArtifactError(str(folder / name), problem, "Copy the folder again from where it was made.")
    return content


def _build(manifest: JsonObject, files: dict[str, bytes]) -> Model:
    """Build the model from checked bytes."""
    import lightgbm as lgb  # it takes a second, in which another process compiles kernels: see `load_model`

    start, outputs = manifest["start"], output_classes(manifest["classes"])
    try:
        text = check_booster(files[BOOSTER], len(manifest["columns"]), len(outputs))
    except ValueError as error:
        raise ArtifactError(BOOSTER, str(error), EXPORT) from None
    calibration = Calibration(**json.loads(files["calibration.json"]))
    if calibration.problem is not None:
        raise ArtifactError("calibration.json", calibration.problem, "Calibrate the model again.")
    try:
        booster = lgb.Booster(model_str=text)
    except lgb.basic.LightGBMError:  # its message quotes the file
        raise ArtifactError(BOOSTER, "LightGBM cannot read it", EXPORT) from None
    return Model(
        name=manifest["name"],
        classes=tuple(manifest["classes"]),
        legitimate=manifest["legitimate"],
        matrix=build_matrix(manifest["subject"], manifest["features"], files),
        ensemble=Ensemble(booster, tuple(start["wording"]), np.array(start["base"], np.float64)),
        calibration=calibration,
        points=tuple(OperatingPoint.of(point) for point in manifest["operating_points"]),
        source_points=SourcePoints.of(by_source) if (by_source := manifest.get("source_points")) else None,
        ratio_support=RatioSupport(**support) if (support := manifest.get("ratio_support")) else None,
        expected_shares=tuple(ExpectedShare(**share) for share in manifest.get("expected_shares", ())),
        policy=Policy(**manifest["policy"]),
        training=dict(manifest["training"]),  # of a damaged manifest, it may be a list or a number
        unlike=read_unlike(files, len(manifest["columns"])) if manifest["unlike_training"] else None,
    )


def _mismatch(model: Model, manifest: JsonObject) -> str | None:
    """Return which parts of a model do not fit each other; None if all of them do."""
    named = [column["name"] for column in manifest["columns"]]
    booster, base, start = model.ensemble.booster, model.ensemble.base, list(model.ensemble.wording)
    if tuple(named) != model.matrix.columns or booster.num_feature() != len(named):
        return f"the manifest names {len(named)} columns that are not those of the features"
    outputs = output_classes(model.classes)
    if booster.num_model_per_iteration() != len(outputs) or base.shape != (len(outputs),):
        return f"the manifest names {len(model.classes)} classes, and the trees have other outputs"
    if start and start != [named.index(f"wording__{name}") for name in outputs]:
        return "boosting starts from columns that are not the wording of the classes"
    if {type(name) for name in (model.name, *model.classes)} != {str} or len(set(model.classes)) < 2:
        return "the name or a class is not a string, or there are fewer than two classes"
    if model.legitimate not in (*model.classes, None) or (model.points and model.legitimate is None):
        return "the legitimate class is not one of the classes"
    if manifest["reasons"] != REASONS:
        return "the method of the reasons is unknown"
    if not all(abs(number) <= MAX_LOG_ODDS for number in base.tolist()):
        return "the initial log-odds are not finite, or too large"
    by_source = model.source_points
    if by_source is not None and not (model.points and by_source.column in model.matrix.custom.categories):
        return "there are points of a category that the model does not have"
    problems = [point.problem for point in (*model.points, *(by_source.points.values() if by_source else ()))]
    if any(problems):
        return f"operating points: {next(filter(None, problems))}"
    if model.ratio_support is not None and model.ratio_support.problem is not None:
        return f"likelihood ratios: {model.ratio_support.problem}"
    if problem := expected_problem(model.expected_shares):
        return f"expected shares: {problem}"
    declared = {UNLIKE_FILE: manifest["unlike_training"], LISTS_FILE: manifest["features"].get("lists", False)}
    for name, is_declared in declared.items():
        if is_declared is not (name in manifest["files"]):
            return f"the manifest and the files disagree on {name}"
    return array_mismatch(model.matrix, manifest["features"]) or unlike_mismatch(model.unlike, len(named))


UNLIKE_FILE: Final = "unlike_training.npz"
OF_DISTANCE: Final = ("columns", "center", "scale", "precision", "missing")
MAX_MAGNITUDE: Final = 1e9
"""Bound of the numbers of the distance; sums of products of larger ones could overflow."""


def unlike_files(unlike: UnlikeTraining | None) -> dict[str, bytes]:
    """Return the file that holds the arrays; none without them."""
    if unlike is None:
        return {}
    arrays = {name: getattr(unlike.distance, name) for name in OF_DISTANCE}
    arrays |= {"values": unlike.values, "shares": unlike.shares, "usual": unlike.usual}
    return {UNLIKE_FILE: pack_arrays(arrays | {"scale_beyond": np.float64(unlike.scale)})}


def read_unlike(files: Mapping[str, bytes], n_columns: int) -> UnlikeTraining:
    """Read the arrays of a model with the given number of columns."""
    of_column, of_value = 8 * MAX_COMPARED_COLUMNS, 8 * MAX_VALUES
    sizes = dict.fromkeys(OF_DISTANCE, of_column) | {"precision": of_column * MAX_COMPARED_COLUMNS}
    sizes |= {"values": of_value, "shares": of_value, "usual": 8 * n_columns, "scale_beyond": 8}
    try:
        arrays = read_arrays(files[UNLIKE_FILE], sizes)
    except ValueError as error:
        raise ArtifactError(UNLIKE_FILE, str(error), "Export the model again.") from None
    # The kernel reads rows of the matrix, and is compiled for this order alone.
    distance = TrainingDistance(**{name: np.ascontiguousarray(arrays[name]) for name in OF_DISTANCE})
    return UnlikeTraining(distance, arrays["values"], arrays["shares"], float(arrays["scale_beyond"]), arrays["usual"])


def unlike_mismatch(unlike: UnlikeTraining | None, n_columns: int) -> str | None:
    """Return what is wrong with the arrays, or None; the kernel does not check bounds."""
    if unlike is None:
        return None
    distance, n_used, n_values = unlike.distance, len(unlike.distance.columns), len(unlike.values)
    parts = (*(getattr(distance, name) for name in OF_DISTANCE), unlike.values, unlike.shares, unlike.usual)
    shapes = ((n_used,), (n_used,), (n_used,), (n_used, n_used), (n_used,), (n_values,), (n_values,), (n_columns,))
    types = ["int64", *["float64"] * 7]
    if tuple(part.shape for part in parts) != shapes or [part.dtype.name for part in parts] != types or not n_values:
        return "the arrays of unlike_training do not fit each other"
    if n_used and not (distance.columns.min() >= 0 and distance.columns.max() < n_columns):
        return "unlike_training uses columns that the model does not have"
    # With shares out of order, a more unfamiliar record would have a lower share.
    is_valid = (
        all(bool((np.abs(part) <= MAX_MAGNITUDE).all()) for part in (*parts[1:4], unlike.values))
        and all(bool((np.diff(part) > 0).all()) for part in (unlike.values, unlike.shares))
        and all(bool(((part >= 0) & (part <= 1)).all()) for part in (distance.missing, unlike.shares))
        and bool((distance.scale > 0).all())
        and 0 < unlike.scale < float("inf")
        and not np.isinf(unlike.usual).any()
    )
    return None if is_valid else "unlike_training has numbers out of order, or out of bounds"
