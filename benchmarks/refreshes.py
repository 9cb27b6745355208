"""Simulated refreshes: the recipe of the champion on later data, as good as it or worse, and what is decided."""

import contextlib
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from benchmarks.runner import Bar, progress
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.fit import train
from fraudsieve.training.promotion.decision import compare_judged, promote
from fraudsieve.training.promotion.gates import Gate, apply_gates
from fraudsieve.training.promotion.model_comparison import ModelComparison
from fraudsieve.training.recipe.recipe import Recipe

__all__ = [
    "Refresh",
    "flawed",
    "payments",
    "refresh_bars",
    "refresh_figures",
    "refresh_protocol",
    "refreshes",
    "simulate_refreshes",
]

Kind: TypeAlias = Literal["equal", "worse"]
KINDS: Final[tuple[Kind, ...]] = ("equal", "worse")
LOSS = 0.05
"""Mean loss of average precision of a worse refresh."""

ROWS, BASE_RATE, DAYS = 12_000, 0.1, 100
MEANS: Final = (1.1, 0.9, 0.95, 1.0, 1.1, 1.2)
"""Means of the columns for fraud, in standard deviations; those of legitimate payments are 0."""
FIRST = 0.6
"""Share of the period that the champion is trained on."""
SHUFFLED: Final = 0.56
"""Share of the labels that a worse challenger learns from in a random order. With a column in a random order instead,
the first of `MEANS`, the loss of average precision is about the same: `LOSS`."""
NAME = "refresh"
PROTOCOL = (
    "Refreshes: {n} worlds of {rows:,} payments with {columns} columns, {base:.0%} of them fraud, in {days} days; "
    "train --refit with 60 rounds. The champion learns from the first {first:.0%} of the period. refresh_equal: the "
    "same recipe on the whole period; refresh_worse: the same, but before the newest slice {shuffled:.0%} of the "
    "labels, or in every other world one of the columns, are in a random order. Gates: the defaults, all of them. The "
    "first {real} worlds of each kind are trained, registered and promoted through MLflow (SQLite); in the others "
    "the same gates decide, and the challenger has only the facts of its training, because its stand-in is compared. "
    "gain: mean difference in average precision on the newest slice, and spread: its standard deviation; stopped_by: "
    "share of all that a gate refuses."
)


@dataclass(frozen=True)
class Refresh:
    """The outcome of a simulated refresh.

    Parameters
    ----------
    kind : {"equal", "worse"}
    real : bool
        Whether the challenger was trained and went through the registry.
    comparison : ModelComparison
    gates : tuple of Gate
    """

    kind: Kind
    real: bool
    comparison: ModelComparison
    gates: tuple[Gate, ...]

    @property
    def passes(self) -> bool:
        """Whether it is promoted."""
        return all(gate.passed for gate in self.gates)


def payments(seed: int) -> pd.DataFrame:
    """Simulate labelled payments, the earliest first; some accounts make several."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.random(ROWS) < BASE_RATE
    values = rng.normal(size=(ROWS, len(MEANS))) + np.outer(is_fraud, MEANS)
    start = pd.Timestamp("2026-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(ROWS)],
            "account_id": [f"a{number}" for number in rng.integers(0, ROWS // 2, ROWS)],
            "occurred_at": start + pd.to_timedelta(np.sort(rng.uniform(0, DAYS, ROWS)), unit="D"),
            "kind": "payment",
            **{f"x{column}": values[:, column] for column in range(len(MEANS))},
            "label": np.where(is_fraud, "fraud", "legitimate"),
        }
    )


def flawed(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Put some labels, or all values of a column, of the payments before the newest slice into a random order."""
    rng = np.random.default_rng([seed, 1])
    n_earlier = int(len(table) * (1 - Recipe().split.test_share))  # the newest slice has the rest, half of the news
    name, share = ("label", SHUFFLED) if seed % 2 == 0 else ("x0", 1.0)
    places = np.flatnonzero(rng.random(n_earlier) < share)
    values = table[name].to_numpy(object).copy()
    values[places] = values[rng.permutation(places)]
    return table.assign(**{name: values}).astype({name: table[name].dtype})


def simulate_refreshes(folder: Path, seed: int, *, real: bool) -> Iterator[Refresh]:
    """Train a champion in one world, and try an equal and a worse refresh of it.

    Parameters
    ----------
    folder : Path
        An empty folder.
    seed : int
        Seed of the world.
    real : bool
        Whether the challengers are trained, registered, and promoted through MLflow.
    """
    table = payments(seed)
    bound = table["occurred_at"].iloc[0] + FIRST * pd.Timedelta(days=DAYS)
    earlier = table[table["occurred_at"] < bound].reset_index(drop=True)
    champion = None if real else _train(folder / "champion", _recipe(folder, tracked=False), earlier)
    for kind, whole in zip(KINDS, (table, flawed(table, seed)), strict=True):
        outcome = _promoted(folder / kind, earlier, whole) if champion is None else _compared(folder, champion, whole)
        yield Refresh(kind, real, *outcome)


