"""Label maturity: the delay curve against an implementation in loops."""

import time

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.cells import STRING
from fraudsieve.training.labels import delay_curve, maturity_gap, maturity_gaps
from fraudsieve.training.simulation.world import simulate
from tests.profiles import examples

START = pd.Timestamp("2026-01-01", tz="UTC")
CLASSES = ("fraud", "legitimate")

# The day sent, the delay of the label in days (None for no label), and the class.
SUBJECTS = st.lists(
    st.tuples(st.integers(0, 12), st.none() | st.integers(0, 9), st.sampled_from(CLASSES)), min_size=1, max_size=30
)
Subjects = list[tuple[int, int | None, str]]


def subjects_of(rows: Subjects) -> pd.DataFrame:
    sent = START + pd.to_timedelta([day for day, _, _ in rows], unit="D")
    delays = pd.to_timedelta([np.nan if delay is None else delay for _, delay, _ in rows], unit="D")
    labels = [None if delay is None else name for _, delay, name in rows]
    return pd.DataFrame({"sent_at": sent, "labelled_at": sent + delays, "label": pd.Series(labels, dtype=STRING)})


def incidence_by_hand(rows: Subjects, name: str | None) -> dict[int, float]:
    """Compute the estimators of Kaplan and Meier, and of Aalen and Johansen, in loops."""
    end = max(day + (delay or 0) for day, delay, _ in rows)
    ages = [(end - day if delay is None else delay, delay is not None, label) for day, delay, label in rows]
    waiting, known, curve = 1.0, 0.0, {}
    for age in sorted({age for age, came, _ in ages if came}):
        at_risk = sum(other >= age for other, _, _ in ages)
        labels = [label for other, came, label in ages if came and other == age]
        n_of_class = sum(name in (None, label) for label in labels)
        known += waiting * n_of_class / at_risk
        waiting *= 1 - len(labels) / at_risk
        if n_of_class:
            curve[age] = known
    return curve


@examples(200)
@given(SUBJECTS, st.sampled_from((None, *CLASSES)))
def test_the_curve_is_that_of_a_count_by_hand(rows: Subjects, name: str | None) -> None:
    curve, expected = delay_curve(subjects_of(rows), label=name), incidence_by_hand(rows, name)
    assert curve.ages.tolist() == list(expected)
    assert curve.shares == pytest.approx(list(expected.values()))
    assert curve.n_waiting == sum(delay is None for _, delay, _ in rows)
    assert curve.n_labelled == sum(delay is not None and name in (None, label) for _, delay, label in rows)


@given(SUBJECTS)
def test_the_curves_of_the_classes_add_up_to_that_of_any_label(rows: Subjects) -> None:
    frame, ages = subjects_of(rows), np.arange(12.0)
    total = sum(delay_curve(frame, label=name).known_by(ages) for name in CLASSES)
    assert total == pytest.approx(delay_curve(frame).known_by(ages))


@given(SUBJECTS, st.integers(1, 20))
def test_later_labels_do_not_change_an_earlier_curve(rows: Subjects, day: int) -> None:
    until, frame = START + pd.Timedelta(days=day), subjects_of(rows)
    then = frame[frame["sent_at"] < until].copy()
    late = then["labelled_at"] >= until
    then.loc[late, ["labelled_at", "label"]] = None
    one, two = delay_curve(frame, until=until), delay_curve(then, until=until)
    assert one.ages.tolist() == two.ages.tolist()
    assert one.shares.tolist() == two.shares.tolist()
    assert (one.n_labelled, one.n_waiting) == (int(then["label"].notna().sum()), int(then["label"].isna().sum()))
    assert (one.ages < day).all()


def test_young_subjects_do_not_make_labels_look_rare_or_fast() -> None:
    """Half of all labels come after ten days; without censoring the many young subjects would hide it."""
    rng = np.random.default_rng(0)
    sent = START + pd.to_timedelta(rng.uniform(0, 40, 20_000), unit="D")
    labelled = pd.Series(sent + pd.to_timedelta(rng.choice([1.0, 10.0], len(sent)), unit="D"))
    end = START + pd.Timedelta(days=40)
    labelled = labelled.where(labelled < end)
    labels = pd.Series("spam", labelled.index).where(labelled.notna())
    frame = pd.DataFrame({"as_of": sent, "labelled_at": labelled, "label": labels})
    curve = delay_curve(frame, until=end)
    assert curve.known_by(5.0) == pytest.approx(0.5, abs=0.02)
    assert curve.share_to_come(5.0) == pytest.approx(0.5, abs=0.02)
    assert curve.known_by(20.0) == pytest.approx(1.0, abs=0.02)
    assert delay_curve(frame[frame["label"].notna()]).share_to_come(5.0) < 0.45  # without the waiting subjects


