"""`save_pipeline`: a fitted scikit-learn pipeline of a builder and a `FraudClassifier` as a model folder."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fraudsieve._typing import Array
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.features.message_frames import message_texts
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.scoring.scores import fraud_probability
from fraudsieve.tables.label_values import AUTO, read_labels

from .calibration import fit_calibration
from .classifier import FraudClassifier
from .thresholds import operating_points
from .verification import write_verified

Builder: TypeAlias = MessageFeatures | AccountFeatures

KEEP = "Store the pipeline with joblib or mlflow.sklearn instead"
WITHOUT_COLUMNS = ("drop", "passthrough", None)


def save_pipeline(
    pipeline: Any,
    folder: str | Path,
    *,
    name: str | None = None,
    legitimate: str | None = AUTO,
    calibration: tuple[Any, Any] | None = None,
) -> Model:
    """Write a fitted pipeline as a model folder, which `Scorer`, the service and every command load.

    The folder gives the same scores as the pipeline. It has no ``unlike_training``, which needs the training rows;
    `train` computes it.

    Parameters
    ----------
    pipeline : Pipeline
        `MessageFeatures` or `AccountFeatures`, then `FraudClassifier`, fitted. The builder may be the only transformer
        of a `ColumnTransformer` or a `FeatureUnion`.
    folder : str or Path
        The folder to create.
    name : str, default=None
        The name of the model; None for the name of the folder.
    legitimate : str, default="auto"
        The class that is not a crime. With ``auto``, that of the builder, or else the one that `read_labels` finds,
        such as ``ham`` or 0. None for a model of types, which gives no probability of fraud.
    calibration : tuple of (X, y), default=None
        Labelled records that the pipeline was not fitted on, preferably later ones. The probabilities are calibrated on
        them, and the operating points are chosen over their campaigns or accounts. The first point decides. If None,
        the calibration is that of the classifier, and ``decision`` is None.

    Returns
    -------
    Model
        The model with its digest.

    Raises
    ------
    TypeError
        If it is not a pipeline.
    ValueError
        If a step is not part of fraudsieve, or a class is unknown.
    NotFittedError
        If the pipeline is not fitted.
    FileExistsError
        If the folder exists.

    See Also
    --------
    fraudsieve.models.Scorer : Scores records with the folder.
    fraudsieve.training.train : Does all steps, from tables to a folder.

    Examples
    --------
    >>> import tempfile
    >>> from fraudsieve import FraudClassifier, MessageFeatures, Scorer
    >>> from sklearn.pipeline import make_pipeline
    >>> texts = ["win a prize now", "prize waiting, call now", "see you at six", "dinner at home tonight"]
    >>> features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    >>> pipeline = make_pipeline(features, FraudClassifier(n_rounds=2, n_jobs=1))
    >>> pipeline = pipeline.fit(texts, ["spam", "spam", "ham", "ham"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = save_pipeline(pipeline, f"{folder}/model")
    ...     score = Scorer.load(f"{folder}/model").score({"text": "a prize for you"})
    >>> model.legitimate, bool(np.isclose(score["probability"], pipeline.predict_proba(["a prize for you"])[0, 1]))
    ('ham', True)
    """
    builder, classifier = _parts(pipeline)
    classes = tuple(str(label) for label in classifier.classes_)
    model = Model(
        name=Path(folder).name if name is None else name,
        classes=classes,
        legitimate=_legitimate_class(legitimate, classes, builder),
        matrix=builder.matrix_,
        ensemble=classifier.ensemble_,
        calibration=classifier.calibration_,
        training=_given_names(builder),
    )
    if calibration is not None:
        X, y = calibration
        model = _calibrate(model, np.asarray(pipeline[:-1].transform(X), np.float64), y, _groups(builder, X))
    return write_verified(model, folder)


def _parts(pipeline: Any) -> tuple[Builder, FraudClassifier]:
    """Return the two steps that a folder can hold, after checking that there are no others."""
    if not isinstance(pipeline, Pipeline):
        hint = " Pass its best_estimator_." if hasattr(pipeline, "best_estimator_") else ""
        raise TypeError(f"Expected a Pipeline of a builder and FraudClassifier, got {type(pipeline).__name__}.{hint}")
    *steps, (last, classifier) = pipeline.steps
    if not isinstance(classifier, FraudClassifier):
        kind = type(classifier).__name__
        raise ValueError(f"Expected FraudClassifier as last step, got {kind} in step {last!r}. {KEEP}.")
    builders = [builder for step, part in steps for builder in _builders(step, part)]
    if len(builders) != 1:
        raise ValueError(
            f"Expected one MessageFeatures or AccountFeatures before FraudClassifier, got {len(builders)}. {KEEP}."
        )
    (builder,) = builders
    check_is_fitted(builder, "matrix_")
    check_is_fitted(classifier)
    _check_columns(builder, classifier)
    return builder, classifier


def _builders(step: str, part: Any) -> Iterator[Builder]:
    """Yield the builders of a step; raise ValueError for anything else."""
    if isinstance(part, MessageFeatures | AccountFeatures):
        yield part
    elif isinstance(part, Pipeline):
        for inner, inner_part in part.steps:
            yield from _builders(f"{step}.{inner}", inner_part)
    elif isinstance(part, FeatureUnion) and not part.transformer_weights:
        for inner, inner_part in part.transformer_list:
            _check_no_passthrough(f"{step}.{inner}", inner_part, "its columns")
            yield from _builders(f"{step}.{inner}", inner_part)
    elif isinstance(part, ColumnTransformer) and not part.transformer_weights:
        check_is_fitted(part)
        for inner, inner_part, columns in part.transformers_:
            if isinstance(columns, list) and not columns:  # a remainder of nothing
                continue
            _check_no_passthrough(f"{step}.{inner}", inner_part, columns)
            yield from _builders(f"{step}.{inner}", inner_part)
    elif part not in WITHOUT_COLUMNS:
        raise ValueError(
            f"Expected MessageFeatures or AccountFeatures, got {type(part).__name__} in step {step!r}, which a model "
            f"folder cannot hold. {KEEP}, or name columns of your own in MessageFeatures(columns=...)."
        )


def _check_no_passthrough(step: str, part: Any, columns: Any) -> None:
    """Raise ValueError for columns other than those of the builder, which must read all columns itself."""
    if (isinstance(part, str) and part == "passthrough") or getattr(part, "func", part) is None:
        raise ValueError(
            f"Step {step!r} passes {columns} through, and a model folder reads columns by its builder alone. "
            "Name them in MessageFeatures(columns=...)."
        )


def _check_columns(builder: Builder, classifier: FraudClassifier) -> None:
    """Raise ValueError unless the classifier saw the columns of the builder in their order, prefixed or not."""
    expected = builder.matrix_.columns
    seen = list(getattr(classifier, "feature_names_in_", expected))
    prefix = seen[0].removesuffix(expected[0])
    if classifier.n_features_in_ != len(expected) or seen != [prefix + name for name in expected]:
        raise ValueError(
            f"Expected the {len(expected)} columns of {type(builder).__name__} before FraudClassifier, got "
            f"{classifier.n_features_in_} columns that are others or in another order. Fit the pipeline again."
        )


def _given_names(builder: Builder) -> dict[str, Any]:
    """Return what a model remembers of the names of its columns."""
    if not isinstance(builder, MessageFeatures) or builder.text_column == "text":
        return {}
    return {"recipe": {"data": {"columns": {"messages.text": builder.text_column}}}}


def _legitimate_class(legitimate: str | None, classes: tuple[str, ...], builder: Builder) -> str | None:
    if legitimate is None:
        return None
    if legitimate != AUTO:
        if legitimate not in classes:
            raise ValueError(f"legitimate: expected one of the classes {list(classes)}, got {legitimate!r}.")
        return legitimate
    if isinstance(builder, MessageFeatures) and builder.legitimate in classes:
        return builder.legitimate
    names = pd.Series(list(classes))
    reading = read_labels(names)
    found = names[reading.apply(names) == reading.legitimate]
    if found.empty:
        problem = f"legitimate: none of the classes {list(classes)} is read as legitimate"
        raise ValueError(f"{problem}. Name the class, or pass None for a model of types.")
    return str(found.iloc[0])


def _groups(builder: Builder, X: Any) -> Array:
    """Return the campaign of every message, or the account of every row: rates are promised over these."""
    if isinstance(builder, MessageFeatures):
        return near_duplicate_groups(message_texts(builder.messages_of(X)))
    codes, _ = pd.factorize(X["account_id"])
    return np.asarray(codes)


def _calibrate(model: Model, rows: Array, y: Any, groups: Array) -> Model:
    """Calibrate a model on other rows, and choose its operating points on them."""
    truth = np.array([str(label) for label in column_or_1d(np.asarray(y), warn=True)], object)
    check_consistent_length(rows, truth)
    unknown = sorted({*truth} - {*model.classes})
    if unknown:
        raise ValueError(f"calibration: expected classes of the pipeline {list(model.classes)}, got also {unknown}.")
    odds = model.ensemble.log_odds(rows)
    calibration = fit_calibration(odds, np.array([model.classes.index(label) for label in truth]))
    model = replace(model, calibration=calibration)
    if model.legitimate is None:
        return model
    fraud = fraud_probability(calibration.apply(odds), model.classes, model.legitimate)
    return replace(model, points=operating_points(fraud, truth != model.legitimate, groups=groups))
