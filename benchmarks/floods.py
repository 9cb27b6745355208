"""Whether thousands of events at one moment hide frauds: ``python -m benchmarks.floods``."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.runner import Bar, Report, progress, run_command
from fraudsieve.models import score_file
from fraudsieve.training import Recipe, train

__all__ = ["main", "run"]

N: Final = 4097
"""Events of a flood: one more than a window has."""
FRAUDS: Final = 12
START, DAYS, LATER = pd.Timestamp("2026-01-01", tz="UTC"), 60, 45
FLOODS: Final = ("own", "receiver", "label", "cleared")
TIMES: Final = ("distinct", "equal", "dates")
PROTOCOL: Final = (
    "Made payments of 300 accounts over 60 days, half of them to receivers without a past. A fraudulent receiver "
    "takes payments of eight payers within two days; they are labelled within six hours. The default recipe is "
    "trained on the first 45 days. Then the last payment of 12 later receivers is scored, with all before it as "
    "history, and 4,097 small payments that come two hours before: own, by the payer to others; receiver, from "
    "strangers to the receiver; label, the same, all known as fraud in one batch; cleared, the same, all known as "
    "legitimate, which may well hide a fraud. distinct: a second apart; equal: at one moment; dates: all times of the "
    "table are dates. campaign: messages of 12 later campaigns, each after 4,097 copies, by the default recipe with "
    "campaigns. flagged: of the 12; median: their median probability."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    return run_command("floods", lambda _: run(), __doc__, argv, arguments={})


def run() -> Report:
    """Score the frauds without and with each flood."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for by_date in (False, True):
            figures |= _of_payments(Path(folder), by_date=by_date)
        figures |= _of_campaigns(Path(folder))
    bars = [
        Bar.at_least(name, value, FRAUDS)
        for name, value in figures.items()
        if name.startswith("flagged") and "cleared" not in name
    ]
    return Report("floods", "made up", PROTOCOL, N * FRAUDS, figures, {}, bars)


def _of_payments(folder: Path, *, by_date: bool) -> dict[str, float]:
    events, labels = make_payments(by_date=by_date)
    later = START + pd.Timedelta(LATER, "D")
    known = labels[labels["labelled_at"] < later]
    model, name = folder / f"model-{by_date}", "dates" if by_date else ""
    train(Recipe(), events=events[events["occurred_at"] < later].drop(columns="is_fraud"), labels=known, output=model)
    frauds = events[events["is_fraud"] & (events["occurred_at"] >= later)]
    last = frauds.groupby("counterparty_id").tail(1).head(FRAUDS).drop(columns="is_fraud")
    past = events.drop(columns="is_fraud")[~events["event_id"].isin(last["event_id"])]
    figures = _scored(model, last, past, labels, f"none{'.' if name else ''}{name}")
    for flood in FLOODS:
        for times in (name,) if name else TIMES[:2]:
            added, known = make_flood(last, flood, times)
            history = pd.concat([past, added])
            figures |= _scored(model, last, history, pd.concat([labels, known]), f"{flood}.{times}")
    return figures


def _scored(
    model: Path, new: pd.DataFrame, past: pd.DataFrame, labels: pd.DataFrame | None, name: str
) -> dict[str, float]:
    output = model.parent / "scores.parquet"
    score_file(model, new, output, history=past, known_labels=labels)
    scores = pd.read_parquet(output)
    found = {
        f"flagged.{name}": float((scores["decision"] == "flag").sum()),
        f"median.{name}": scores["probability"].median(),
    }
    progress(str(found))
    return found


