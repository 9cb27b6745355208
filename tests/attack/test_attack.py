"""A short run of every generator; ``python -m benchmarks.attack_surface`` is the long one."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from fraudsieve.exceptions import RecipeError
from tests.attack.changes import change_bytes
from tests.attack.outcomes import ACCEPTED, OTHER, REFUSED, SECRET, attempts, generator_names, judge, load
from tests.profiles import size


@pytest.mark.slow
@pytest.mark.parametrize("name", generator_names())
def test_every_input_is_accepted_and_equal_or_refused(name: str, tmp_path: Path) -> None:
    outcomes = list(islice(attempts(load(name, tmp_path)), size(300, usual=25)))
    failures = {seed: outcome.detail for seed, outcome in outcomes if outcome.kind == OTHER}
    assert failures == {}
    kinds = {outcome.kind for _, outcome in outcomes}
    assert kinds == {ACCEPTED, REFUSED}  # a generator whose input is always refused tests too little


def test_the_generators_are_found() -> None:
    assert {"boosters", "floods", "workbooks"} < set(generator_names())
    assert len(generator_names()) >= 12


def refuse(problem: str) -> bool:
    raise RecipeError("recipe", [problem])


def test_an_outcome_is_judged_by_the_result_and_the_error() -> None:
    assert judge(lambda: True).kind == ACCEPTED
    assert judge(lambda: refuse("expected a number")).kind == REFUSED
    for failure in (lambda: False, lambda: bool(1 / 0), lambda: refuse(f"expected a number, got {SECRET}")):
        assert judge(failure).kind == OTHER
    assert "ZeroDivisionError in test_attack.py" in judge(lambda: bool(1 / 0)).detail
    assert judge(lambda: bool(int("x")), refusals=(ValueError,)).kind == REFUSED


def test_the_same_seed_makes_the_same_input() -> None:
    content = bytes(range(256))
    for seed in range(20):
        one, two = (change_bytes(content, np.random.default_rng(seed)) for _ in range(2))
        assert one == two
