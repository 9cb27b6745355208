"""The page of a monitor report: the bounds that are exceeded, the charts, and the tables."""

from collections.abc import Iterator, Mapping, Sequence

from fraudsieve._translation import Language, in_language, tr
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.pages.rendering import (
    Card,
    Notice,
    PageTable,
    format_interval,
    format_metric,
    format_range,
    render_page,
)
from fraudsieve.pages.words import feature_words, names_in_words, point_words
from fraudsieve.training.evaluation.metrics import METRIC_NAMES

from .figures import draw_distributions, draw_monitor_figures, draw_unlike_over_time
from .measures import LabelledCalibration, MonitorMeasures, RuleShares, ShareChange, ShareChanges
from .report import MonitorReport

MAX_COLUMNS = 40
TABLES = ("reference", "current")
BOUND_NAMES = {
    "family_psi": "PSI of a family's worst column",
    "score_psi": "PSI of the scores",
    "alerts_times": "alerts, times the reference",
    "rejected_rise": "rise of rejected rows",
    "unseen_rise": "rise of unseen categories",
    "cold_start_rise": "rise of rows without a history",
    "unlike_rise": "rise of rows unlike training",
    "ece": "calibration error (ECE)",
    "observed_times": "observed over expected fraud, times",
    "labelled_share": "share with labels that calibration needs",
}
"""The bounds of a recipe, in words."""


def render_monitor_report(
    report: MonitorReport,
    *,
    title: str = "Monitor",
    facts: Mapping[str, str] | None = None,
    origin: PageOrigin | None = None,
    language: Language = "en",
) -> str:
    """Render a monitor report as one page of HTML.

    Parameters
    ----------
    report : MonitorReport
        As from `monitor_tables`.
    title : str, default="Monitor"
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
    ::

        report = monitor_tables("fraudsieve-model", "first-week.parquet", "this-week.parquet")
        Path("monitor.html").write_text(render_monitor_report(report), "utf-8")
    """
    with in_language(language):
        return _render(report, title=tr(title), facts=facts or {}, origin=origin or PageOrigin())


def _render(report: MonitorReport, *, title: str, facts: Mapping[str, str], origin: PageOrigin) -> str:
    """Render a report in the language of the block around it."""
    return render_page(
        "monitor.html.j2",
        title=title,
        subtitle=_subtitle(report),
        origin=origin,
        notices=list(_notices(report)),
        cards=list(_cards(report)),
        figures=draw_monitor_figures(report),
        unlike=[figure] if (figure := draw_unlike_over_time(report)) else [],
        distributions=draw_distributions(report),
        sections=drift_tables(report),
        bounds={
            tr(BOUND_NAMES.get(name, name.replace("_", " "))): tr("none") if value is None else f"{value:g}"
            for name, value in report.bounds.items()
        },
        facts=facts,
    )


def drift_tables(measures: MonitorMeasures) -> dict[str, list[PageTable | None]]:
    """Return the tables of a report by their headings, in the language of the block around it."""
    return {
        tr("Families"): [_family_table(measures)],
        tr("Columns"): [_column_table(measures)],
        tr("Operating points"): [_alert_table(measures), _performance_table(measures)],
        tr("Calibration"): [_calibration_table(measures.calibration)],
        tr("Rejected and unusual rows"): [_share_table(measures.shares)],
        tr("Rules"): [_rule_table(measures.rules)] if measures.rules else [],
    }


def _subtitle(measures: MonitorMeasures) -> str:
    parts = []
    for name, words in zip(TABLES, ("{n:,} records of the reference", "{n:,} current records"), strict=True):
        window = measures.windows.of(name)
        days = format_range(window[0][:10], window[1][:10]) if window else ""
        period = tr(" ({interval})", interval=days) if window else ""
        parts.append(f"{tr(words, n=measures.rows.of(name))}{period}")
    return tr(", ", sense="between parts").join(parts)


def _notices(report: MonitorReport) -> Iterator[Notice]:
    count = len(report.exceeded)
    if count:
        title = tr("1 bound is exceeded.") if count == 1 else tr("{n} bounds are exceeded.", n=count)
        yield Notice(title, [names_in_words(tr(bound.text)) for bound in report.exceeded], "bad")
    else:
        yield Notice(tr("No bound is exceeded."))
    if report.notes:
        notes = [tr("{text}.", text=names_in_words(tr(note))) for note in report.notes]
        yield Notice(tr("Take these metrics with care"), notes, "warn")


