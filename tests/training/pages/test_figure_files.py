"""The figures of a run: images that stand alone."""

from typing import Any
from xml.etree import ElementTree

import pytest

from fraudsieve.training.evaluation.json_types import to_json_types
from fraudsieve.training.pages.charts import FIGURES
from fraudsieve.training.pages.figure_files import figure_files
from fraudsieve.training.pages.labels import labels_known


@pytest.fixture
def files(sheets: dict[str, dict[str, Any]]) -> dict[str, str]:
    return figure_files(to_json_types(sheets["message"]))


def test_every_figure_is_a_file(files: dict[str, str]) -> None:
    assert list(files) == [f"figures/{draw.__name__}.svg" for draw in (*FIGURES, labels_known)]
    assert figure_files({"rows": 3}) == {}


def test_each_is_whole_and_has_its_own_colours(files: dict[str, str]) -> None:
    for image in files.values():
        root = ElementTree.fromstring(image)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.attrib["viewBox"].startswith("0 0 ")
        style = next(child for child in root if child.tag.endswith("style")).text or ""
        assert "--c1:" in style
        assert "prefers-color-scheme" not in style
        assert "url(" not in image