def test_the_gap_is_the_95th_percentile_of_the_delays_and_never_negative() -> None:
    sent = pd.Series(pd.date_range("2026-01-01", periods=101, freq="D", tz="UTC"))
    delays = pd.to_timedelta(np.arange(101), unit="D")

    def gap(labelled: pd.Series) -> float:
        return maturity_gap(pd.DataFrame({"sent_at": sent, "labelled_at": labelled}))

    assert gap(sent + delays) == pytest.approx(95)
    assert gap(sent - delays) == 0
    assert gap(pd.Series(pd.NaT, sent.index, "datetime64[us, UTC]")) == 0
    assert maturity_gap(pd.DataFrame({"sent_at": sent, "labelled_at": sent + delays}), share=0.5) == 50


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.floats(0.01, 1.0))
def test_without_waiting_subjects_the_gap_is_a_quantile(delays: list[int], share: float) -> None:
    rows: Subjects = [(0, delay, "fraud") for delay in delays]
    expected = np.quantile(delays, share, method="inverted_cdf")
    assert maturity_gap(subjects_of(rows), share=share) == pytest.approx(expected)


def test_the_gap_of_a_class_is_its_own() -> None:
    rows: Subjects = [(0, 30, "fraud"), (0, 2, "legitimate"), (0, 1, "legitimate"), (0, None, "")]
    assert maturity_gaps(subjects_of(rows)) == {"fraud": 30.0, "legitimate": 2.0}
    assert maturity_gap(subjects_of(rows), label="legitimate") == 2.0


def test_unlabelled_is_not_legitimate_and_labels_without_times_are_ignored() -> None:
    frame = subjects_of([(0, 3, "fraud"), (0, None, ""), (0, 2, "legitimate")])
    assert delay_curve(frame, label="legitimate").n_labelled == 1
    assert delay_curve(frame).n_waiting == 1
    frame.loc[2, "labelled_at"] = pd.NaT  # always known to be legitimate
    curve = delay_curve(frame)
    assert (curve.n_labelled, curve.n_waiting, curve.shares.tolist()) == (1, 1, [0.5])


def test_ages_may_be_an_array() -> None:
    curve = delay_curve(subjects_of([(0, 1, "fraud"), (0, 3, "fraud")]))
    assert curve.share_to_come(np.array([0.0, 0.99, 1.0, 2.0, 3.0, 9.0])).tolist() == [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    assert isinstance(curve.known_by(1), float)


def test_without_any_label_there_are_no_delays() -> None:
    curve = delay_curve(subjects_of([(0, None, ""), (4, None, "")]))
    assert (curve.n_labelled, curve.n_waiting) == (0, 2)
    assert np.isnan(curve.share_to_come(3.0))
    assert np.isnan(curve.share_to_come(np.array([1.0, 2.0]))).all()
    assert curve.age_at(0.95) == 0.0


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match="as_of, sent_at, occurred_at"):
        delay_curve(pd.DataFrame({"labelled_at": [START]}))
    with pytest.raises(SchemaError, match="'labelled_at' is missing"):
        delay_curve(pd.DataFrame({"sent_at": [START]}))


def test_the_delays_of_the_simulated_world_are_found() -> None:
    world = simulate(days=120, n_accounts=300, label_delay_days=6.0, wrong_labels=0.0)
    frame = world.messages.merge(world.labels, left_on="message_id", right_on="subject_id", how="left")
    curve = delay_curve(frame)
    # The sources have three delays: a mixture of exponential delays with means of 1.2, 1 and .64 times six days.
    ages = np.array([1.0, 5.0, 15.0])
    means = 6.0 * np.array([1.2, 1.0, 0.64])
    expected = 0.85 * (1 - np.exp(-ages[:, None] / means)) @ np.array([0.45, 0.30, 0.25])
    assert curve.known_by(ages) == pytest.approx(expected, abs=0.02)


@pytest.mark.slow
def test_a_million_rows_take_seconds() -> None:
    def seconds(n: int) -> float:
        rng = np.random.default_rng(0)
        sent: npt.NDArray[np.datetime64] = np.datetime64("2026-01-01", "us") + rng.integers(0, 10**13, n)
        labels = pd.Series("spam", range(n)).where(rng.random(n) < 0.9)
        labelled = pd.Series(sent + rng.integers(0, 10**12, n)).where(labels.notna())
        frame = pd.DataFrame({"sent_at": sent, "labelled_at": labelled, "label": labels})
        begin = time.perf_counter()
        delay_curve(frame)
        return time.perf_counter() - begin

    assert seconds(1_000_000) < 10


@given(SUBJECTS, st.lists(st.integers(1, 4), min_size=30, max_size=30))
def test_a_row_of_a_sample_stands_for_several(rows: Subjects, copies: list[int]) -> None:
    copies = copies[: len(rows)]
    sample = subjects_of(rows).assign(sampling_rate=1 / np.array(copies))
    everything = subjects_of([row for row, n in zip(rows, copies, strict=True) for _ in range(n)])
    found, expected = delay_curve(sample), delay_curve(everything)
    assert found.ages.tolist() == expected.ages.tolist()
    assert found.shares == pytest.approx(expected.shares)
