"""The parts of the report: what the reader is warned of, the headline, and the tables."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fraudsieve.training.evaluation.bootstrap import MIN_GROUPS
from fraudsieve.training.evaluation.labels import YoungestRecords, waiting_note
from fraudsieve.training.evaluation.metrics import METRIC_NAMES, RATE_NAMES

from .html import definitions, figure, interval, notice, table
from .svg_scale import number

__all__ = ["all_figures", "headline", "notices", "point_table", "slice_tables"]

Sheet = Mapping[str, Any]

SHARES = ("average_precision", "recall_at_1pct_fpr", "recall_at_capacity", "precision_at_capacity", "macro_f1")


def notices(sheet: Sheet) -> Iterator[str]:
    """Say what the figures rest on, and what speaks against them.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`.

    Yields
    ------
    str
        HTML.

    Examples
    --------
    >>> next(notices({"split": {"kind": "random", "keeps_apart": [], "flatters": True}}))[:24]
    '<div class="notice bad">'
    """
    known = sheet.get("not_later_than_training")
    split = sheet.get("split")
    yield _split_notice(split) if split is not None or known is None else _later_notice(known, sheet["rows"])
    lines = [_words(one) for one in sheet.get("warnings") or ()]
    drawn = sheet.get("bootstrap")
    if drawn and drawn["groups_with_fraud"] < MIN_GROUPS:
        few = f"Only {drawn['groups_with_fraud']} {drawn['over']}s have fraud: the intervals say little."
        lines.append(few)
    if sheet.get("unscorable"):
        lines.append(f"{sheet['unscorable']:,} records could not be scored, and are not in these figures.")
    young = (sheet.get("labels") or {}).get("youngest")
    waiting = waiting_note(YoungestRecords(**young)) if young else None
    if waiting:
        lines.append(f"{waiting}.")
    if lines:
        yield notice("Take these figures with care", lines, "warn")


def _split_notice(split: Mapping[str, Any] | None) -> str:
    if split is None:
        title = "How these records were chosen is not known here."
        return notice(title, ["Were some of them trained on, the figures flatter."])
    apart = " and ".join(split["keeps_apart"])
    counts = ", ".join(f"{name} {rows:,}" for name, rows in split.get("rows", {}).items())
    dropped = [f"{rows:,} rows left out: {reason}" for reason, rows in split.get("dropped", {}).items() if rows]
    lines = [f"Rows: {counts}."] * bool(counts) + dropped
    if split["flatters"]:
        title = f"These figures flatter: the split is {split['kind']}, and keeps nothing apart."
        return notice(title, [*lines, "A live model will keep less than is shown here."], "bad")
    return notice(f"Split by {split['kind']}; on one side only: {apart or 'nothing'}.", lines)


def _later_notice(known: int, rows: int) -> str:
    if not known:
        return notice("All records are later than what the model was trained and calibrated on.", [])
    title = f"These figures flatter: {known:,} of {rows:,} records are not later than what the model was trained on."
    return notice(title, ["A live model will keep less than is shown here."], "bad")


def _words(one: Any) -> str:
    """Return a warning as a text, whatever it was made as."""
    if isinstance(one, Mapping) and {"found", "do"} <= one.keys():
        return f"{one['found']}. {one['do']}"
    if isinstance(one, Mapping):
        return ": ".join(str(value) for value in one.values() if value is not None)
    return str(one)


def headline(sheet: Sheet) -> str:
    """Lay out the figures that people look at first.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> "0.810" in headline({"macro_f1": 0.81, "intervals": {"macro_f1": [0.7, 0.9]}})
    True
    """
    about = _about(sheet)
    names = [name for name in METRIC_NAMES if name in about and sheet.get(name) is not None]
    return f'<ul class="cards">{"".join(_card(sheet, name, about[name]) for name in names)}</ul>'


def _card(sheet: Sheet, name: str, about: str) -> str:
    value, found = sheet[name], (sheet.get("intervals") or {}).get(name)
    level = 100 * (sheet.get("bootstrap") or {}).get("level", 0.95)
    said = f"{level:.0f} %: {interval(found)}" if found else "no interval"
    gauge = _gauge(value, found) if name in SHARES or name == "card_precision" else ""
    return (
        f'<li><h3>{escape(METRIC_NAMES[name])}</h3><div class="value">{figure(value)}</div>{gauge}'
        f'<div class="interval">{said}</div><div class="about">{escape(about)}</div></li>'
    )


def _gauge(value: float, found: list[float] | None) -> str:
    """Draw a share and its interval on a line from 0 to 1."""
    low, high = found or (value, value)
    band = f'<rect class="band c1" x="{100 * low:.1f}" y="1" width="{100 * (high - low):.1f}" height="8"/>'
    mark = f'<rect class="fill c1" x="{min(100 * value, 99):.1f}" y="0" width="1" height="10"/>'
    track = '<path class="grid" d="M0 5H100"/>'
    head = '<svg class="gauge" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
    return f"{head}{track}{band}{mark}</svg>"


def _about(sheet: Sheet) -> dict[str, str]:
    """Say of each headline figure what it is to be held against."""
    about = {"macro_f1": f"mean F1 of {len(sheet.get('by_type', {}))} types, each counting the same"}
    if sheet.get("base_rate") is None:
        return about
    base, costs = sheet["base_rate"], sheet["costs"]
    about["average_precision"] = f"base rate, which chance reaches: {figure(base)}"
    about["recall_at_1pct_fpr"] = "of all fraud, flagged when 1 % of what is legitimate is flagged too"
    capacity = sheet["capacity"]
    if capacity:
        a_day = capacity["alerts_a_day"]
        many = f"{number(capacity['alerts'])} alerts" if a_day is None else f"{number(a_day)} alerts a day"
        why = "as given" if capacity["given"] else "1 % of the rows"
        about["recall_at_capacity"] = f"of all fraud, found with {many} ({why})"
        about["precision_at_capacity"] = f"of the alerts are fraud, with {many}"
    about["cost_per_1000"] = f"{number(costs['without_review'])} when nothing is reviewed"
    if sheet["card_precision"] is not None:
        top, best = sheet["accounts_a_day"], figure(sheet["card_precision_ceiling"])
        about["card_precision"] = f"of the {top} accounts listed a day; a perfect ranking has {best}"
    about["ece"] = "mean gap between what is predicted and what happens"
    return about


def all_figures(sheet: Sheet) -> str:
    """Return the table of all main figures with their intervals.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`.

    Returns
    -------
    str
        HTML.
    """
    found = sheet.get("intervals") or {}
    rows = [
        [text, figure(sheet[name]), interval(found.get(name))]
        for name, text in METRIC_NAMES.items()
        if sheet.get(name) is not None
    ]
    drawn = sheet.get("bootstrap")
    basis = "no intervals: accounts or campaigns are not known"
    if drawn:
        level = f"{100 * drawn['level']:.0f} % intervals from {drawn['replicates']} draws of"
        basis = f"{level} {drawn['groups']:,} {drawn['over']}s, of which {drawn['groups_with_fraud']:,} have fraud"
        basis += "; card precision over accounts" if found.get("card_precision") else ""
    return table(f"All main figures; {basis}.", ["figure", "value", "interval"], rows)


def point_table(sheet: Sheet) -> str:
    """Return the table of the operating points: what each does on these records, and did on the calibration slice.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`.

    Returns
    -------
    str
        HTML; empty where the model has no operating points.

    Examples
    --------
    >>> point_table({"operating_points": []})
    ''
    """
    columns = ["point", "threshold", *(text for name in RATE_NAMES.values() for text in (name, "calibrated"))]
    rows = [
        [point["name"].replace("_", " "), figure(point["threshold"])]
        + [_rate(name, point[which][name]) for name in RATE_NAMES for which in ("here", "calibration")]
        for point in sheet.get("operating_points") or ()
    ]
    told = "What each threshold does on these records; beside it what it did on the calibration slice."
    return table(f"{told} The first point decides.", columns, rows)


def _rate(name: str, value: float | None) -> str:
    small = value is not None and name in ("false_positive_rate", "flagged")
    return f"{100 * (value or 0):.2f} %" if small else figure(value)


def slice_tables(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """Return the tables of how the figures come apart.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`.

    Yields
    ------
    heading, html : str
        Those that there is something for.
    """
    yield "By type", _types(sheet.get("by_type") or {})
    months = {month["month"]: month for month in sheet.get("by_month") or ()}
    yield "By month", _slices("Months, at one threshold: that of 1 % false positives over all.", "month", months)
    cold = {name.replace("_", " "): part for name, part in (sheet.get("cold_start") or {}).items() if part}
    yield "Cold start", _slices("Accounts with and without a history, at the same threshold.", "history", cold)
    yield "Under attack", _attack(sheet.get("attack"))
    yield "Over time", definitions(dict(_flat(sheet.get("temporal") or {})))


def _types(by_type: Mapping[str, Any]) -> str:
    columns = ["type", "rows", "F1", "interval", "precision", "recall", "flagged"]
    shares = ("f1", "interval", "precision", "recall", "caught")
    rows = [
        [name, f"{one['rows']:,}"]
        + [interval(one.get(share)) if share == "interval" else figure(one.get(share)) for share in shares]
        for name, one in sorted(by_type.items(), key=lambda item: -item[1]["rows"])
    ]
    return table("Types; flagged: at 1 % false positives, whatever it is taken for.", columns, rows)


def _slices(caption: str, name: str, parts: Mapping[str, Any]) -> str:
    columns = [
        name,
        "rows",
        "frauds",
        "average precision",
        "interval",
        "recall",
        "false positives",
        "observed / expected",
    ]
    shares = ("recall", "false_positive_rate", "observed_over_expected")
    rows = [
        [
            key,
            f"{part['rows']:,}",
            f"{part['frauds']:,}",
            figure(part["average_precision"]),
            interval(part["interval"]),
        ]
        + [figure(part[share]) for share in shares]
        for key, part in parts.items()
    ]
    return table(caption, columns, rows)


def _attack(attack: Mapping[str, Any] | None) -> str:
    if not attack:
        return ""
    strengths = list(attack["character"])
    rows = [
        [
            name.replace("_", " "),
            one["level"],
            *(figure(one[s]["kept"] if one[s]["changed"] else None) for s in strengths),
        ]
        for name, one in attack["obfuscations"].items()
    ]
    mean = [figure(attack["character"][strength]["mean"]) for strength in strengths]
    told = f"Kept of the recall of {figure(attack['recall'])} on {attack['rows']:,} texts as they were"
    caption = f"{told}, at {attack['false_positive_rate']:.0%} false positives."
    return table(
        caption, ["obfuscate", "level", *strengths], [*rows, [f"mean of characters ({attack['language']})", "", *mean]]
    )


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Lay out facts of any depth as names and texts."""
    for name, value in facts.items():
        words = f"{prefix}{str(name).replace('_', ' ')}"
        if value is None:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{words}, ")
        elif isinstance(value, list | tuple):
            yield words, ", ".join(_words(one) for one in value) or "none"
        else:
            yield words, figure(value) if isinstance(value, float) else str(value)
