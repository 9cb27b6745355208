"""Charts are well-formed, described in words, without style or script, and drawn at their values."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.pages.svg import Chart, Scale, nice_ticks, shorten, text_width

EVIL = '"><script>alert(1)</script>'


def everything() -> Chart:
    chart = Chart((0, 10), (0, 1))
    chart.axes(f"x {EVIL}", f"y {EVIL}")
    chart.line([(0, 0), (10, 1)], "c1")
    chart.line([(0, 0.5), (10, 0.5)], "muted", dashed=True)
    chart.band([(0, 0), (10, 0.5)], [(0, 0.2), (10, 0.9)], "c1")
    for shape in ("circle", "square", "diamond"):
        chart.dot(5, 0.5, "c2", shape=shape, title=EVIL)
        chart.legend(EVIL, "c2", shape=shape)
    chart.bar(0.5, 3, "c1", title=EVIL)
    chart.span((1, 2), (0.5, 0.5), "c1")
    return chart


def test_well_formed_and_escaped() -> None:
    svg = everything().render(f"A title {EVIL}", "What it shows.")
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == f"A title {EVIL}. What it shows."
    tags = {element.tag for element in root.iter()}
    assert tags == {"svg", "path", "circle", "rect", "text", "title"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name == "style" or name.startswith("on") or "href" in name}


def test_marks_lie_where_the_values_are() -> None:
    chart = Chart((0, 10), (0, 1), height=280, left=50, top=30)
    chart.dot(0, 0, "c1")
    chart.dot(10, 1, "c1")
    low, high = (ET.fromstring(part).attrib for part in chart.parts)
    assert (low["cx"], low["cy"]) == ("50", "234.0") or (float(low["cx"]), float(low["cy"])) == (50, 234)
    assert (float(high["cx"]), float(high["cy"])) == (386, 30)


def test_a_bar_is_as_wide_as_its_value() -> None:
    chart = Chart((0, 1), (-0.6, 0.6), left=100)
    chart.bar(0, 0.5, "c1")
    bar = ET.fromstring(chart.parts[0]).attrib
    assert (float(bar["x"]), float(bar["width"])) == (100, (386 - 100) / 2)


def test_ticks_are_within_the_chart() -> None:
    below, rows, named = Chart((0, 0.02), (0, 1)), Chart((0, 0.1), (-0.6, 0.6), left=150), Chart((-0.3, 30.3), (0, 1))
    below.axes("share", "share")
    rows.rows(["spam"], "share")
    named.names_below([f"{day} Oct" for day in range(1, 32)], "day", "share")
    for chart, last in ((below, "0.02"), (rows, "0.1"), (named, "31 Oct")):
        tick = next(ET.fromstring(part) for part in chart.parts if f">{last}<" in part)
        assert float(tick.attrib["x"]) + 7 * len(last) / 2 <= 400, last


def test_cut_names_of_rows_have_a_tooltip() -> None:
    chart = Chart((0, 1), (-0.6, 0.6), left=150)
    chart.rows(["a very long name of a crime"], "share")
    name = next(ET.fromstring(part) for part in chart.parts if "a very long" in part)
    assert name.text == "a very long name of …"
    assert name[0].text == "a very long name of a crime"


def test_some_of_many_names_below_are_written() -> None:
    chart = Chart((0, 23), (0, 1))
    chart.names_below([f"m{i:02}" for i in range(24)], "month", "share")
    written = [part for part in chart.parts if ">m" in part and "month" not in part]
    assert len(written) == 6


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
