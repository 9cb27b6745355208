"""The models that are served in the benchmark: of messages alone, and of messages with their senders' history."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.predict import Scorer
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import World

__all__ = ["Live", "train_on_messages", "train_on_world"]

QUICK = {"evaluate.attack": False, "evaluate.replicates": 0, "track.register_model": False, "n_jobs": 1}
"""One thread, and no output for people."""


def train_on_messages(messages: pd.DataFrame, folder: Path) -> Path:
    """Train a model of messages alone, by the defaults.

    Parameters
    ----------
    messages : DataFrame
        With labels.
    folder : Path
        The working folder.

    Returns
    -------
    Path
        The model folder.
    """
    only_fraud = not messages["label"].isin(["ham", "legitimate"]).any()
    return _train(folder, "messages", {"data.legitimate": "none"} if only_fraud else {}, messages=messages)


def train_on_world(world: World, folder: Path) -> Path:
    """Train a model of messages that uses the senders' events and near-duplicates.

    Parameters
    ----------
    world : World
        The tables.
    folder : Path
        The working folder.

    Returns
    -------
    Path
        The model folder.
    """
    tables = {"messages": world.messages, "labels": world.labels, "events": world.events}
    return _train(folder, "history", {"features.campaigns": True}, **tables)


def _train(folder: Path, name: str, overrides: dict[str, Any], **tables: Any) -> Path:
    settings = {"track.uri": f"sqlite:///{folder}/mlflow.db", **QUICK, **overrides}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(Recipe.read(overrides=settings), output=folder / name, **tables).folder


@dataclass(frozen=True, eq=False)
class Live:
    """A live state, and the messages of a world after those that it has observed.

    Parameters
    ----------
    state : HistoryState
        Holds everything before the messages.
    messages : list of dict
        The last messages of the world, in the order in which they were sent.
    events : list of dict
        Events from the first of the messages, in order of time.
    """

    state: HistoryState
    messages: list[dict[str, Any]]
    events: list[dict[str, Any]]

    @classmethod
    def of(cls, scorer: Scorer, world: World, records: int) -> "Live":
        """Create a state that holds everything before the last messages of a world."""
        messages, events = world.messages.sort_values("sent_at"), world.events.sort_values("occurred_at")
        last = messages.iloc[-records:]
        state, begin = scorer.new_state(), last["sent_at"].iloc[0]
        earlier = events[events["occurred_at"] < begin], messages.iloc[:-records]
        of_day = [table[name].dt.floor("D") for table, name in zip(earlier, ("occurred_at", "sent_at"), strict=True)]
        for day in sorted({*of_day[0], *of_day[1]}):  # what is a day older than the latest record is rejected
            new_events, new_messages = (_records(table[of == day]) for table, of in zip(earlier, of_day, strict=True))
            if state.update(new_events) or scorer.observe(state, new_messages):
                raise ValueError("expected the state to accept every record, but it rejected some")
        return cls(state, _records(last), _records(events[events["occurred_at"] >= begin]))

    def turns(self, scorer: Scorer) -> Iterator[dict[str, Any]]:
        """Yield the messages in turn; before each, update the state with the events and messages before it."""
        events = iter(self.events)
        event = next(events, None)
        for message in self.messages:
            while event is not None and event["occurred_at"] < message["sent_at"]:
                self.state.update(event)
                event = next(events, None)
            yield {name: message[name] for name in ("text", "account_id", "sent_at")}
            scorer.observe(self.state, message)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    records: Any = rows.astype(object).where(rows.notna(), None).to_dict("records")
    times = [name for name in map(str, rows) if name.endswith("_at")]
    return [record | {name: record[name].isoformat() for name in times} for record in records]
