"""The page of a monitor report: the bounds that are exceeded, the charts, and the tables."""

from collections.abc import Iterator, Mapping, Sequence

from fraudsieve.training.evaluation.metrics import METRIC_NAMES
from fraudsieve.training.pages.origin import PageOrigin
from fraudsieve.training.pages.rendering import Card, Notice, PageTable, format_interval, format_metric, render_page
from fraudsieve.training.pages.words import feature_words, names_in_words, point_words

from .figures import draw_distributions, draw_monitor_figures, draw_unlike_over_time
from .measures import LabelledCalibration, MonitorMeasures, RuleShares, ShareChange, ShareChanges
from .report import MonitorReport

__all__ = ["render_monitor_report"]

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
    return render_page(
        "monitor.html.j2",
        title=title,
        subtitle=_subtitle(report),
        origin=origin or PageOrigin(),
        notices=list(_notices(report)),
        cards=list(_cards(report)),
        figures=draw_monitor_figures(report),
        unlike=[figure] if (figure := draw_unlike_over_time(report)) else [],
        distributions=draw_distributions(report),
        sections={
            "Families": [_family_table(report)],
            "Columns": [_column_table(report)],
            "Operating points": [_alert_table(report), _performance_table(report)],
            "Calibration": [_calibration_table(report.calibration)],
            "Rejected and unusual rows": [_share_table(report.shares)],
            "Rules": [_rule_table(report.rules)] if report.rules else [],
        },
        bounds={
            BOUND_NAMES.get(name, name.replace("_", " ")): "none" if value is None else f"{value:g}"
            for name, value in report.bounds.items()
        },
        facts=facts or {},
    )


def _subtitle(measures: MonitorMeasures) -> str:
    parts = []
    for name, words in zip(TABLES, ("records of the reference", "current records"), strict=True):
        window = measures.windows.of(name)
        period = f" ({window[0][:10]} to {window[1][:10]})" if window else ""
        parts.append(f"{measures.rows.of(name):,} {words}{period}")
    return ", ".join(parts)


def _notices(report: MonitorReport) -> Iterator[Notice]:
    count = len(report.exceeded)
    if count:
        title = "1 bound is exceeded." if count == 1 else f"{count} bounds are exceeded."
        yield Notice(title, [names_in_words(bound.text) for bound in report.exceeded], "bad")
    else:
        yield Notice("No bound is exceeded.")
    if report.notes:
        yield Notice("Take these metrics with care", [f"{names_in_words(note)}." for note in report.notes], "warn")


def _cards(measures: MonitorMeasures) -> Iterator[Card]:
    yield from _drift_cards(measures)
    for point in measures.alerts[:1]:
        shares = f"{_percent(point.current)} now, {_percent(point.reference)} in the reference"
        yield Card("alerts, times the reference", format_metric(point.times), f"at {point_words(point.name)}: {shares}")
    yield from _performance_cards(measures)
    changes = measures.shares
    for words, share in (("rejected rows", changes.rejected), ("rows without a history", changes.cold_start)):
        if share is not None:
            yield Card(words, _percent(share.current), f"{_percent(share.reference)} in the reference")
    unlike = changes.unlike_training
    if unlike is not None:
        about = f"look like nothing in training; {_percent(unlike.reference)} in the reference, 1 % is usual"
        yield Card("rows unlike training", _percent(unlike.current), about)


def _drift_cards(measures: MonitorMeasures) -> Iterator[Card]:
    for family in measures.families[:1]:
        worst = family.worst
        about = f"{feature_words(worst.column)}; without drift it would be {format_metric(worst.expected)}"
        yield Card("PSI of the column that moved most", format_metric(worst.psi), about)
    names = {"probability": "PSI of the probability", "types": "PSI of the types"}
    drifts = dict(measures.scores.items())
    for name, words in names.items():
        if name in drifts:
            about = f"without drift it would be {format_metric(drifts[name].expected)}"
            yield Card(words, format_metric(drifts[name].psi), about)


