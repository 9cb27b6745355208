"""Real tables by their raw columns through every door of the walk: ``python -m benchmarks.walk``."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
from tests import shared
from tests.walk.cases import check_door
from tests.walk.doors import doors_of
from tests.walk.table import TableFiles, UserTable, json_records
from tests.walk.walk import Walk
from tests.walk.zoo.files import Layout, write_files

from benchmarks.data.location import load_accounts, load_messages
from benchmarks.runner import Bar, Report, progress, run_command

__all__ = ["TABLES", "main"]

EVERY: Final = 10
"""One of so many customers of fdh_cards; all of their payments."""
NEW_ACCOUNTS, LATER_ACCOUNTS = 40, 250
WITHOUT_CUTOFFS: Final = {
    "monitor": "column 'as_of' is missing",
    "promote": "labelled accounts is later than",
}
"""The doors that need accounts with times of their own."""
PROTOCOL = (
    "Files with the columns of the data sets, without a recipe: fdh_cards (every {every}th customer, with the second "
    "label column fraud_scenario), exais_sms, ethereum_phishing (accounts without as_of, and all transfers). Each is "
    "trained on with MLflow, and goes through every door of tests/walk in real processes; scores must be equal to the "
    "last bit. Figures are seconds; a bar holds if the door gave equal scores, did its work, or refused in the words "
    "that it should: monitor and promote need accounts with times."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    chosen = {"set": {"choices": tuple(TABLES), "nargs": "*", "help": "data sets; all by default"}}
    return run_command("walk", _run, __doc__, argv, arguments=chosen)


def _run(options: argparse.Namespace) -> Report:
    figures: dict[str, float] = {}
    bars = []
    names = tuple(options.set) or tuple(TABLES)
    with tempfile.TemporaryDirectory(prefix="fraudsieve-walk-") as folder:
        shared.use_folder(Path(folder))
        for name in names:
            for door, outcome, seconds in _walk(TABLES[name], Path(folder)):
                progress(f"{name}, {door}: {outcome} ({seconds:.1f} s)")
                figures[f"{name}.{door}"] = seconds
                bars.append(Bar.at_least(f"{name}.{door}", float(not outcome.startswith("FAILED")), 1.0))
    return Report("walk", ", ".join(names), PROTOCOL.format(every=EVERY), 0, figures, bars=bars)


def _walk(table: UserTable, folder: Path) -> list[tuple[str, str, float]]:
    (folder / table.name).mkdir()
    outcomes = []
    begin = time.perf_counter()
    walk = Walk(table, folder / table.name)
    try:
        for door in doors_of(table):
            try:
                outcome = check_door(walk, door)
            except AssertionError as error:
                outcome = f"FAILED: {error}"
            now = time.perf_counter()
            outcomes.append((door, outcome, now - begin))
            begin = now
    finally:
        walk.close()
    return outcomes


def _cards(folder: Path) -> TableFiles:
    events = load_accounts("fdh_cards").sort_values("occurred_at", kind="stable")
    chosen = events[events["account_id"].astype(int) % EVERY == 0]
    return write_files(folder, chosen, Layout("events", ".parquet", hidden=("label",)))


def _messages(folder: Path) -> TableFiles:
    messages = load_messages("exais_sms").sort_values("sent_at", kind="stable")
    return write_files(folder, messages, Layout("messages", ".parquet", hidden=("label",)))


def _accounts(folder: Path) -> TableFiles:
    """Write accounts without a cutoff time: ``predict`` scores them as of the last event, and a service is told so."""
    accounts = load_accounts("ethereum_phishing", "accounts").sample(frac=1.0, random_state=0)
    events = load_accounts("ethereum_phishing").sort_values("occurred_at", kind="stable")
    new, rest = accounts.iloc[:NEW_ACCOUNTS].drop(columns="label"), accounts.iloc[NEW_ACCOUNTS:]
    parts = {"new": new, "later": rest.iloc[:LATER_ACCOUNTS], "train": rest.iloc[LATER_ACCOUNTS:], "events": events}
    paths = {name: folder / f"{name}.parquet" for name in parts}
    for name, part in parts.items():
        part.to_parquet(paths[name], index=False)
    end = events["occurred_at"].max() + pd.Timedelta(microseconds=1)
    return TableFiles(
        train={"accounts": paths["train"], "events": paths["events"]},
        later={"accounts": paths["later"], "events": paths["events"]},
        new=paths["new"],
        history={"events": paths["events"]},
        records=json_records(new.assign(as_of=end)),
        events=json_records(events),
    )


TABLES: Final = {
    "fdh_cards": UserTable("fdh_cards", "event", _cards),
    "exais_sms": UserTable("exais_sms", "message", _messages),
    "ethereum_phishing": UserTable("ethereum_phishing", "account", _accounts, WITHOUT_CUTOFFS, has_history=True),
}

if __name__ == "__main__":
    sys.exit(main())
