"""`MessageFeatures`: the contract of scikit-learn, and its own behaviour."""

import inspect
import pickle
from collections.abc import Callable
from io import BytesIO
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

import fraudsieve.features
from fraudsieve._typing import Array
from fraudsieve.features import MessageFeatures, near_duplicate_groups
from fraudsieve.features.wording.model import TRUST
from tests.messages import refused

ANYTHING = st.text(st.characters(exclude_categories=()))
TEXTS = [
    "win a prize now, call 13800000000",
    "prize waiting, claim at www.prize.example",
    "恭喜您中奖了！点击领取",
    "恭喜，奖金１００元已到账",
    "раураl: verify your асcount",
    "free cash\u200b today",
    "see you at six",
    "dinner at home tonight?",
    "今天晚上一起吃饭吗",
    "明天下午开会",
    "happy birthday mum",
    "\ud800 odd \0 one",
]
LABELS = ["spam"] * 6 + ["ham"] * 6
NEW = ["win cash", "see you tonight", "", "\udfff\0", "恭喜中奖", "zzz" * 50]

OUT_OF_FOLD = "fit_transform returns out-of-fold scores, so it differs from fit and transform by design"


# --- scikit-learn's own checks --------------------------------------------------------------------------------------


def estimators() -> list[type[BaseEstimator]]:
    public = (getattr(fraudsieve.features, name) for name in fraudsieve.features.__all__)
    return [thing for thing in public if inspect.isclass(thing) and issubclass(thing, MessageFeatures)]


def reading_numbers(estimator: type[Any]) -> type[Any]:
    """Return a subclass that accepts matrices, as the checks of scikit-learn need.

    A row is read as the text of its numbers, in letters, since to a campaign all digits are one.
    """
    letters = str.maketrans("0123456789", "abcdefghij")

    def texts(self: Any, X: Any, reset: bool) -> list[str]:
        if isinstance(X, list) and isinstance(X[0], str):  # without wording, fit_transform calls transform
            return X
        return [" ".join(map(repr, row)).translate(letters) for row in validate_data(self, X, reset=reset).tolist()]

    class OfNumbers(estimator):  # type: ignore[misc]
        def fit_transform(self, X: Any, y: Any = None, *, groups: Any = None) -> Any:
            return super().fit_transform(texts(self, X, True), y, groups=groups)

        def transform(self, X: Any) -> Any:
            check_is_fitted(self)
            return super().transform(texts(self, X, False))

        def __sklearn_tags__(self) -> Any:
            tags = super().__sklearn_tags__()
            tags.input_tags.two_d_array = True
            tags.input_tags.one_d_array = tags.input_tags.string = False
            return tags

    OfNumbers.__name__ = OfNumbers.__qualname__ = f"{estimator.__name__}OfNumbers"
    globals()[OfNumbers.__name__] = OfNumbers  # so that it pickles
    return OfNumbers


def expected_to_fail(estimator: Any) -> dict[str, str]:
    checks = ("check_transformer_general", "check_transformer_data_not_an_array")
    return dict.fromkeys(checks, OUT_OF_FOLD) if estimator.wording else {}


