"""Decisions of the gates on better, equal, worse and flawed challengers, and on refreshes.

``python -m benchmarks.promotion``.
"""

import argparse
import contextlib
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.refreshes import refresh_bars, refresh_figures, refresh_protocol, refreshes
from benchmarks.runner import Bar, Report, progress, run_command
from fraudsieve.features.account_matrix import message_matrix_of
from fraudsieve.models.artifact.folder import Model, read_model, write_model
from fraudsieve.training.attack.obfuscations import obfuscate
from fraudsieve.training.fit import train
from fraudsieve.training.promotion.decision import Decision, promote
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.tracking.tracked_run import RunContent, open_run

__all__ = ["SCENARIOS", "main", "run"]

DAYS, ACCOUNTS = 120, 600
LATER = 0.6
"""Share of the period that models are trained on."""
NEWER = 0.8
"""Share of the period that the refresh is trained on."""
EVERY = 10
"""The weak model is trained on one of so many messages."""
TOP = 0.0015
"""Share of the legitimate later messages that the flawed rule puts on top."""
REVIEWED = 0.01
"""Share of the messages that people review: the flawed rule takes a good part of it."""
OVERCONFIDENCE = 3.0
"""Log-odds towards fraud that the miscalibrated challenger adds."""
ODDS = 200.0
EVERYDAY = "wording__legitimate"
ANOTHER_RECIPE: Final = {"data.min_label_rows": 4}
"""The weak model has another recipe, so that the strong one is not a refresh of it. No label has so few rows."""
ANY_LATENCY: Final = {"gates.latency_ms": 1e6, "gates.latency_ratio": 1e6}
"""No scenario is about time, and the p99 of one record on a shared machine is noise."""
SCENARIOS: Final[dict[str, tuple[str, ...]]] = {
    "better": (),
    "refresh": (),
    "equal": ("average_precision",),
    "equal_back": ("average_precision",),
    "worse": ("average_precision",),
    "loses_recall_at_capacity": ("recall_at_capacity",),
    "loses_calibration": ("calibration_error", "calibration_loss", "observed_over_expected"),
    "loses_robustness": ("attack",),
}
"""The challengers, and the gates that must stop each; none for those that must be promoted."""
PROTOCOL = (
    "{seeds} simulated worlds of {days} days; fraud against legitimate. The messages of the first {later:.0%} of the "
    "period train the strong model, one of {every} of them the weak one; models are compared on the rest, by the "
    "gates' defaults (but for latency) and with {reviewed:.0%} of the messages reviewed, through MLflow (SQLite). "
    "better: strong against weak. refresh: the strong recipe on {newer:.0%} of the period against the strong model. "
    "equal: the strong recipe with another seed against the strong one; equal_back the "
    "other way round. worse: weak against strong. The others gain average precision: the strong model with a tree "
    "that puts {top:.2%} of the legitimate messages on top, against the strong model with a tree that lets every "
    "message about money pass; the strong model with a calibration that is {sure:g} log-odds too confident of fraud, "
    "against the weak one; and one trained on full-width copies of fraud that are labelled legitimate, against the "
    "weak one. promoted: share of the worlds in which the challenger became champion; stopped: in which it was "
    "rejected by a gate for its flaw (calibration has three); alone: and by no other gate; gained: in which its "
    "average precision is higher; gain: the mean difference."
)


