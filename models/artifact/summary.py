"""A model in one line, and as a short table for notebooks."""

from typing import TYPE_CHECKING

from fraudsieve._html import facts_table

if TYPE_CHECKING:  # the folder imports this module
    from .folder import Model

__all__ = ["model_line", "model_summary", "model_table"]

DIGITS = 12
"""Digits of a digest that are shown; enough to recognise a model."""


def model_line(model: "Model") -> str:
    """Return the name, the subject, the classes and the digest of a model in one line."""
    return f"{model.name}: {model.subject}s as {', '.join(model.classes)}; digest {model.digest[:DIGITS] or 'none'}"


def model_summary(model: "Model") -> dict[str, str]:
    """Return the main facts about a model as rows of a table."""
    points = ", ".join(f"{point.name} (recall {point.recall:.3f})" for point in model.points)
    return {
        "model": model.name,
        "scores": f"{model.subject}s",
        "classes": ", ".join(model.classes),
        "legitimate class": model.legitimate or "none",
        "columns": f"{len(model.matrix.columns):,}",
        "operating points, the first decides": points or "none",
        "digest": model.digest or "none, not yet written",
    }


def model_table(title: str, model: "Model") -> str:
    """Return a model as a table in HTML."""
    return facts_table(title, model_summary(model))
