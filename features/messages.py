"""`MessageFeatures`: the builder that a scikit-learn user fits on messages."""

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
from fraudsieve.features.wording.model import TRUST, as_known
from fraudsieve.features.wording.surprisal_fit import surprisal_out_of_fold

from .default_views import default_histories
from .message_matrix import MessageMatrix

__all__ = ["MessageFeatures"]


class MessageFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn messages into a feature matrix.

    Families of columns: ``wording`` (per-class log-odds of a linear model over hashed character 1-4-grams), ``pinyin``
    (the same of toneless pinyin, where texts are Chinese), ``surprisal`` (how improbable the characters are in
    legitimate text, and which share of the n-grams is unknown), ``cues``, ``shape``, ``obfuscation`` and, where events
    are given, ``sender``: the history of the sender as of the time that the message was sent; where `past` is given,
    ``campaign``: how many near-duplicates were sent before, by how many senders, and what was known of them by then.

    `fit_transform` is not `fit` then `transform`: it returns wording scores out of fold, with campaigns kept whole, so
    that a model trained on them meets the same scores on new messages.

    Parameters
    ----------
    C : float, default=3.0
        Inverse strength of the wording model's regularisation.
    min_messages : int, default=2
        An n-gram found in fewer messages is not used.
    n_folds : int, default=5
        Folds of the out-of-fold wording scores.
    wording : bool, default=True
        Whether to learn wording, pinyin and surprisal, which needs `y`.
    pinyin : bool, default=None
        Whether to learn from the pinyin of messages; None for where at least a twentieth of the characters are Chinese.
    legitimate : str, default="legitimate"
        The class whose characters have low surprisal; where `y` has no such class, all messages count as such.
    brands : sequence of str, default=()
        Names of brands in host names (``("paypal", "icbc")``): hosts and words that look like one are counted.
    events : DataFrame, default=None
        Events of the senders. With them X is a frame with ``account_id`` and ``sent_at``, either of which may be
        missing in a row: it has no history then.
    history : History or sequence of History, default=None
        The feature views of the events; None for the default views.
    past : DataFrame, default=None
        Messages that were sent before, as for `campaign_features`; those of X may be among them, for none sees itself.
        With it X is a frame with ``sent_at``.
    random_state : int, default=0
        Seed of the folds and the solver.
    n_jobs : int, default=None
        Folds fitted at a time, as in joblib.

    Attributes
    ----------
    matrix_ : MessageMatrix
        The features that `transform` computes; written into the model folder.
    classes_ : ndarray, shape (n_classes,)
        The classes of `y`, when wording is learnt.

    See Also
    --------
    fraudsieve.models.FraudClassifier : The model that boosts from the wording columns.

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
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Learn the wording of each class.

        Parameters
        ----------
        X : sequence of str, Series, or DataFrame with a column ``text``, length n_messages
            Messages.
        y : array-like, shape (n_messages,)
            Classes. Not used without wording.
        groups : array-like, shape (n_messages,), default=None
            Campaigns, kept whole in the folds; by default near-duplicates.

        Returns
        -------
        MessageFeatures
            The fitted builder.

        Raises
        ------
        ValueError
            When `y` is missing, has gaps or one class, when all messages are of one campaign, or lengths differ.
        TypeError
            When a text is not a string.
        """
        self.fit_transform(X, y, groups=groups)
        return self

    def fit_transform(self, X: Any, y: Any = None, *, groups: Any = None) -> Any:
        """Learn the wording of each class and return the training matrix, out of fold.

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
        campaigns = None if self.past is None else CampaignHistory(types=label_types(self.past))
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
        learnt, parts = self._learn(raw, folded, codes, groups)
        self.matrix_ = MessageMatrix(**learnt, sender=views, brands=brands, campaigns=campaigns)
        blocks = [block for block in self._before(X) if block is not None]
        return np.column_stack([*parts, plain, *blocks])

    def _learn(
        self, raw: CodePoints, folded: CodePoints, y: Array, groups: Array
    ) -> tuple[dict[str, Any], list[Array]]:
        """Fit what needs labels: the parts of the matrix, and their columns out of fold."""
        settings: dict[str, Any] = {"C": self.C, "min_messages": self.min_messages, "n_folds": self.n_folds}
        settings |= {"random_state": self.random_state, "n_jobs": self.n_jobs}
        classes = tuple(str(name) for name in self.classes_)
        learnt: dict[str, Any] = {}
        parts: list[Array] = []
        trust = TRUST if self.legitimate in classes else 0.0
        with_pinyin = needs_pinyin(folded) if self.pinyin is None else self.pinyin
        for name, form in {"wording": folded, **({"pinyin": to_pinyin(folded)} if with_pinyin else {})}.items():
            model, log_odds, known = out_of_fold(form, y, classes, groups, **settings)
            learnt[name] = replace(model, trust=trust)
            parts += [as_known(log_odds, known, trust), 1 - known]
        clean = y == classes.index(self.legitimate) if self.legitimate in classes else np.ones(len(y), np.bool_)
        folds = campaign_folds(y, groups, self.n_folds, self.random_state)
        models, surprisals = zip(*(surprisal_out_of_fold(form, clean, folds) for form in (raw, folded)), strict=True)
        return learnt | {"characters": models}, [*parts, *surprisals]

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
        return self.matrix_.compute(message_texts(X), *self._before(X))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : ignored
            The names do not depend on the input's.

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

    def _before(self, X: Any) -> tuple[Array | None, Array | None]:
        """Compute the history of senders and of campaigns; None if no such data is given."""
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
                "wording is learnt from labels. Pass y, or set wording=False."
            )
        missing = int(
            pd.isna(np.asarray(y, object)).sum()
        )  # checked first: next to strings, NumPy converts NaN to "nan"
        y = column_or_1d(np.asarray(y), warn=True)
        check_consistent_length(texts, y)
        if missing:
            raise ValueError(f"y has no class for {missing} of {len(y)} messages. Leave them out, or label them.")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has 1 class; wording needs at least 2. Pass more labels, or set wording=False.")
        return np.asarray(codes)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = self.wording
        return tags


