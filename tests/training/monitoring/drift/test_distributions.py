"""Distributions of columns side by side: shares that add up, words for bins, names of categories."""

import numpy as np
import pytest

from fraudsieve.training.monitoring.drift import MAX_BINS, distribution
from fraudsieve.training.monitoring.page import draw_distributions
from fraudsieve.training.monitoring.report import BinShare, MonitorReport


def test_shares_add_up_and_missing_values_have_a_bin() -> None:
    rng = np.random.default_rng(0)
    reference, current = rng.normal(0, 1, 1000), rng.normal(1, 1, 500)
    current[:50] = np.nan
    parts = distribution(reference, current)
    for table in ("reference", "current"):
        assert sum(getattr(part, table) for part in parts) == pytest.approx(1.0)
    assert parts[-1] == BinShare("missing", 0.0, 0.1)


def test_categories_have_their_names() -> None:
    reference, current = np.repeat([0.0, 1.0], [90, 10]), np.repeat([0.0, -1.0], [50, 50])
    parts = {part.bin: (part.reference, part.current) for part in distribution(reference, current, ("sms", "chat"))}
    assert parts == {"not seen in training": (0.0, 0.5), "sms": (0.9, 0.5), "chat": (0.1, 0.0)}
    assert distribution(reference, current, ())[1].bin == "category 0"


def test_the_rarest_of_many_categories_are_added_up() -> None:
    codes = np.repeat(np.arange(30.0), np.arange(60, 30, -1))
    parts = distribution(codes, codes, tuple(f"c{i}" for i in range(30)))
    assert len(parts) == MAX_BINS + 1
    assert parts[-1].bin == "all others"
    assert sum(part.current for part in parts) == pytest.approx(1.0)


@pytest.mark.slow
def test_the_columns_that_moved_most_are_drawn_in_words(monitored: MonitorReport) -> None:
    figures = draw_distributions(monitored)
    assert figures
    assert not [figure.title for figure in figures if "__" in figure.title]
    assert tuple(column for column in monitored.columns if column.distribution) == monitored.columns[:6]
    (channel,) = [column for column in monitored.columns[:6] if column.column == "profile__channel"]
    assert "not seen in training" in {part.bin for part in channel.distribution or ()}
