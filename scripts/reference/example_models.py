"""Example models with every family of features, built without training: their columns, manifests, HTTP bodies."""

from dataclasses import replace
from functools import cache

import lightgbm as lgb
import numpy as np

from fraudsieve._subjects import Subject
from fraudsieve.features.account_matrix import AccountMatrix, FeatureMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.features.default_views import default_histories, default_network
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.wording.model import TextModel
from fraudsieve.features.wording.surprisal import CHAR_BITS, PAIR_BITS, CharacterModel
from fraudsieve.models import Calibration, Model
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.models.unlike_training.distance import fit_distance
from fraudsieve.models.unlike_training.shares import calibrate_distance

__all__ = ["example_model", "matrices"]

EVENT_COLUMNS = ("account_id", "occurred_at", "kind", "event_id", "counterparty_id", "amount", "device_id", "label")
OWN = CustomColumns(("limit",), {"country": ("CN", "US")})


def message_matrix() -> MessageMatrix:
    """Return the features of messages, with every family."""
    text_model = TextModel(("fraud",), np.empty(0, np.int32), np.empty((0, 2), np.float32), np.zeros(1), 1.0)
    counts = CharacterModel(np.zeros(1 << CHAR_BITS, np.uint32), np.zeros(1 << PAIR_BITS, np.uint32))
    return MessageMatrix(
        text_model,
        sender=default_histories(EVENT_COLUMNS),
        pinyin=text_model,
        characters=(counts, counts),
        campaigns=CampaignHistory(types=("fraud",)),
        lists=CustomLists.of(words={"gambling": ["baccarat"]}),
        custom=OWN,
    )


def account_matrix(subject: Subject) -> AccountMatrix:
    """Return the features of accounts or events, with every family and every measure."""
    views = default_histories(EVENT_COLUMNS, subject=subject, kinds=("payment",), labels=True)
    own = replace(views[0], measures=(*views[0].measures, "span"))
    return AccountMatrix(subject, (own, *views[1:]), default_network(EVENT_COLUMNS, labels=True), OWN)


def matrices() -> tuple[FeatureMatrix, ...]:
    """Return the features of each subject."""
    return message_matrix(), account_matrix(Subject.ACCOUNT), account_matrix(Subject.EVENT)


@cache
def example_model(subject: str) -> Model:
    """Return a model of a subject; its trees are trained on random numbers."""
    matrix = next(matrix for matrix in matrices() if matrix.subject == subject)
    X = np.random.default_rng(0).normal(size=(40, len(matrix.columns)))
    data = lgb.Dataset(X, np.arange(40) % 2, params={"verbosity": -1}, free_raw_data=False)
    booster = lgb.train({"verbosity": -1, "objective": "binary", "num_threads": 1, "num_leaves": 2}, data, 1)
    start = (matrix.columns.index("wording__fraud"),) if "wording__fraud" in matrix.columns else ()
    ensemble = Ensemble(booster, start, np.zeros(1))
    distance = fit_distance(X, np.arange(len(matrix.columns)))
    unlike = calibrate_distance(distance, distance.apply(X), np.median(X, axis=0))
    return Model("fraudsieve", ("fraud", "legitimate"), "legitimate", matrix, ensemble, Calibration(), unlike=unlike)
