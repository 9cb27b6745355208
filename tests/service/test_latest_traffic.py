"""The counts of the latest records: compared after every block, bounded, and the same from any number of threads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from fraudsieve.models import Model, Scorer
from fraudsieve.models.unlike_training.expected_shares import FLAGGED, UNLIKE, ExpectedShare
from fraudsieve.service.metrics import MAX_BLOCKS, LatestTraffic


@pytest.fixture(scope="module")
def model(scorer: Scorer) -> Model:
    shares = (ExpectedShare(UNLIKE, 0.01, 0.001), ExpectedShare(FLAGGED, 0.3, 0.001))
    return replace(scorer.model, expected_shares=shares)


def scores(n: int, unlike: float | None, probability: float | None) -> list[Any]:
    return [{"unlike_training": unlike, "probability": probability} for _ in range(n)]


def test_shares_are_compared_after_every_block(model: Model) -> None:
    traffic = LatestTraffic(model)
    assert [traffic.add(scores(100, 1.0, 1.0)) for _ in range(4)] == [False, True, False, True]
    assert traffic.counts == {UNLIKE: (400, 400), FLAGGED: (400, 400)}
    assert [share.name for share in traffic.unusual] == [UNLIKE, FLAGGED]


def test_old_records_are_forgotten(model: Model) -> None:
    traffic = LatestTraffic(model)
    for _ in range(MAX_BLOCKS):
        traffic.add(scores(200, 1.0, 1.0))
    for _ in range(MAX_BLOCKS):
        assert traffic.unusual
        traffic.add(scores(140, 0.5, 0.0) + scores(60, 0.5, 1.0))
    assert traffic.counts == {UNLIKE: (0, 2000), FLAGGED: (600, 2000)}
    assert traffic.unusual == ()


def test_records_without_a_score_do_not_count(model: Model) -> None:
    traffic = LatestTraffic(model)
    assert traffic.add(scores(150, None, None) + scores(100, 1.0, None))
    assert traffic.counts == {UNLIKE: (100, 100), FLAGGED: (0, 0)}
    assert traffic.unusual == ()


def test_a_model_that_expects_nothing_counts_nothing(scorer: Scorer) -> None:
    traffic = LatestTraffic(replace(scorer.model, expected_shares=()))
    assert not traffic.add(scores(1000, 1.0, 1.0))
    assert (traffic.counts, traffic.unusual) == ({}, ())


def test_threads_lose_no_record(model: Model) -> None:
    traffic = LatestTraffic(model)
    with ThreadPoolExecutor(8) as pool:
        complete = sum(pool.map(traffic.add, [scores(1, 1.0, 0.0)] * 1800))
    assert complete == 9
    assert traffic.counts == {UNLIKE: (1800, 1800), FLAGGED: (0, 1800)}
