"""A trained model as a transformer in a scikit-learn pipeline: from records to class probabilities."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from fraudsieve._typing import Array

from .predict import Scorer


class ModelScores(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Score records with a model folder; the probabilities are features for the next step.

    `fit` learns nothing from the data: it checks the folder and loads it.

    Parameters
    ----------
    folder : str or Path
        The model folder.
    digest : str, default=None
        Expected SHA-256 of its manifest; None to accept any model.

    Attributes
    ----------
    scorer_ : Scorer
        The loaded scorer.
    classes_ : ndarray of str objects, shape (n_classes,)
        The classes of the model, in the order of the columns.

    See Also
    --------
    fraudsieve.features.MessageFeatures : Features for a model that is trained in the pipeline itself.

    Examples
    --------
    ::

        scores = ModelScores("fraudsieve-model").set_output(transform="pandas")
        both = make_union(scores, other_features)
        make_pipeline(both, HistGradientBoostingClassifier()).fit(messages, labels)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"folder": [str, Path], "digest": [str, None]}

    def __init__(self, folder: str | Path, *, digest: str | None = None) -> None:
        self.folder = folder
        self.digest = digest

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the model.

        Parameters
        ----------
        X : sequence of str, Series, or DataFrame, length n_records
            As for `transform`; only its structure is checked.
        y : ignored
            Nothing is learnt.

        Returns
        -------
        ModelScores
            The transformer.

        Raises
        ------
        ArtifactError
            If the folder is incomplete, of another version, or has another digest.
        TypeError, ValueError
            If `transform` does not accept `X`.
        """
        self._validate_params()
        _columns(X)
        self.scorer_ = Scorer.load(self.folder, digest=self.digest)
        self.classes_ = np.array(self.scorer_.model.classes, object)
        return self

    def transform(self, X: Any) -> Any:
        """Score records.

        Parameters
        ----------
        X : sequence of str, Series, or DataFrame, length n_records
            Texts of messages, or a frame whose columns are the fields of records.

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_records, n_classes)
            NaN where a record cannot be scored.

        Raises
        ------
        KeyError
            If a DataFrame lacks a required column.
        TypeError, ValueError
            If these are not records.
        """
        check_is_fitted(self, "scorer_")
        scores = self.scorer_.score_columns(_columns(X))
        return np.column_stack([scores[name] for name in self.get_feature_names_out()]).astype(np.float64)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : ignored
            The names do not depend on the input's.

        Returns
        -------
        ndarray of str objects, shape (n_classes,)
        """
        check_is_fitted(self, "scorer_")
        return np.array([f"probability__{name}" for name in self.classes_], object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


def _columns(X: Any) -> dict[str, list[Any]]:
    if hasattr(X, "columns"):
        return {str(name): list(X[name]) for name in X.columns}
    if isinstance(X, str | dict):
        raise TypeError(f"Expected a sequence of texts or a DataFrame, got one {type(X).__name__}.")
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(f"Expected one text per message (1 dimension), got an array of {X.ndim} dimensions.")
    return {"text": list(X)}
