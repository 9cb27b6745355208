"""When drift is too much: which figures of a monitor's sheet pass which bound of the recipe.

Nothing passes a bound that chance explains. For indices `Drift.chance` says what it explains; shares must differ by
three standard errors; calibration must be beyond the bound with its whole interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.training.recipe.sections import MonitorRecipe

from .clusters import Clusters

__all__ = ["Share", "bounds_passed", "rise", "times"]


ERRORS = 3.0
"""Shares that differ by fewer standard errors may be the same."""


@dataclass(frozen=True)
class Share:
    """How many of some rows are something.

    Parameters
    ----------
    hits, rows : int
        How many of how many.
    variance : float
        Of the share.
    """

    hits: int
    rows: int
    variance: float

    @classmethod
    def of(cls, hits: Array, clusters: Clusters | None = None) -> Self:
        """Count rows.

        Parameters
        ----------
        hits : ndarray of bool, shape (n_rows,)
            Which they are.
        clusters : Clusters, default=None
            Rows that are alike; None for none.

        Returns
        -------
        Share

        Examples
        --------
        >>> Share.of(np.array([True, False])).variance
        0.125
        """
        clusters = Clusters.singles(len(hits)) if clusters is None else clusters
        return cls(int(hits.sum()), len(hits), float(clusters.variance(hits[clusters.order, None])[0]))

    @property
    def share(self) -> float:
        """The share."""
        return self.hits / self.rows


def rise(reference: Share, current: Share) -> dict[str, Any]:
    """Compare two shares.

    Parameters
    ----------
    reference, current : Share
        Of rows.

    Returns
    -------
    dict
        ``reference``, ``current`` and ``rise``, as shares, and ``chance``: the rise that chance explains, three
        standard errors of the difference.

    Examples
    --------
    >>> rise(Share(0, 100, 0.0), Share(25, 100, 0.001875))["rise"]
    0.25
    """
    error = float(np.sqrt(reference.variance + current.variance))
    both = {"reference": reference.share, "current": current.share}
    return both | {"rise": current.share - reference.share, "chance": ERRORS * error}


def times(reference: Share, current: Share) -> dict[str, Any]:
    """Compare two shares by how many times one is the other.

    Parameters
    ----------
    reference, current : Share
        Of rows.

    Returns
    -------
    dict
        ``reference`` and ``current``, as shares; ``times`` (current over reference, with half a row added to both
        counts); and ``chance``, a factor: three standard errors of the logarithm of ``times``.

    Examples
    --------
    >>> times(Share(10, 1000, 1e-5), Share(40, 1000, 4e-5))["current"]
    0.04
    """
    added = [(one.hits + 0.5) / (one.rows + 1) for one in (reference, current)]
    # Where nothing is flagged the variance is that of the half row.
    spread = [max(one.variance, p / one.rows) / p**2 for one, p in zip((reference, current), added, strict=True)]
    chance = float(np.exp(ERRORS * np.sqrt(sum(spread))))
    both = {"reference": reference.share, "current": current.share}
    return both | {"times": added[1] / added[0], "chance": chance}


def bounds_passed(sheet: dict[str, Any], settings: MonitorRecipe) -> list[dict[str, Any]]:
    """Tell what passed which bound.

    Parameters
    ----------
    sheet : dict
        As from `monitor`.
    settings : MonitorRecipe
        The bounds.

    Returns
    -------
    list of dict
        ``bound`` (its name in the recipe), ``name`` (of what passed it), ``value``, ``at`` (where the bound is) and
        ``said`` (in words).

    Examples
    --------
    >>> rejected = rise(Share(0, 1000, 0.0), Share(100, 1000, 9e-5))
    >>> shares = {"rejected": rejected, "cold_start": None, "unseen": {}}
    >>> sheet = {"families": [], "scores": {}, "alerts": [], "calibration": None, "shares": shares}
    >>> bounds_passed(sheet, MonitorRecipe())[0]["said"]
    'rejected rows: 10.0 % of the current rows, 0.0 % of the reference; the bound is a rise of 5.0 %'
    """
    return [*_of_indices(sheet, settings), *_of_shares(sheet, settings), *_of_calibration(sheet, settings)]


def _of_indices(sheet: dict[str, Any], settings: MonitorRecipe) -> Iterator[dict[str, Any]]:
    moved = [("family_psi", one["family"], one["worst"]["column"], one["worst"]) for one in sheet["families"]]
    moved += [("score_psi", name, name, one) for name, one in sheet["scores"].items()]
    for bound, name, column, one in moved:
        at = getattr(settings, bound)
        if at is not None and one["excess"] > at and one["clear"]:
            where = f"family {name}, column {column}" if bound == "family_psi" else f"scores, {name}"
            index = f"PSI {one['psi']:.2f}, where {one['expected']:.2f} comes without drift"
            yield _passed(bound, name, one["excess"], at, f"{where}: {index}; the bound is {at:g} above it")


def _of_shares(sheet: dict[str, Any], settings: MonitorRecipe) -> Iterator[dict[str, Any]]:
    shares = sheet["shares"]
    named = [("rejected_rise", "rejected", "rejected rows", shares["rejected"])]
    named += [("cold_start_rise", "cold_start", "rows without a history", shares["cold_start"])]
    named += [("unseen_rise", name, f"unseen categories of {name}", one) for name, one in shares["unseen"].items()]
    for bound, name, words, one in named:
        at = getattr(settings, bound)
        if one is not None and at is not None and one["rise"] > max(at, one["chance"]):
            said = f"{words}: {_both(one)}; the bound is a rise of {_percent(at)}"
            yield _passed(bound, name, one["rise"], at, said)
    at = settings.alerts_times
    for one in sheet["alerts"][:1]:  # the point that decides
        if at is not None and max(one["times"], 1 / one["times"]) > max(at, one["chance"]):
            said = f"alerts at {one['name']}: {_both(one)}; the bound is {at:g} times"
            yield _passed("alerts_times", one["name"], one["times"], at, said)


def _of_calibration(sheet: dict[str, Any], settings: MonitorRecipe) -> Iterator[dict[str, Any]]:
    found = sheet["calibration"]
    if found is None or found["share"] < settings.labelled_share:
        return
    at, value, between = settings.ece, found["ece"], found["intervals"]["ece"]
    if at is not None and between is not None and between[0] > at:
        said = f"calibration error {value:.3f} ({_between(between)}); the bound is {at:g}"
        yield _passed("ece", "ece", value, at, said)
    at, value = settings.observed_times, found["observed_over_expected"]
    between = found["intervals"]["observed_over_expected"]
    if at is not None and between is not None and (between[0] > at or between[1] < 1 / at):
        said = f"{value:.2f} times as much fraud as expected ({_between(between)}); the bound is {at:g} times"
        yield _passed("observed_times", "observed_over_expected", value, at, said)


def _passed(bound: str, name: str, value: float, at: float, said: str) -> dict[str, Any]:
    return {"bound": bound, "name": name, "value": value, "at": at, "said": said}


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _both(one: dict[str, Any]) -> str:
    return f"{_percent(one['current'])} of the current rows, {_percent(one['reference'])} of the reference"


def _between(interval: list[float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"
