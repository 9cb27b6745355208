"""The figures of a monitor's page. Each returns an element ``figure``, or None where the sheet has nothing for it."""

from collections.abc import Mapping
from typing import Any

from fraudsieve.training.pages.charts import framed, reliability, row_chart
from fraudsieve.training.pages.svg import Chart

__all__ = ["monitor_figures"]

Sheet = Mapping[str, Any]

MOST_TYPES = 16
MOST_INDEX = 1.0
"""Where the axis of indices ends: what moved more is drawn there, and its number is told."""


def monitor_figures(sheet: Sheet) -> list[str]:
    """Draw all figures of a sheet.

    Parameters
    ----------
    sheet : mapping
        As from `monitor`.

    Returns
    -------
    list of str
        Elements ``figure`` with inline SVG.

    Examples
    --------
    >>> none = {"families": [], "scores": {}, "alerts": [], "calibration": None, "bounds": {"family_psi": 0.25}}
    >>> monitor_figures(none)
    []
    """
    drawn = [_families(sheet), _flagged(sheet), _types(sheet), reliability(sheet["calibration"] or {})]
    return [figure for figure in drawn if figure is not None]


def _families(sheet: Sheet) -> str | None:
    """Draw how far every family has moved: its mean, and the column that moved most."""
    families, bound = sheet["families"], sheet["bounds"]["family_psi"]
    if not families:
        return None
    highest = max(bound or 0.0, *(one["worst"]["excess"] for one in families))
    chart = row_chart([one["family"] for one in families], "PSI beyond what few rows make", 26, most=_end(highest))
    for i, one in enumerate(families):
        worst = one["worst"]
        mean = max(one["mean"]["psi"] - one["mean"]["expected"], 0.0)
        chart.bar(-i, mean, "c1 pale", title=f"{one['family']}: mean {mean:.3f} of {one['columns']} columns")
        told = f"{worst['column']}: {worst['excess']:.3f}, of which chance explains {worst['chance']:.3f}"
        chart.dot(worst["excess"], -i, "c2", shape="diamond", title=told)
    chart.legend("mean", "c1 pale", shape="square")
    chart.legend("column that moved most", "c2", shape="diamond")
    if bound is not None:
        chart.line([(bound, 0.6), (bound, 0.6 - len(families))], "muted", dashed=True)
        chart.legend("bound", "muted", shape="dashed")
    first = families[0]
    told = f"{first['worst']['column']} moved most: {first['worst']['excess']:.2f}."
    return framed(chart, "What has moved?", told)


def _end(highest: float) -> float:
    return min(max(1.15 * highest, 0.1), MOST_INDEX)


def _flagged(sheet: Sheet) -> str | None:
    """Draw which share of both tables any threshold flags."""
    curve, points = (sheet["scores"].get("probability") or {}).get("curve"), sheet["alerts"]
    if not curve or not points:
        return None
    top = min(max(0.02, *(1.3 * max(one["reference"], one["current"]) for one in points)), 1.0)
    chart = Chart((0, top), (0, top))
    chart.axes("share of the reference that is flagged", "share of the current records")
    chart.line([(0, 0), (top, top)], "muted", dashed=True)
    chart.line([(x, y) for x, y in curve if x <= top and y <= top], "c1")
    for i, one in enumerate(points):
        told = f"{one['name']}: {one['reference']:.4f} of the reference, {one['current']:.4f} of the current records"
        chart.dot(one["reference"], one["current"], "c1" if i else "c2", shape="square" if i else "diamond", title=told)
    chart.legend("any threshold", "c1")
    chart.legend("the one that decides", "c2", shape="diamond")
    first = points[0]
    told = (
        f"At {first['name']} {first['times']:.2f} times as many are flagged. Above the diagonal there are more alerts."
    )
    return framed(chart, "Are there more alerts?", told)


def _types(sheet: Sheet) -> str | None:
    """Draw how often every class is the likeliest."""
    shares = (sheet["scores"].get("types") or {}).get("shares")
    if not shares:
        return None
    shown = sorted(shares.items(), key=lambda item: -max(item[1].values()))[:MOST_TYPES]
    most = 1.05 * max(max(one.values()) for _, one in shown)
    chart = row_chart([name for name, _ in shown], "share of the records", 24, most=most)
    for i, (name, one) in enumerate(shown):
        chart.span((one["reference"], one["current"]), (-i, -i), "muted")
        for when, css, shape in (("reference", "muted", "square"), ("current", "c1", "circle")):
            chart.dot(one[when], -i, css, shape=shape, title=f"{name}: {one[when]:.4f} ({when})")
    chart.legend("reference", "muted", shape="square")
    chart.legend("current", "c1", shape="circle")
    rest = f" {len(shares) - MOST_TYPES} more are not drawn." if len(shares) > MOST_TYPES else ""
    return framed(chart, "What is it taken for?", f"The likeliest class of every record.{rest}")