def sender_history(events: pd.DataFrame, messages: Any, histories: Sequence[History]) -> Array:
    """Compute the history of the senders of messages, as of the time that each was sent.

    Parameters
    ----------
    events : DataFrame
        Their events.
    messages : DataFrame
        With ``account_id`` and ``sent_at``.
    histories : sequence of History
        The views.

    Returns
    -------
    ndarray of float64, shape (n_messages, n_sender)
        NaN where the sender or the time is missing.

    Raises
    ------
    TypeError, ValueError
        When that is no frame, a column is missing, or ``sent_at`` holds no times.
    """
    if not isinstance(messages, pd.DataFrame):
        raise TypeError(f"Expected a DataFrame with account_id and sent_at, got {type(messages).__name__}.")
    for name in ("account_id", "sent_at"):
        if name not in messages:
            raise SchemaError("messages", f"column {name!r} is missing", "The history of senders needs it: give it.")
    subjects = messages[["account_id", "sent_at"]].rename(columns={"sent_at": "as_of"})
    known = subjects.notna().all(axis=1).to_numpy()
    block = np.full((len(subjects), len(history_columns(histories))), np.nan)
    block[known] = history_features(events, subjects[known], histories)
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
        When something in it is not a string.
    ValueError
        When a frame has no column ``text``, an array has other than one dimension, or there is no message.

    Examples
    --------
    >>> message_texts(np.array(["a", "b"], object))
    ['a', 'b']
    """
    if isinstance(X, str | Mapping):
        raise TypeError(f"Expected a sequence of messages, got one {type(X).__name__}. Put the texts in a list.")
    if hasattr(X, "columns"):
        if "text" not in X.columns:
            raise ValueError(f"Expected a column 'text'; the frame has {[str(name) for name in X.columns]}.")
        X = X["text"]
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(f"Expected one text per message (1 dimension), got an array of {X.ndim} dimensions.")
    texts = list(X)
    bad = next((i for i, text in enumerate(texts) if not isinstance(text, str)), None)
    if bad is not None:
        raise TypeError(f"Expected str as text, got {type(texts[bad]).__name__} at position {bad}.")
    if not texts:
        raise ValueError("Found 0 messages; at least 1 is required.")
    return [str(text) for text in texts]
