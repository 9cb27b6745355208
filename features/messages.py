"""`MessageFeatures`: a scikit-learn transformer that computes the features of messages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.campaign.batch import campaign_features, label_types
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.cues.brands import check_brands
from fraudsieve.features.history.batch import history_features
from fraudsieve.features.history.declaration import History, check_histories, history_columns
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.pinyin import needs_pinyin, to_pinyin
from fraudsieve.features.wording.fit import out_of_fold
from fraudsieve.features.wording.folds import campaign_folds
from fraudsieve.features.wording.model import TRUST, output_classes, weigh_by_known_share
from fraudsieve.features.wording.surprisal_fit import surprisal_out_of_fold

from .default_views import default_histories
from .message_matrix import MessageMatrix

__all__ = ["MessageFeatures"]


class MessageFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Compute the feature matrix of messages.

    Families of columns:

    - ``wording``: per-class log-odds of a linear text model over hashed character 1- to 4-grams;
    - ``pinyin``: the same for toneless pinyin, if texts are Chinese;
    - ``surprisal``: surprisal of the characters under a model of legitimate text, and the share of unknown n-grams;
    - ``cues``, ``shape`` and ``obfuscation``: counts and measures of the text;
    - ``sender``, with `events`: the history of the sender at the time the message was sent;
    - ``campaign``, with `past`: numbers of earlier near-duplicates, of their senders, and of their labels known then.

    `fit_transform` differs from `fit` followed by `transform`: its text model scores are out of fold, with campaigns
    kept whole. A classifier trained on them sees scores as they will be on new messages.

    Parameters
    ----------
    C : float, default=3.0
        Inverse strength of the regularisation of the text model.
    min_messages : int, default=2
        Minimum number of messages in which an n-gram must occur.
    n_folds : int, default=5
        Number of folds for the out-of-fold scores of the text model.
    wording : bool, default=True
        Whether to fit the text models and the character models, which need `y`.
    pinyin : bool, default=None
        Whether to fit a text model of pinyin; None fits one if at least 5 % of the characters are Chinese.
    legitimate : str, default="legitimate"
        The class that the character models are fitted on; if `y` has no such class, they are fitted on all messages.
    brands : sequence of str, default=()
        Names of brands in host names, such as ``("paypal", "icbc")``; hosts and words that resemble one are counted.
    events : DataFrame, default=None
        Events of the senders. X must then be a DataFrame with ``account_id`` and ``sent_at``. A row in which one of
        them is missing has no history.
    history : History or sequence of History, default=None
        The feature views of the events; None for the default views.
    past : DataFrame, default=None
        Earlier messages, as for `campaign_features`. They may include those of X: a message does not count itself. X
        must then be a DataFrame with ``text`` and ``sent_at``.
    label_classes : dict of str to (str or None), default=None
        Classes by label, as for `CampaignHistory`; the labels of `past` are classes already.
    random_state : int, default=0
        Seed of the folds and the solver.
    n_jobs : int, default=None
        Number of folds fitted in parallel, as in joblib.

    Attributes
    ----------
    matrix_ : MessageMatrix
        The features that `transform` computes; written into the model folder.
    classes_ : ndarray, shape (n_classes,)
        The classes of `y`, if text models are fitted.

    See Also
    --------
    fraudsieve.models.FraudClassifier : The classifier, whose boosting starts from the wording columns.

    Examples
    --------
    >>> texts = ["win a prize now", "prize waiting, call now", "see you at six", "dinner at home tonight"]
    >>> features = MessageFeatures(n_folds=2).set_output(transform="pandas")
    >>> frame = features.fit_transform(texts, ["spam", "spam", "ham", "ham"])
    >>> frame.shape, frame.columns[0]
    ((4, 90), 'wording__spam')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "min_messages": [Interval(Integral, 1, None, closed="left")],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "wording": ["boolean"],
        "pinyin": ["boolean", None],
        "legitimate": [str],
        "brands": [list, tuple],
        "events": [pd.DataFrame, None],
        "history": [History, list, tuple, None],
        "past": [pd.DataFrame, None],
        "label_classes": [dict, None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        C: float = 3.0,
        min_messages: int = 2,
        n_folds: int = 5,
        wording: bool = True,
        pinyin: bool | None = None,
        legitimate: str = "legitimate",
        brands: Sequence[str] = (),
        events: pd.DataFrame | None = None,
        history: History | Sequence[History] | None = None,
        past: pd.DataFrame | None = None,
        label_classes: Mapping[str, str | None] | None = None,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.min_messages = min_messages
        self.n_folds = n_folds
        self.wording = wording
        self.pinyin = pinyin
        self.legitimate = legitimate
        self.brands = brands
        self.events = events
        self.history = history
        self.past = past
        self.label_classes = label_classes
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Fit the text models and the character models.

        Parameters
        ----------
        X : sequence of str, Series, or DataFrame with a column ``text``, length n_messages
            Messages.
        y : array-like, shape (n_messages,)
            Classes; ignored if `wording` is False.
        groups : array-like, shape (n_messages,), default=None
            Campaigns, kept whole in the folds; None for near-duplicates.

        Returns
        -------
        MessageFeatures
            The fitted transformer.

        Raises
        ------
        ValueError
            If `y` is missing, has missing values or one class, all messages belong to one campaign, or lengths differ.
        TypeError
            If a text is not a string.
        """
        self.fit_transform(X, y, groups=groups)
        return self

    def fit_transform(self, X: Any, y: Any = None, *, groups: Any = None) -> Any:
        """Fit, and return the training matrix with out-of-fold scores.

        Parameters
        ----------
        X, y, groups
            As in `fit`.

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_messages, n_columns)
        """
        self._validate_params()
        texts = message_texts(X)
        views, brands = self._views(), check_brands(self.brands)
        campaigns = None
        if self.past is not None:
            campaigns = CampaignHistory(types=label_types(self.past), label_classes=self.label_classes or {})
        if not self.wording:
            self.matrix_ = MessageMatrix(None, views, brands=brands, campaigns=campaigns)
            return self.transform(X)
        codes = self._check_classes(texts, y)
        groups = near_duplicate_groups(texts) if groups is None else np.asarray(groups)
        check_consistent_length(texts, groups)
        if groups.ndim != 1:
            raise ValueError(
                f"Expected one campaign per message (1 dimension), got groups of {groups.ndim} dimensions."
            )
        raw = pack(texts)
        folded, plain = MessageMatrix.plain(raw, brands)
        models, blocks = self._fit_models(raw, folded, codes, groups)
        self.matrix_ = MessageMatrix(**models, sender=views, brands=brands, campaigns=campaigns)
        history = [block for block in self._history_columns(X) if block is not None]
        return np.column_stack([*blocks, plain, *history])

    def _fit_models(
        self, raw: CodePoints, folded: CodePoints, y: Array, groups: Array
    ) -> tuple[dict[str, Any], list[Array]]:
        """Fit the models that need labels, and return them and their columns out of fold."""
        settings: dict[str, Any] = {"C": self.C, "min_messages": self.min_messages, "n_folds": self.n_folds}
        settings |= {"random_state": self.random_state, "n_jobs": self.n_jobs}
        classes = tuple(str(name) for name in self.classes_)
        models: dict[str, Any] = {}
        blocks: list[Array] = []
        outputs = output_classes(classes)
        trust = TRUST if self.legitimate in classes else 0.0
        legitimate = outputs.index(self.legitimate) if self.legitimate in outputs else -1
        with_pinyin = needs_pinyin(folded) if self.pinyin is None else self.pinyin
        for name, form in {"wording": folded, **({"pinyin": to_pinyin(folded)} if with_pinyin else {})}.items():
            model, log_odds, known_share = out_of_fold(form, y, classes, groups, **settings)
            models[name] = replace(model, trust=trust, legitimate=legitimate)
            blocks += [weigh_by_known_share(log_odds, known_share, trust, legitimate), 1 - known_share]
        is_legitimate = y == classes.index(self.legitimate) if self.legitimate in classes else np.ones(len(y), np.bool_)
        folds = campaign_folds(y, groups, self.n_folds, self.random_state)
        results = [surprisal_out_of_fold(form, is_legitimate, folds) for form in (raw, folded)]
        models["characters"] = tuple(model for model, _ in results)
        return models, [*blocks, *(surprisal for _, surprisal in results)]

    def transform(self, X: Any) -> Any:
        """Compute the feature matrix of new messages.

        Parameters
        ----------
        X : sequence of str, Series, or DataFrame with a column ``text``, length n_messages
            Messages.

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_messages, n_columns)
        """
        check_is_fitted(self, "matrix_")
        return self.matrix_.compute(message_texts(X), *self._history_columns(X))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : ignored
            Not used.

        Returns
        -------
        ndarray of str objects, shape (n_columns,)
        """
        check_is_fitted(self, "matrix_")
        return np.asarray(self.matrix_.columns, object)

    def _views(self) -> tuple[History, ...]:
        if self.events is None:
            return ()
        return check_histories(self.history or default_histories(map(str, self.events.columns)))

    def _history_columns(self, X: Any) -> tuple[Array | None, Array | None]:
        """Compute the history of senders and of campaigns; None without events or past messages."""
        sender = campaign = None
        if self.matrix_.sender and self.events is not None:
            sender = sender_history(self.events, X, self.matrix_.sender)
        if self.matrix_.campaigns is not None and self.past is not None:
            if not isinstance(X, pd.DataFrame):
                raise TypeError(f"Expected a DataFrame with text and sent_at, got {type(X).__name__}.")
            campaign = campaign_features(self.past, X, self.matrix_.campaigns)
        return sender, campaign

    def _check_classes(self, texts: list[str], y: Any) -> Array:
        """Store the classes of `y` and return their codes."""
        if y is None:
            raise ValueError(
                "This MessageFeatures estimator requires y to be passed, but the target y is None: "
                "the text model is fitted on labels. Pass y, or set wording=False."
            )
        # Counted before the conversion: beside strings, NumPy converts NaN to "nan".
        missing = int(pd.isna(np.asarray(y, object)).sum())
        y = column_or_1d(np.asarray(y), warn=True)
        check_consistent_length(texts, y)
        if missing:
            raise ValueError(
                f"y has no class for {missing} of {len(y)} messages. Remove these messages, or label them."
            )
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has 1 class; the text model needs at least 2. Pass more labels, or set wording=False.")
        return np.asarray(codes)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = self.wording
        return tags


def sender_history(events: pd.DataFrame, messages: Any, histories: Sequence[History]) -> Array:
    """Compute the history of the senders of messages, at the time each message was sent.

    Parameters
    ----------
    events : DataFrame
        Events of the senders.
    messages : DataFrame
        With ``account_id`` and ``sent_at``.
    histories : sequence of History
        The feature views.

    Returns
    -------
    ndarray of float64, shape (n_messages, n_sender)
        NaN if the sender or the time is missing.

    Raises
    ------
    TypeError, ValueError
        If `messages` is not a DataFrame, a column is missing, or ``sent_at`` is not a column of times.
    """
    if not isinstance(messages, pd.DataFrame):
        raise TypeError(f"Expected a DataFrame with account_id and sent_at, got {type(messages).__name__}.")
    for name in ("account_id", "sent_at"):
        if name not in messages:
            raise SchemaError(
                "messages", f"column {name!r} is missing", "Add the column: the history of senders needs it."
            )
    subjects = messages[["account_id", "sent_at"]].rename(columns={"sent_at": "as_of"})
    is_complete = subjects.notna().all(axis=1).to_numpy()
    block = np.full((len(subjects), len(history_columns(histories))), np.nan)
    block[is_complete] = history_features(events, subjects[is_complete], histories)
    return block


def message_texts(X: Any) -> list[str]:
    """Return the texts of messages as a list.

    Parameters
    ----------
    X : sequence of str, Series, or DataFrame with a column ``text``
        Messages.

    Returns
    -------
    list of str

    Raises
    ------
    TypeError
        If a text is not a string.
    ValueError
        If a DataFrame has no column ``text``, an array does not have one dimension, or there are no messages.

    Examples
    --------
    >>> message_texts(np.array(["a", "b"], object))
    ['a', 'b']
    """
    if isinstance(X, str | Mapping):
        raise TypeError(f"Expected a sequence of messages, got one {type(X).__name__}. Put the texts in a list.")
    if hasattr(X, "columns"):
        if "text" not in X.columns:
            raise ValueError(f"Expected a column 'text'; got {[str(name) for name in X.columns]}.")
        X = X["text"]
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(f"Expected one text per message (1 dimension), got an array of {X.ndim} dimensions.")
    texts = list(X)
    bad = next((i for i, text in enumerate(texts) if not isinstance(text, str)), None)
    if bad is not None:
        raise TypeError(f"Expected texts as str, got {type(texts[bad]).__name__} at position {bad}.")
    if not texts:
        raise ValueError("Found 0 messages; at least 1 is required.")
    return [str(text) for text in texts]
