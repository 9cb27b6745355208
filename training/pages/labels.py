"""The labels of a sheet on the page: how long they take, what they rest on, and a picture."""

from collections.abc import Iterator, Mapping
from typing import Any

from fraudsieve.training.evaluation.labels import SHARES
from fraudsieve.training.evaluation.metrics import format_days
from fraudsieve.training.labels.maturity import MATURE

from .charts import framed
from .html import definitions, table
from .svg import Chart
from .svg_scale import number

__all__ = ["label_facts", "label_section", "labels_known"]

Sheet = Mapping[str, Any]


def label_section(sheet: Sheet) -> str:
    """Lay out what a sheet says of labels.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`, of plain JSON types, with ``labels`` as from `label_sheet`.

    Returns
    -------
    str
        HTML; empty without ``labels``.

    Examples
    --------
    >>> label_section({"rows": 3})
    ''
    """
    labels = sheet.get("labels")
    if not labels:
        return ""
    drawn = labels_known(sheet)
    picture = f'<div class="figures">{drawn}</div>' if drawn else ""
    facts = dict(label_facts(labels))
    if labels["delays"]:
        del facts["labels are there"]  # the table says it
    if labels["mature_by_class"]:
        classes = (f"{name} {format_days(days)}" for name, days in labels["mature_by_class"].items())
        facts[f"days until {MATURE:.0%} are there, by class"] = ", ".join(classes)
    return definitions(facts) + _delays(labels) + picture


def label_facts(labels: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say in words what a sheet knows of labels.

    Parameters
    ----------
    labels : mapping
        As from `label_sheet`.

    Yields
    ------
    name, text : str
    """
    delays = [f"{one['share']:.0%} after {format_days(one['days'])} days" for one in labels["delays"] or ()]
    yield "labels are there", ", ".join(delays) or "not known: labels have no times"
    gap = labels["gap"]
    yield "gap before the test", gap["why"] if gap["days"] is None else f"{format_days(gap['days'])} days; {gap['why']}"
    yield "without a label", f"{labels['unlabelled']:,} of {labels['records']:,} records"
    young = labels["youngest"]
    if young and young["records"]:
        frauds = "" if young["expected_frauds"] is None else f", {number(round(young['expected_frauds'], 1))} of fraud"
        yield (
            f"of the last {format_days(young['days'])} days",
            f"{young['waiting']:,} of {young['records']:,} records wait; {100 * young['share_to_come']:.0f} % of the "
            f"labels at their age are still to come, expected: {number(round(young['expected'], 1))}{frauds}",
        )
    taken_back = labels["reversals"]
    if taken_back:
        yield "reversals", f"{taken_back['count']:,}{_pairs(taken_back['pairs'])}"


def _pairs(pairs: list[dict[str, Any]]) -> str:
    shown = [f"{one['count']:,} {one['from']} to {one['to']}" for one in pairs[:3]]
    return f" ({', '.join(shown)}{' and others' if len(pairs) > 3 else ''})" if shown else ""


def _delays(labels: Mapping[str, Any]) -> str:
    """Return the table of delays: of all labels, and of those that each source was the first to give."""
    if not labels["delays"]:
        return ""
    rows = [["all labels", f"{labels['timed']:,}", *(format_days(one["days"]) for one in labels["delays"]), "–"]]
    if labels["reversals"]:
        rows[0][-1] = f"{labels['reversals']['count']:,}"
    for one in labels["by_source"] or ():
        days = ["–"] * len(SHARES) if one["days"] is None else [format_days(day) for day in one["days"]]
        rows.append([f"first from {one['source']}", f"{one['first']:,}", *days, f"{one['reversed']:,}"])
    columns = ["labels", "rows", *(f"{share:.0%}" for share in SHARES), "reversed"]
    return table("Days until so many of the labels that come are there.", columns, rows)


def labels_known(sheet: Sheet) -> str | None:
    """Draw the share of labels that is there against the age of a record.

    Parameters
    ----------
    sheet : mapping
        As for `label_section`.

    Returns
    -------
    str or None
        An element ``figure``; None where labels have no times.
    """
    labels = sheet.get("labels") or {}
    if not labels.get("curve"):
        return None
    delays, gap = labels["delays"], labels["gap"]["days"]
    end = 1.1 * (max(delays[-1]["days"], gap or 0.0) or labels["curve"][-1][0])
    chart = Chart((0, end), (0, 1))
    chart.axes("age in days", "share of the labels that come")
    chart.line([(0.0, 0.0), *((age, share) for age, share in labels["curve"] if age <= end)], "c1")
    for one in delays:
        chart.dot(one["days"], one["share"], "c1", title=f"{one['share']:.0%} after {format_days(one['days'])} days")
    chart.legend("there by that age", "c1")
    if gap is not None:
        chart.line([(gap, 0), (gap, 1)], "muted", dashed=True)
        chart.legend(f"gap, {format_days(gap)} days", "muted", shape="dashed")
    told = f"{delays[0]['share']:.0%} after {format_days(delays[0]['days'])} days, {delays[2]['share']:.0%} after "
    told += f"{format_days(delays[2]['days'])}; from {labels['timed']:,} labels, and those that wait."
    return framed(chart, "How long labels take", told)
