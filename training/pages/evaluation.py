"""The report: a sheet as one page that needs nothing else, and as JSON."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from fraudsieve.exceptions import RecipeError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.training.evaluation.json_types import to_json_types

from .charts import figures
from .html import definitions
from .labels import label_section
from .sections import all_figures, headline, notices, point_table, slice_tables
from .style import STYLE

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "check_report_path",
    "model_facts",
    "page",
    "report",
    "section",
    "write_page",
    "write_report",
]

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; base-uri 'none'; form-action 'none'"
)
"""Nothing is loaded, nothing is run, nothing is sent; only the page's own style sheet holds."""


def report(sheet: Mapping[str, Any], *, title: str = "Evaluation", facts: Mapping[str, str] | None = None) -> str:
    """Lay out a sheet as one page of HTML.

    Parameters
    ----------
    sheet : mapping
        As from `evaluate_model`; ``split``, ``warnings``, ``temporal`` and ``labels`` are shown where they are
        there.
    title : str, default="Evaluation"
        Heading.
    facts : mapping of str to str, default=None
        What else people should know: the model, its digest.

    Returns
    -------
    str
        A page without script, whose style is inline, and that no request leaves.

    Examples
    --------
    >>> sheet = {"rows": 2, "macro_f1": 0.5, "by_type": {}, "intervals": {"macro_f1": None}}
    >>> "<h1>A model &amp; more</h1>" in report(sheet, title="A model & more")
    True
    """
    plain = to_json_types(sheet)
    drawn = "".join(figures(plain))
    return page(
        title,
        _subtitle(plain),
        [
            *notices(plain),
            section("Headline figures", headline(plain)),
            section("Figures", f'<div class="figures">{drawn}</div>' if drawn else ""),
            section("All main figures", all_figures(plain)),
            section("Operating points", point_table(plain)),
            *(section(heading, html) for heading, html in slice_tables(plain)),
            section("Labels", label_section(plain)),
            section("The model", definitions(facts or {})),
        ],
    )


def page(title: str, subtitle: str, parts: Sequence[str]) -> str:
    """Put parts into a page that loads nothing, runs nothing and sends nothing.

    Parameters
    ----------
    title, subtitle : str
        Its heading, and what stands below it.
    parts : sequence of str
        HTML.

    Returns
    -------
    str

    Examples
    --------
    >>> "<h1>Ham &amp; spam</h1>" in page("Ham & spam", "2 records", ["<p>hello</p>"])
    True
    """
    name = escape(title)
    return "".join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
            f'<link rel="icon" href="data:,"><title>{name}</title><style>{STYLE}</style></head><body><main>',
            f'<header><h1>{name}</h1><p class="muted">{escape(subtitle)}</p></header>',
            *parts,
            "<footer>Made by fraudsieve. This page loads nothing and sends nothing.</footer></main></body></html>\n",
        ]
    )


def section(heading: str, html: str) -> str:
    """Return a part of a page with a heading.

    Parameters
    ----------
    heading : str
        Its heading.
    html : str
        What is in it.

    Returns
    -------
    str
        Empty where nothing is in it.

    Examples
    --------
    >>> section("Rows", "<p>3</p>"), section("Rows", "")
    ('<section><h2>Rows</h2><p>3</p></section>', '')
    """
    return f"<section><h2>{escape(heading)}</h2>{html}</section>" if html else ""


def _subtitle(sheet: Mapping[str, Any]) -> str:
    said = [f"{sheet['rows']:,} records"]
    if sheet.get("frauds") is not None:
        said.append(f"{sheet['frauds']:,} of them fraud ({100 * sheet['base_rate']:.2g} %)")
    days = (sheet.get("capacity") or {}).get("days")
    return ", ".join(said) + (f", over {days:,} days" if days else "")


def model_facts(model: Model) -> dict[str, str]:
    """Return what a report says of the model.

    Parameters
    ----------
    model : Model
        As written or read.

    Returns
    -------
    dict of str to str
        Name, digest, subject, classes, and what it was trained on.
    """
    training = model.training
    facts = {
        "model": model.name,
        "digest": model.digest or "not written",
        "subject": model.subject,
        "classes": ", ".join(model.classes),
        "no crime": model.legitimate or "none of them",
        "columns": f"{len(model.matrix.columns):,}",
        "trained on": " to ".join(training.get("window") or ()),
    }
    facts |= {f"SHA-256 of {name}": digest for name, digest in (training.get("digests") or {}).items()}
    return {name: text for name, text in facts.items() if text}


def check_report_path(path: str | Path) -> None:
    """Refuse a place where no report can be written, before any work is done.

    Parameters
    ----------
    path : str or Path
        The page.

    Raises
    ------
    RecipeError
        When its name does not end in ``.html``, or there is no such folder.

    Examples
    --------
    >>> check_report_path("report.html")
    """
    shown = Path(path)
    if shown.suffix.lower() not in (".html", ".htm"):
        raise RecipeError("report", [f"expected a name that ends in .html, got one in {shown.suffix or 'nothing'!r}"])
    if not shown.absolute().parent.is_dir():
        raise RecipeError("report", [f"there is no folder {str(shown.parent)!r}. Make it first, or name another"])


def write_report(
    path: str | Path,
    sheet: Mapping[str, Any],
    *,
    title: str = "Evaluation",
    facts: Mapping[str, str] | None = None,
) -> tuple[Path, Path]:
    """Write a sheet as a page, and as JSON beside it.

    Parameters
    ----------
    path : str or Path
        The page; its name should end in ``.html``. A file that is there is replaced.
    sheet, title, facts
        As for `report`.

    Returns
    -------
    page, sheet : Path
        The two files.

    Raises
    ------
    FileNotFoundError
        When there is no such folder.
    """
    return write_page(path, report(sheet, title=title, facts=facts), sheet)


def write_page(path: str | Path, html: str, sheet: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write a page, and its sheet as JSON beside it.

    Parameters
    ----------
    path : str or Path
        The page; its name should end in ``.html``. A file that is there is replaced.
    html : str
        Its content.
    sheet : mapping
        What it shows.

    Returns
    -------
    page, sheet : Path
        The two files.

    Raises
    ------
    FileNotFoundError
        When there is no such folder.
    """
    shown = Path(path)
    beside = shown.with_suffix(".json")
    shown.write_text(html, "utf-8")
    beside.write_text(json.dumps(to_json_types(sheet), ensure_ascii=False, allow_nan=False, indent=1) + "\n", "utf-8")
    return shown, beside
