"""Write a small model folder of every kind, with records and their scores: ``python -m scripts.golden_models``.

The tests keep those of the current version of the format and the features, and one older folder. `scripts.bare_scoring`
scores them. The same code and libraries write the same bytes. Only missing folders are written.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd

from fraudsieve._io import new_folder
from fraudsieve.features.profile import choice
from fraudsieve.models.artifact import folder as artifact
from fraudsieve.training import Recipe, World, train
from fraudsieve.training.simulation import simulate
from scripts.bare_scoring import MODEL, RECORDS, RULES, SCORES, score_folder

GOLDEN = Path("tests/walk/golden", f"format-{artifact.FORMAT}-features-{artifact.FEATURES_VERSION}")
"""Where the tests keep the folders of these versions."""
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "00112233445566778899aabbccddeeff"
"""Of the digests of categories."""
N_RECORDS = 12
"""Records of frauds, and as many of others."""
N_HISTORY = 120
TEXT_MODEL: Mapping[str, Any] = {"min_messages": 8, "n_folds": 2}
TREES: Mapping[str, Any] = {"n_rounds": 12, "learning_rate": 0.2, "min_leaf_rows": 5}
RULE = """[[rule]]
id = "known"
field = "account_id"
values = ["{account}"]
action = "flag"
reason = "an account of the golden models"
"""


@dataclass(frozen=True)
class Golden:
    """The training of one kind of model, and what it scores.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As for `train`.
    records : DataFrame
        What is scored.
    recipe : dict
        Settings beyond those of all kinds.
    history : dict of str to DataFrame
        The history of the records, by part.
    rules : str
        The rules file; empty for none.
    """

    tables: Mapping[str, Any]
    records: pd.DataFrame
    recipe: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    rules: str = ""


def _message_types(world: World) -> Golden:
    recipe = {"features": {"min_messages": 24}, "model": {"n_rounds": 4}}
    return Golden({"messages": world.messages, "labels": world.labels}, _mixed(world, "messages")[["text"]], recipe)


def _messages(world: World) -> Golden:
    return Golden(_english(world), _mixed(world, "messages")[["text"]])


def _senders(world: World) -> Golden:
    records = _mixed(world, "messages")
    fields = ["message_id", "text", "account_id", "recipient_id", "sent_at"]
    tables = _english(world) | {"events": world.events}
    history = {"events": _of_accounts(records, world.events), "messages": tables["messages"][fields]}
    without_zone = records[fields].assign(sent_at=records["sent_at"].dt.tz_localize(None))
    return Golden(tables, without_zone, {"features": {"campaigns": True}}, history)


def _own_columns(world: World) -> Golden:
    tables, names = _english(world), ["channel", "hour", "weekday"]
    messages, records = _with_hours(tables["messages"]), _with_hours(_mixed(world, "messages"))
    recipe = {"features": {"columns": names, "words": {"loans": ["loan"]}, "brands": ["paybird"]}}
    return Golden(tables | {"messages": messages}, records[["text", *names]], recipe)


def _rules(world: World) -> Golden:
    records = _mixed(world, "messages")[["text", "account_id"]]
    return Golden(_english(world), records, rules=RULE.format(account=records["account_id"].iloc[-1]))


def _accounts(world: World) -> Golden:
    tables = {"accounts": world.accounts, "events": world.events, "labels": _two_classes(world.labels)}
    records = _mixed(world, "accounts").assign(as_of=world.events["occurred_at"].max())
    return Golden(tables, records, history={"events": _of_accounts(records, world.events)})


def _refitted(world: World) -> Golden:
    return replace(_accounts(world), recipe={"model": {"refit": True}, "history": {"digest_categories": True}})


def _events(world: World) -> Golden:
    label = world.events["account_id"].isin(_frauds(world)).map({True: "fraud", False: "legitimate"})
    records = _mixed(world, "events")
    history = {"events": _of_accounts(records, world.events)}
    return Golden({"events": world.events.assign(label=label)}, records, history=history)


KINDS: Mapping[str, Callable[[World], Golden]] = {
    "messages": _messages,
    "message_types": _message_types,
    "senders": _senders,
    "own_columns": _own_columns,
    "rules": _rules,
    "accounts": _accounts,
    "refitted": _refitted,
    "events": _events,
}
"""By name, the kinds of models."""


def write_golden(folder: Path, kinds: Mapping[str, Callable[[World], Golden]] = KINDS) -> None:
    """Write a model of every kind that the folder lacks.

    Raises
    ------
    FileExistsError
        If the folder has all of them.
    """
    missing = [name for name in kinds if not (folder / name).exists()]
    if not missing:
        raise FileExistsError(f"{folder} has every kind of model, and none is replaced. Write into another folder.")
    world = simulate(days=30, n_accounts=200, messages_per_day=40, events_per_message=2)
    folder.mkdir(parents=True, exist_ok=True)
    for name in missing:
        with new_folder(folder / name) as staged, TemporaryDirectory() as scratch:
            _write(kinds[name](world), name, staged, Path(scratch, name))


def _write(golden: Golden, name: str, folder: Path, trained: Path) -> None:
    base = _settings(name)
    recipe = Recipe.model_validate(base | {key: base.get(key, {}) | value for key, value in golden.recipe.items()})
    fixed_key = patch.object(choice, "secrets", SimpleNamespace(token_hex=lambda n_bytes: KEY))
    fixed_time = patch.object(artifact, "datetime", SimpleNamespace(now=lambda zone: CREATED))
    with fixed_time, fixed_key:
        train(recipe, output=trained, **golden.tables)
    _pack(trained, folder / MODEL)
    history = {part: _json(frame.tail(N_HISTORY)) for part, frame in golden.history.items()}
    inputs = {"records": _json(golden.records), "history": history or None}
    _write_json(folder / RECORDS, inputs)
    if golden.rules:
        (folder / RULES).write_text(golden.rules, "utf-8")
    _write_json(folder / SCORES, score_folder(folder))


def _pack(model: Path, archive: Path) -> None:
    """Write a model folder as an archive whose bytes do not depend on the time."""
    with ZipFile(archive, "w") as written:
        for path in sorted(model.iterdir()):
            written.writestr(ZipInfo(path.name), path.read_bytes(), ZIP_DEFLATED, 9)


def _settings(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "n_jobs": 1,
        "features": TEXT_MODEL,
        "split": {"kind": "random", "also_temporal": False},
        "model": TREES,
        "evaluate": {"attack": False, "replicates": 0},
        "track": {"enabled": False},
    }


def _two_classes(labels: pd.DataFrame) -> pd.DataFrame:
    return labels.assign(label=labels["label"].where(labels["label"] == "legitimate", "fraud"))


def _frauds(world: World) -> pd.Series:
    return world.labels.loc[world.labels["label"] != "legitimate", "subject_id"]


def _mixed(world: World, table: str) -> pd.DataFrame:
    """Return the last frauds of a table and as many other rows."""
    rows: pd.DataFrame = getattr(world, table)
    is_fraud = rows["message_id" if table == "messages" else "account_id"].isin(_frauds(world))
    return pd.concat([rows[is_fraud].tail(N_RECORDS), rows[~is_fraud].tail(N_RECORDS)])


def _of_accounts(records: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    return events[events["account_id"].isin(records["account_id"])]


def _with_hours(messages: pd.DataFrame) -> pd.DataFrame:
    """Add a number that is sometimes missing, and a category."""
    sent = messages["sent_at"].dt
    return messages.assign(hour=(sent.hour + 0.5).where(sent.minute > 5), weekday=sent.day_name())


def _english(world: World) -> dict[str, pd.DataFrame]:
    """Return messages without Chinese, and their labels: models of Chinese hold a table of 300 kB."""
    is_chinese = world.messages["text"].str.contains("[一-龥]")
    return {"messages": world.messages[~is_chinese].reset_index(drop=True), "labels": _two_classes(world.labels)}


def _json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as a service sends them."""
    return list(json.loads(frame.to_json(orient="records", date_format="iso")))


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    write_golden(Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN)