def _promoted(folder: Path, earlier: pd.DataFrame, whole: pd.DataFrame) -> tuple[ModelComparison, tuple[Gate, ...]]:
    """Train, register and promote."""
    folder.mkdir()
    settings = _recipe(folder, tracked=True)
    for name, table in (("champion", earlier), ("challenger", whole)):
        _train(folder / name, settings, table)
    decision = promote(Recipe.read(overrides={"name": NAME, "track.uri": settings.track.uri}), events=whole)
    assert decision.comparison is not None  # only a promotion by hand may have none
    return decision.comparison, decision.gates


def _compared(folder: Path, champion: Model, whole: pd.DataFrame) -> tuple[ModelComparison, tuple[Gate, ...]]:
    """Compare with a challenger that has only the facts of its training: its stand-in is what is compared."""
    window = [whole["occurred_at"].iloc[place].isoformat() for place in (0, -1)]
    challenger = replace(champion, training=champion.training | {"window": window}, digest="challenger")
    recipe = _recipe(folder, tracked=False)
    metrics, _ = compare_judged(Scorer(champion), Scorer(challenger), {"events": whole}, recipe, lambda step: None)
    return metrics, apply_gates(metrics, recipe.gates)


def _recipe(folder: Path, *, tracked: bool) -> Recipe:
    """Return the recipe of every run: small trees, one thread, and no features of history."""
    quick = {"model.n_rounds": 60, "model.learning_rate": 0.15, "history.views": [], "history.network": False}
    store = {"name": NAME, "track.uri": f"sqlite:///{folder}/mlflow.db", "track.enabled": tracked}
    return Recipe.read(overrides={**quick, **store, "n_jobs": 1, "model.refit": True})


def _train(folder: Path, settings: Recipe, table: pd.DataFrame) -> Model:
    without = {"evaluate": settings.evaluate.model_copy(update={"replicates": 0})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(settings.model_copy(update=without), output=folder, events=table).model


def refreshes(n: int, n_real: int) -> list[Refresh]:
    """Simulate refreshes of each kind in so many worlds, the first of them through MLflow."""
    outcomes: list[Refresh] = []
    for seed in range(n):
        # MLflow writes to SQLite in the working folder.
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            outcomes += simulate_refreshes(Path(folder), seed, real=seed < n_real)
        for outcome in outcomes[-2:]:
            failed = ", ".join(gate.name for gate in outcome.gates if not gate.passed)
            difference = outcome.comparison.figures["average_precision"].difference
            progress(
                f"refresh {seed} {outcome.kind}: {difference:+.3f}, " + (f"refused by {failed}" if failed else "passes")
            )
    return outcomes


def refresh_protocol(n: int, n_real: int) -> str:
    """Return the procedure of `refreshes`."""
    facts = {"rows": ROWS, "columns": len(MEANS), "base": BASE_RATE, "days": DAYS, "first": FIRST}
    return PROTOCOL.format(n=n, real=min(n, n_real), shuffled=SHUFFLED, **facts)


def refresh_figures(outcomes: Sequence[Refresh]) -> dict[str, float]:
    """Return for each kind the share that is promoted, the mean gain and its spread, and what each gate stops."""
    figures: dict[str, float] = {}
    for kind in KINDS:
        chosen = [outcome for outcome in outcomes if outcome.kind == kind]
        gains = np.array([outcome.comparison.figures["average_precision"].difference or 0.0 for outcome in chosen])
        stopped = {gate.name for outcome in chosen for gate in outcome.gates if not gate.passed}
        real = [outcome.passes for outcome in chosen if outcome.real]
        figures |= {
            f"refresh_{kind}.promoted": float(np.mean([outcome.passes for outcome in chosen])),
            **({f"refresh_{kind}.promoted_through_mlflow": float(np.mean(real))} if real else {}),
            f"refresh_{kind}.gain": float(gains.mean()),
            f"refresh_{kind}.spread": float(gains.std()),
        }
        figures |= {f"refresh_{kind}.stopped_by.{name}": _stopped(chosen, name) for name in sorted(stopped)}
    return figures


def _stopped(outcomes: Sequence[Refresh], name: str) -> float:
    return float(np.mean([any(gate.name == name and not gate.passed for gate in one.gates) for one in outcomes]))


def refresh_bars(figures: Mapping[str, float]) -> list[Bar]:
    """Return the bars: equal refreshes pass, worse ones do not, and are worse by .05 on average."""
    return [
        Bar.at_least("refresh_equal.promoted", figures["refresh_equal.promoted"], 0.9),
        Bar.at_most("refresh_worse.promoted", figures["refresh_worse.promoted"], 0.1),
        Bar.at_most("refresh_worse.loss_off_target", abs(figures["refresh_worse.gain"] + LOSS), 0.005),
    ]
