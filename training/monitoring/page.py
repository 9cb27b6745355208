"""The page of a monitor's sheet: what passed a bound, the figures, and the tables."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fraudsieve.training.evaluation.json_types import to_json_types
from fraudsieve.training.pages.evaluation import page, section
from fraudsieve.training.pages.html import definitions, figure, interval, notice, table

from .figures import monitor_figures

__all__ = ["monitor_page"]

Sheet = Mapping[str, Any]

MOST_COLUMNS = 40
BOTH = ("reference", "current")


def monitor_page(sheet: Sheet, *, title: str = "Monitor", facts: Mapping[str, str] | None = None) -> str:
    """Lay out a monitor's sheet as one page of HTML.

    Parameters
    ----------
    sheet : mapping
        As from `monitor`.
    title : str, default="Monitor"
        Heading.
    facts : mapping of str to str, default=None
        What else people should know: the model, its digest.

    Returns
    -------
    str
        A page like that of `report`: without script, and that no request leaves.

    Examples
    --------
    ::

        Path("monitor.html").write_text(monitor_page(monitor(scorer, reference, current)), "utf-8")
    """
    plain = to_json_types(sheet)
    drawn = "".join(monitor_figures(plain))
    return page(
        title,
        _subtitle(plain),
        [
            *_notices(plain),
            section("Headline figures", f'<ul class="cards">{"".join(_cards(plain))}</ul>'),
            section("Figures", f'<div class="figures">{drawn}</div>' if drawn else ""),
            section("Families", _families(plain)),
            section("Columns", _columns(plain)),
            section("Operating points", _alerts(plain) + _expected(plain)),
            section("Calibration", _calibration(plain["calibration"])),
            section("What cannot be known", _shares(plain["shares"])),
            section("Bounds", definitions(dict(_bounds(plain["bounds"])))),
            section("The model", definitions(facts or {})),
        ],
    )


def _subtitle(sheet: Sheet) -> str:
    said = []
    for name, words in zip(BOTH, ("records of the reference", "current records"), strict=True):
        window = sheet["windows"][name]
        said.append(f"{sheet['rows'][name]:,} {words}" + (f" ({window[0][:10]} to {window[1][:10]})" if window else ""))
    return ", ".join(said)


def _notices(sheet: Sheet) -> Iterator[str]:
    passed = [one["said"] for one in sheet["passed"]]
    if passed:
        yield notice(f"{len(passed)} {'bound is' if len(passed) == 1 else 'bounds are'} passed.", passed, "bad")
    else:
        yield notice("No bound is passed.")
    if sheet["notes"]:
        yield notice("Take these figures with care", [f"{note}." for note in sheet["notes"]], "warn")


def _cards(sheet: Sheet) -> Iterator[str]:
    for one in sheet["families"][:1]:
        worst = one["worst"]
        about = f"{worst['column']}; without drift it would be {figure(worst['expected'])}"
        yield _card("PSI of the column that moved most", figure(worst["psi"]), about)
    names = {"probability": "PSI of the probability", "types": "PSI of the types"}
    for name in (name for name in names if name in sheet["scores"]):
        one = sheet["scores"][name]
        yield _card(names[name], figure(one["psi"]), f"without drift it would be {figure(one['expected'])}")
    for one in sheet["alerts"][:1]:
        about = f"at {one['name']}: {_percent(one['current'])} now, {_percent(one['reference'])} in the reference"
        yield _card("alerts, times the reference", figure(one["times"]), about)
    for one in sheet["expected"][:1]:
        now = one["current"]
        about = f"without labels; {interval(now['precision_interval'])} if the probabilities are right"
        yield _card("expected precision", figure(now["precision"]), about)
        yield _card("expected recall", figure(now["recall"]), f"likewise; {interval(now['recall_interval'])}")
    if sheet["calibration"]:
        found = sheet["calibration"]
        about = f"of {found['rows']:,} labelled records; 95 %: {interval(found['intervals']['observed_over_expected'])}"
        yield _card("observed over expected fraud", figure(found["observed_over_expected"]), about)
    for name, words in (("rejected", "rejected rows"), ("cold_start", "rows without a history")):
        one = sheet["shares"][name]
        if one is not None:
            yield _card(words, _percent(one["current"]), f"{_percent(one['reference'])} in the reference")


def _card(name: str, value: str, about: str) -> str:
    value = f'<div class="value">{escape(value)}</div>'
    return f'<li><h3>{escape(name)}</h3>{value}<div class="about">{escape(about)}</div></li>'


def _families(sheet: Sheet) -> str:
    rows = [
        [
            one["family"],
            f"{one['columns']:,}",
            one["worst"]["column"],
            figure(one["worst"]["psi"]),
            figure(one["worst"]["expected"]),
            figure(one["worst"]["js"]),
            figure(one["mean"]["psi"]),
            figure(one["mean"]["js"]),
        ]
        for one in sheet["families"]
    ]
    names = ["family", "columns", "moved most", "PSI", "without drift", "JS distance", "mean PSI", "mean JS"]
    return table("Population stability index (PSI) and Jensen-Shannon distance (JS).", names, rows)


def _columns(sheet: Sheet) -> str:
    rows = [
        [one["column"], *(figure(one[name]) for name in ("psi", "expected", "chance", "js"))]
        + [figure(one["mean"][name]) for name in BOTH]
        + [_percent(one["missing"][name]) for name in BOTH]
        for one in sheet["columns"][:MOST_COLUMNS]
    ]
    names = ["column", "PSI", "without drift", "by chance", "JS distance"]
    names += ["mean, reference", "mean, current", "missing, reference", "missing, current"]
    rest = len(sheet["columns"]) - len(rows)
    more = f" {rest:,} columns that moved less are in the JSON beside this page." if rest > 0 else ""
    return table(f"Columns that moved most.{more}", names, rows)


def _alerts(sheet: Sheet) -> str:
    rows = [
        [one["name"], *(_percent(one[name]) for name in BOTH), figure(one["times"])]
        + [figure(one["alerts_a_day"][name]) for name in BOTH]
        for one in sheet["alerts"]
    ]
    names = ["point", "flagged, reference", "flagged, current", "times", "a day, reference", "a day, current"]
    return table("Alerts; the first point decides.", names, rows)


def _expected(sheet: Sheet) -> str:
    rows = []
    for one in sheet["expected"]:
        for name in BOTH:
            found, seen = one[name], one[name]["observed"] or {"precision": None, "recall": None}
            shown = [figure(found["precision"]), interval(found["precision_interval"]), figure(seen["precision"])]
            shown += [figure(found["recall"]), interval(found["recall_interval"]), figure(seen["recall"])]
            rows.append([f"{one['name']}, {name}", *shown])
    names = ["point", "precision", "interval", "observed", "recall", "interval", "observed"]
    told = "Precision and recall as the probabilities have them, and as observed on records with labels."
    return table(told, names, rows)


def _calibration(found: Mapping[str, Any] | None) -> str:
    if not found:
        return ""
    words = {
        "ece": "calibration error (ECE)",
        "observed_over_expected": "observed over expected fraud",
        "brier": "Brier score",
        "average_precision": "average precision",
        "base_rate": "base rate",
    }
    rows = [[text, figure(found[name]), interval(found["intervals"][name])] for name, text in words.items()]
    told = (
        f"{found['rows']:,} current records with labels ({_percent(found['share'])}); intervals over {found['over']}s."
    )
    return table(told, ["figure", "value", "interval"], rows)


def _shares(shares: Mapping[str, Any]) -> str:
    named = {"rejected rows": shares["rejected"], "without a history": shares["cold_start"]}
    named |= {f"unseen: {name}": one for name, one in shares["unseen"].items()}
    rows = [
        [name, *(_percent(one[which]) for which in (*BOTH, "rise", "chance"))]
        for name, one in named.items()
        if one is not None
    ]
    return table("Shares of the rows.", ["what", "reference", "current", "rise", "by chance"], rows)


def _bounds(bounds: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in bounds.items():
        yield name, "none" if value is None else f"{value:g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
