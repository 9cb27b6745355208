"""Every text of the report can be read, in light and in dark."""

import re

import pytest

from fraudsieve.training.pages.style import DARK, LIGHT, STYLE

TEXT_ON = [
    ("ink", "paper"),
    ("ink", "card"),
    ("muted", "paper"),
    ("muted", "card"),
    ("bad", "bad-paper"),
    ("warn", "warn-paper"),
]
LINES_ON = [("c1", "card"), ("c2", "card"), ("c3", "card"), ("muted", "card")]


def brightness(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours: dict[str, str]) -> None:
    found = {(text, behind): contrast(colours[text], colours[behind]) for text, behind in TEXT_ON}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}
    assert all(contrast(colours[a], colours[b]) >= 3 for a, b in LINES_ON)


def test_both_schemes_have_all_colours_and_no_other_is_used() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLE)) == set(LIGHT)


def test_the_style_loads_nothing() -> None:
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "<" not in STYLE
