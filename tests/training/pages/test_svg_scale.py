"""Scales, round ticks, and shortened names."""

from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.pages.svg_scale import Scale, nice_ticks, shorten, text_width


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_inside(low: float, width: float) -> None:
    high = low + width
    ticks = nice_ticks(low, high)
    assert 1 <= len(ticks) <= 6
    assert ticks == sorted(ticks)
    margin = 1e-6 * max(abs(low), abs(high), width)
    assert all(low - margin <= tick <= high + margin for tick in ticks)


def test_ticks_of_common_ranges() -> None:
    assert nice_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(0, 2500) == [0, 500, 1000, 1500, 2000, 2500]
    assert nice_ticks(0, 0.04) == [0, 0.01, 0.02, 0.03, 0.04]


def test_a_scale_keeps_within_its_ends_and_may_run_backwards() -> None:
    up = Scale(0.0, 1.0, 200.0, 20.0)
    assert [up.place(value) for value in (-1.0, 0.0, 0.5, 1.0, 9.0)] == [200.0, 200.0, 110.0, 20.0, 20.0]


@given(st.text(max_size=60), st.integers(2, 30))
def test_short_names_fit(name: str, width: int) -> None:
    cut = shorten(name, width)
    assert text_width(cut) <= width
    assert cut == name or (cut.endswith("…") and name.startswith(cut[:-1]))