# Only one check runs on the estimator of texts itself, with a warning; the others run below.
@parametrize_with_checks([make() for make in estimators()])  # type: ignore[untyped-decorator]
def test_scikit_learn_contract_on_texts(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [make(n_folds=2, wording=wording) for make in map(reading_numbers, estimators()) for wording in (True, False)],
    expected_failed_checks=expected_to_fail,
)
def test_scikit_learn_contract_on_numbers_read_as_texts(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_scikit_learn_discovers_the_transformer() -> None:
    assert MessageFeatures in estimators()


# --- our own --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted() -> MessageFeatures:
    return MessageFeatures(n_folds=3).fit(TEXTS, LABELS)


@pytest.fixture(scope="module", params=["wording", "three classes", "no wording"])
def any_fitted(request: pytest.FixtureRequest) -> MessageFeatures:
    labels = [*LABELS[:9], *["loan"] * 3] if request.param == "three classes" else LABELS
    return MessageFeatures(n_folds=3, wording=request.param != "no wording").fit(TEXTS, labels)


@pytest.mark.slow
def test_a_batch_equals_its_messages_one_by_one_in_any_order(any_fitted: MessageFeatures) -> None:
    whole = any_fitted.transform(NEW)
    assert np.array_equal(whole, np.vstack([any_fitted.transform([text]) for text in NEW]))
    assert np.array_equal(any_fitted.transform(NEW[::-1]), whole[::-1])
    assert whole.dtype == np.float64
    assert np.isfinite(whole).all()


@given(st.lists(ANYTHING, min_size=1, max_size=5))
def test_any_text_is_transformed_independently_of_other_texts(fitted: MessageFeatures, texts: list[str]) -> None:
    whole = fitted.transform(texts)
    assert np.isfinite(whole).all()
    assert np.array_equal(whole, np.vstack([fitted.transform([text]) for text in texts]))


@pytest.mark.slow
def test_fitting_is_deterministic() -> None:
    one, two = MessageFeatures(n_folds=3), MessageFeatures(n_folds=3)
    assert np.array_equal(one.fit_transform(TEXTS, LABELS), two.fit_transform(TEXTS, LABELS))
    assert np.array_equal(one.transform(NEW), two.transform(NEW))
    assert np.array_equal(one.fit(TEXTS, LABELS).transform(NEW), two.transform(NEW))


def test_plain_columns_and_known_shares_do_not_depend_on_the_order_of_rows() -> None:
    # The solver visits rows in order, and folds are assigned by campaign, so the scores themselves change a little.
    order = np.random.default_rng(0).permutation(len(TEXTS))
    one = MessageFeatures(n_folds=3).fit(TEXTS, LABELS)
    two = MessageFeatures(n_folds=3).fit([TEXTS[i] for i in order], [LABELS[i] for i in order])
    others = [not name.startswith(("wording__", "pinyin__")) for name in one.get_feature_names_out()]
    assert np.array_equal(one.transform(NEW)[:, others], two.transform(NEW)[:, others])
    assert one.matrix_.wording is not None
    assert two.matrix_.wording is not None
    assert np.array_equal(one.matrix_.wording.buckets, two.matrix_.wording.buckets)


def object_frame(texts: list[str]) -> pd.DataFrame:
    """Return a frame of objects, since pandas strings cannot have lone surrogates."""
    return pd.DataFrame({"text": pd.Series(texts, dtype=object)})


@pytest.mark.parametrize("kind", ["list", "tuple", "array", "object array", "series", "frame", "labelled frame"])
def test_every_kind_of_input_gives_the_same_and_is_not_modified(kind: str, fitted: MessageFeatures) -> None:
    make: dict[str, Callable[[], Any]] = {
        "list": lambda: list(NEW),
        "tuple": lambda: tuple(NEW),
        "array": lambda: np.array([text.rstrip("\0") for text in NEW]),  # NumPy strips NUL from the end of a string
        "object array": lambda: np.array(NEW, object),
        "series": lambda: pd.Series(NEW, dtype=object, index=range(5, 5 + len(NEW))),
        "frame": lambda: object_frame(NEW),
        "labelled frame": lambda: object_frame(NEW).assign(number=1).set_axis(list("abcdef")),
    }
    X = make[kind]()
    before = pickle.dumps(X)
    expected = fitted.transform(NEW if kind != "array" else [text.rstrip("\0") for text in NEW])
    assert np.array_equal(fitted.transform(X), expected)
    assert pickle.dumps(X) == before


def test_pandas_strings_are_accepted(fitted: MessageFeatures) -> None:
    texts = ["win cash", "恭喜中奖", ""]
    assert np.array_equal(fitted.transform(pd.Series(texts)), fitted.transform(texts))
    assert np.array_equal(fitted.transform(pd.DataFrame({"text": texts})), fitted.transform(texts))


def test_fitting_does_not_modify_its_input() -> None:
    X, y, groups = list(TEXTS), np.array(LABELS, object), np.arange(len(TEXTS))
    MessageFeatures(n_folds=2).fit(X, y, groups=groups)
    assert X == TEXTS
    assert y.tolist() == LABELS
    assert groups.tolist() == list(range(len(TEXTS)))


def test_transform_does_not_modify_the_transformer(any_fitted: MessageFeatures) -> None:
    before = dict(vars(any_fitted))
    any_fitted.transform(NEW)
    any_fitted.get_feature_names_out()
    assert list(vars(any_fitted)) == list(before)
    assert all(vars(any_fitted)[name] is value for name, value in before.items())


@pytest.mark.slow
def test_pickle_and_joblib_round_trip_before_and_after_fit(any_fitted: MessageFeatures) -> None:
    for copy in (pickle.loads(pickle.dumps(any_fitted)), through_joblib(any_fitted)):
        assert np.array_equal(copy.transform(NEW), any_fitted.transform(NEW))
        assert copy.get_feature_names_out().tolist() == any_fitted.get_feature_names_out().tolist()
    unfitted = MessageFeatures(C=2.0, n_folds=2)
    for copy in (pickle.loads(pickle.dumps(unfitted)), through_joblib(unfitted)):
        assert copy.get_params() == unfitted.get_params()
        assert np.array_equal(copy.fit(TEXTS, LABELS).transform(NEW), clone(unfitted).fit(TEXTS, LABELS).transform(NEW))


def through_joblib(features: MessageFeatures) -> Any:
    file = BytesIO()
    joblib.dump(features, file)
    file.seek(0)
    return joblib.load(file)


def test_clone_copies_the_parameters_but_not_the_fit(fitted: MessageFeatures) -> None:
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(NEW)
    with pytest.raises(NotFittedError):
        copy.get_feature_names_out()


@pytest.mark.parametrize("labels", [LABELS, [*LABELS[:9], *["loan"] * 3], None])
def test_output_frames_have_the_column_names_and_the_index(labels: list[str] | None) -> None:
    features = MessageFeatures(n_folds=2, wording=labels is not None).set_output(transform="pandas")
    frame = object_frame(TEXTS).set_axis([f"m{i}" for i in range(len(TEXTS))])
    trained = features.fit_transform(frame, labels)
    scored = features.transform(frame.iloc[:3])
    assert trained.columns.tolist() == scored.columns.tolist() == features.get_feature_names_out().tolist()
    assert trained.index.equals(frame.index)
    assert scored.index.tolist() == ["m0", "m1", "m2"]
    assert np.array_equal(scored.to_numpy(), features.matrix_.compute(TEXTS[:3]))


def test_it_works_in_a_pipeline() -> None:
    class Last(BaseEstimator):  # type: ignore[misc]
        def fit(self, X: Array, y: Any) -> Self:
            self.seen_ = X
            return self

    pipeline = make_pipeline(MessageFeatures(n_folds=2), Last()).fit(TEXTS, LABELS)
    assert np.array_equal(pipeline[-1].seen_, MessageFeatures(n_folds=2).fit_transform(TEXTS, LABELS))


def test_training_scores_are_out_of_fold() -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(row) for row in rng.choice(list("abcdefghijklmnopqrstuvwxyz"), (300, 20)).tolist()]
    y = rng.integers(0, 2, 300)
    features = MessageFeatures(min_messages=1)
    trained = features.fit_transform(texts, y)
    assert features.get_feature_names_out()[0] == "wording__1"
    assert roc_auc_score(y, features.transform(texts)[:, 0]) > 0.9
    assert 0.35 < roc_auc_score(y, trained[:, 0]) < 0.65
    plain = [not name.startswith(("wording__", "surprisal__")) for name in features.get_feature_names_out()]
    assert np.array_equal(trained[:, plain], features.transform(texts)[:, plain])
    odd = features.get_feature_names_out().tolist().index("surprisal__raw_pair_mean")
    assert trained[:, odd].mean() > features.transform(texts)[:, odd].mean() + 0.1  # its own pairs are not counted


