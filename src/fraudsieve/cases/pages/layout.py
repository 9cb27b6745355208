"""Places of the nodes of a graph: distances on the page follow distances in the graph. Deterministic."""

from typing import Final

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import shortest_path

from fraudsieve._typing import Array

GOLDEN_ANGLE: Final = np.pi * (3 - 5**0.5)
SPREAD: Final = 0.3
"""Distance by which a spiral separates nodes that are equally far from all others, in steps of the graph."""
STEPS: Final = 40
"""Steps of stress majorisation; more move nodes by less than their size."""
MAX_STRETCH: Final = 2.0
PUSHES: Final = 40
"""Rounds in which nodes that are too near to each other move apart."""


def place_nodes(n_nodes: int, edges: Array, width: float, height: float, gap: float) -> Array:
    """Place the nodes of a graph in a box.

    Notes
    -----
    Stress majorisation (Gansner, Koren and North, 2004) from the classical scaling of the distances.
    """
    if n_nodes == 1:
        return np.array([[width / 2, height / 2]])
    distances = _distances(n_nodes, edges)
    places = _majorise(_start(distances), distances)
    return _push_apart(_fit(_turn(places), width, height), width, height, gap)


def _distances(n_nodes: int, edges: Array) -> Array:
    links = sp.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (n_nodes, n_nodes)).tocsr()
    distances = shortest_path(links, directed=False, unweighted=True)
    reached = np.isfinite(distances)
    out: Array = np.where(reached, distances, distances[reached].max() + 1)
    return out


def _start(distances: Array) -> Array:
    """Return the classical scaling of distances, and a spiral that parts nodes with equal distances."""
    n = len(distances)
    squares = distances**2
    centred = -(squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()) / 2
    values, vectors = np.linalg.eigh(centred)
    flat = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    angle, radius = GOLDEN_ANGLE * np.arange(n), SPREAD * np.sqrt((np.arange(n) + 1) / n)
    spiral: Array = np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None]
    out: Array = _signed(flat[:, ::-1]) + spiral
    return out


def _signed(places: Array) -> Array:
    """Return places whose largest coordinate on each axis is positive: the sign of an eigenvector is arbitrary."""
    largest = np.take_along_axis(places, np.abs(places).argmax(axis=0)[None], axis=0)
    out: Array = places * np.where(largest < 0, -1.0, 1.0)
    return out


def _majorise(places: Array, distances: Array) -> Array:
    n = len(places)
    weights = np.where(distances > 0, np.maximum(distances, 1e-9) ** -2.0, 0.0)
    # It is applied to columns with a sum of 0, for which this is the inverse of the singular Laplacian.
    inverse = np.linalg.inv(np.diag(weights.sum(axis=1)) - weights + 1 / n)
    for _ in range(STEPS):
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        pull = np.where(apart > 1e-9, weights * distances / np.maximum(apart, 1e-9), 0.0)
        places = inverse @ (places * pull.sum(axis=1)[:, None] - pull @ places)
    return places


def _turn(places: Array) -> Array:
    """Return centred places with their longest direction across."""
    centred = places - places.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1]
    return _signed(centred @ axes[:, ::-1])


def _fit(places: Array, width: float, height: float) -> Array:
    """Stretch places to the box, but the flatter direction at most twice as much: a chain stays one."""
    box, low, high = np.array([width, height]), places.min(axis=0), places.max(axis=0)
    scale = box / np.maximum(high - low, 1e-9)
    scale = np.minimum(scale, MAX_STRETCH * scale.min())
    out: Array = (places - (low + high) / 2) * scale + box / 2
    return out


def _push_apart(places: Array, width: float, height: float, gap: float) -> Array:
    box = np.array([width, height])
    n = len(places)
    angle = GOLDEN_ANGLE * np.arange(n)
    aside = np.column_stack([np.cos(angle), np.sin(angle)])  # how nodes at the same place move apart
    for _ in range(PUSHES):
        between = places[:, None] - places[None]
        apart = np.linalg.norm(between, axis=2)
        near = (apart < gap) & ~np.eye(n, dtype=bool)
        if not near.any():
            break
        way = np.where(apart[..., None] > 1e-6, between / np.maximum(apart, 1e-6)[..., None], aside[:, None])
        step = np.where(near[..., None], way * (gap - apart)[..., None] / 2, 0.0).sum(axis=1)
        places = np.clip(places + np.clip(step, -gap, gap), 0, box)
    out: Array = np.clip(places, 0, box)
    return out
