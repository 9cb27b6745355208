"""From a recipe to a model: read, split, fit, calibrate, evaluate, write, track."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.features.campaign import near_duplicate_groups
from fraudsieve.features.exceptions import SchemaError
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.features.schema import Source, write_rejected
from fraudsieve.models.artifact import Model, write_model
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.models.predict import Scorer, fraud_probability
from fraudsieve.models.thresholds import OperatingPoint, operating_points

from .data import Labelled, load_labelled, origin_of
from .evaluate import evaluate
from .recipe import Recipe
from .split import Split, split_by_campaign, split_by_time, split_randomly
from .track import Logged, log_training, tracking_uri

__all__ = ["Trained", "evaluate_model", "fit_model", "train"]

Array = npt.NDArray[Any]
Progress = Callable[[str], None]

FEW_TO_CALIBRATE = 200
"""Below so many rows a calibration and its operating points say little."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training run made.

    Parameters
    ----------
    model : Model
        The model, as written.
    folder : Path
        The model folder.
    sheet : dict
        Figures on the test slice.
    split : Split
        What was trained, calibrated and tested on.
    data : Labelled
        The rows, and what was set aside.
    logged : Logged
        Where the run is in MLflow.
    notes : tuple of str
        What the user should know.
    """

    model: Model
    folder: Path
    sheet: dict[str, Any]
    split: Split
    data: Labelled
    logged: Logged
    notes: tuple[str, ...]


def train(
    recipe: Recipe,
    *,
    output: str | Path,
    messages: Source | None = None,
    labels: Source | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a model on labelled messages and keep it in MLflow and in a folder.

    Rows set aside go beside the folder, into ``<folder>.rejected-messages.parquet`` and ``-labels.parquet``.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    output : str or Path
        The model folder to make.
    messages, labels : path or DataFrame, default=None
        The tables; by default those of the recipe.
    progress : callable, default=None
        Called with what is done next.

    Returns
    -------
    Trained
        The model, its figures and its run.

    Raises
    ------
    SchemaError
        When a table cannot be used, or the labels are of one class.
    SplitError
        When there is too little data for the split.
    FileExistsError
        When the model folder is there already.
    """
    say = progress or (lambda step: None)
    messages = recipe.data.messages if messages is None else messages
    labels = recipe.data.labels if labels is None else labels
    if messages is None:
        raise SchemaError("recipe", "names no messages", "Give data.messages, or --messages.")
    if Path(output).exists():
        raise FileExistsError(f"{output}: the model folder exists already. Name another with --output, or remove it.")
    say("reading")
    data = load_labelled(messages, labels, min_label_rows=recipe.data.min_label_rows)
    _check_classes(data, messages)
    say("looking for campaigns")
    groups = near_duplicate_groups(data.messages["text"].tolist())
    split = choose_split(data.messages, groups, recipe)
    model, notes = fit_model(data, groups, split, recipe, say)
    model = write_model(model, output)
    say("evaluating")
    sheet = evaluate_model(Scorer(model), data.messages.iloc[split.test])
    sheet["split"] = _describe_split(split)
    say("keeping the run in MLflow")
    logged = _log(recipe, Path(output), model, sheet, data)
    notes = (*data.notes, *notes, *_write_rejected(data, output))
    return Trained(model, Path(output), sheet, split, data, logged, notes)


def _write_rejected(data: Labelled, output: str | Path) -> list[str]:
    """Write the rows set aside beside the model folder, and say where."""
    notes = []
    for table, rows in {"messages": data.rejected, "labels": data.rejected_labels}.items():
        if len(rows):
            path = write_rejected(rows, f"{output}.rejected-{table}.parquet")
            notes.append(f"{len(rows)} rows of {table} are set aside, with their reasons, in {path}")
    return notes


def _check_classes(data: Labelled, source: Source) -> None:
    classes = data.messages["label"].nunique()
    if classes < 2:
        raise SchemaError(
            origin_of(source), f"{classes} classes have enough rows, at least 2 are needed", "Give more labels."
        )


def choose_split(messages: pd.DataFrame, groups: Array, recipe: Recipe) -> Split:
    """Split as the recipe says; by default by time where most rows have one, else by campaign.

    Parameters
    ----------
    messages : DataFrame
        Labelled messages.
    groups : ndarray, shape (n_messages,)
        Campaigns.
    recipe : Recipe
        The kind and the shares, the legitimate class and the seed.

    Returns
    -------
    Split

    Raises
    ------
    SplitError
        When a slice would be empty.
    """
    settings, labels = recipe.split, messages["label"].to_numpy(object)
    kind = settings.kind
    if kind == "auto":
        kind = "time" if messages["sent_at"].notna().mean() > 0.5 else "campaign"
    shares: dict[str, Any] = {"test_share": settings.test_share, "calibration_share": settings.calibration_share}
    if kind == "time":
        times = messages["sent_at"], messages["labelled_at"]
        is_crime = labels != recipe.data.legitimate
        return split_by_time(*times, groups, is_crime, gap_days=settings.gap_days, **shares)
    if kind == "campaign":
        return split_by_campaign(labels, groups, seed=recipe.seed, **shares)
    return split_randomly(len(messages), seed=recipe.seed, **shares)


