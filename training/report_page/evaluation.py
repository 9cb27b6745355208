"""The page of an evaluation report, which needs no other file, and the report as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fraudsieve._io import check_not_an_input, check_output_file, write_file
from fraudsieve._translation import Language, in_language, tr
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.pages.rendering import format_range, label_words, listed, render_page
from fraudsieve.tables.source import Source, local_files
from fraudsieve.training.data.column_notes import RefitSummary, built_from
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.json_types import to_json_types

from .breakdown import breakdown_tables, delay_table, draw_label_delays, importance_tables, page_facts
from .charts import draw_column_importance, draw_figures, draw_unlike, unlike_facts
from .sections import headline, headline_cards, metric_table, point_table, report_notices, slice_tables, temporal_facts


def render_report(
    report: EvaluationReport,
    *,
    title: str = "Evaluation",
    facts: Mapping[str, str] | None = None,
    origin: PageOrigin | None = None,
    language: Language = "en",
) -> str:
    """Render an evaluation report as one page of HTML.

    Parameters
    ----------
    report : EvaluationReport
        As from `evaluate`.
    title : str, default="Evaluation"
        Heading of the page.
    facts : mapping of str to str, default=None
        Facts about the model by name, as from `model_facts`; None for no facts.
    origin : PageOrigin, default=None
        The origin of the page; None for the current time and command.
    language : {"en", "zh"}, default="en"
        The language of the page.

    Returns
    -------
    str
        A page without scripts. Its style is inline, and it makes no requests.

    Examples
    --------
    >>> import numpy as np
    >>> from fraudsieve.training.evaluation.report import evaluate
    >>> p = np.array([0.1, 0.2, 0.9, 0.8])
    >>> labels = np.array(["ham", "ham", "spam", "spam"], object)
    >>> report = evaluate(p, ("ham", "spam"), np.column_stack([1 - p, p]), labels, "ham")
    >>> "<h1>A model &amp; more</h1>" in render_report(report, title="A model & more")
    True
    """
    with in_language(language):
        return _render(report, title=tr(title), facts=facts or {}, origin=origin or PageOrigin())


def _render(report: EvaluationReport, *, title: str, facts: Mapping[str, str], origin: PageOrigin) -> str:
    """Render a report in the language of the block around it."""
    labels = report.labels
    label_figure = None if labels is None else draw_label_delays(labels)
    unlike_figure, importance_figure = draw_unlike(report), draw_column_importance(report)
    return render_page(
        "evaluation.html.j2",
        title=title,
        subtitle=_subtitle(report),
        origin=origin,
        headline=headline(report),
        notices=list(report_notices(report)),
        cards=headline_cards(report),
        figures=draw_figures(report),
        metrics=metric_table(report),
        points=point_table(report),
        slices=slice_tables(report),
        breakdown=breakdown_tables(report),
        unlike=unlike_facts(report),
        unlike_figures=[unlike_figure] if unlike_figure else [],
        importance=importance_tables(report),
        importance_figures=[importance_figure] if importance_figure else [],
        temporal=temporal_facts(report.temporal),
        labels={} if labels is None else page_facts(labels, of_training=report.split is not None),
        label_delays=None if labels is None else delay_table(labels),
        label_figures=[label_figure] if label_figure else [],
        facts=facts,
    )


def _subtitle(report: EvaluationReport) -> str:
    parts: list[str] = [tr("{n:,} records", n=report.rows)]
    if report.frauds is not None and report.base_rate is not None:
        frauds, weighting = report.frauds, report.weighting
        if weighting is not None:
            parts.append(tr("which stand for {n:,}", n=round(weighting.records)))
            frauds = round(weighting.frauds)
        parts.append(tr("{n:,} of them fraud ({share:.2g} %)", n=frauds, share=100 * report.base_rate))
    if report.capacity is not None and report.capacity.days:
        parts.append(tr("over {n:,} days", n=report.capacity.days))
    return tr(", ", sense="between parts").join(parts)


def model_facts(model: Model, *, language: Language = "en") -> dict[str, str]:
    """Return the facts about a model on a page: name, digest, subject, classes and training data."""
    with in_language(language):
        facts = dict(_model_facts(model))
    return {name: text for name, text in facts.items() if text}


def _model_facts(model: Model) -> Iterator[tuple[str, str]]:
    training, digest = model.training, model.digest
    yield tr("model"), model.name
    yield tr("digest"), digest or tr("not written")
    yield tr("run in MLflow"), tr("the one with the tag model.digest = {digest}", digest=digest) if digest else ""
    yield tr("subject"), tr(model.subject)
    yield tr("classes"), listed(map(label_words, model.classes))
    yield tr("legitimate class"), label_words(model.legitimate) if model.legitimate else tr("none")
    yield tr("columns"), f"{len(model.matrix.columns):,}"
    yield from built_from(model.matrix).items()
    yield tr("trained on"), _period(training.get("window"))
    refit = RefitSummary.of(training)
    if refit is not None:
        yield tr("trained again"), tr("on {n:,} mature rows, after the split", n=refit.rows)
        rows = tr("{n:,} rows, each scored by a model that had not learned from it", n=refit.calibration_rows)
        yield tr("calibrated on"), rows
        yield tr("evaluated model"), refit.split_model
    for name, table in (training.get("digests") or {}).items():
        yield tr("SHA-256 of {name}", name=tr(name, sense="table")), table


def _period(window: Sequence[str] | None) -> str:
    """Return the period of the training data, to the minute."""
    if not window:
        return ""
    return f"{format_range(*(time[:16].replace('T', ' ') for time in window))} UTC"


def check_report_path(path: str | Path, *tables: Source | None) -> None:
    """Reject a path where no page can be written, before any work is done."""
    page = Path(path)
    if page.suffix.lower() not in (".html", ".htm"):
        raise RecipeError("report", [f"expected a name that ends in .html, got one in {page.suffix or 'nothing'!r}"])
    if not page.absolute().parent.is_dir():
        problem = f"the folder {str(page.parent)!r} does not exist. Create it first, or choose another"
        raise RecipeError("report", [problem])
    for file in (page, page.with_suffix(".json")):
        check_not_an_input(file, *(path for table in tables if table is not None for path in local_files(table)))
        check_output_file(file)


def write_report(
    path: str | Path,
    report: EvaluationReport,
    *,
    title: str = "Evaluation",
    facts: Mapping[str, str] | None = None,
    origin: PageOrigin | None = None,
    language: Language = "en",
) -> tuple[Path, Path]:
    """Write an evaluation report as a page, and as JSON next to it.

    Parameters
    ----------
    path : str or Path
        The page; its name should end in ``.html``. An existing file is replaced.
    report : EvaluationReport
        As from `evaluate`.
    title : str, default="Evaluation"
        Heading of the page.
    facts : mapping of str to str, default=None
        Facts about the model by name, as from `model_facts`; None for no facts.
    origin : PageOrigin, default=None
        The origin of the page; None for the current time and command.
    language : {"en", "zh"}, default="en"
        The language of the page. The JSON is the same in every language.

    Returns
    -------
    page, content : Path
        The HTML file and the JSON file.

    Raises
    ------
    FileNotFoundError
        When the folder does not exist.
    """
    return write_page(
        path, render_report(report, title=title, facts=facts, origin=origin, language=language), report.to_dict()
    )


def write_page(path: str | Path, html: str, content: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write a page, and its content as JSON under the same name with the suffix ``.json``."""
    page = Path(path)
    json_file = page.with_suffix(".json")
    text = json.dumps(to_json_types(content), ensure_ascii=False, allow_nan=False, indent=1)
    write_file(page, html.encode())
    write_file(json_file, f"{text}\n".encode())
    return page, json_file
