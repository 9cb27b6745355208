"""The page at ``/docs``: plain words, and nothing cut, on a telephone and on paper, light and dark."""

from pathlib import Path

import pytest

from fraudsieve.models.predict import Scorer
from fraudsieve.service.api.openapi import describe_service
from fraudsieve.service.api.page import render_description
from fraudsieve.service.settings import Settings
from tests.chromium import NEEDS_CHROMIUM, Chromium


@pytest.fixture
def page(scorer: Scorer) -> str:
    return render_description(describe_service(scorer.model, Settings()))


def test_names_are_code_without_backticks(page: str) -> None:
    assert "`" not in page
    assert "<code>event_id</code>" in page


@pytest.mark.slow
@NEEDS_CHROMIUM
def test_nothing_is_cut(page: str, tmp_path: Path, chromium: Chromium) -> None:
    file = tmp_path / "docs.html"
    file.write_text(page, "utf-8")
    for width, scheme, media in ((400, "dark", "screen"), (1280, "light", "screen"), (688, "dark", "print")):
        chromium.open(file, width, scheme, media)
        cut = "e => e.getBoundingClientRect().right > innerWidth + 0.5"
        names = f"[...document.querySelectorAll('body *')].filter({cut}).map(e => e.textContent.slice(0, 40))"
        assert chromium.value(names) == [], (width, scheme, media)
        # No word of a table is broken: a cell is at least as wide as its longest one.
        lines = "e => e.getClientRects().length"
        words = f"[...document.querySelectorAll('td:first-child code')].map({lines}).filter(n => n > 1)"
        assert chromium.value(words) == [], (width, scheme, media)
        assert chromium.value("[...document.querySelectorAll('pre')].every(e => e.scrollWidth <= e.clientWidth)")
        colour = "getComputedStyle(document.querySelector('pre')).backgroundColor"
        dark = scheme == "dark" and media == "screen"
        assert chromium.value(colour) == ("rgb(38, 38, 38)" if dark else "rgb(244, 244, 244)")
