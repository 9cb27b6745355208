"""The estimate of the memory of a run, and the error before the work."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from benchmarks.scale.train_tables import write_events, write_messages

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import ShortOfMemoryError
from fraudsieve.training import memory as module
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.fit import train
from fraudsieve.training.memory import MARGIN, DataSize, check_memory, data_size, needed_memory, train_share
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused

PEAK = """
import json, sys
from pathlib import Path
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
recipe = Recipe.read(None, {"track.enabled": False, "n_jobs": 2, "evaluate.attack": False})
train(recipe, output=sys.argv[3], **{sys.argv[1]: sys.argv[2]})
# Not ru_maxrss, which begins with the memory of the process that started this one.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(json.dumps(int(peak.split()[1]) * 1024))
"""


def peak(table: str, source: Path, output: Path) -> int:
    """Return the peak memory of a training run in a process of its own."""
    call = [sys.executable, "-c", PEAK, table, str(source), str(output)]
    return int(json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout.splitlines()[-1]))


def data_of(table: str, source: Path) -> tuple[int, float]:
    """Return the number of rows, and the estimate in bytes."""
    recipe = Recipe.read(None, {"n_jobs": 2})
    data = read_data(recipe, {table: str(source)}, min_label_rows=1)
    share = train_share(data, recipe)
    return len(data.rows), needed_memory(data_size(data, recipe), train_share=share, n_jobs=2)


@pytest.mark.slow
@pytest.mark.parametrize(("table", "small", "large"), [("messages", 10_000, 70_000), ("events", 20_000, 220_000)])
def test_the_estimate_is_near_the_peak(table: str, small: int, large: int, tmp_path: Path) -> None:
    """What the check is worth: a run that needs far more than there is stops, where the system would kill it later.

    A machine with a third of the peak is refused, and one with all of it is not.
    """
    measured, estimated = [], []
    for rows in (small, large):
        source = tmp_path / f"{table}{rows}"
        {"messages": write_messages, "events": write_events}[table](source, rows)
        measured.append(peak(table, source, tmp_path / f"model{rows}"))
        estimated.append(data_of(table, source)[1])
    # The difference leaves out what the libraries take.
    ratio = (estimated[1] - estimated[0]) / (measured[1] - measured[0])
    assert 1 / MARGIN < ratio < MARGIN
    needed, peak_of_run = estimated[1] - estimated[0], measured[1] - measured[0]
    assert needed > MARGIN * peak_of_run / 3
    assert needed <= MARGIN * peak_of_run


@pytest.mark.parametrize("subject", [Subject.MESSAGE, Subject.EVENT])
def test_it_is_linear(subject: Subject) -> None:
    one, two = (
        needed_memory(DataSize(subject, rows=n, columns=100, characters=60 * n, events=n)) for n in (10**8, 2 * 10**8)
    )
    assert two / one == pytest.approx(2, rel=0.05)


def messages() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "message_id": [f"m{i}" for i in range(40)],
            "text": ["win a prize now", "see you at six"] * 20,
            "label": ["spam", "ham"] * 20,
            "channel": ["sms", "chat"] * 20,
        }
    )


def test_a_matrix_in_a_file_takes_the_memory_of_its_bins() -> None:
    sizes = [DataSize(Subject.EVENT, rows=8_000_000, columns=200, has_file=has_file) for has_file in (True, False)]
    in_file, in_memory = map(needed_memory, sizes)
    assert in_memory - in_file == (8 - 1) * 200 * 8_000_000
    small = [DataSize(Subject.EVENT, rows=1_000_000, columns=200, has_file=has_file) for has_file in (True, False)]
    assert len({*map(needed_memory, small)}) == 1


def test_the_data_size_messages() -> None:
    recipe = Recipe.read(None, {"features.columns": ["channel"]})
    size = data_size(read_data(recipe, {"messages": messages()}, min_label_rows=1), recipe)
    assert (size.subject, size.rows, size.characters, size.outputs) == ("message", 40, 20 * (15 + 14), 1)
    assert 90 < size.columns < 110


def test_training_stops_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_memory", lambda: 10_000)
    steps: list[str] = []
    with refused(ShortOfMemoryError):
        train(
            Recipe.read(None, {"track.enabled": False}),
            output=tmp_path / "model",
            messages=messages(),
            progress=steps.append,
        )
    assert steps[-1] == "reading"
    assert not (tmp_path / "model").exists()


def test_enough_and_unknown_memory_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe()
    data = read_data(recipe, {"messages": messages()}, min_label_rows=1)
    check_memory(data, recipe, 10**9)
    monkeypatch.setattr(module, "available_memory", lambda: None)
    check_memory(data, recipe)


@pytest.mark.parametrize("n_jobs", [-1, 64])
def test_more_cores_than_fits_need_no_more_memory(n_jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def estimate(size: DataSize, *, train_share: float, n_jobs: int) -> int:
        asked.append(n_jobs)
        return 0

    monkeypatch.setattr(module, "needed_memory", estimate)
    recipe = Recipe.read(None, {"n_jobs": n_jobs})
    check_memory(read_data(recipe, {"messages": messages()}, min_label_rows=1), recipe, available=1)
    assert asked[0] <= recipe.features.n_folds + 1
    assert asked[0] >= 1
