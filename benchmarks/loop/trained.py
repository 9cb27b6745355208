"""The tables that the store gives back to train on, compared with the complete source tables; and models of both."""

import hashlib
import json
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from fraudsieve.training.data.builders import make_builder, read_data
from fraudsieve.training.recipe.recipe import Recipe

from .service import run_command_line

__all__ = ["TrainingFaults", "compare_training"]

NAMES: Final = ("event_id", "account_id", "label", "labelled_at", "as_of")
OF_FILES: Final = ("digests", "unlabelled", "split_model")
"""Facts about the bytes of the tables, the rows without a label, of which some are dropped, and a digest with these."""


class Tables(NamedTuple):
    """Tables to train on."""

    events: pd.DataFrame
    labels: pd.DataFrame


class TrainingFaults(NamedTuple):
    """What differs between the training tables of a store and of the complete source tables.

    Attributes
    ----------
    rows, columns : int
        Of the training table, from the time on from which the store has all history.
    differing : int
        Rows that differ, or that one of the tables lacks.
    trains_since : str or None
        That time; None if no rows were dropped.
    same_models : bool
        Whether models that were trained on both have equal digests.
    """

    rows: int
    columns: int
    differing: int
    trains_since: str | None
    same_models: bool


def compare_training(
    folder: Path, address: str, champion: str, events: pd.DataFrame, labels: pd.DataFrame
) -> TrainingFaults:
    """Compare training tables, and models that are trained on them.

    Parameters
    ----------
    folder : Path
        With the recipe.
    address : str
        The store.
    champion : str
        Address of the model.
    events, labels : DataFrame
        The complete source tables.
    """
    exported = run_command_line(folder, "state", "export", address, "--model", champion, "--output", "stored")
    stored = Tables(*(pd.read_parquet(folder / "stored" / f"{name}.parquet") for name in Tables._fields))
    since = None if exported["trains_since"] is None else pd.Timestamp(exported["trains_since"])
    recipe = Recipe.read(folder / "recipe.toml")
    source = Tables(events.sort_values("occurred_at"), labels.sort_values("labelled_at"))  # in the order of the store's
    one, other = (_table(recipe, tables, since) for tables in (source, stored))
    trained = [_train(folder, name, tables, since) for name, tables in (("source", source), ("store", stored))]
    differing = _count_differing(one, other)
    return TrainingFaults(len(one), len(one.columns), differing, exported["trains_since"], trained[0] == trained[1])


def _table(recipe: Recipe, tables: Tables, since: pd.Timestamp | None) -> pd.DataFrame:
    """Return the labelled records from a time on, with their features, by the id."""
    data = read_data(recipe, tables._asdict(), min_label_rows=1)
    rows = data.rows if since is None else data.rows[data.rows["as_of"] >= since]
    rows = rows.sort_values("event_id", ignore_index=True)
    features = make_builder(data, recipe).set_output(transform="pandas").fit_transform(rows, rows["label"])
    table: pd.DataFrame = pd.concat([rows[[*NAMES]], features], axis=1).set_index("event_id")
    return table


def _count_differing(one: pd.DataFrame, other: pd.DataFrame) -> int:
    both = one.index.intersection(other.index)
    if list(one.columns) != list(other.columns):
        return len(one)
    left, right = one.loc[both], other.loc[both]
    same = ((left == right) | (left.isna() & right.isna())).all(axis=1)
    return int((~same).sum()) + len(one.index.symmetric_difference(other.index))


def _train(folder: Path, name: str, tables: Tables, since: pd.Timestamp | None) -> tuple[str, ...]:
    """Train on the labels of records from a time on.

    Returns the digests of the model and of the evaluated model, without facts about their files and their times.
    """
    events, labels = tables
    if since is not None:
        labels = labels[labels["subject_id"].isin(events.loc[events["occurred_at"] >= since, "event_id"])]
    files: list[str] = []
    for table, frame in (("events", events), ("labels", labels)):
        frame.to_parquet(folder / f"{name}-{table}.parquet", index=False)
        files += [f"--{table}", f"{name}-{table}.parquet"]
    run_command_line(folder, "train", *files, "--recipe", "recipe.toml", "--no-track", "--output", f"of-{name}")
    return tuple(_digest(folder / f"of-{name}{suffix}") for suffix in ("", ".split-model"))


def _digest(folder: Path) -> str:
    """Return a digest of what decides on scores: the manifest, which has the digests of all files of a model."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    del manifest["created_at"]
    for name in OF_FILES:
        manifest["training"].pop(name, None)
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
