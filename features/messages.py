"""`MessageFeatures`: a scikit-learn transformer that computes the features of messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from numbers import Integral, Real
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import Tags, check_consistent_length
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fraudsieve._typing import Array
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History, check_histories
from fraudsieve.features.network.declaration import with_key
from fraudsieve.features.profile.choice import check_texts, declared_columns
from fraudsieve.features.profile.frames import text_column
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.pinyin import needs_pinyin, to_pinyin
from fraudsieve.features.wording.fit import campaign_folds, out_of_fold
from fraudsieve.features.wording.model import LEAST_SHARE, TRUST, USUAL, output_classes, remember_unnamed
from fraudsieve.features.wording.surprisal import chinese_background, surprisal_out_of_fold

from .campaign.campaign_batch import label_types
from .cues.custom_lists import Brands, CustomLists
from .default_views import default_histories
from .message_frames import message_frame, message_texts, record_blocks, sent_times
from .message_matrix import MessageMatrix
from .profile.custom_columns import CustomColumns

COMMON: Final = 0.01
"""Share of the texts of a column from which on near-duplicates are no campaign."""


@dataclass(kw_only=True, repr=False, eq=False)
class MessageFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Compute the feature matrix of messages.

    Families of columns:

    - ``wording``: per-class log-odds of a linear text model over hashed character 1- to 4-grams of the folded text, and
      of the raw text, where it has capital letters, full-width signs or blanks, if scores out of fold are better so;
    - ``pinyin``: the same for toneless pinyin, if texts are Chinese;
    - ``surprisal``: surprisal of the characters under a model of legitimate text, and the share of unknown n-grams;
    - ``cues``, ``shape`` and ``obfuscation``: counts and measures of the text;
    - ``sender``, with `events`: the history of the sender at the time the message was sent;
    - ``campaign``, with `past`: numbers of earlier near-duplicates, of their senders, and of their labels known then;
    - ``profile``, with `columns`: your own columns of the messages.

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
        The class that the character models are fitted on, for Chinese together with everyday text. If `y` has no such
        class, they are fitted on all messages.
    text_column : str, default="text"
        The column with the texts of a DataFrame.
    texts : sequence of str, default=()
        Further columns of texts, such as a subject or a remark, each with the features of a text of its own: at most
        four. A row without one has none of these features.
    columns : sequence of str, default=()
        Your own columns of the messages that are features, such as ``("channel", "country")``. X must then be a
        DataFrame that has them. Columns of numbers and booleans are numbers, of dates dates, others are categories.
    categories : sequence of str, default=()
        Those of `columns` that are always categories.
    later_dates : sequence of str, default=()
        As for `AccountFeatures`.
    min_category_rows : int, default=5
        Categories with fewer rows in training are encoded as unseen.
    digest_categories : bool, default=False
        Whether the model keeps keyed digests of the categories instead of their values. The key is part of the model.
    words : dict of str to sequence of str, default=None
        Your own words by group; each group is counted in a column ``cues__own_<group>``. They are normalised as
        messages are. ASCII words count between word boundaries, other words anywhere.
    brands : sequence of str, or dict of str to sequence of str, default=()
        Names of brands in host names, such as ``("paypal", "icbc")``; hosts and words that resemble one are counted.
        A dict has the domains of each brand, such as ``{"icbc": ["icbc.com.cn"]}``; other hosts with the name are then
        look-alikes. A brand without domains owns its name under every public suffix.
    hotlines : sequence of str, default=()
        Telephone numbers that count as hotlines, as they are written in messages.
    short_hosts : sequence of str, default=()
        Registered domains that count as link shorteners.
    events : DataFrame, default=None
        Events of the senders. X must then be a DataFrame with ``account_id`` and ``sent_at``. A row in which one of
        them is missing has no history.
    history : History or sequence of History, default=None
        The feature views of the events; None for the default views.
    past : DataFrame, default=None
        Earlier messages, as for `campaign_features`. They may include those of X: a message does not count itself. X
        must then be a DataFrame with ``text`` and ``sent_at``.
    campaign_types : sequence of str, default=None
        Labels of `past` that are counted, as for `CampaignHistory`; None for all whose times are known.
    label_classes : dict of str to (str or None), default=None
        Classes by label, as for `CampaignHistory`; the labels of `past` are classes already.
    random_state : int, default=0
        Seed of the folds and the solver.
    n_jobs : int, default=None
        Number of folds fitted in parallel, as in joblib.
    time_zone : str, default="UTC"
        Zone of the hours and days of the default feature views, and of times of records that have none.
    order_key : str, default=""
        The `History.order_key` of the feature views that have none, and of campaigns.

    Attributes
    ----------
    matrix_ : MessageMatrix
        The features that `transform` computes; written into the model folder.
    classes_ : ndarray, shape (n_classes,)
        The classes of `y`, if text models are fitted.
    notes_ : tuple of str
        Columns whose values the model keeps.

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
        "text_column": [str],
        "texts": ["array-like"],
        "columns": ["array-like"],
        "categories": ["array-like"],
        "later_dates": ["array-like"],
        "min_category_rows": [Interval(Integral, 1, None, closed="left")],
        "digest_categories": ["boolean"],
        "words": [Mapping, None],
        "brands": [list, tuple, Mapping],
        "hotlines": [list, tuple],
        "short_hosts": [list, tuple],
        "events": [pd.DataFrame, None],
        "history": [History, list, tuple, None],
        "past": [pd.DataFrame, None],
        "campaign_types": ["array-like", None],
        "label_classes": [dict, None],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "time_zone": [str],
        "order_key": [str],
    }

    C: float = 3.0
    min_messages: int = 2
    n_folds: int = 5
    wording: bool = True
    pinyin: bool | None = None
    legitimate: str = "legitimate"
    text_column: str = "text"
    texts: Sequence[str] = ()
    columns: Sequence[str] = ()
    categories: Sequence[str] = ()
    later_dates: Sequence[str] = ()
    min_category_rows: int = 5
    digest_categories: bool = False
    words: Mapping[str, Sequence[str]] | None = None
    brands: Brands = ()
    hotlines: Sequence[str] = ()
    short_hosts: Sequence[str] = ()
    events: pd.DataFrame | None = None
    history: History | Sequence[History] | None = None
    past: pd.DataFrame | None = None
    campaign_types: Sequence[str] | None = None
    label_classes: Mapping[str, str | None] | None = None
    random_state: int = 0
    n_jobs: int | None = None
    time_zone: str = "UTC"
    order_key: str = ""

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Fit the text models and the character models.

        Parameters
        ----------
        X : sequence of str, Series, or DataFrame with a column ``text``, length n_messages
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

    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        fold_groups: Any = None,
        on_fit: Callable[[int, int], None] | None = None,
    ) -> Any:
        """Fit, and return the training matrix with out-of-fold scores.

        Parameters
        ----------
        X, y, groups
            As in `fit`.
        fold_groups : array-like, shape (n_messages,), default=None
            Larger groups, such as videos, that are kept whole in the folds; None for those of `groups`.
        on_fit : callable, default=None
            Called after each fit of a text model, with the number of finished fits and the total.

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_messages, n_columns)
        """
        self._validate_params()
        X = self.messages_of(X)
        texts = message_texts(X)
        views, custom = self._views(), self._custom_columns(X)
        lists = CustomLists.of(self.words, self.brands, self.hotlines, self.short_hosts)
        campaigns = None
        if self.past is not None:
            types = label_types(self.past) if self.campaign_types is None else tuple(self.campaign_types)
            campaigns = CampaignHistory(types=types, label_classes=self.label_classes or {}, time_zone=self.time_zone)
            campaigns = replace(campaigns, order_key=self.order_key)
        if not self.wording:
            self.matrix_ = MessageMatrix(None, views, lists=lists, custom=custom, campaigns=campaigns)
            return self._compute(X)
        codes = self._check_classes(texts, y)
        groups = near_duplicate_groups(texts) if groups is None else np.asarray(groups)
        check_consistent_length(texts, groups)
        if groups.ndim != 1:
            raise ValueError(
                f"Expected one campaign per message (1 dimension), got groups of {groups.ndim} dimensions."
            )
        raw = pack(texts)
        folded, plain = MessageMatrix.plain(raw, lists)
        folds = campaign_folds(codes, groups if fold_groups is None else fold_groups, self.n_folds, self.random_state)
        models, blocks = self._fit_models(raw, folded, codes, groups, folds, on_fit)
        self.matrix_ = MessageMatrix(**models, sender=views, lists=lists, custom=custom, campaigns=campaigns)
        if len(self.texts):
            own = clone(self).set_params(texts=(), columns=(), events=None, past=None)
            fitted, of_texts = fit_texts(own, message_frame(X, self.texts), self.texts, y)
            self.matrix_ = replace(self.matrix_, custom=replace(custom, texts=fitted))
        of_records = [block for block in self._record_columns(X) if block is not None]
        out = np.column_stack([*blocks, plain, *of_records])
        if len(self.texts):
            out[:, out.shape[1] - of_texts.shape[1] :] = of_texts
        return remember_unnamed(out)

    def _fit_models(
        self,
        raw: CodePoints,
        folded: CodePoints,
        y: Array,
        groups: Array,
        folds: Array,
        on_fit: Callable[[int, int], None] | None,
    ) -> tuple[dict[str, Any], list[Array]]:
        """Fit the models that need labels, and return them and their columns out of fold."""
        classes = tuple(str(name) for name in self.classes_)
        models: dict[str, Any] = {}
        blocks: list[Array] = []
        outputs = output_classes(classes)
        trust = TRUST if self.legitimate in classes else 0.0
        legitimate = outputs.index(self.legitimate) if self.legitimate in outputs else -1
        is_chinese = needs_pinyin(folded)
        with_pinyin = is_chinese if self.pinyin is None else self.pinyin
        forms = {"wording": folded, **({"pinyin": to_pinyin(folded)} if with_pinyin else {})}
        n_fits = (len(forms) + 1) * (len(np.unique(folds)) + 1)
        counted = None if on_fit is None else _count_calls(on_fit, n_fits)
        for name, form in forms.items():
            beside = raw if name == "wording" else None
            model, log_odds, known_share = out_of_fold(
                form,
                y,
                classes,
                groups,
                folds,
                C=self.C,
                min_messages=self.min_messages,
                random_state=self.random_state,
                n_jobs=self.n_jobs,
                raw=beside,
                on_fit=counted,
            )
            usual = max(float(np.quantile(known_share, USUAL)), LEAST_SHARE)
            models[name] = replace(model, trust=trust, legitimate=legitimate, usual_share=usual)
            blocks += [models[name].weigh(log_odds, known_share), 1 - known_share]
        has_legitimate = self.legitimate in classes
        is_legitimate = y == classes.index(self.legitimate) if has_legitimate else np.ones(len(y), np.bool_)
        backgrounds = chinese_background() if is_chinese and has_legitimate else (None, None)
        results = [
            surprisal_out_of_fold(form, is_legitimate, folds, background)
            for form, background in zip((raw, folded), backgrounds, strict=True)
        ]
        models["characters"] = tuple(model for model, _ in results)
        return models, [*blocks, *(surprisal for _, surprisal in results)]

    def transform(self, X: Any) -> Any:
        """Compute the feature matrix of new messages.

        Parameters
        ----------
        X : sequence of str, Series, or DataFrame with a column ``text``, length n_messages

        Returns
        -------
        ndarray of float64 or DataFrame, shape (n_messages, n_columns)
        """
        check_is_fitted(self, "matrix_")
        return self._compute(self.messages_of(X))

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

    def messages_of(self, X: Any) -> Any:
        """Return messages, the texts of a DataFrame in its column ``text``."""
        if self.text_column == "text" or not isinstance(X, pd.DataFrame):
            return X
        if self.text_column not in X:
            raise ValueError(f"Expected a column {self.text_column!r}; got {[str(name) for name in X.columns]}.")
        return X.drop(columns="text", errors="ignore").rename(columns={self.text_column: "text"})

    def _compute(self, X: Any) -> Any:
        return self.matrix_.compute(message_texts(X), *self._record_columns(X))

    def _views(self) -> tuple[History, ...]:
        if self.events is None:
            return ()
        columns = map(str, self.events.columns)
        views = check_histories(self.history or default_histories(columns, time_zone=self.time_zone))
        return with_key(views, self.order_key)

    def _custom_columns(self, X: Any) -> CustomColumns:
        """Learn the categories of the custom columns."""
        if not len(self.columns):
            self.notes_: tuple[str, ...] = ()
            return CustomColumns()
        records = message_frame(X, self.columns)
        columns = declared_columns(records, self.columns, categories=self.categories)
        times = sent_times(records)
        custom = columns.learn(
            records,
            self.min_category_rows,
            times,
            digested=self.digest_categories,
            zone=self.time_zone,
            later=self.later_dates,
        )
        self.notes_ = columns.notes(custom, records, times)
        return custom

    def _record_columns(self, X: Any) -> tuple[Array | None, Array | None, Array | None]:
        """Compute the history of senders and of campaigns, and the custom columns; None for those that are not used."""
        parts = (self.matrix_.sender, self.matrix_.campaigns, self.matrix_.custom)
        return record_blocks(X, *parts, events=self.events, past=self.past)

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


def fit_texts(
    builder: MessageFeatures, records: pd.DataFrame, names: Sequence[str], y: Any
) -> tuple[dict[str, MessageMatrix], Array]:
    """Fit the features of each column of texts, and return them, and their columns out of fold.

    Near-duplicates are in one fold, but those of a text that is common in any table, such as "rent": every model knows
    it. A column is left out if its rows have one class.
    """
    check_texts(records, names, "subjects")
    fitted, blocks, labels = dict[str, MessageMatrix](), [np.empty((len(records), 0))], np.asarray(y)
    for name in names:
        texts = text_column(records, name)
        rows = np.flatnonzero(texts != None)  # noqa: E711 - compares every element
        groups = near_duplicate_groups(texts[rows].tolist()) if len(rows) else rows
        _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        apart = np.where(sizes[group] > COMMON * len(rows), len(rows) + np.arange(len(rows)), groups)
        if len(np.unique(labels[rows])) > 1 and len(np.unique(apart)) > 1:
            found = np.asarray(builder.fit_transform(texts[rows], labels[rows], groups=groups, fold_groups=apart))
            blocks.append(np.full((len(records), found.shape[1]), np.nan))
            blocks[-1][rows] = found
            fitted[name] = builder.matrix_
    return fitted, np.hstack(blocks)


def _count_calls(on_fit: Callable[[int, int], None], total: int) -> Callable[[], None]:
    numbers = count(1)
    return lambda: on_fit(next(numbers), total)
