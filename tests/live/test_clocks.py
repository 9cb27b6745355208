"""Processes on hosts whose clocks differ: each decides by its own clock what is in the future, and all agree."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.samples import event

HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
OFFSETS = (timedelta(), 3 * HOUR, -5 * HOUR)
"""How far each host is ahead."""


@pytest.mark.slow
def test_hosts_whose_clocks_differ_have_equal_states(account_scorer: Scorer, address: str) -> None:
    states = [LiveState(account_scorer, address, follow=False) for _ in OFFSETS]
    n_accepted, n_rejected = 0, 0
    for number in range(24):
        host, ahead = number % 3, timedelta(minutes=20 * (number // 3))  # up to two hours and twenty minutes
        sent = event(event_id=number, occurred_at=NOW + ahead)
        (rejected,) = [states[host].update(sent, now=NOW + OFFSETS[host]).rejected]
        is_in_future = ahead > OFFSETS[host] + HOUR
        assert bool(rejected) == is_in_future, (host, ahead)
        assert all("a time that is not in the future" in rejection.reason for rejection in rejected)
        n_accepted, n_rejected = n_accepted + (not rejected), n_rejected + len(rejected)
    query = {"account_id": "a1", "as_of": NOW + 4 * HOUR}
    for live in states:
        live.catch_up()
    for one, two in pairwise(states):
        assert content(one.state) == content(two.state)
        assert one.score(query) == two.score(query)
    assert (n_accepted, n_rejected) == (12, 12)
    # What the host that is behind rejected, another accepts; sent to both, it counts once.
    late = event(event_id="again", occurred_at=NOW)
    assert states[2].update(late, now=NOW + OFFSETS[2]).rejected != ()
    assert states[0].update(late, now=NOW).rejected == ()
    states[1].update(late, now=NOW + OFFSETS[1])
    assert states[1].state.n_events == n_accepted + 1
    for live in states:
        live.close()
    with LiveState(account_scorer, address) as restored:
        assert content(restored.state) == content(states[1].state)
