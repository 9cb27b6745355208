"""``fraudsieve review``: from scores or the score log to a draw, and from answers to labels that training reads."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models import Scorer
from tests.cli.conftest import Run, error_of
from tests.cli.test_scores import serve

TEXTS = ["win 100 at w1.example", "see you at six", "Your parcel is held", "minutes of the meeting", "photos, garden"]


def write_tables() -> None:
    ids = [f"m{k}" for k in range(5)]
    pd.DataFrame({"message_id": ids, "text": TEXTS, "account_id": "ann"}).to_csv("m.csv", index=False)
    decisions = ["flag", *["pass"] * 4]
    scored = pd.DataFrame({"message_id": ids, "probability": [0.9, 0.2, 0.3, 0.1, 0.05], "decision": decisions})
    scored.to_csv("s.csv", index=False)


def answer_all(draw: str, reviewer: str, label: str) -> None:
    """Answer a draw as the page does."""
    drawn = pd.read_csv(draw)
    columns = ["subject_id", "why_drawn", "inclusion_probability", "model_digest"]
    answers = drawn[columns].assign(label=label, confidence=None, comment="", reviewer=reviewer)
    answers.assign(answered_at="2026-05-01T10:00:00.000Z").to_csv(f"{reviewer}.csv", index=False)


def test_a_draw_is_answered_and_collected(run: Run) -> None:
    write_tables()
    call = ("review", "draw", "--scores", "s.csv", "--messages", "m.csv", "--capacity", 3, "--audit", 0.5)
    code, content, error = run(*call, "--output", "draw.csv")
    assert (code, content["alert"], content["audit"], content["frame"]) == (0, 1, 2, 5), error
    assert (content["recall_can_be_estimated"], content["notes"]) == (True, [])
    answer_all("draw.csv", "ann", "fraud")
    pd.read_csv("ann.csv").head(1).assign(reviewer="bob", label="legitimate").to_csv("bob.csv", index=False)
    collect = ("review", "collect", "--answers", "ann.csv", "--answers", "bob.csv", "--output", "labels.csv")
    code, content, error = run(*collect, "--draws", "draw.csv", "--disagreements", "next.csv")
    assert (code, content["added"], content["known"], content["disagreements"]) == (0, 4, 0, 1), error
    (pair,) = content["agreement"]
    assert (pair["reviewers"], pair["records"], pair["kappa"]) == (["ann", "bob"], 1, 0.0)
    assert pd.read_csv("next.csv")[["subject_id", "why_drawn", "text"]].to_numpy().tolist() == [
        ["m0", "disagreement", TEXTS[0]]
    ]
    assert run(*collect)[1]["added"] == 0
    code, content, _ = run(*call, "--previous", "draw.csv", "--output", "second.csv")
    assert (code, content["audit"], content["left_out"]["drawn before"]) == (0, 2, 3)


def test_a_plan_says_what_an_interval_costs(run: Run) -> None:
    write_tables()
    code, content, error = run("review", "plan", "--scores", "s.csv", "--messages", "m.csv", "--recall", 0.2)
    assert (code, content["records"], content["flagged"]) == (0, 5, 1), error
    assert content["audits"] == {"0.4": 4, "0.2": 4, "0.1": 4}
    assert "if the probabilities are right" in error
    assert error_of(run, "review", "plan", "--recall", 0.2).startswith("review: expected either --scores")


def test_a_draw_and_a_disagreement_have_a_page_to_answer_in(run: Run) -> None:
    write_tables()
    call = ("review", "draw", "--scores", "s.csv", "--messages", "m.csv", "--capacity", 3, "--audit", 0.5)
    code, content, error = run(*call, "--page", "review.html")
    assert (code, content["page"]) == (0, "review.html"), error
    page = Path("review.html").read_text("utf-8")
    assert TEXTS[0] in page
    assert labels_of(page) == ["fraud", "legitimate"]
    assert Path("review.html").stat().st_mode & 0o077 == 0
    run(*call, "--page", "review.html", "--choices", "ham, phishing", "--language", "zh")
    page = Path("review.html").read_text("utf-8")
    assert (labels_of(page), "zh-CN" in page) == (["ham", "phishing"], True)
    answer_all("draw.csv", "ann", "ham")
    answer_all("draw.csv", "bob", "spam")
    collect = ("review", "collect", "--answers", "ann.csv", "--answers", "bob.csv", "--draws", "draw.csv")
    code, content, error = run(*collect, "--disagreements", "next.csv", "--page", "next.html")
    assert (code, content["disagreements"]) == (0, 3), error
    page = Path("next.html").read_text("utf-8")
    assert (labels_of(page), page.count('"why": "disagreement"')) == (["ham", "spam"], 3)


def test_the_page_offers_the_classes_of_the_scores(run: Run) -> None:
    write_tables()
    scored = pd.read_csv("s.csv").assign(probability__spam=0.5, probability__ham=0.4, probability__phishing=0.1)
    scored.to_csv("s.csv", index=False)
    call = ("review", "draw", "--scores", "s.csv", "--messages", "m.csv", "--capacity", 3)
    assert run(*call, "--page", "review.html")[0] == 0
    assert labels_of(Path("review.html").read_text("utf-8")) == ["fraud", "ham", "phishing", "spam"]


def labels_of(page: str) -> list[str]:
    return re.findall(r'"value": "([^"]*)"', page)


def test_a_folder_holds_all_earlier_draws(run: Run) -> None:
    write_tables()
    Path("draws").mkdir()
    tables = ("--scores", "s.csv", "--messages", "m.csv")
    call = ("review", "draw", *tables, "--capacity", 2, "--audit", 0.5, "--previous", "draws", "--output")
    drawn = [run(*call, f"draws/{name}")[1] for name in ("1.csv", "2.parquet", "3.xlsx")]
    assert [content["frame"] for content in drawn] == [5, 3, 2]
    assert "would overwrite this input" in error_of(run, *call, "draws/2.parquet")


def test_without_an_audit_every_output_says_so(run: Run) -> None:
    write_tables()
    call = ("review", "draw", "--scores", "s.csv", "--messages", "m.csv", "--capacity", 3)
    code, content, error = run(*call)
    assert (code, content["recall_can_be_estimated"]) == (0, False)
    assert "without an audit, recall cannot be estimated" in error
    assert not pd.read_csv("draw.csv")["recall_can_be_estimated"].any()
    answer_all("draw.csv", "ann", "fraud")
    code, content, error = run("review", "collect", "--answers", "ann.csv")
    assert (code, content["has_audit"]) == (0, False)
    assert "without an audit, recall cannot be estimated" in error
    assert pd.read_parquet("labels.parquet")["why_drawn"].tolist() == ["alert"]


def test_wrong_calls(run: Run) -> None:
    write_tables()
    call = ("review", "draw", "--capacity", 3)
    assert "expected either --scores" in run(*call)[1]["error"]
    assert "expected the messages that were scored" in run(*call, "--scores", "s.csv")[1]["error"]
    assert run(*call, "--state", "none.db")[1]["error"] == "none.db: there is no such store. Check the path."
    tables = ("--scores", "s.csv", "--messages", "m.csv")
    assert "would overwrite this input" in run(*call, *tables, "--output", "m.csv")[1]["error"]
    assert "expected shares from 0 to 1" in run(*call, *tables, "--audit", 2)[1]["error"]
    assert "expected no tables beside --state" in run(*call, "--state", "live.db", "--messages", "m.csv")[1]["error"]
    assert "expected --page with --choices" in run(*call, *tables, "--choices", "ham")[1]["error"]
    assert "expected a file ending in .html" in run(*call, *tables, "--page", "draw.htm")[1]["error"]
    assert not Path("draw.csv").exists()
    collect = ("review", "collect", "--answers", "s.csv")
    assert "expected --disagreements with --page" in run(*collect, "--page", "n.html")[1]["error"]
    assert "expected --draws" in run(*collect, "--disagreements", "n.csv")[1]["error"]
    assert "subject_id" in error_of(run, *collect)
    assert not Path("labels.parquet").exists()


@pytest.mark.slow
def test_from_the_score_log_with_reasons_to_labels_that_evaluate_reads(
    model: Path, messages: pd.DataFrame, run: Run
) -> None:
    serve(model, messages.drop(columns="label").to_dict("records"))  # type: ignore[arg-type]
    call = ("review", "draw", "--state", "live.db", "--capacity", 40, "--audit", 0.5, "--near", 0.1)
    code, content, error = run(*call, "--model", model, "--output", "draw.csv")
    assert (code, content["audit"], content["near"], content["frame"]) == (0, 20, 4, len(messages)), error
    drawn = pd.read_csv("draw.csv")
    assert set(drawn["model_digest"]) == {Scorer.load(model).model.digest}
    assert drawn["reason_1_sentence"].notna().all()
    truth = messages.set_index("message_id")["label"]
    answers = drawn[["subject_id", "why_drawn", "inclusion_probability"]].assign(reviewer="ann")
    answers = answers.assign(label=drawn["subject_id"].map(truth), answered_at="2026-05-01T10:00:00Z")
    answers.to_csv("answers.csv", index=False)
    assert run("review", "collect", "--answers", "answers.csv", "--output", "labels.parquet")[0] == 0
    messages.drop(columns="label").to_parquet("m.parquet")
    evaluate = ("evaluate", "--model", model, "--messages", "m.parquet", "--labels", "labels.parquet")
    code, content, error = run(*evaluate)
    assert (code, content["report"]["rows"]) == (0, len(drawn)), error
    weighting = content["report"]["weighting"]
    assert (weighting["drawn"], round(weighting["records"])) == (20, round((1 / drawn["inclusion_probability"]).sum()))
    assert content["report"]["base_rate"] < weighting["plain"]["base_rate"]
    wrong = pd.DataFrame({"message_id": messages["message_id"], "decision": "flag"})
    wrong.assign(probability=np.linspace(0, 1, len(wrong))).to_csv("s.csv", index=False)
    other = ("review", "draw", "--scores", "s.csv", "--messages", "m.parquet", "--capacity", "9", "--model", model)
    assert "expected the model that gave the scores" in run(*other)[1]["error"]
