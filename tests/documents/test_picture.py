"""The picture of a report: small, and made by its script."""

import shutil
from pathlib import Path

import pytest

from scripts.report_picture import BROWSERS, HEIGHT, PICTURE, WIDTH, take_picture

MAX_BYTES = 100_000


def size_of(picture: bytes) -> tuple[int, int]:
    """Return the width and the height of a lossy WebP picture, from its header."""
    assert (picture[:4], picture[8:12]) == (b"RIFF", b"WEBP")
    start = picture.index(b"\x9d\x01\x2a") + 3  # the frame of VP8
    return int.from_bytes(picture[start : start + 2], "little"), int.from_bytes(
        picture[start + 2 : start + 4], "little"
    )


def test_the_picture_is_small_and_has_the_size_of_its_script() -> None:
    picture = PICTURE.read_bytes()
    assert len(picture) < MAX_BYTES
    assert size_of(picture) == (WIDTH, HEIGHT)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="Chromium is not installed: apt-get install chromium")
def test_the_script_takes_a_picture_of_a_page(tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "page.webp"
    page.write_text("<h1>A report</h1>")
    take_picture(page, picture)
    assert size_of(picture.read_bytes()) == (WIDTH, HEIGHT)
