"""Phones of Sichuan, 2020, with ready features and a graph of calls; some are those of fraudsters."""

import itertools
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.columns.declared import FEW_FRAUDS, graph_profiles, rows_of
from benchmarks.data.folds import Fold, drawn_splits
from benchmarks.data.kinds import AccountSet, Published, Scheme, Task
from benchmarks.data.location import load_accounts

__all__ = ["SETS", "published"]

_PROTOCOL = (
    "given: the file's train rows to train on (valid is left out), its test rows to test on, {seeds} seeds of ours. "
    "random: {repeats} stratified splits 60/20/20, the middle part left out, seed of ours and split alike. Macro-F1 at "
    "a probability of .5. Ours: the 54 columns, the 66 ratios of twelve volumes among them, and the degree in the "
    "graph without directions (the file has each edge in one direction only, which is the order of the file). "
    "Measures of labels in the graph and of neighbours gained nothing on four folds of train and valid. Published "
    ".9505 macro-AUC and .915-.919 macro-F1 (graph network): held to .919."
)
_VOLUMES = (
    *("opposite_count", "opposite_unique", "voccalltype1", "sms_count", "sms_nunique", "busi_count"),
    *("voc_day_nunique", "day_nunique", "imeis", "arpu_sum", "flow_sum", "county_name_call"),
)
METRICS: Final = ("roc_auc", "macro_f1")


def _task() -> Task:
    """Is this the phone of a fraudster? Ready features, no events; the given split."""
    accounts = load_accounts("sichuan_telecom", "accounts")
    train, test = (np.flatnonzero(accounts["split"] == name) for name in ("train", "test"))
    return Task("account", accounts.drop(columns=["row", "split"]), train, test, "The given split; valid is left out.")


def published(*, seeds: int = 5, repeats: int = 10) -> Published:
    """Find the phones of fraudsters from given features and the graph of calls."""
    accounts, edges = load_accounts("sichuan_telecom", "accounts"), load_accounts("sichuan_telecom", "edges")
    y, profiles = accounts["label"].to_numpy(np.int64), accounts.drop(columns=["label", "row", "split"])
    train, test = (np.flatnonzero(accounts["split"] == name) for name in ("train", "test"))
    columns, settings = rows_of(_phones(profiles, edges)), {**FEW_FRAUDS, "n_rounds": 400}
    given, of_others = Fold(train, test, tuple(range(seeds))), {"roc_auc": 0.9505, "macro_f1": 0.919}
    schemes = [
        Scheme("given", [given], columns, settings, METRICS, of_others),
        Scheme("random", drawn_splits(y, repeats=repeats), columns, settings, METRICS, test_share=1 / 3),
    ]
    text = _PROTOCOL.format(seeds=seeds, repeats=repeats)
    counts_text = "the 54 columns and both degrees of the file's edges"
    return Published(y, _phone_counts(profiles, edges), schemes, text, len(y), counts_text)


def _phones(profiles: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return the profiles, ratios of their volumes, and the degree in the undirected graph."""
    volumes = [name for name in _VOLUMES if name in profiles]
    pairs = itertools.combinations(volumes, 2)
    ratios = {f"{first}_to_{second}": profiles[first] / (profiles[second] + 1) for first, second in pairs}
    return graph_profiles(profiles.assign(**ratios), _calls(profiles, edges))


def _calls(profiles: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return every edge in both directions."""
    ends = [profiles["account_id"].to_numpy()[edges[side]] for side in ("src_row", "dst_row")]
    both = np.concatenate(ends), np.concatenate(ends[::-1])
    return pd.DataFrame(dict(zip(("account_id", "counterparty_id"), both, strict=True)))


def _phone_counts(profiles: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    degrees = {f"degree_{side}": np.bincount(edges[side], minlength=len(profiles)) for side in ("src_row", "dst_row")}
    return profiles.drop(columns="account_id").assign(**degrees)


SETS: Final = (AccountSet("sichuan_telecom", _task, published, place=6),)