@dataclass(frozen=True, eq=False)
class Lab:
    """A folder, its MLflow store, and a world.

    Parameters
    ----------
    folder : Path
        The working folder.
    messages : DataFrame
        Labelled messages, the earliest first.
    """

    folder: Path
    messages: pd.DataFrame

    @classmethod
    def of(cls, folder: Path, seed: int) -> "Lab":
        """Simulate a world of two classes."""
        world = simulate(seed=seed, days=DAYS, n_accounts=ACCOUNTS)
        latest = world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
        label = world.messages["message_id"].map(latest.set_index("subject_id")["label"])
        label = label.where(label.isna() | (label == "legitimate"), "fraud")
        messages = world.messages[["message_id", "text", "sent_at"]].assign(label=label)
        return cls(folder, messages[label.notna()].sort_values("sent_at").reset_index(drop=True))

    @property
    def uri(self) -> str:
        """The store."""
        return f"sqlite:///{self.folder}/mlflow.db"

    def part(self, start: float, end: float) -> pd.DataFrame:
        """Return the messages between two shares of the period."""
        sent = self.messages["sent_at"]
        first, length = sent.min(), sent.max() - sent.min()
        return self.messages[sent.between(first + start * length, first + end * length)].reset_index(drop=True)

    def recipe(self, **overrides: object) -> Recipe:
        """Return the recipe of every run: one thread, and no output for people."""
        common = {"split.kind": "time", "split.test_share": 0.05, "data.min_label_rows": 5, "n_jobs": 1}
        quick = {"evaluate.attack": False, "evaluate.replicates": 0, "track.register_model": False}
        return Recipe.read(overrides={"track.uri": self.uri, **common, **quick, **overrides})

    def train(self, name: str, messages: pd.DataFrame, **overrides: object) -> Path:
        """Train a model, and return its folder."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return train(self.recipe(**overrides), output=self.folder / name, messages=messages).folder

    def changed(self, name: str, folder: Path, change: Callable[[Model], Model]) -> Path:
        """Write a modified copy of a model, and return its folder."""
        write_model(change(read_model(folder)), self.folder / name)
        return self.folder / name

    def decide(self, name: str, champion: Path, challenger: Path) -> Decision:
        """Register two models under a new name, the champion first, and try to promote the second."""
        for folder in (champion, challenger):
            with open_run(self.uri, "promotion", name=name) as run:
                run.finish(folder, RunContent(name, ""), register_as=name)
        later = self.part(LATER, 1.0)
        days = (later["sent_at"].max().normalize() - later["sent_at"].min().normalize()).days + 1
        capacity = {"evaluate.alerts_a_day": REVIEWED * len(later) / days}
        overrides = {"name": name, "track.uri": self.uri, **capacity, **ANY_LATENCY}
        return promote(Recipe.read(overrides=overrides), messages=later)


def decisions(folder: Path, seed: int) -> dict[str, Decision]:
    """Try every scenario in one world.

    Parameters
    ----------
    folder : Path
        An empty folder.
    seed : int
        Seed of the world.

    Returns
    -------
    dict of str to Decision
        In the order of `SCENARIOS`.
    """
    lab = Lab.of(folder, seed)
    earlier = lab.part(0.0, LATER)
    weak = lab.train("weak", earlier.iloc[::EVERY].reset_index(drop=True), **ANOTHER_RECIPE)
    strong = lab.train("strong", earlier)
    pairs = {
        "better": (weak, strong),
        "refresh": (strong, lab.train("newer", lab.part(0.0, NEWER))),
        "equal": (strong, again := lab.train("again", earlier, seed=1)),
        "equal_back": (again, strong),
        "worse": (strong, weak),
        "loses_recall_at_capacity": (
            lab.changed("blind", strong, lambda model: _with_tree(model, "cues__money", 0.5, -ODDS)),
            lab.changed("rule", strong, lambda model: _with_tree(model, EVERYDAY, _everyday_bound(model, lab), ODDS)),
        ),
        "loses_calibration": (weak, lab.changed("sure", strong, _overconfident)),
        "loses_robustness": (weak, lab.train("poisoned", _poisoned(earlier), **{"features.augment": 0.0})),
    }
    outcomes = {name: lab.decide(name, *pair) for name, pair in pairs.items()}
    for name, decision in outcomes.items():
        stopped = ", ".join(gate.name for gate in decision.gates if not gate.passed)
        progress(f"seed {seed} {name}: {decision.decision}" + (f" by {stopped}" if stopped else ""))
    return outcomes


def _overconfident(model: Model) -> Model:
    shift = model.calibration.shift + OVERCONFIDENCE * _towards_fraud(model)
    return replace(model, calibration=replace(model.calibration, shift=shift))


def _towards_fraud(model: Model) -> float:
    """Return the sign of log-odds towards fraud: they are those of the second class."""
    return -1.0 if model.classes[1] == model.legitimate else 1.0


def _everyday_bound(model: Model, lab: Lab) -> float:
    """Return the bound above which messages are most like legitimate ones: a share of `TOP`, and ties."""
    matrix = message_matrix_of(model.matrix)
    later = lab.part(LATER, 1.0)
    legitimate = later.loc[later["label"] == model.legitimate, "text"]
    likeness = np.sort(matrix.compute(legitimate.tolist())[:, matrix.columns.index(EVERYDAY)])
    return float(likeness[-int(np.ceil(TOP * len(likeness)))]) - 1e-4


def _with_tree(model: Model, column: str, bound: float, odds: float) -> Model:
    """Add a tree of one split: where a column is above a bound, the odds of fraud change."""
    made_up = np.zeros((200, len(model.matrix.columns)))
    made_up[:, model.matrix.columns.index(column)] = np.repeat([bound - 1e-6, bound + 1e-6], 100)
    settings = {"objective": "binary", "num_leaves": 2, "min_data_in_leaf": 1, "num_threads": 1, "verbosity": -1}
    data = lgb.Dataset(made_up, np.repeat([0, 1], 100), params={"min_data_in_bin": 1, "verbosity": -1})
    grown = lgb.train(settings, data, 1, init_model=lgb.Booster(model_str=model.ensemble.booster.model_to_string()))
    tree = grown.num_trees() - 1
    leaves = np.asarray(grown.predict(made_up[[0, -1]], pred_leaf=True))[:, tree].astype(int)
    for leaf, value in zip(leaves, (0.0, odds * _towards_fraud(model)), strict=True):
        grown.set_leaf_output(tree, int(leaf), value)
    booster = lgb.Booster(model_str=grown.model_to_string())
    # A steep calibration makes the probabilities of many frauds exactly 1, and no message can be ranked above these.
    steep = model.calibration
    gentle = replace(steep, low=min(steep.low, 1.0), high=min(steep.high, 1.0))
    return replace(model, ensemble=replace(model.ensemble, booster=booster), calibration=gentle)


def _poisoned(messages: pd.DataFrame) -> pd.DataFrame:
    """Add full-width copies of half of the fraud, labelled legitimate."""
    frauds = messages[messages["label"] == "fraud"].sample(frac=0.5, random_state=0)
    texts = obfuscate(frauds["text"].tolist(), "full_width", "medium")
    copies = frauds.assign(text=texts, message_id=frauds["message_id"] + "-copy", label="legitimate")
    return pd.concat([messages, copies], ignore_index=True)


def run(*, seeds: int = 10, n_refreshes: int = 200, n_through_mlflow: int = 24) -> Report:
    """Try every scenario in several worlds, and simulate refreshes in many small ones.

    Parameters
    ----------
    seeds : int, default=10
        Number of worlds.
    n_refreshes : int, default=200
        Number of small worlds, with an equal and a worse refresh each.
    n_through_mlflow : int, default=24
        How many of them train and register both models.

    Returns
    -------
    Report
        For each scenario the shares that the protocol names.
    """
    worlds = []
    for seed in range(seeds):
        # MLflow writes to SQLite in the working folder.
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            worlds.append(decisions(Path(folder), seed))
    figures: dict[str, float] = {}
    for name, gates in SCENARIOS.items():
        figures |= {
            f"{name}.{what}": value for what, value in _shares([world[name] for world in worlds], gates).items()
        }
    equal = (figures["equal.promoted"] + figures["equal_back.promoted"]) / 2
    bars = [
        *(Bar.at_least(f"{name}.promoted", figures[f"{name}.promoted"], 0.9) for name in ("better", "refresh")),
        Bar.at_most("equal.promoted", equal, 0.05),
        Bar.at_most("worse.promoted", figures["worse.promoted"], 0.0),
        *(
            Bar.at_least(f"{name}.{what}", figures[f"{name}.{what}"], 1.0)
            for name in SCENARIOS
            if name.startswith("loses")
            for what in ("gained", "stopped")
        ),
    ]
    outcomes = refreshes(n_refreshes, n_through_mlflow)
    of_refreshes = refresh_figures(outcomes)
    figures |= of_refreshes
    bars += refresh_bars(of_refreshes)
    rows = sum(outcome.comparison.rows for outcome in outcomes)
    rows += sum(world["better"].comparison.rows for world in worlds if world["better"].comparison is not None)
    facts = {
        "days": DAYS,
        "later": LATER,
        "newer": NEWER,
        "every": EVERY,
        "top": TOP,
        "reviewed": REVIEWED,
        "sure": OVERCONFIDENCE,
    }
    protocol = f"{PROTOCOL.format(seeds=seeds, **facts)} {refresh_protocol(n_refreshes, n_through_mlflow)}"
    return Report("promotion", "simulated", protocol, rows, figures, bars=bars)


def _shares(outcomes: Sequence[Decision], gates: Sequence[str]) -> Mapping[str, float]:
    shares = {"promoted": float(np.mean([decision.promoted for decision in outcomes]))}
    figures = [decision.comparison.figures for decision in outcomes if decision.comparison is not None]
    gains = [metrics["average_precision"].difference or 0.0 for metrics in figures]
    if gates:
        stopped = [{gate.name for gate in decision.gates if not gate.passed} for decision in outcomes]
        shares["stopped"] = float(np.mean([bool(names & set(gates)) for names in stopped]))
        shares["alone"] = float(np.mean([bool(names) and names <= set(gates) for names in stopped]))
    return shares | {"gained": float(np.mean(np.array(gains) > 0)), "gain": float(np.mean(gains))}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    arguments = {
        "--seeds": {"type": int, "default": 10, "help": "worlds (default 10)"},
        "--refreshes": {"type": int, "default": 200, "help": "small worlds with refreshes (default 200)"},
        "--through-mlflow": {"type": int, "default": 24, "help": "how many of them use the registry (default 24)"},
    }

    def of_options(options: argparse.Namespace) -> Report:
        return run(seeds=options.seeds, n_refreshes=options.refreshes, n_through_mlflow=options.through_mlflow)

    return run_command("promotion", of_options, __doc__, argv, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
