"""A model in one line, and as a short table for notebooks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from fraudsieve._html import facts_table

if TYPE_CHECKING:  # the folder imports this module
    from .folder import Model

DIGITS = 12
"""Digits of a digest that are shown; enough to recognise a model."""


def model_line(model: "Model") -> str:
    """Return the name, the subject, the classes and the digest of a model in one line."""
    return f"{model.name}: {model.subject}s as {', '.join(model.classes)}; digest {model.digest[:DIGITS] or 'none'}"


class TrainingRecords(NamedTuple):
    """The records that a model was trained on: their number, times, and number by the value of some columns.

    Facts that a manifest does not have, or has in another form, are None or left out.
    """

    rows: int | None
    since: str | None
    until: str | None
    mixture: dict[str, dict[str, int]]

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Read them from the facts about a training run, ``model.training``."""
        rows, window, mixture = (facts.get(name) for name in ("rows", "window", "mixture"))
        train = rows.get("train") if isinstance(rows, Mapping) else None
        since, until = window if isinstance(window, list) and len(window) == 2 else (None, None)
        columns = mixture.items() if isinstance(mixture, Mapping) else ()
        return cls(
            rows=train if isinstance(train, int) else None,
            since=since if isinstance(since, str) else None,
            until=until if isinstance(until, str) else None,
            mixture={name: dict(counts) for name, counts in columns if isinstance(counts, Mapping)},
        )


def training_line(model: "Model") -> str:
    """Return what a model was trained on: how many records, of which time, and of which channel or source."""
    used = TrainingRecords.of(model.training)
    parts = [f"{'an unknown number of' if used.rows is None else f'{used.rows:,}'} {model.subject}s"]
    if used.since is None or used.until is None:
        parts.append("of unknown times")
    else:
        parts.append(f"from {' to '.join(time[:16].replace('T', ' ') for time in (used.since, used.until))} UTC")
    for name, counts in used.mixture.items():
        parts.append(f"by {name}: {', '.join(f'{value} {count:,}' for value, count in counts.items())}")
    text = ", ".join(parts)
    return text if text.isprintable() else repr(text)  # a terminal obeys other characters


def model_summary(model: "Model") -> dict[str, str]:
    """Return the main facts about a model as rows of a table."""
    points = ", ".join(f"{point.name} (recall {point.recall:.3f})" for point in model.points)
    return {
        "model": model.name,
        "scores": f"{model.subject}s",
        "trained on": training_line(model),
        "classes": ", ".join(model.classes),
        "legitimate class": model.legitimate or "none",
        "columns": f"{len(model.matrix.columns):,}",
        "operating points, the first decides": points or "none",
        "digest": model.digest or "none, not yet written",
    }


def model_table(title: str, model: "Model") -> str:
    """Return a model as a table in HTML."""
    return facts_table(title, model_summary(model))