def make_payments(*, by_date: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return payments with their truth, and the labels of all of them, most of which come within a day."""
    rng = np.random.default_rng(0)
    n, n_mules, n_victims = 9000, 120, 8
    usual = pd.DataFrame({"account_id": rng.integers(0, 300, n), "counterparty_id": rng.integers(0, 80, n)}).astype(str)
    usual = "p" + usual
    usual["counterparty_id"] = usual["counterparty_id"].where(rng.random(n) < 0.5, [f"q{k}" for k in range(n)])
    usual["at"], usual["amount"] = rng.uniform(0, DAYS * 24, n), rng.lognormal(3, 1, n).round(2)
    mules = pd.DataFrame({"mule": np.repeat(np.arange(n_mules), n_victims)})
    mules["account_id"] = "p" + pd.Series(rng.integers(0, 300, len(mules))).astype(str)
    mules["counterparty_id"] = "m" + mules.pop("mule").astype(str)
    begins = np.repeat(rng.uniform(24, (DAYS - 2) * 24, n_mules), n_victims)
    mules["at"] = begins + np.tile(np.arange(n_victims) * 5, n_mules) + rng.uniform(0, 2, len(mules))
    mules["amount"] = rng.lognormal(3, 1, len(mules)).round(2)
    events = pd.concat([usual.assign(is_fraud=False), mules.assign(is_fraud=True)]).sort_values("at", ignore_index=True)
    events["occurred_at"] = START + pd.to_timedelta(events.pop("at"), "h").dt.floor("D" if by_date else "s")
    events["event_id"], events["kind"] = [f"e{k}" for k in range(len(events))], "pay"
    delay = pd.to_timedelta(pd.Series(rng.uniform(0.5, 6, len(events))), "h").dt.round("s")
    labels = pd.DataFrame(
        {"subject_id": events["event_id"], "label": events["is_fraud"].map({True: "fraud", False: "ok"})}
    )
    return events, labels.assign(labelled_at=events["occurred_at"] + delay)


def make_flood(last: pd.DataFrame, flood: str, times: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the payments that an attacker adds before each of some payments, and their labels."""
    added = last.loc[np.repeat(last.index, N)].reset_index(drop=True)
    numbers = np.tile(np.arange(N), len(last))
    other = "counterparty_id" if flood == "own" else "account_id"
    added[other], added["amount"] = [f"x{k}" for k in numbers], 1.0
    added["event_id"] = [f"f{k}" for k in range(len(added))]
    if times == "dates":
        added["occurred_at"] -= pd.Timedelta(1, "D")
    else:
        seconds = numbers if times == "distinct" else 0 * numbers
        added["occurred_at"] -= pd.to_timedelta(7200 + pd.Series(seconds), "s")
    label = "fraud" if flood == "label" else "ok"
    labels = pd.DataFrame({"subject_id": added["event_id"], "label": label, "labelled_at": added["occurred_at"]})
    return added, labels if flood in ("label", "cleared") else labels.head(0)


def _of_campaigns(folder: Path) -> dict[str, float]:
    messages, later, model = make_messages(), START + pd.Timedelta(LATER, "D"), folder / "messages"
    recipe = Recipe.model_validate({"features": {"campaigns": True}})
    train(recipe, messages=messages[messages["sent_at"] < later].drop(columns="campaign"), output=model)
    frauds = messages[(messages["campaign"] >= 0) & (messages["sent_at"] >= later)]
    last = frauds.groupby("campaign").tail(1).head(FRAUDS)
    past = messages[~messages["message_id"].isin(last["message_id"])]
    figures: dict[str, float] = {}
    for times in (None, *TIMES[:2]):
        added = last.loc[np.repeat(last.index, N if times else 0)].reset_index(drop=True)
        numbers = pd.Series(np.tile(np.arange(N), len(last) if times else 0))
        added["message_id"], added["account_id"] = "f" + added.index.astype(str), "x" + numbers.astype(str)
        added["sent_at"] -= pd.to_timedelta(7200 + (numbers if times == "distinct" else 0 * numbers), "s")
        history = pd.concat([past, added]).drop(columns=["campaign", "label"])
        new = last.drop(columns=["campaign", "label"])
        figures |= _scored(model, new, history, None, f"campaign.{times}" if times else "none.campaign")
    return figures


def make_messages() -> pd.DataFrame:
    """Return messages of random words; those of a campaign have one text, and no other sign of fraud."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("abcdeilmnorstu"), 5)) for _ in range(400)])

    def texts(n: int) -> list[str]:
        return [" ".join(row) for row in rng.choice(words, (n, 12))]

    n, n_campaigns, size = 6000, 100, 30
    usual = pd.DataFrame({"text": texts(n), "at": rng.uniform(0, DAYS * 24, n), "campaign": -1})
    begins = np.repeat(rng.uniform(0, (DAYS - 2) * 24, n_campaigns), size)
    sent = begins + np.tile(np.arange(size) / 4, n_campaigns)
    campaigns = pd.DataFrame({"text": np.repeat(texts(n_campaigns), size), "at": sent})
    messages = pd.concat([usual, campaigns.assign(campaign=np.repeat(np.arange(n_campaigns), size))])
    messages = messages.sort_values("at", ignore_index=True)
    messages["sent_at"] = START + pd.to_timedelta(messages.pop("at"), "h").dt.floor("s")
    messages["message_id"] = [f"m{k}" for k in range(len(messages))]
    messages["account_id"] = [f"s{k}" for k in rng.integers(0, 5000, len(messages))]
    return messages.assign(label=np.where(messages["campaign"] >= 0, "fraud", "ok"))


if __name__ == "__main__":
    sys.exit(main())