def fit_model(
    data: Labelled, groups: Array, split: Split, recipe: Recipe, progress: Progress
) -> tuple[Model, tuple[str, ...]]:
    """Fit features, trees, calibration and operating points on their slices.

    Parameters
    ----------
    data : Labelled
        All rows.
    groups : ndarray, shape (n_rows,)
        Campaigns.
    split : Split
        The slices.
    recipe : Recipe
        Settings.
    progress : callable
        Called with what is done next.

    Returns
    -------
    model : Model
        Not yet written.
    notes : tuple of str
        What the user should know.
    """
    texts, labels = data.messages["text"].to_numpy(object), data.messages["label"].to_numpy(object)
    seed: dict[str, Any] = {"random_state": recipe.seed, "n_jobs": recipe.n_jobs}
    progress("learning wording")
    features = MessageFeatures(**recipe.features.model_dump(), **seed).set_output(transform="pandas")
    matrix = features.fit_transform(texts[split.train], labels[split.train], groups=groups[split.train])
    progress("growing trees")
    classifier = FraudClassifier(**recipe.model.model_dump(), **seed)
    classifier.fit(matrix, labels[split.train], groups=groups[split.train])
    progress("calibrating")
    held_back, truth = features.transform(texts[split.calibration]), labels[split.calibration]
    known = np.isin(truth, classifier.classes_)
    classifier.calibrate(held_back[known], truth[known])
    classes = tuple(str(name) for name in classifier.classes_)
    legitimate = recipe.data.legitimate if recipe.data.legitimate in classes else None
    model = Model(
        name=recipe.name,
        classes=classes,
        legitimate=legitimate,
        matrix=features.matrix_,
        ensemble=classifier.ensemble_,
        calibration=classifier.calibration_,
        training=_training_facts(data, split, recipe),
    )
    points: tuple[OperatingPoint, ...] = ()
    if legitimate is not None:
        odds = model.calibration.apply(model.ensemble.log_odds(held_back.to_numpy()))
        points = operating_points(fraud_probability(odds, classes, legitimate), truth != legitimate)
    notes = [] if legitimate else [_no_legitimate(recipe.data.legitimate, classes)]
    if len(split.calibration) < FEW_TO_CALIBRATE:
        notes.append(f"calibrated on {len(split.calibration)} rows only: take the probabilities with care")
    return replace(model, points=points), tuple(notes)


def _no_legitimate(word: str, classes: tuple[str, ...]) -> str:
    return (
        f"no label is {word!r}, so types are told apart and there is no probability of fraud; "
        f"if one of {', '.join(classes)} is no crime, name it with --legitimate"
    )


def _training_facts(data: Labelled, split: Split, recipe: Recipe) -> dict[str, Any]:
    sent = data.messages["sent_at"].iloc[split.train].dropna()
    return {
        "rows": split.rows,
        "unlabelled": data.n_unlabelled,
        "rejected": len(data.rejected),
        "split": split.kind,
        "window": [] if sent.empty else [sent.min().isoformat(), sent.max().isoformat()],
        "digests": data.digests,
        "recipe": recipe.model_dump(mode="json", exclude={"data": {"messages", "labels"}, "track": True}),
    }


def _describe_split(split: Split) -> dict[str, Any]:
    return {
        "kind": split.kind,
        "keeps_apart": list(split.keeps_apart),
        "flatters": split.flatters,
        "rows": split.rows,
        "dropped": split.dropped,
    }


def evaluate_model(scorer: Scorer, messages: pd.DataFrame) -> dict[str, Any]:
    """Score labelled messages and compute the sheet.

    Parameters
    ----------
    scorer : Scorer
        The model.
    messages : DataFrame
        With columns ``text`` and ``label``.

    Returns
    -------
    dict
        As from `evaluate`, over the rows that can be scored; ``unscorable`` counts the others.
    """
    scores = scorer.score_columns({"text": messages["text"].tolist()})
    ok = scores["status"] == "ok"
    classes = scorer.model.classes
    by_class = np.column_stack([scores[f"probability__{name}"] for name in classes])[ok]
    labels = messages["label"].to_numpy(object)[ok]
    sheet = evaluate(scores["probability"][ok], classes, by_class, labels, scorer.model.legitimate)
    return sheet | {"unscorable": int((~ok).sum())}


def _log(recipe: Recipe, folder: Path, model: Model, sheet: dict[str, Any], data: Labelled) -> Logged:
    flat = {name: value for name, value in sheet.items() if isinstance(value, int | float)}
    flat |= {f"f1.{_metric_name(name)}": figures["f1"] for name, figures in sheet["by_type"].items()}
    settings = recipe.features.model_dump() | recipe.model.model_dump() | {"seed": recipe.seed}
    return log_training(
        folder,
        uri=tracking_uri(recipe.track.uri),
        experiment=recipe.track.experiment,
        name=recipe.name,
        register=recipe.track.register_model,
        params=settings | {"split": sheet["split"]["kind"], "legitimate": model.legitimate},
        metrics=flat,
        documents={
            "sheet.json": sheet,
            "recipe.json": recipe.model_dump(mode="json"),
            "operating_points.json": {"points": [asdict(point) for point in model.points]},
        },
        tags={f"data.{name}.sha256": digest for name, digest in data.digests.items()} | {"model.digest": model.digest},
    )


def _metric_name(name: str) -> str:
    """Replace what MLflow does not allow in the name of a metric."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)