@pytest.mark.slow
def test_log_odds_are_weighed_by_the_known_share_if_there_is_a_legitimate_class() -> None:
    for legitimate, trust, output in (("ham", TRUST, -1), ("spam", TRUST, 0), ("other", 0.0, -1)):
        features = MessageFeatures(legitimate=legitimate, n_folds=2, pinyin=True).fit(TEXTS, LABELS)
        assert features.matrix_.wording is not None
        assert features.matrix_.pinyin is not None
        assert (features.matrix_.wording.trust, features.matrix_.pinyin.trust) == (trust, trust)
        assert 0 < features.matrix_.wording.usual_share < 1
        assert (features.matrix_.wording.legitimate, features.matrix_.pinyin.legitimate) == (output, output)


@pytest.mark.slow
def test_groups_are_kept_whole_and_are_near_duplicates_by_default() -> None:
    rng = np.random.default_rng(0)
    once = ["".join(row) for row in rng.choice(list("abcdefghijklmnopqrstuvwxyz"), (100, 20)).tolist()]
    texts, y = once * 2, np.tile(rng.integers(0, 2, 100), 2)
    features = MessageFeatures(min_messages=1)
    default = features.fit_transform(texts, y)
    assert np.array_equal(features.fit_transform(texts, y, groups=near_duplicate_groups(texts)), default)
    named = pd.Series([f"campaign {i % 100:02}" for i in range(200)])
    assert np.array_equal(features.fit_transform(texts, y, groups=named), default)
    apart = features.fit_transform(texts, y, groups=np.arange(200))
    assert roc_auc_score(y, default[:, 0]) < 0.65
    assert roc_auc_score(y, apart[:, 0]) > 0.8


