"""The campaigns of the rings: who writes which text when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.random import Generator

from .basics import DAY, Bools, Floats, Ints
from .fraud import FRAUD
from .obfuscation import KINDS
from .people import People
from .text import slot_values

__all__ = ["CampaignPlan", "languages", "plan_campaigns"]

_LANGUAGES: Final = ("en", "zh")
_FIRST_KNOWN: Final = 0.4
_NEW_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """Bursts of fraud messages; every field has one entry a campaign.

    Attributes
    ----------
    ring : ndarray of int
    chinese : ndarray of bool
    language : tuple of {"zh", "en"}
    start, length : ndarray of int, in microseconds
    size : ndarray of int
        Number of messages.
    template : tuple of str
    fixed : tuple of mapping
        Slots that have the same value in every message.
    kinds : tuple of sequences of str
        The disguises it uses, in the order of preference.

    Examples
    --------
    >>> from fraudsieve.training.simulation.basics import Period
    >>> from fraudsieve.training.simulation.people import make_people, make_rings
    >>> rng, period = np.random.default_rng(0), Period(start=0, end=90 * DAY)
    >>> rings = make_rings(rng, period=period, generations=1)
    >>> people = make_people(rng, period=period, rings=rings, n_accounts=200)
    >>> campaigns = plan_campaigns(rng, people, n_messages=300)
    >>> int(campaigns.size.sum()), len(set(campaigns.ring.tolist()))
    (300, 8)
    """

    ring: Ints
    chinese: Bools
    language: tuple[str, ...]
    start: Ints
    length: Ints
    size: Ints
    template: tuple[str, ...]
    fixed: tuple[Mapping[str, str], ...]
    kinds: tuple[Sequence[str], ...]


def languages(chinese: Bools) -> list[str]:
    """Name the languages.

    Examples
    --------
    >>> languages(np.array([True, False]))
    ['zh', 'en']
    """
    return [_LANGUAGES[flag] for flag in chinese.astype(int).tolist()]


def plan_campaigns(rng: Generator, people: People, *, n_messages: int) -> CampaignPlan:
    """Plan the campaigns: two to eight a ring, its languages in turn; evenly spread where nothing drifts.

    Parameters
    ----------
    rng : numpy.random.Generator
    people : People
    n_messages : int
        Fraud messages in all, at least two a ring.

    Returns
    -------
    CampaignPlan

    Examples
    --------
    >>> from fraudsieve.training.simulation.basics import Period
    >>> from fraudsieve.training.simulation.people import make_people, make_rings
    >>> rng, period = np.random.default_rng(0), Period(start=0, end=90 * DAY)
    >>> rings = make_rings(rng, period=period, generations=1)
    >>> people = make_people(rng, period=period, rings=rings, n_accounts=200)
    >>> campaigns = plan_campaigns(rng, people, n_messages=300)
    >>> bool((campaigns.start + campaigns.length <= rings.end[campaigns.ring]).all())
    True
    """
    period, rings = people.period, people.rings
    most = min(8, n_messages // len(rings.size))
    ring = np.repeat(np.arange(len(rings.size)), rng.integers(max(2, most // 2), most + 1, len(rings.size)))
    n = len(ring)
    chinese = (np.arange(n) + rng.integers(2)) % 2 == 0
    life = rings.end[ring] - rings.start[ring]
    length = np.minimum(rng.uniform(0.5, 4, n) * DAY, life / 2).astype(np.int64)
    when, shares = rng.random(n), rng.dirichlet(np.full(n, 1.5))
    if not period.drifts:  # as many messages one week as the next
        when, shares = (rng.permutation(n) + 0.5) / n, np.full(n, 1 / n)
    start = rings.start[ring] + (when * (life - length)).astype(np.int64)
    language = languages(chinese)
    return CampaignPlan(
        ring=ring,
        chinese=chinese,
        language=tuple(language),
        start=start,
        length=length,
        size=1 + rng.multinomial(n_messages - n, shares),
        template=_templates(rng, rings.crime[ring], language, period.progress(start)),
        fixed=tuple(slot_values(rng=rng, language=one) for one in language),
        kinds=tuple(tuple(rng.permutation(list(KINDS[one])).tolist()) for one in language),
    )


def _templates(rng: Generator, crime: Ints, language: Sequence[str], progress: Floats) -> tuple[str, ...]:
    """Draw a template for each campaign among those invented by then; often one of the latest."""
    pools = {
        (c, one): rng.permutation(templates[one]).tolist()
        for c, templates in enumerate(FRAUD.values())
        for one in _LANGUAGES
    }
    chosen: list[str] = []
    for c, one, part in zip(crime.tolist(), language, progress.tolist(), strict=True):
        known = ceil(len(pools[c, one]) * (_FIRST_KNOWN + (1 - _FIRST_KNOWN) * part))
        back = rng.geometric(0.4) if rng.random() < _NEW_SHARE else rng.integers(1, known + 1)
        chosen.append(pools[c, one][max(0, known - back)])
    return tuple(chosen)