def _performance_cards(measures: MonitorMeasures) -> Iterator[Card]:
    for point in measures.expected[:1]:
        now = point.current
        for name in ("precision", "recall"):
            interval = format_interval(getattr(now, f"{name}_interval"))
            about = f"without labels; {interval} if the probabilities are right"
            yield Card(f"expected {name}", format_metric(getattr(now, name)), about)
    calibration = measures.calibration
    if calibration:
        interval = format_interval(calibration.intervals["observed_over_expected"])
        about = f"of {calibration.rows:,} labelled records; 95 %: {interval}"
        yield Card(METRIC_NAMES["observed_over_expected"], format_metric(calibration.observed_over_expected), about)


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
    columns = ["family", "columns", "moved most", "PSI", "without drift", "JS distance", "mean PSI", "mean JS"]
    return PageTable("Population stability index (PSI) and Jensen-Shannon distance (JS).", columns, rows)


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
    columns = ["column", "PSI", "without drift", "by chance", "JS distance"]
    columns += ["mean, reference", "mean, current", "missing, reference", "missing, current"]
    rest = len(measures.columns) - len(rows)
    more = f" {rest:,} columns that moved less are in the JSON file." if rest > 0 else ""
    return PageTable(f"Columns that moved most.{more}", columns, rows)


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
    columns = ["point", "flagged, reference", "flagged, current", "times", "per day, reference", "per day, current"]
    return PageTable(f"Alerts; the first point decides.{_unfamiliar_alerts(measures)}", columns, rows)


def _unfamiliar_alerts(measures: MonitorMeasures) -> str:
    """Return how many records are flagged below the threshold, if the policy of the model flags any."""
    below = measures.alerts[0].unlike_training if measures.alerts else None
    if below is None or not any(vars(below).values()):
        return ""
    shares = f"{_percent(below.reference)} of the reference and {_percent(below.current)} of the current records"
    return f" It also flags {shares} below its threshold, because they look like nothing in training."


def _performance_table(measures: MonitorMeasures) -> PageTable:
    rows = []
    for point in measures.expected:
        for table, expected in (("reference", point.reference), ("current", point.current)):
            cells = [f"{point_words(point.name)}, {table}"]
            for name in ("precision", "recall"):
                interval = format_interval(getattr(expected, f"{name}_interval"))
                observed = format_metric(getattr(expected.observed, name, None))
                cells += [format_metric(getattr(expected, name)), interval, observed]
            rows.append(cells)
    columns = ["point", "precision", "interval", "observed", "recall", "interval", "observed"]
    caption = "Precision and recall as expected from the probabilities, and as observed on records with labels."
    return PageTable(caption, columns, rows)


def _calibration_table(calibration: LabelledCalibration | None) -> PageTable | None:
    if not calibration:
        return None
    names = ("ece", "observed_over_expected", "brier", "average_precision", "base_rate")
    rows = [
        [METRIC_NAMES[name], format_metric(getattr(calibration, name)), format_interval(calibration.intervals[name])]
        for name in names
    ]
    labelled = f"{calibration.rows:,} current records with labels ({_percent(calibration.share)})"
    return PageTable(f"{labelled}; intervals over {calibration.over}s.", ["metric", "value", "interval"], rows)


def _rule_table(rules: Sequence[RuleShares]) -> PageTable:
    rows = [
        [
            rule.id,
            rule.action,
            rule.reason,
            _percent(rule.reference),
            _percent(rule.current),
            "yes" if rule.expired else "no",
        ]
        for rule in rules
    ]
    caption = "Share of the records that each rule decides. The rest of this page is about the model without rules."
    return PageTable(caption, ["rule", "decision", "reason", "reference", "current", "expired"], rows)


def _share_table(shares: ShareChanges) -> PageTable:
    named: dict[str, ShareChange | None] = {"rejected rows": shares.rejected, "without a history": shares.cold_start}
    named |= {"unlike training": shares.unlike_training}
    named |= {f"unseen: {feature_words(name)}": share for name, share in shares.unseen.items()}
    rows = [
        [name, *(_percent(value) for value in (share.reference, share.current, share.rise, share.chance))]
        for name, share in named.items()
        if share is not None
    ]
    return PageTable("Shares of the rows.", ["rows", "reference", "current", "rise", "by chance"], rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
