"""The metrics of the service, from the registry of its Prometheus client."""

from typing import Any

from fraudsieve.service.metrics import Metrics

from .entries import entry, inline, sentence

__all__ = ["prometheus_names", "prometheus_page"]


def families() -> dict[str, Any]:
    """Return every metric by the name that Prometheus stores; a counter ends with ``_total``."""
    metrics = Metrics()
    collectors = [part for part in vars(metrics).values() if hasattr(part, "describe") and hasattr(part, "_labelnames")]
    found = {}
    for collector in collectors:
        (family,) = collector.describe()
        found[family.name + ("_total" if family.type == "counter" else "")] = (family, collector._labelnames)
    return found


def prometheus_names() -> list[str]:
    """Return the names of the metrics, in the order in which the service shows them."""
    return list(families())


def prometheus_page() -> str:
    """Return an entry per metric: its type, its labels and its meaning."""
    return "\n".join(
        entry("prometheus", name, sentence(inline(family.documentation)), _kind(family.type, labels))
        for name, (family, labels) in families().items()
    )


def _kind(kind: str, labels: tuple[str, ...]) -> str:
    return f"{kind.capitalize()}{', labelled by ' + ', '.join(f'`{label}`' for label in labels) if labels else ''}."
