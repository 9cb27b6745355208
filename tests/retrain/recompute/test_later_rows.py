"""Which rows the history of a score lacks, and which scores share a history: against every row one by one."""

import numpy as np
import pandas as pd
import pytest

from fraudsieve.retrain.stored_history import NONE, IdLinks, LinkedRows, choose_offsets, first_later, links_of


def linked(rng: np.random.Generator, n: int, n_offsets: int) -> LinkedRows:
    """Return rows or records with two ids each, of which some are missing."""
    ids = [rng.choice(np.array([*"abcd", None], object), n) for _ in range(2)]
    links = links_of(ids, pd.Index([*"abcd"]))
    return LinkedRows(rng.integers(1, n_offsets, n), rng.integers(0, 20, n), links)


def ids_of(links: IdLinks, place: int) -> set[int]:
    return {*links.codes[links.owners == place].tolist()}


@pytest.mark.parametrize("seed", range(20))
def test_the_first_later_row_and_shared_histories(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, scores = linked(rng, 30, 40)._replace(offsets=np.sort(rng.choice(60, 30, replace=False))), linked(rng, 20, 50)
    later = [
        {
            int(offset)
            for place, (offset, time) in enumerate(zip(rows.offsets, rows.times, strict=True))
            if offset > own and time < cutoff and ids_of(rows.links, place) & ids_of(scores.links, score)
        }
        for score, (own, cutoff) in enumerate(zip(scores.offsets, scores.times, strict=True))
    ]
    limits = first_later(rows, scores)
    assert limits.tolist() == [min(of_score, default=NONE) for of_score in later]
    chosen = choose_offsets(scores.offsets, limits)
    assert ((scores.offsets <= chosen) & ((chosen < limits) | (limits == NONE))).all()
    assert (chosen[limits == NONE] == NONE).all()


def test_without_rows_or_scores_nothing_is_late() -> None:
    rng, empty = np.random.default_rng(0), np.empty(0, np.int64)
    none = LinkedRows(empty, empty, links_of([], pd.Index([])))
    assert first_later(none, linked(rng, 3, 9)).tolist() == [NONE] * 3
    assert first_later(linked(rng, 3, 9), none).tolist() == []
