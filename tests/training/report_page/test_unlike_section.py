"""Records that look like nothing in training, on the page: a card, a reason to take care, facts and a chart."""

from dataclasses import replace

from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.charts import draw_figure_files, draw_unlike, unlike_facts
from fraudsieve.training.report_page.evaluation import render_report
from fraudsieve.training.report_page.sections import headline_cards, report_notices

Reports = dict[str, EvaluationReport]


def test_the_page_says_how_many_there_are(reports: Reports) -> None:
    report = reports["message"]
    unlike = report.unlike_training
    assert unlike is not None
    assert headline_cards(report)[-1].value == f"{100 * unlike.share:.2f} %"
    facts = unlike_facts(report)
    assert facts["how many"].startswith(f"{unlike.rows:,} records ({100 * unlike.share:.2f} %) look like nothing in")
    assert facts["frauds among them"] == f"{unlike.frauds:,}"
    assert facts["average precision"].startswith(f"{unlike.average_precision:.3f} without them, ")
    figure = draw_unlike(report)
    assert figure is not None
    assert figure.svg in render_report(report)
    assert "figures/unlike_training.svg" in draw_figure_files(report)


def test_many_of_them_are_a_reason_to_take_care(reports: Reports) -> None:
    report = reports["message"]

    def reasons(report: EvaluationReport) -> str:
        return " ".join(" ".join(notice.lines) for notice in report_notices(report))

    assert "The model knows little about such records." in reasons(report)
    assert report.unlike_training is not None
    few = replace(report.unlike_training, share=0.011, interval=(0.008, 0.013))
    assert "knows little" not in reasons(replace(report, unlike_training=few))


def test_a_model_that_does_not_know_them_has_no_section(reports: Reports) -> None:
    report = reports["account"]
    assert report.unlike_training is None
    assert unlike_facts(report) == {}
    assert draw_unlike(report) is None
    assert "nothing in training" not in render_report(report)
