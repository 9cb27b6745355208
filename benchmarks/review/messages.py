"""Messages in weeks, of which one type of fraud comes late, and how they are scored: features of the text, and trees.

fbs_sms has neither times nor legitimate messages: its campaigns come in weeks at random, and advertising passes.
"""

from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.data.location import load_messages
from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.features import MessageFeatures
from fraudsieve.training.data.builders import make_classifier
from fraudsieve.training.recipe.recipe import LabelledSize, Recipe

from .weeks import DAYS, FRAUD, LEGITIMATE, Scores, Traffic

__all__ = ["CAPACITY", "FIRST_WEEK", "message_traffic", "messages_in_weeks"]

CAPACITY: Final = 100
FIRST_WEEK: Final = 6
THRESHOLD: Final = 0.5
PASSES: Final = "AD:"
FIRST_DAY: Final = date(2020, 1, 1)
FOLDS: Final = 3


def messages_in_weeks(weeks: int) -> tuple[pd.DataFrame, str]:
    """Read the messages in order of their weeks, with a column ``week`` from 0, and the type that comes late.

    A campaign is in one week. That type is the fraudulent one with the most campaigns, and is in none before
    `FIRST_WEEK`.
    """
    messages = load_messages("fbs_sms")
    campaigns = messages[~messages["label"].str.startswith(PASSES)].groupby("label")["campaign"].nunique()
    late = str(campaigns.idxmax())
    code, names = pd.factorize(messages["campaign"])
    of_campaign = np.random.default_rng(0).integers(0, [[weeks + 1], [weeks + 1 - FIRST_WEEK]], (2, len(names)))
    is_late = (messages["label"] == late).to_numpy()
    week = np.where(is_late, FIRST_WEEK + of_campaign[1, code], of_campaign[0, code])
    return messages.assign(week=week).sort_values(["week", "message_id"], ignore_index=True), late


def message_traffic(messages: pd.DataFrame, capacity: int = CAPACITY) -> Traffic:
    """Return messages in order of their ``week`` as traffic; each week is one draw.

    Parameters
    ----------
    messages : DataFrame
        ``text``, ``label``, ``campaign`` and ``week``.
    capacity : int, default=CAPACITY
        Reviews a week.
    """
    texts = messages["text"].to_numpy(object)
    is_fraud = ~messages["label"].str.startswith(PASSES).to_numpy(np.bool_)
    truth = np.where(is_fraud, FRAUD, LEGITIMATE)
    campaigns = pd.factorize(messages["campaign"])[0]

    def fit(rows: Array, seed: int) -> Scores:
        recipe = Recipe.read(overrides={"n_jobs": 1, "seed": seed})
        features = MessageFeatures(n_folds=FOLDS, random_state=seed, n_jobs=1).set_output(transform="pandas")
        trained_on = features.fit_transform(texts[rows], truth[rows], groups=campaigns[rows])
        trees = make_classifier(recipe, Subject.MESSAGE, LabelledSize(len(rows), len(rows))).fit(
            trained_on, truth[rows], groups=campaigns[rows]
        )

        return lambda rows: trees.predict_proba(features.transform(texts[rows]))[:, 0]

    week = messages["week"].to_numpy(np.int64)
    return Traffic(week, week * DAYS, is_fraud, campaigns, fit, capacity, FIRST_DAY, threshold=THRESHOLD)
