"""The page of a monitor report: the bounds that are exceeded, the charts, and the tables.

The charts of a monitor report. Each function returns a `Figure`, or None if the report has no data for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from fraudsieve._translation import Language, in_language, tr, tr_all
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.pages.rendering import (
    Card,
    Notice,
    PageTable,
    capitalised,
    format_interval,
    format_metric,
    format_range,
    label_words,
    render_page,
)
from fraudsieve.pages.svg import Chart, Figure, make_row_chart
from fraudsieve.pages.words import feature_words, names_in_words, point_words
from fraudsieve.training.evaluation.metrics import METRIC_NAMES
from fraudsieve.training.report_page.charts import draw_reliability

from .report import (
    ColumnDrift,
    LabelledCalibration,
    MonitorMeasures,
    MonitorReport,
    RuleShares,
    ShareChange,
    ShareChanges,
)

MAX_TYPES = 16
MAX_INDEX = 1.0
"""End of the axis of indices: larger ones are drawn at the end, with their value in the tooltip."""


def draw_monitor_figures(measures: MonitorMeasures) -> list[Figure]:
    """Draw the charts of what has changed; charts without data are left out."""
    figures = [_families(measures), _flagged(measures), _types(measures), _reliability(measures)]
    return [figure for figure in figures if figure is not None]


def draw_distributions(measures: MonitorMeasures) -> list[Figure]:
    """Draw the distributions of the columns that moved most, reference and current side by side."""
    return [_distribution(column) for column in measures.columns if column.distribution and column.clear]


def _distribution(column: ColumnDrift) -> Figure:
    parts = column.distribution or ()
    end = 1.05 * max(max(part.reference, part.current) for part in parts)
    names = [tr(part.bin, sense="bin") for part in parts]
    chart = make_row_chart(names, tr("share of the records"), 28, end=end)
    for i, part in enumerate(parts):
        for table, share, css, lift in (
            (tr("reference"), part.reference, "muted", 0.2),
            (tr("current"), part.current, "c1", -0.2),
        ):
            title = tr("{bin}: {share:.1f} % ({table})", bin=names[i], share=100 * share, table=table)
            chart.bar(lift - i, share, css, thick=9, title=title)
    chart.legend(tr("reference"), "muted", shape="square")
    chart.legend(tr("current"), "c1", shape="square")
    description = tr(
        "PSI {psi:.2f}; without drift it would be {expected:.2f}.", psi=column.psi, expected=column.expected
    )
    return chart.to_figure(capitalised(feature_words(column.column)), description)


def _families(measures: MonitorMeasures) -> Figure | None:
    """Draw the drift of every family: its mean, and the column that moved most."""
    families, bound = measures.families, measures.bounds["family_psi"]
    if not families:
        return None
    highest = max(bound or 0.0, *(family.worst.excess for family in families))
    end = min(max(1.15 * highest, 0.1), MAX_INDEX)
    chart = make_row_chart(
        [feature_words(family.family) for family in families], tr("PSI above what few rows cause"), 26, end=end
    )
    for i, family in enumerate(families):
        worst = family.worst
        mean = max(family.mean.psi - family.mean.expected, 0.0)
        chart.bar(
            -i,
            mean,
            "c1 pale",
            title=tr(
                "{family}: mean {mean:.3f} of {n} columns",
                family=feature_words(family.family),
                mean=mean,
                n=family.columns,
            ),
        )
        title = tr(
            "{column}: {excess:.3f}, of which chance explains {chance}",
            column=feature_words(worst.column),
            excess=worst.excess,
            chance=tr("an unknown part") if worst.chance is None else format_metric(worst.chance),
        )
        chart.dot(worst.excess, -i, "c2", shape="diamond", title=title)
    chart.legend(tr("mean"), "c1 pale", shape="square")
    chart.legend(tr("column that moved most"), "c2", shape="diamond")
    if bound is not None:
        chart.line([(bound, 0.6), (bound, 0.6 - len(families))], "muted", dashed=True, name=tr("bound"))
    worst = families[0].worst
    description = tr("Most: {column}, {excess:.2f}.", column=feature_words(worst.column), excess=worst.excess)
    return chart.to_figure(tr("What has moved?"), description)


def _flagged(measures: MonitorMeasures) -> Figure | None:
    """Draw the share of both tables that any threshold flags."""
    probability, points = measures.scores.probability, measures.alerts
    if probability is None or not points:
        return None
    top = min(max(0.02, *(1.3 * max(point.reference, point.current) for point in points)), 1.0)
    chart = Chart((0, top), (0, top))
    chart.axes(tr("share of the reference that is flagged"), tr("share of the current records"))
    chart.line([(0, 0), (top, top)], "muted", dashed=True)
    curve = [(x, y) for x, y in probability.curve if x <= top and y <= top]
    chart.line(curve, "c1", name=tr("any threshold"))
    for i, point in enumerate(points):
        css, shape = ("c1", "square") if i else ("c2", "diamond")
        title = tr(
            "{point}: {reference:.4f} of the reference, {current:.4f} of the current records",
            point=point_words(point.name),
            reference=point.reference,
            current=point.current,
        )
        chart.dot(point.reference, point.current, css, shape=shape, title=title)
    chart.legend(tr("the one that decides"), "c2", shape="diamond")
    first = points[0]
    unfamiliar = ""
    if any(vars(first.unlike_training).values()):
        unfamiliar = tr(" They include those that look like nothing in training, whatever their probability.")
    description = tr(
        "At {point}, {times:.2f} times as many records are flagged.{unfamiliar} "
        "Above the diagonal there are more alerts.",
        point=point_words(first.name),
        times=first.times,
        unfamiliar=unfamiliar,
    )
    return chart.to_figure(tr("Are there more alerts?"), description)


def _types(measures: MonitorMeasures) -> Figure | None:
    """Draw how often every class is the most probable one."""
    shares = {} if measures.scores.types is None else measures.scores.types.shares
    if not shares:
        return None
    shown = sorted(shares.items(), key=lambda item: -max(item[1].reference, item[1].current))[:MAX_TYPES]
    end = 1.05 * max(max(share.reference, share.current) for _, share in shown)
    chart = make_row_chart([label_words(name) for name, _ in shown], tr("share of the records"), 24, end=end)
    for i, (name, share) in enumerate(shown):
        chart.span((share.reference, share.current), (-i, -i), "muted")
        for table, css, shape in (("reference", "muted", "square"), ("current", "c1", "circle")):
            title = tr("{name}: {share:.4f} ({table})", name=label_words(name), share=share.of(table), table=tr(table))
            chart.dot(share.of(table), -i, css, shape=shape, title=title)
    chart.legend(tr("reference"), "muted", shape="square")
    chart.legend(tr("current"), "c1", shape="circle")
    rest = tr(" {n} more are not drawn.", n=len(shares) - MAX_TYPES) if len(shares) > MAX_TYPES else ""
    description = tr("The most probable class of every record.{rest}", rest=rest)
    return chart.to_figure(tr("Which types are predicted?"), description)


def draw_unlike_over_time(measures: MonitorMeasures) -> Figure | None:
    """Draw the share of records that look like nothing in training over time, and the bound on it."""
    unlike, compared = measures.unlike, measures.shares.unlike_training
    if unlike is None or compared is None or len(unlike.periods) < 2:
        return None
    starts = sorted({part.start for part in unlike.periods})
    limit = measures.bounds["unlike_rise"]
    bound = None if limit is None or compared.chance is None else compared.reference + max(limit, compared.chance)
    chart = Chart((-0.3, len(starts) - 0.7), (0, 1.1 * max(bound or 0.02, *(part.share for part in unlike.periods))))
    chart.names_below([_day(start) for start in starts], tr(f"{unlike.period} from"), tr("share of the records"))
    for table, css, shape in (("reference", "muted", "square"), ("current", "c1", "circle")):
        points = [(starts.index(part.start), part) for part in unlike.periods if part.table == table]
        if points:
            chart.line([(x, part.share) for x, part in points], css)
            chart.legend(tr(table), css, shape=shape)
        for x, part in points:
            title = tr(
                "{start}: {share:.1f} % of {n:,} ({table})",
                start=part.start,
                share=100 * part.share,
                n=part.rows,
                table=tr(table),
            )
            chart.dot(x, part.share, css, shape=shape, title=title)
    if bound is not None:
        chart.line([(-0.3, bound), (len(starts) - 0.7, bound)], "c2", dashed=True, name=tr("bound"))
    description = tr("1 % is usual. A higher share means new tricks, another language or damaged data.")
    return chart.to_figure(tr("Do records look like nothing in training?"), description)


def _day(date: str) -> str:
    day = datetime.fromisoformat(date)
    return tr("{day} {month}", day=day.day, month=tr(f"{day:%b}", sense="month"))


def _reliability(measures: MonitorMeasures) -> Figure | None:
    if not measures.calibration:
        return None
    return draw_reliability(measures.calibration.reliability, measures.calibration.ece)


MAX_COLUMNS = 40
TABLES = ("reference", "current")
BOUND_NAMES = {
    "family_psi": "PSI of a family's worst column",
    "score_psi": "PSI of the scores",
    "rejected_rise": "rise of rejected rows",
    "unseen_rise": "rise of unseen categories",
    "cold_start_rise": "rise of rows without a history",
    "unlike_rise": "rise of rows unlike training",
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
    columns = [*tr_all("family", "columns", "moved most"), "PSI"]
    columns += tr_all("without drift", "JS distance", "mean PSI", "mean JS")
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
    columns = [tr("column"), "PSI", *tr_all("without drift", "by chance", "JS distance")]
    columns += tr_all("mean, reference", "mean, current", "missing, reference", "missing, current")
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
    flagged = tr_all("flagged, reference", "flagged, current", "times", "per day, reference", "per day, current")
    caption = tr("Alerts; the first point decides.{unfamiliar}", unfamiliar=_unfamiliar_alerts(measures))
    return PageTable(caption, [tr("point"), *flagged], rows)


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
    columns = tr_all("point", "precision", "interval", "observed", "recall", "interval", "observed")
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
    columns: list[str] = tr_all("metric", "value", "interval")
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
    columns = tr_all("rule", "decision", "reason", "reference", "current", "expired")
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
    columns = [tr("rows", sense="kind"), *tr_all("reference", "current", "rise", "by chance")]
    return PageTable(tr("Shares of the rows."), columns, rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