@pytest.mark.parametrize("labels", [LABELS, None], ids=["wording", "no wording"])
def test_brands_are_counted_alike_in_training_and_transform(labels: list[str] | None) -> None:
    texts = ["see paypa1.com", *TEXTS[1:]]
    features = MessageFeatures(n_folds=3, brands=["PayPal"], wording=labels is not None)
    trained = features.fit_transform(texts, labels)
    assert features.matrix_.lists.brands == {"paypal": ()}
    column = list(features.get_feature_names_out()).index("cues__lookalike_brands")
    assert trained[:, column].tolist() == features.transform(texts)[:, column].tolist() == [1] + [0] * 11
    with pytest.raises(ValueError, match="1 of 1 are not"):
        MessageFeatures(n_folds=3, brands=["a b"]).fit(TEXTS, LABELS)


def test_without_wording_no_labels_are_needed_and_fit_transform_is_transform() -> None:
    features = MessageFeatures(wording=False)
    trained = features.fit_transform(TEXTS)
    assert np.array_equal(trained, features.transform(TEXTS))
    assert not any(name.startswith(("wording", "surprisal")) for name in features.get_feature_names_out())
    assert features.fit(TEXTS[:1]).transform(TEXTS[:1]).shape == (1, len(features.get_feature_names_out()))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1] * 6 + [0] * 6, ["wording__1"]),
        ([True] * 6 + [False] * 6, ["wording__True"]),
        ([10, 2] * 6, ["wording__10"]),
        ([0, 1, 2] * 4, ["wording__0", "wording__1", "wording__2"]),
        (["欺诈"] * 6 + ["正常"] * 6, ["wording__正常"]),
        ([*["ham"] * 11, "once"], ["wording__once"]),
        ([*["ham"] * 5, *["spam"] * 6, "once"], ["wording__ham", "wording__once", "wording__spam"]),
        (pd.Series(LABELS), ["wording__spam"]),
        (pd.Series(LABELS, dtype="category"), ["wording__spam"]),
    ],
    ids=repr,
)
def test_classes_of_any_kind_name_their_columns(labels: Any, names: list[str]) -> None:
    features = MessageFeatures(n_folds=3)
    trained = features.fit_transform(TEXTS, labels)
    assert np.isfinite(trained).all()
    columns = features.get_feature_names_out().tolist()
    assert [name for name in columns if name.startswith("wording__")] == names
    assert features.classes_.tolist() == sorted(set(labels))
    assert np.isfinite(features.transform(NEW)).all()


@pytest.mark.slow
@pytest.mark.parametrize("long", ["a" * 1_000_000, "恭喜1" * 333_333, "\0" * 1_000_000], ids=["a", "mixed", "nul"])
def test_a_megabyte_in_one_text_works(long: str) -> None:
    features = MessageFeatures(n_folds=2)
    trained = features.fit_transform([*TEXTS, long], [*LABELS, "spam"])
    assert np.isfinite(trained).all()
    assert np.isfinite(features.transform([long])).all()


def test_texts_that_share_no_ngram_can_be_fitted() -> None:
    trained = MessageFeatures(n_folds=2).fit_transform(list("中国人民"), list("abab"))
    assert np.isfinite(trained).all()


def test_own_columns_need_a_frame_that_has_them_and_are_the_same_in_transform() -> None:
    frame = pd.DataFrame(
        {"text": pd.Series(TEXTS, dtype=object), "channel": ["sms", "app"] * 6, "age": [*range(11), None]}
    )
    features = MessageFeatures(n_folds=3, columns=["channel", "age"], min_category_rows=2)
    trained = features.fit_transform(frame, LABELS)
    names = list(features.get_feature_names_out())
    own = [names.index(name) for name in ("profile__age", "profile__channel")]
    assert own == [len(names) - 2, len(names) - 1]
    np.testing.assert_array_equal(trained[:, own], features.transform(frame)[:, own])
    assert trained[:, own[1]].tolist() == [1, 0] * 6
    assert features.notes_[0].startswith("the model keeps values of channel (2)")
    with refused(TypeError):
        features.transform(TEXTS)
    with refused(TypeError):
        MessageFeatures(columns=["channel"]).fit(TEXTS, LABELS)
    with refused(ValueError, "channel"):
        MessageFeatures(columns=["channel"]).fit(frame[["text"]], LABELS)


def test_own_lists_are_counted_alike_in_training_and_transform() -> None:
    texts = ["we play Ｂaccarat", *TEXTS[1:]]
    features = MessageFeatures(n_folds=3, words={"gambling": ["baccarat"]})
    trained = features.fit_transform(texts, LABELS)
    column = list(features.get_feature_names_out()).index("cues__own_gambling")
    assert trained[:, column].tolist() == features.transform(texts)[:, column].tolist() == [1] + [0] * 11
    with refused(ValueError, "words.gambling"):
        MessageFeatures(words={"gambling": ["x"]}).fit(TEXTS, LABELS)
