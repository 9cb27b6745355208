"""The memory that a process may take, on machines made of files."""

from pathlib import Path

import pytest

from fraudsieve.training.memory import available_memory

GB = 1 << 30


def machine(root: Path, group: str, files: dict[str, str], *, available: int = 8 * GB) -> Path:
    """Write what the system tells about a machine and a control group."""
    stated = {"proc/meminfo": f"MemTotal: 1 kB\nMemAvailable: {available // 1024} kB\n", "proc/self/cgroup": group}
    for name, text in (stated | files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_without_limits_it_is_that_of_the_machine(tmp_path: Path) -> None:
    assert available_memory(machine(tmp_path, "0::/\n", {})) == 8 * GB


@pytest.mark.parametrize("folder", ["sys/fs/cgroup", "sys/fs/cgroup/pod", "sys/fs/cgroup/pod/box"])
def test_a_container_has_what_its_group_and_those_above_leave(tmp_path: Path, folder: str) -> None:
    files = {
        f"{folder}/memory.max": f"{4 * GB}\n",
        f"{folder}/memory.current": f"{3 * GB}\n",
        # cached files are given back
        f"{folder}/memory.stat": f"anon {2 * GB}\ninactive_file {GB // 2}\nactive_file {GB // 2}\n",
    }
    assert available_memory(machine(tmp_path, "0::/pod/box\n", files)) == 2 * GB


def test_a_group_without_a_limit(tmp_path: Path) -> None:
    files = {"sys/fs/cgroup/box/memory.max": "max\n", "sys/fs/cgroup/box/memory.current": f"{GB}\n"}
    assert available_memory(machine(tmp_path, "0::/box\n", files)) == 8 * GB


@pytest.mark.parametrize(("limit", "expected"), [(2 * GB, GB), (0x7FFFFFFFFFFFF000, 8 * GB)])
def test_the_first_version_of_groups(tmp_path: Path, limit: int, expected: int) -> None:
    files = {
        "sys/fs/cgroup/memory/box/memory.limit_in_bytes": f"{limit}\n",
        "sys/fs/cgroup/memory/box/memory.usage_in_bytes": f"{GB}\n",
        "sys/fs/cgroup/memory/box/memory.stat": "cache 0\n",
    }
    assert available_memory(machine(tmp_path, "5:cpu:/x\n4:memory:/box\n0::/\n", files)) == expected


def test_a_group_that_is_over_its_limit_has_nothing_left(tmp_path: Path) -> None:
    files = {f"sys/fs/cgroup/memory.{name}": f"{size}\n" for name, size in {"max": GB, "current": 2 * GB}.items()}
    files["sys/fs/cgroup/memory.stat"] = "inactive_file 0\n"
    assert available_memory(machine(tmp_path, "0::/\n", files)) == 0


def test_systems_that_do_not_tell(tmp_path: Path) -> None:
    assert available_memory(tmp_path) is None
    (machine(tmp_path, "0::/\n", {}) / "proc/meminfo").write_text("MemTotal: 1 kB\n")
    assert available_memory(tmp_path) is None
