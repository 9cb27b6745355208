"""Warnings of other traffic: how often held-out records of the same set warn, and whether records of another one do."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.data.folds import folds_of
from benchmarks.data.kinds import LEGITIMATE, fraud_or_legitimate
from benchmarks.runner import Bar, Report, progress
from benchmarks.sets.table import ACCOUNT_SETS, MESSAGE_SETS
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.models import Model, Scorer, unusual_shares
from fraudsieve.training import Recipe, train
from fraudsieve.training.data.builders import builder_of_model, read_data, scores_of
from fraudsieve.training.data.groups import row_groups

__all__ = ["other_traffic"]

SAME: Final = ("smishing", "uci_sms", "mudou_sms", "exais_sms", "stoneskipping")
OVER_TIME: Final = ("fdh_cards", "s_ffsd")
OTHER: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    "mixture": (("smishing", "mudou_sms", "exais_sms", "stoneskipping"), ("nus_sms_en",)),
    "mudou_sms": (("mudou_sms",), ("stoneskipping", "fbs_sms", "nus_sms_zh")),
    "smishing": (("smishing",), ("spamhunter", "nus_sms_en")),
}
"""By model: the sets that it is trained on, and sets of other traffic."""
HELD_TO: Final = ("mixture.nus_sms_en", "mudou_sms.stoneskipping")
"""Of these, every batch must warn."""
ROWS, FOLDS, LATER_SHARE, EVENTS = 4000, 3, 0.25, 80_000
SIZES: Final = (200, 1000, 4000)
MAX_ALARMS: Final = 0.01
_PROTOCOL = (
    "train (one thread, no intervals, no attack), fraud against ham, at most {rows} messages of a set; a mixture has "
    "as many of each. SET.alarms: the share of batches of {sizes} held-out records that warn, of {folds} folds by "
    "campaign in random order; of account sets, of the last quarter of the events in order of time (of accounts with "
    "{events:,} events together). batches: how many there are. all.alarms: over all sets. MODEL.SET.warned: the share "
    "of batches of another set that warn."
)


def other_traffic(*, rows: int = ROWS) -> Report:
    """Count the warnings on the same and on other traffic."""
    figures: dict[str, float] = {}
    warned: dict[str, list[bool]] = {name: list(_by_campaign(name, rows)) for name in SAME}
    warned |= {name: _by_time(name) for name in OVER_TIME}
    for name, found in warned.items():
        figures |= {f"{name}.alarms": float(np.mean(found)), f"{name}.batches": float(len(found))}
    every = np.concatenate(list(warned.values()))
    figures |= {"all.alarms": float(every.mean()), "all.batches": float(len(every))}
    bars = [Bar.at_most("all.alarms", figures["all.alarms"], MAX_ALARMS)]
    for name, (sources, targets) in OTHER.items():
        parts = [_load(source, rows // len(sources)) for source in sources]
        model = _train(messages=pd.concat(parts, ignore_index=True))
        for target in targets:
            found = _warnings(model, _score(model, _load(target, rows)["text"]))
            figures[f"{name}.{target}.warned"] = float(np.mean(found))
    bars += [Bar.at_least(f"{name}.warned", figures[f"{name}.warned"], 1.0) for name in HELD_TO]
    protocol = _PROTOCOL.format(rows=rows, folds=FOLDS, events=EVENTS, sizes=", ".join(map(str, SIZES)))
    return Report("transfer", "warnings", protocol, rows, figures, bars=bars)


def _by_campaign(name: str, rows: int) -> Iterator[bool]:
    messages = _load(name, rows)
    groups, _ = row_groups(messages, Subject.MESSAGE)
    for fold in folds_of(messages["label"].to_numpy(object), groups, repeats=1, folds=FOLDS):
        model = _train(messages=messages.iloc[fold.train].reset_index(drop=True))
        shuffled = np.random.default_rng(0).permutation(fold.test)
        yield from _warnings(model, _score(model, messages["text"].iloc[shuffled]))
    progress(name)


def _by_time(name: str) -> list[bool]:
    dated = ACCOUNT_SETS[name].dated_events
    assert dated is not None
    events = dated()[0].sort_values("occurred_at", ignore_index=True)
    sizes = events.groupby("account_id", sort=True).size().cumsum()
    events = events[events["account_id"].isin(sizes.index[sizes <= EVENTS])].reset_index(drop=True)
    events["event_id"] = np.arange(len(events)).astype(str)
    start = events["occurred_at"].iloc[int((1 - LATER_SHARE) * len(events))]
    known = events[events["occurred_at"] < start].copy()
    if "labelled_at" in known:
        known.loc[known["labelled_at"] >= start, ["label", "labelled_at"]] = None
    settings = {"data.subject": "event", "split.kind": "time"}
    model = _train(settings, events=known)
    data = read_data(_recipe(**settings), {"events": events}, min_label_rows=1)
    later = data.rows[data.rows["event_id"].isin(events["event_id"][events["occurred_at"] >= start])]
    found = _warnings(model, scores_of(Scorer(model), later, builder_of_model(model, data)))
    progress(name)
    return found


def _load(name: str, rows: int) -> pd.DataFrame:
    frame = MESSAGE_SETS[name].load()
    frame = frame.sample(rows, random_state=0) if len(frame) > rows else frame
    messages = fraud_or_legitimate(frame.reset_index(drop=True))
    return messages.assign(message_id=name + messages["message_id"])


def _score(model: Model, texts: pd.Series) -> Mapping[str, Array]:
    return Scorer(model).score_columns({"text": texts.tolist()})


def _warnings(model: Model, scores: Mapping[str, Any]) -> list[bool]:
    """Return whether each batch of consecutive records warns."""
    columns = {name: np.asarray(scores[name], np.float64) for name in ("unlike_training", "probability")}
    n = len(columns["probability"])
    parts = [slice(start, start + size) for size in SIZES for start in range(0, n - size + 1, size)]
    return [bool(unusual_shares(model, {name: column[part] for name, column in columns.items()})) for part in parts]


def _recipe(**settings: object) -> Recipe:
    quick = {"evaluate.attack": False, "evaluate.replicates": 0, "track.enabled": False, "n_jobs": 1}
    return Recipe.read(overrides={**quick, **settings})


def _train(settings: Mapping[str, object] | None = None, **tables: Any) -> Model:
    recipe = _recipe(**({"data.legitimate": LEGITIMATE} if settings is None else settings))
    with TemporaryDirectory() as folder:
        return train(recipe, output=Path(folder) / "model", **tables).model
