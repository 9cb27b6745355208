"""Small pieces of HTML, in which every text is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

from .svg_scale import number

__all__ = ["definitions", "figure", "interval", "notice", "table"]


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that scrolls by itself where it is too wide.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        Cells; the first of a row is its name.

    Returns
    -------
    str
        Empty without rows.

    Examples
    --------
    >>> "<th scope=\\"row\\">&lt;spam&gt;</th><td>3</td>" in table("Rows", ["type", "rows"], [["<spam>", "3"]])
    True
    """
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    told = escape(caption)
    css = "table wide" if len(columns) > 3 else "table"
    return (
        f'<div class="{css}" role="region" aria-label="{told}" tabindex="0"><table>'
        f"<caption><span>{told}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def notice(title: str, lines: Sequence[str] = (), kind: str = "") -> str:
    """Return a box that nobody should overlook.

    Parameters
    ----------
    title : str
        What it says first.
    lines : sequence of str, default=()
        More, as a list.
    kind : {"", "warn", "bad"}, default=""
        How bad it is.

    Returns
    -------
    str

    Examples
    --------
    >>> notice("Mind <this>", kind="bad")
    '<div class="notice bad"><strong>Mind &lt;this&gt;</strong></div>'
    """
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    more = f"<ul>{items}</ul>" if items else ""
    return f'<div class="{f"notice {kind}".strip()}"><strong>{escape(title)}</strong>{more}</div>'


def definitions(facts: Mapping[str, str]) -> str:
    """Return names and what they stand for.

    Parameters
    ----------
    facts : mapping of str to str
        Name to text.

    Returns
    -------
    str
        Empty without facts.

    Examples
    --------
    >>> definitions({"rows": "1,000"})
    '<dl><dt>rows</dt><dd>1,000</dd></dl>'
    """
    pairs = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    return f"<dl>{pairs}</dl>" if pairs else ""


def figure(value: float | None) -> str:
    """Return a figure of a sheet as people read it.

    Parameters
    ----------
    value : float or None
        The figure.

    Returns
    -------
    str

    Examples
    --------
    >>> figure(0.12345), figure(1234.5), figure(None)
    ('0.123', '1,234', '–')
    """
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else number(round(value, 1))


def interval(found: Sequence[float] | None) -> str:
    """Return an interval as people read it.

    Parameters
    ----------
    found : sequence of two floats, or None
        Its ends.

    Returns
    -------
    str

    Examples
    --------
    >>> interval([0.1, 0.2]), interval(None)
    ('0.100 to 0.200', '–')
    """
    return "–" if not found else f"{figure(found[0])} to {figure(found[1])}"
