"""Kernels that two processes compile side by side."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from benchmarks.cold import listing
from benchmarks.cold.__main__ import _prepare

from fraudsieve import _precompiled
from fraudsieve._precompiled import Kernel, compile_rest, compiling, listed_kernels, missing_kernels

SMALL = ("_share_kernel", "_describe_chars", "_add_kernel")
RUN = """
import json
from importlib import import_module
from fraudsieve._precompiled import _OtherProcess, listed_kernels
kernels = [kernel for kernel in listed_kernels("message") if kernel.name in {names!r}]
before = [kernel.is_cached() for kernel in kernels]
side = _OtherProcess(kernels)
side._thread.join({patience})
after = [kernel.is_cached() for kernel in kernels]
side.help()
for kernel in kernels:
    kernel.compile()
stats = [getattr(import_module(kernel.module), kernel.name).stats for kernel in kernels]
side.close()
hits = [sum(one.cache_hits.values()) for one in stats]
print(json.dumps([before, after, hits, side._process.returncode is not None]))
"""


def run_beside(folder: Path, program: str) -> Any:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    call = [sys.executable, "-c", program]
    output = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
    return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize("subject", ["message", "account", "training"])
def test_listed_kernels_exist_and_their_types_can_be_read(subject: str) -> None:
    kernels = listed_kernels(subject)
    assert len(kernels) >= _precompiled.MIN_KERNELS
    for kernel in kernels:
        function = getattr(import_module(kernel.module), kernel.name)
        n_arguments = len(function.py_func.__code__.co_varnames[: function.py_func.__code__.co_argcount])
        assert {len(types) for types in kernel.types()} == {n_arguments}, kernel.name


def test_what_another_process_has_compiled_is_loaded_from_the_cache(tmp_path: Path) -> None:
    program = RUN.format(names=SMALL, patience=120)
    assert run_beside(tmp_path, program) == [[False] * 3, [True] * 3, [1] * 3, True]


def test_a_process_that_fails_leaves_its_kernels_to_this_one(tmp_path: Path) -> None:
    program = "import sys\nsys.executable = '/bin/false'\n" + RUN.format(names=SMALL, patience=120)
    before, after, hits, ended = run_beside(tmp_path, program)
    assert (before, after, ended) == ([False] * 3, [False] * 3, True)
    assert hits == [0, 0, 0]  # compiled here


def test_the_other_process_ends_when_its_pipe_is_closed() -> None:
    process = subprocess.Popen([sys.executable, "-P", "-m", "fraudsieve._precompiled"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) == 0


def test_nothing_starts_where_it_is_of_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*arguments: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(_precompiled, "_OtherProcess", start)
    monkeypatch.setattr(sys, "executable", "/usr/sbin/uwsgi")
    with compiling("message"):
        pass
    monkeypatch.undo()
    monkeypatch.setattr(_precompiled, "_OtherProcess", start)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    with compiling("message"):
        pass


def test_a_container_with_one_core_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    for quota, is_of_use in (("max 100000", True), ("250000 100000", True), ("150000 100000", False)):
        (tmp_path / "cpu.max").write_text(f"{quota}\n")
        monkeypatch.setattr(_precompiled, "CPU_QUOTA", tmp_path / "cpu.max")
        assert _precompiled._is_of_use() == is_of_use, quota


def test_a_kernel_that_does_not_compile_ahead_is_left_to_its_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(kernel: Kernel) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Kernel, "compile", fail)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    side = _precompiled._OtherProcess(listed_kernels("message"))
    side.help()
    side.close()
    assert side._next() is None


def test_a_kernel_is_missing_if_the_cache_lacks_it(tmp_path: Path) -> None:
    program = "import json\nfrom fraudsieve._precompiled import missing_kernels, listed_kernels\n"
    program += "print(json.dumps([len(missing_kernels('message')), len(listed_kernels('message'))]))"
    n_missing, n_listed = run_beside(tmp_path, program)
    assert n_missing == n_listed
    assert set(missing_kernels("message")) <= set(listed_kernels("message"))


def test_what_is_left_is_compiled_where_the_first_kernel_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels, compiled, steps = listed_kernels("training"), list[Kernel](), list[str]()
    monkeypatch.setattr(Kernel, "is_cached", lambda kernel: kernel in compiled)
    monkeypatch.setattr(Kernel, "compile", lambda kernel: compiled.append(kernel))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(_precompiled, "_is_of_use", lambda: True)
    compile_rest(steps.append)
    assert not steps
    with compiling("training"):
        assert not compiled
        with compiling("training"):
            pass
        assert not compiled, "the block within does nothing"
        compile_rest(steps.append)
        assert len(compiled) >= len(kernels) - 1  # one may have been sent to the process that failed
        assert len(steps) == 1
    assert not _precompiled._running


@pytest.mark.slow
def test_the_list_is_what_a_first_result_compiles(tmp_path: Path) -> None:
    _prepare(tmp_path)
    for subject in ("message", "account"):
        program = (
            "import json\nfrom pathlib import Path\nfrom fraudsieve import _precompiled\n"
            "_precompiled.MIN_KERNELS = 10**6  # nothing is compiled ahead\n"
            f"from benchmarks.cold.listing import lines\nprint(json.dumps(lines({subject!r}, Path({str(tmp_path)!r}))))"
        )
        lines = run_beside(tmp_path / subject, program)
        found = {Kernel(*line.split("\t")) for line in lines}
        assert found == set(listed_kernels(subject)), "run python -m benchmarks.cold.listing"


def test_types_are_written_as_numba_reads_them() -> None:
    for subject in ("message", "account", "training"):
        for kernel in listed_kernels(subject):
            assert ";".join(map(str, map(listing.signature_of, kernel.types()))) == kernel.signatures
