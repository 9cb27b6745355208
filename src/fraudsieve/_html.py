"""Short tables for notebooks."""

from collections.abc import Mapping
from html import escape


def facts_table(title: str, facts: Mapping[str, str]) -> str:
    """Return a table of facts as HTML. It sets no colours, so that it is readable in light and dark notebooks."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items())
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"
