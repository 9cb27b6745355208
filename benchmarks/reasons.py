"""Whether the reasons of flagged records speak for the decision: ``python -m benchmarks.reasons``."""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.data.location import load_messages
from benchmarks.runner import Bar, Report, progress, run_command
from fraudsieve.models.predict import Scorer
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import simulate

__all__ = ["SETS", "count_reasons", "main"]

SETS: Final = ("world", "fbs_sms", "chineseharm")
BACKGROUND: Final = {"fbs_sms": "AD:", "chineseharm": "ordinary"}
"""Prefix of the labels that are read as legitimate."""
LANGUAGES: Final = ("en", "zh")
WORDS: Final = {"en": ("resembles", "does not resemble"), "zh": ("相似", "不像")}
"""Words for and against the explained class."""
HAN: Final = re.compile("[\u4e00-\u9fff]")
BARE_NUMBER: Final = re.compile(r"rarity .* is \d|罕见程度为")
MAX_AGAINST: Final = 0.03
PROTOCOL = (
    "Messages of several types and legitimate ones; the advertising classes of fbs_sms are its legitimate class. The "
    "default recipe is trained on all but every third message, and scores the others with reasons. flagged: records "
    "that are flagged. first_against: share of them whose first reason lowers the log-odds of the type against the "
    "legitimate class. contradicting: sentences that say that the wording resembles the type and count against it, or "
    "the reverse. pinyin: reasons of pinyin for texts without Chinese characters. bare: sentences with a bare rarity. "
    "difference: the largest difference between the sum of the reasons and the stated log-odds."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    chosen = {"set": {"choices": SETS, "nargs": "*", "help": "data sets; all by default"}}
    return run_command("reasons", _run, __doc__, argv, arguments=chosen)


def _run(options: argparse.Namespace) -> Report:
    figures: dict[str, float] = {}
    rows = 0
    names = tuple(options.set) or SETS
    for name in names:
        messages = _messages(name)
        rows += len(messages)
        for language, found in _count_for(messages).items():
            figures |= {f"{name}.{language}.{figure}": value for figure, value in found.items()}
            progress(f"{name}, {language}: {found}")
    return Report("reasons", ", ".join(names), PROTOCOL, rows, figures, bars=_bars(figures))


def _bars(figures: Mapping[str, float]) -> list[Bar]:
    bounds = {"first_against": MAX_AGAINST, "contradicting": 0, "pinyin": 0, "bare": 0, "difference": 1e-9}
    return [
        Bar.at_most(name, value, bounds[name.rpartition(".")[2]])
        for name, value in figures.items()
        if name.rpartition(".")[2] in bounds
    ]


def _messages(name: str) -> pd.DataFrame:
    if name == "world":
        world = simulate(days=60, n_accounts=300, messages_per_day=60, fraud_share=0.2)
        labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
        return world.messages[["message_id", "text"]].join(labels, on="message_id", how="inner")
    messages = load_messages(name)[["text", "label"]]
    background = messages["label"].str.startswith(BACKGROUND[name])
    return messages.assign(label=messages["label"].mask(background, "legitimate"))


def _count_for(messages: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Train on all but every third message, and count in each language the reasons of those that are flagged."""
    tested = np.arange(len(messages)) % 3 == 0
    recipe = Recipe.read(overrides={"track.enabled": False, "evaluate.attack": False, "evaluate.replicates": 0})
    with tempfile.TemporaryDirectory() as folder:
        train(recipe, messages=messages[~tested].reset_index(drop=True), output=Path(folder) / "model")
        scorer = Scorer.load(Path(folder) / "model")
    records = [{"text": text} for text in messages.loc[tested, "text"]]
    found = {}
    for language in LANGUAGES:
        scores = scorer.score(records, reasons=True, language=language)
        texts = [record["text"] for record in records]
        flagged = [pair for pair in zip(texts, scores, strict=True) if pair[1]["decision"] == "flag"]
        found[language] = count_reasons(flagged, language)
    return found


def count_reasons(scored: Iterable[tuple[str, Mapping[str, Any]]], language: str) -> dict[str, float]:
    """Count the reasons that speak against the decision, or whose words contradict their sign.

    Parameters
    ----------
    scored : iterable of (str, mapping)
        Texts and their scores with reasons; all are flagged.
    language : {"en", "zh"}
        The language of the sentences.

    Returns
    -------
    dict of str to float
        See the protocol of the benchmark.

    Examples
    --------
    >>> reason = {"family": "wording", "cue": "spam", "log_odds": 1.0, "sentence": "the wording does not resemble"}
    >>> score = {"reasons": [reason], "explained": {"log_odds": 1.0}}
    >>> count_reasons([("hi", score)], "en")
    {'flagged': 1, 'first_against': 0.0, 'contradicting': 1, 'pinyin': 0, 'bare': 0, 'difference': 0.0}
    """
    scored = list(scored)
    named = [(text, reason) for text, score in scored for reason in score["reasons"] if reason["cue"] is not None]
    first = [score["reasons"][0]["log_odds"] < 0 for _, score in scored]
    gaps = [
        abs(sum(reason["log_odds"] for reason in score["reasons"]) - score["explained"]["log_odds"])
        for _, score in scored
    ]
    return {
        "flagged": len(scored),
        "first_against": float(np.mean(first)) if first else 0.0,
        "contradicting": sum(_contradicts(reason, WORDS[language]) for _, reason in named),
        "pinyin": sum(reason["family"] == "pinyin" and not HAN.search(text) for text, reason in named),
        "bare": sum(bool(BARE_NUMBER.search(reason["sentence"])) for _, reason in named),
        "difference": max(gaps, default=0.0),
    }


def _contradicts(reason: Mapping[str, Any], words: tuple[str, str]) -> bool:
    speaks_for, speaks_against = (word in reason["sentence"] for word in words)
    return bool((speaks_for and reason["log_odds"] < 0) or (speaks_against and reason["log_odds"] > 0))


if __name__ == "__main__":
    sys.exit(main())