def _cards(measures: MonitorMeasures) -> Iterator[Card]:
    yield from _drift_cards(measures)
    for point in measures.alerts[:1]:
        about = tr(
            "at {point}: {current} now, {reference} in the reference",
            point=point_words(point.name),
            current=_percent(point.current),
            reference=_percent(point.reference),
        )
        yield Card(tr("alerts, times the reference"), format_metric(point.times), about)
    yield from _performance_cards(measures)
    changes = measures.shares
    for words, share in (
        (tr("rejected rows"), changes.rejected),
        (tr("rows without a history"), changes.cold_start),
    ):
        if share is not None:
            about = tr("{share} in the reference", share=_percent(share.reference))
            yield Card(words, _percent(share.current), about)
    unlike = changes.unlike_training
    if unlike is not None:
        about = tr(
            "look like nothing in training; {share} in the reference, 1 % is usual", share=_percent(unlike.reference)
        )
        yield Card(tr("rows unlike training"), _percent(unlike.current), about)


def _drift_cards(measures: MonitorMeasures) -> Iterator[Card]:
    for family in measures.families[:1]:
        worst = family.worst
        about = tr(
            "{column}; without drift it would be {expected}",
            column=feature_words(worst.column),
            expected=format_metric(worst.expected),
        )
        yield Card(tr("PSI of the column that moved most"), format_metric(worst.psi), about)
    names = {"probability": tr("PSI of the probability"), "types": tr("PSI of the types")}
    drifts = dict(measures.scores.items())
    for name, words in names.items():
        if name in drifts:
            about = tr("without drift it would be {expected}", expected=format_metric(drifts[name].expected))
            yield Card(words, format_metric(drifts[name].psi), about)


def _performance_cards(measures: MonitorMeasures) -> Iterator[Card]:
    for point in measures.expected[:1]:
        now = point.current
        for name, words in (("precision", tr("expected precision")), ("recall", tr("expected recall"))):
            interval = format_interval(getattr(now, f"{name}_interval"))
            about = tr("without labels; {interval} if the probabilities are right", interval=interval)
            yield Card(words, format_metric(getattr(now, name)), about)
    calibration = measures.calibration
    if calibration:
        interval = format_interval(calibration.intervals["observed_over_expected"])
        about = tr("of {n:,} labelled records; 95 %: {interval}", n=calibration.rows, interval=interval)
        name = tr(METRIC_NAMES["observed_over_expected"])
        yield Card(name, format_metric(calibration.observed_over_expected), about)


def _family_table(measures: MonitorMeasures) -> PageTable:
    rows = [
        [
            feature_words(family.family),
            f"{family.columns:,}",
            feature_words(family.worst.column),
            *(format_metric(getattr(family.worst, index)) for index in ("psi", "expected", "js")),
            *(format_metric(getattr(family.mean, index)) for index in ("psi", "js")),
        ]
        for family in measures.families
    ]
    columns = [tr("family"), tr("columns"), tr("moved most"), "PSI", tr("without drift"), tr("JS distance")]
    columns += [tr("mean PSI"), tr("mean JS")]
    return PageTable(tr("Population stability index (PSI) and Jensen-Shannon distance (JS)."), columns, rows)


def _column_table(measures: MonitorMeasures) -> PageTable:
    rows = [
        [
            feature_words(column.column),
            *(format_metric(getattr(column, index)) for index in ("psi", "expected", "chance", "js")),
            *(format_metric(column.mean.of(table)) for table in TABLES),
            *(_percent(column.missing.of(table)) for table in TABLES),
        ]
        for column in measures.columns[:MAX_COLUMNS]
    ]
    columns = [tr("column"), "PSI", tr("without drift"), tr("by chance"), tr("JS distance")]
    columns += [tr("mean, reference"), tr("mean, current"), tr("missing, reference"), tr("missing, current")]
    rest = len(measures.columns) - len(rows)
    more = tr(" {n:,} columns that moved less are in the JSON file.", n=rest) if rest > 0 else ""
    return PageTable(tr("Columns that moved most.{more}", more=more), columns, rows)


