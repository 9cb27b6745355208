"""The campaigns of the fraud rings: which ring sends which text at what time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.random import Generator

from fraudsieve._microseconds import DAY

from .basics import Bools, Floats, Ints
from .obfuscation import KINDS
from .people import People
from .templates import FRAUD
from .text import slot_values

_LANGUAGES: Final = ("en", "zh")
_FIRST_SHARE: Final = 0.4
_NEW_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """Bursts of fraud messages; every field has one entry per campaign."""

    ring: Ints
    chinese: Bools
    language: tuple[str, ...]
    start: Ints
    length: Ints
    size: Ints
    template: tuple[str, ...]
    # Slots with the same value in every message.
    fixed: tuple[Mapping[str, str], ...]
    # Its obfuscations, in order of preference.
    kinds: tuple[Sequence[str], ...]


def languages(chinese: Bools) -> list[str]:
    """Return the language of each flag."""
    return [_LANGUAGES[flag] for flag in chinese.astype(int).tolist()]


def plan_campaigns(rng: Generator, people: People, *, n_messages: int) -> CampaignPlan:
    """Plan two to eight campaigns per ring, in alternating languages; without drift they are spread evenly.

    There must be at least two messages per ring.
    """
    period, rings = people.period, people.rings
    max_size = min(8, n_messages // len(rings.size))
    ring = np.repeat(np.arange(len(rings.size)), rng.integers(max(2, max_size // 2), max_size + 1, len(rings.size)))
    n = len(ring)
    chinese = (np.arange(n) + rng.integers(2)) % 2 == 0
    life = rings.end[ring] - rings.start[ring]
    length = np.minimum(rng.uniform(0.5, 4, n) * DAY, life / 2).astype(np.int64)
    when, shares = rng.random(n), rng.dirichlet(np.full(n, 1.5))
    if not period.drifts:  # the same number of messages every week
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
        fixed=tuple(slot_values(rng=rng, language=code) for code in language),
        kinds=tuple(tuple(rng.permutation(list(KINDS[code])).tolist()) for code in language),
    )


def _templates(rng: Generator, crime: Ints, language: Sequence[str], progress: Floats) -> tuple[str, ...]:
    """Draw a template for each campaign from those in use by then; often one of the latest."""
    pools = {
        (c, code): rng.permutation(templates[code]).tolist()
        for c, templates in enumerate(FRAUD.values())
        for code in _LANGUAGES
    }
    chosen: list[str] = []
    for c, code, part in zip(crime.tolist(), language, progress.tolist(), strict=True):
        n_used = ceil(len(pools[c, code]) * (_FIRST_SHARE + (1 - _FIRST_SHARE) * part))
        back = rng.geometric(0.4) if rng.random() < _NEW_SHARE else rng.integers(1, n_used + 1)
        chosen.append(pools[c, code][max(0, n_used - back)])
    return tuple(chosen)
