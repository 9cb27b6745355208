"""The charts of a monitor report. Each function returns a `Figure`, or None if the report has no data for it."""

from datetime import datetime

from fraudsieve._translation import tr
from fraudsieve.pages.rendering import capitalised, format_metric, label_words
from fraudsieve.pages.svg import Chart, Figure, make_row_chart
from fraudsieve.pages.words import feature_words, point_words
from fraudsieve.training.report_page.charts import draw_reliability

from .measures import ColumnDrift, MonitorMeasures

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
        chart.line([(bound, 0.6), (bound, 0.6 - len(families))], "muted", dashed=True)
        chart.legend(tr("bound"), "muted", shape="dashed")
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
    chart.line([(x, y) for x, y in probability.curve if x <= top and y <= top], "c1")
    for i, point in enumerate(points):
        css, shape = ("c1", "square") if i else ("c2", "diamond")
        title = tr(
            "{point}: {reference:.4f} of the reference, {current:.4f} of the current records",
            point=point_words(point.name),
            reference=point.reference,
            current=point.current,
        )
        chart.dot(point.reference, point.current, css, shape=shape, title=title)
    chart.legend(tr("any threshold"), "c1")
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
        chart.line([(-0.3, bound), (len(starts) - 0.7, bound)], "c2", dashed=True)
        chart.legend(tr("bound"), "c2", shape="dashed")
    description = tr("1 % is usual. A higher share means new tricks, another language or damaged data.")
    return chart.to_figure(tr("Do records look like nothing in training?"), description)


def _day(date: str) -> str:
    day = datetime.fromisoformat(date)
    return tr("{day} {month}", day=day.day, month=tr(f"{day:%b}", sense="month"))


def _reliability(measures: MonitorMeasures) -> Figure | None:
    if not measures.calibration:
        return None
    return draw_reliability(measures.calibration.reliability, measures.calibration.ece)
