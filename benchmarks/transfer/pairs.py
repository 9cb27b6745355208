"""The pairs of the transfer benchmark: a set to train on, and texts from elsewhere to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.kinds import LEGITIMATE
from benchmarks.sets.table import MESSAGE_SETS
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups

__all__ = ["PAIRS", "Pair", "TargetTexts", "load_source", "load_target"]


@dataclass(frozen=True)
class Pair:
    """A source that models are trained on, and a target that they have not seen.

    Parameters
    ----------
    source : str
        The set of the training rows, or several, joined by ``+``.
    target : str
        The set that is looked at.
    chat : str, default=""
        The set of legitimate texts, if the target has none.
    whole_chat : bool, default=False
        Whether the target is all legitimate: its fraud is then the source's that no model was trained on.

    Examples
    --------
    >>> Pair("smishing", "spamhunter", chat="nus_sms_en").name
    'smishing_spamhunter'
    """

    source: str
    target: str
    chat: str = ""
    whole_chat: bool = False

    @property
    def name(self) -> str:
        """First part of the names of the figures."""
        return f"{self.source}_{self.target}"


PAIRS: Final[Mapping[str, Pair]] = {
    pair.name: pair
    for pair in (
        Pair("smishing", "nus_sms_en", whole_chat=True),
        Pair("smishing", "spamhunter", chat="nus_sms_en"),
        Pair("mudou_sms", "nus_sms_zh", whole_chat=True),
        Pair("mudou_sms", "fbs_sms", chat="nus_sms_zh"),
        Pair("stoneskipping", "mudou_sms"),
        Pair("mudou_sms", "chineseharm"),
        Pair("fbs_sms+nus_sms_zh", "chineseharm"),
    )
}


@dataclass(frozen=True, eq=False)
class TargetTexts:
    """The texts of a target.

    Parameters
    ----------
    texts : list of str of length n_texts
        Raw texts.
    is_fraud : ndarray of bool of shape (n_texts,)
        Which of them are fraud or spam.
    years : ndarray of int of shape (n_texts,)
        The year of each text; 0 if unknown.
    """

    texts: list[str]
    is_fraud: NDArray[np.bool_]
    years: NDArray[np.int64]

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Near-duplicates share a number: they are no independent evidence."""
        return near_duplicate_groups(self.texts)


def load_source(name: str, *, rows: int, seed: int) -> tuple[list[str], NDArray[np.bool_]]:
    """Draw at most `rows` rows of a source to train and calibrate on: texts, and whether each is fraud or spam.

    Of a set with a column ``split``, these are training rows.
    """
    frame = pd.concat([_training_rows(part) for part in name.split("+")], ignore_index=True)
    if len(frame) > rows:
        frame = frame.iloc[np.random.default_rng(seed).permutation(len(frame))[:rows]]
    return frame["text"].tolist(), (frame["label"] != LEGITIMATE).to_numpy()


def _training_rows(name: str) -> pd.DataFrame:
    frame = MESSAGE_SETS[name].load()
    return frame[frame["split"] == "train"] if "split" in frame else frame


def load_target(pair: Pair, *, rows: int) -> TargetTexts:
    """Read the texts of a target, with its legitimate texts from elsewhere if it has none; at most `rows` of each set.

    Of a set of reports in many languages, those whose letters are of the Latin alphabet without accents.
    """
    of_target = MESSAGE_SETS[pair.target]
    whole = of_target.load()
    target = _sample(whole if of_target.language else _plain_latin(whole), rows)
    parts = [target, _sample(MESSAGE_SETS[pair.chat].load(), rows)] if pair.chat else [target]
    times = [pd.to_datetime(part.get("sent_at", pd.Series(pd.NaT, part.index)), utc=True) for part in parts]
    years = np.asarray(pd.concat(times).dt.year.fillna(0), np.int64)
    frame = pd.concat([part[["text", "label"]] for part in parts], ignore_index=True)
    return TargetTexts(frame["text"].tolist(), (frame["label"] != LEGITIMATE).to_numpy(), years)


def _sample(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    return frame.sample(rows, random_state=0) if len(frame) > rows else frame


def _plain_latin(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the texts whose letters are all ASCII: a model of English is not asked about other scripts."""
    letters = frame["text"].str.replace(r"[\W\d_]", "", regex=True)
    return frame[letters.str.fullmatch("[A-Za-z]+")]
