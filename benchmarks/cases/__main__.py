"""Quality of cases against true rings and against peers: ``python -m benchmarks.cases SET``."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from benchmarks.cases.choice import choose_settings
from benchmarks.cases.metrics import case_metrics
from benchmarks.cases.ours import FlaggedLinks, link_set
from benchmarks.cases.peers import event_peers, text_peers
from benchmarks.cases.sets import PROTOCOLS, FlaggedSet, load_chats, load_events
from benchmarks.runner import Bar, Report, progress, run_command
from fraudsieve._typing import Array
from fraudsieve.cases import CaseSettings

__all__ = ["main"]

SEEDS: Final = range(1, 8)
MARGIN: Final = 0.005
"""How far behind the script a B-cubed F may be where the script finds almost everything."""
F_BARS: Final = {("amlgentex", "noisy"): 0.72, ("amlgentex", "true"): 0.72, ("ransomchats", "gang_masked"): 0.60}
PROTOCOL: Final = (
    "Every flagged action is put into one case, and cases are compared with true rings. Medians of seven seeds; spread "
    "is the range. One recipe for all event sets but for the unit of time (window_days), chosen by cross-validation "
    "over rings (python -m benchmarks.cases choose). The peers' parameters were chosen on these very sets. oracle: "
    "the links inside rings alone, in components, which no choice of weights can exceed. Figures of the first "
    "protocol have no prefix."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    choice = {"choices": [*PROTOCOLS, "choose"], "metavar": "SET", "help": ", ".join([*PROTOCOLS, "choose"])}
    return run_command("cases", _run, __doc__, argv, arguments={"set": choice})


def _run(options: argparse.Namespace) -> Report:
    if options.set == "choose":
        return choose_settings()
    figures: dict[str, float] = {}
    peers: dict[str, dict[str, float]] = {}
    bars: list[Bar] = []
    rows = 0
    for position, protocol in enumerate(PROTOCOLS[options.set]):
        flagged = load_chats() if options.set == "ransomchats" else load_events(options.set, protocol)
        prefix = f"{protocol}." if position else ""
        ours, of_peers = _measure(flagged)
        bars += _bars(flagged, ours, of_peers, prefix)
        figures |= {prefix + name: value for name, value in ours.items()}
        for peer, values in of_peers.items():
            peers.setdefault(peer, {}).update({prefix + name: value for name, value in values.items()})
        rows = rows or len(flagged.actions)
        progress(f"{options.set}, {protocol}: B-cubed F {ours['b3.f']:.3f}")
    return Report("cases", options.set, PROTOCOL, rows, figures, peers, bars)


def _measure(flagged: FlaggedSet) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    links = link_set(flagged, CaseSettings(window_days=flagged.window_days))
    ours = _medians(links, lambda seed: {"": links.cases(seed)})[""]
    oracle = case_metrics(links.rings, links.oracle())
    ours |= {f"oracle.{name}": oracle[name] for name in ("b3.f", "b3.recall")}
    if flagged.name == "ransomchats":
        return ours, {peer: case_metrics(links.rings, cases) for peer, cases in text_peers(flagged).items()}
    return ours, _medians(links, lambda seed: event_peers(flagged, seed))


def _medians(links: FlaggedLinks, partition: Callable[[int], dict[str, Array]]) -> dict[str, dict[str, float]]:
    """Return the medians of all metrics over the seeds, and the range of B-cubed F, by method."""
    runs = [{name: case_metrics(links.rings, cases) for name, cases in partition(seed).items()} for seed in SEEDS]
    out = {}
    for method in runs[0]:
        metrics = {name: [run[method][name] for run in runs] for name in runs[0][method]}
        out[method] = {name: float(np.median(values)) for name, values in metrics.items()}
        out[method]["b3.f.spread"] = float(np.ptp(metrics["b3.f"]))
    return out


def _bars(flagged: FlaggedSet, ours: dict[str, float], peers: dict[str, dict[str, float]], prefix: str) -> list[Bar]:
    script = peers.get("time_cpm", {})
    bound = F_BARS.get((flagged.name, flagged.protocol), script.get("b3.f", 0.0) - MARGIN)
    bars = [Bar.at_least(f"{prefix}b3.f", ours["b3.f"], bound)]
    if script:
        bars.append(Bar.at_least(f"{prefix}pairwise.f", ours["pairwise.f"], script["pairwise.f"]))
    return bars


if __name__ == "__main__":
    sys.exit(main())
