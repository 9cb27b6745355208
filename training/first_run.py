"""Every step on a simulated world, for a first run after the installation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fraudsieve._io import check_output_folder
from fraudsieve._precompiled import compiling
from fraudsieve._typing import Progress

if TYPE_CHECKING:
    from fraudsieve.models.batch.outputs import ScoringResult

    from .fit import Trained

NAME = "fraudsieve-quickstart"
NEWEST_DAYS = 7
MESSAGES_PER_DAY, FRAUD_SHARE = 100.0, 0.2
"""With fewer frauds, a type has so few campaigns that chance alone decides whether it can be learnt."""


@dataclass(frozen=True, eq=False)
class Quickstart:
    """Result of `quickstart`."""

    trained: Trained
    scored: ScoringResult


def quickstart(
    folder: str | Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Quickstart:
    """Simulate a world, train on all but its last week, and score that week.

    Returns the trained model, and the scores of the last week.
    """
    folder, report_step = Path(folder), progress or (lambda step: None)
    check_output_folder(folder)
    report_step("simulating a small world")
    with compiling("message", "training"):
        return _quickstart(folder, seed, report_step)


def _quickstart(folder: Path, seed: int, report_step: Progress) -> Quickstart:
    # Imported here, for some three seconds in which another process compiles kernels.
    import pandas as pd

    from fraudsieve.models.batch.score import score_file
    from fraudsieve.models.predict import Scorer
    from fraudsieve.training.recipe.recipe import Recipe
    from fraudsieve.training.simulation.world import simulate

    from .fit import train

    world = simulate(seed=seed, messages_per_day=MESSAGES_PER_DAY, fraud_share=FRAUD_SHARE)
    world.write(folder / "world")
    last_week = world.messages["sent_at"].max() - pd.Timedelta(days=NEWEST_DAYS)
    new = world.messages["sent_at"] >= last_week
    known_labels = world.labels[world.labels["labelled_at"] < last_week]
    is_message = known_labels["subject_id"].isin(world.messages["message_id"])
    # A store and a name of its own: a real model must not become challenger to this one.
    track = {"uri": f"sqlite:///{folder / 'mlflow.db'}", "experiment": NAME}
    trained = train(
        Recipe.model_validate({"name": NAME, "seed": seed, "track": track}),
        output=folder / "model",
        messages=world.messages[~new].reset_index(drop=True),
        labels=known_labels[is_message].reset_index(drop=True),
        progress=report_step,
    )
    report_step("scoring the last week")
    scored = score_file(Scorer(trained.model), world.messages[new].reset_index(drop=True), folder / "scores.parquet")
    return Quickstart(trained, scored)
