"""Short tables for notebooks."""

from collections.abc import Mapping
from html import escape


def facts_table(title: str, facts: Mapping[str, str]) -> str:
    """Return a table of facts as HTML. It sets no colours, so that it is readable in light and dark notebooks.

    Examples
    --------
    >>> facts_table("Model", {"classes": "<ham>, spam"})
    '<table><caption>Model</caption><tr><th>classes</th><td>&lt;ham&gt;, spam</td></tr></table>'
    """
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items())
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"
