"""Tables for notebooks: complete, escaped, and without colours of their own."""

from html.parser import HTMLParser

import numpy as np
from sklearn.utils import estimator_html_repr

from fraudsieve import FraudClassifier, MessageFeatures
from fraudsieve._html import facts_table
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.models import Model
from fraudsieve.models.artifact.folder import model_table
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.training.evaluation.report import evaluate


class Cells(HTMLParser):
    """Collects the text of every cell, and checks that tags are closed and set no style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: object) -> None:
        assert not attributes
        self.open.append(tag)
        self.cells += [""] if tag in ("th", "td", "caption") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.cells[-1] += data


def test_names_and_facts_are_escaped() -> None:
    facts = {"<script>": 'a & b "c"', "</td>": "<b>"}
    assert Cells(facts_table("<i>", facts)).cells == ["<i>", "<script>", 'a & b "c"', "</td>", "<b>"]


def test_a_model_says_what_it_is() -> None:
    rng = np.random.default_rng(0)
    matrix = MessageMatrix(None)
    X = rng.normal(size=(60, len(matrix.columns)))
    fitted = FraudClassifier(n_rounds=2, n_jobs=1).fit(X, np.where(X[:, 0] > 0, "<spam>", "ham"))
    ensemble: Ensemble = fitted.ensemble_
    model = Model("shop", ("<spam>", "ham"), "ham", matrix, ensemble, Calibration(), digest="ab" * 32)
    title, *cells = Cells(model_table("Scorer", model)).cells
    facts = dict(zip(cells[::2], cells[1::2], strict=True))
    assert title == "Scorer"
    assert (facts["model"], facts["scores"], facts["classes"]) == ("shop", "messages", "<spam>, ham")
    assert (facts["legitimate class"], facts["digest"]) == ("ham", "ab" * 32)
    assert repr(model) == "Model(shop: messages as <spam>, ham; digest abababababab)"
    assert Cells(model._repr_html_()).cells == ["Model", *cells]


def test_a_report_shows_its_main_figures() -> None:
    p = np.array([0.1, 0.2, 0.9, 0.8])
    labels = np.array(["ham", "ham", "spam", "spam"], object)
    report = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    title, *cells = Cells(report._repr_html_()).cells
    facts = dict(zip(cells[::2], cells[1::2], strict=True))
    assert title == "Evaluation report"
    assert facts["records"] == "4, 2 of them fraud"
    assert facts["average precision"].startswith("1.000")
    assert "spam" in facts["types"]
    assert repr(report) == "EvaluationReport(average precision 1.000 on 4 rows)"
    types = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, None)
    assert "average precision" not in Cells(types._repr_html_()).cells


def test_estimators_keep_the_diagram_of_scikit_learn() -> None:
    for estimator in (MessageFeatures(C=2.0), FraudClassifier(n_rounds=9)):
        diagram = estimator_html_repr(estimator)
        assert type(estimator).__name__ in diagram
        assert estimator._repr_html_() == diagram or "<style>" in estimator._repr_html_()
