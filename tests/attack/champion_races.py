"""Processes that promote and roll back at the same time: one wins, or both do, one after the other."""

import itertools
import multiprocessing
from collections import Counter
from multiprocessing.synchronize import Barrier
from typing import Any, Final

import mlflow

from fraudsieve.exceptions import FraudsieveError
from fraudsieve.training.promotion.decision import promote, rollback
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry

__all__ = ["race"]

NAME: Final = "raced"
FIRST: Final = ["1", "2"]
"""The champions before each round."""
PROMOTIONS: Final = "3", "4"
ROUND_SECONDS: Final = 120.0


def race(uri: str, n_rounds: int) -> Counter[str]:
    """Let two processes change the champion of a new model at the same time, and count how each round ended.

    Both promote in every second round; in the others one promotes and one rolls back. A round ends "one after the
    other", "one refused", or with the description of a fault.
    """
    registry = Registry(uri, NAME)
    registry.client.create_registered_model(NAME)
    for _ in range(4):
        registry.client.create_model_version(NAME, "file:///nothing")
    context, ends = multiprocessing.get_context("spawn"), Counter[str]()
    barrier, results = context.Barrier(3), context.Queue()
    others = [
        context.Process(target=_change_champion, args=(uri, n_rounds, number, barrier, results), daemon=True)
        for number in range(2)
    ]
    for process in others:
        process.start()
    for number in range(n_rounds):
        registry.make_champion(FIRST[-1], FIRST)
        barrier.wait(ROUND_SECONDS)
        said = dict(results.get(timeout=ROUND_SECONDS) for _ in range(2))
        actions = [_action(number, process) for process in range(2)]
        ends[_judge(actions, [said[0], said[1]], registry)] += 1
    for process in others:
        process.join(ROUND_SECONDS)
    return ends


def _action(number: int, process: int) -> str:
    """Return the version that a process promotes in a round, or "rollback"."""
    return "rollback" if number % 2 == 0 and process == 1 else PROMOTIONS[process]


def _change_champion(uri: str, n_rounds: int, process: int, barrier: Barrier, results: Any) -> None:
    mlflow.set_tracking_uri(uri)
    recipe = Recipe.read(overrides={"name": NAME, "track.uri": uri})
    for number in range(n_rounds):
        action = _action(number, process)
        barrier.wait(ROUND_SECONDS)
        try:
            if action == "rollback":
                decision = rollback(recipe)
            else:
                decision = promote(recipe, challenger=f"models:/{NAME}/{action}", force=True, reason="a race")
            results.put((process, (decision.decision, decision.champion)))
        except FraudsieveError as error:
            results.put((process, (f"error: {type(error).__name__}", "")))
        except Exception as error:
            results.put((process, (f"fault: {type(error).__name__}", "")))


def _judge(actions: list[str], said: list[tuple[str, str]], registry: Registry) -> str:
    """Return how a round ended: the alias, the champions and what the processes said must be of some order."""
    champions, champion = registry.champions(), registry.aliases().get("champion")
    if any(kind.startswith("fault") for kind, _ in said):
        return f"{said}"
    done = [number for number in range(2) if said[number][0] in ("promoted by hand", "rolled back")]
    for order in itertools.permutations(done):
        expected = list(FIRST)
        for number in order:
            expected = expected[:-1] if actions[number] == "rollback" else [*expected, actions[number]]
            if said[number][1] != expected[-1]:
                break
        else:
            if champions == expected and champion == expected[-1] and done:
                return "one after the other" if len(done) == 2 else "one refused"
    return f"{list(zip(actions, said, strict=True))}: the champion is {champion}, the champions are {champions}"
