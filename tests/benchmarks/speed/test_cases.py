"""The speed benchmark of cases, on few actions."""

from benchmarks.speed.cases import flagged_actions, measure_cases


def test_every_step_is_timed_and_rings_become_cases() -> None:
    figures = measure_cases(flagged_actions(560))
    steps = [value for name, value in figures.items() if name.startswith("cpu_seconds.")]
    assert sum(steps) == figures["cpu_seconds"]
    assert figures["links"] > 4 * 560
    assert 10 <= figures["cases"] < 310
