"""From scores to the next model, with a person who answers in the page: labels are what was clicked."""

from pathlib import Path

import pandas as pd
import pytest

from tests.chromium import NEEDS_CHROMIUM, Chromium
from tests.cli.conftest import Run
from tests.review.answering import Page

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]


def click_through(page: Page, truth: dict[str, str]) -> dict[str, str]:
    """Give every record its label with a click, and return what was clicked by the text of the record."""
    clicked = {}
    for _ in range(int(page.chromium.value("document.querySelector('#bar').max"))):
        text = page.text("#text")
        clicked[text] = truth[text]
        page.chromium.value(f"document.querySelector('#labels button[value={truth[text]}]').click()")
    return clicked


def test_from_a_draw_to_a_model_of_what_was_clicked(
    model: Path, messages: pd.DataFrame, run: Run, tmp_path: Path, chromium: Chromium
) -> None:
    records = messages.drop_duplicates("text")
    records.drop(columns="label").to_parquet("m.parquet")
    predict = ("predict", "--model", model, "--messages", "m.parquet", "--reasons", 3, "--output", "s.parquet")
    assert run(*predict)[0] == 0
    call = ("review", "draw", "--scores", "s.parquet", "--messages", "m.parquet", "--output", "draw.csv")
    code, drawn, error = run(*call, "--capacity", 400, "--audit", 0.6, "--page", "review.html")
    assert (code, drawn["audit"]) == (0, 240), error

    page = Page(chromium, tmp_path)
    page.show(tmp_path / "review.html")
    page.name()
    clicked = click_through(page, dict(records[["text", "label"]].to_numpy().tolist()))
    answers = page.saved()

    code, content, error = run("review", "collect", "--answers", answers, "--output", "labels.parquet")
    assert (code, content["added"]) == (0, drawn["drawn"]), error
    labels = pd.read_parquet("labels.parquet").set_index("subject_id")
    texts = dict(records[["message_id", "text"]].to_numpy().tolist())
    assert {texts[name]: label for name, label in labels["label"].items()} == clicked
    assert (
        labels["inclusion_probability"].to_dict()
        == pd.read_csv("draw.csv", index_col=0)["inclusion_probability"].to_dict()
    )

    train = ("train", "--messages", "m.parquet", "--labels", "labels.parquet", "--output", "next", "--no-track")
    code, content, error = run(*train)
    assert code == 0, error
    report = content["report"]
    assert report["weighting"]["drawn"] > 0
    assert report["weighting"]["records"] > 1.5 * report["rows"]