def _alert_table(measures: MonitorMeasures) -> PageTable:
    rows = [
        [
            point_words(point.name),
            *(_percent(share) for share in (point.reference, point.current)),
            format_metric(point.times),
            *(format_metric(point.alerts_a_day.of(table)) for table in TABLES),
        ]
        for point in measures.alerts
    ]
    columns = [tr("point"), tr("flagged, reference"), tr("flagged, current"), tr("times")]
    columns += [tr("per day, reference"), tr("per day, current")]
    caption = tr("Alerts; the first point decides.{unfamiliar}", unfamiliar=_unfamiliar_alerts(measures))
    return PageTable(caption, columns, rows)


def _unfamiliar_alerts(measures: MonitorMeasures) -> str:
    """Return how many records are flagged below the threshold, if the policy of the model flags any."""
    below = measures.alerts[0].unlike_training if measures.alerts else None
    if below is None or not any(vars(below).values()):
        return ""
    return tr(
        " It also flags {reference} of the reference and {current} of the current records below its threshold, "
        "because they look like nothing in training.",
        reference=_percent(below.reference),
        current=_percent(below.current),
    )


def _performance_table(measures: MonitorMeasures) -> PageTable:
    rows = []
    for point in measures.expected:
        for table, expected in (("reference", point.reference), ("current", point.current)):
            cells: list[str] = [tr("{point}, {table}", point=point_words(point.name), table=tr(table))]
            for name in ("precision", "recall"):
                interval = format_interval(getattr(expected, f"{name}_interval"))
                observed = format_metric(getattr(expected.observed, name, None))
                cells += [format_metric(getattr(expected, name)), interval, observed]
            rows.append(cells)
    columns = [tr("point")]
    for rate in (tr("precision"), tr("recall")):
        columns += [rate, tr("interval"), tr("observed")]
    caption = tr("Precision and recall as expected from the probabilities, and as observed on records with labels.")
    return PageTable(caption, columns, rows)


def _calibration_table(calibration: LabelledCalibration | None) -> PageTable | None:
    if not calibration:
        return None
    names = ("ece", "observed_over_expected", "brier", "average_precision", "base_rate")
    rows = [
        [
            tr(METRIC_NAMES[name]),
            format_metric(getattr(calibration, name)),
            format_interval(calibration.intervals[name]),
        ]
        for name in names
    ]
    caption: str = tr(
        "{n:,} current records with labels ({share}); intervals over {groups}.",
        n=calibration.rows,
        share=_percent(calibration.share),
        groups=tr(f"{calibration.over}s"),
    )
    columns: list[str] = [tr("metric"), tr("value"), tr("interval")]
    if calibration.weights is not None:
        caption, columns = f"{caption} {calibration.weights.sentence}", [*columns, tr("without weights")]
        rows = [[*row, format_metric(calibration.plain[name])] for row, name in zip(rows, names, strict=True)]
    return PageTable(caption, columns, rows)


def _rule_table(rules: Sequence[RuleShares]) -> PageTable:
    rows = [
        [
            rule.id,
            tr(rule.action, sense="decision"),
            rule.reason,
            _percent(rule.reference),
            _percent(rule.current),
            tr("yes") if rule.expired else tr("no"),
        ]
        for rule in rules
    ]
    caption = tr("Share of the records that each rule decides. The rest of this page is about the model without rules.")
    columns = [tr("rule"), tr("decision"), tr("reason"), tr("reference"), tr("current"), tr("expired")]
    return PageTable(caption, columns, rows)


def _share_table(shares: ShareChanges) -> PageTable:
    named: dict[str, ShareChange | None] = {
        tr("rejected rows"): shares.rejected,
        tr("without a history"): shares.cold_start,
        tr("unlike training"): shares.unlike_training,
    }
    named |= {tr("unseen: {column}", column=feature_words(name)): share for name, share in shares.unseen.items()}
    rows = [
        [name, *(_percent(value) for value in (share.reference, share.current, share.rise, share.chance))]
        for name, share in named.items()
        if share is not None
    ]
    columns = [tr("rows", sense="kind"), tr("reference"), tr("current"), tr("rise"), tr("by chance")]
    return PageTable(tr("Shares of the rows."), columns, rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
