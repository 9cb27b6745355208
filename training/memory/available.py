"""The memory that this process may still take: that of the machine, or of its container."""

from pathlib import Path

__all__ = ["available_memory"]

ROOT = Path("/")
NO_LIMIT = 1 << 60
"""Version 1 of control groups writes a number near 2**63 for no limit."""
VERSIONS = (
    ("", "sys/fs/cgroup", "memory.max", "memory.current", ""),
    ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)
"""Controller, mount, files of the limit and of the use, and the prefix of names in ``memory.stat``, by version."""
CACHED = ("inactive_file", "active_file")
"""Files in memory that the system gives back when memory is short."""


def available_memory(root: Path = ROOT) -> int | None:
    """Return the bytes that this process may still take.

    Parameters
    ----------
    root : Path, optional
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    int or None
        The least of what is available on the machine and in each control group of the process. None where the system
        does not tell, as on macOS and Windows.

    Examples
    --------
    >>> available = available_memory()
    >>> available is None or available > 0
    True
    """
    try:
        of_machine = _number_after("MemAvailable:", root / "proc/meminfo") * 1024
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return None
    limits = [_of_group(root, line) for line in groups]
    return max(min([of_machine, *(limit for limit in limits if limit is not None)]), 0)


def _of_group(root: Path, line: str) -> int | None:
    """Return what is left to a control group and to those above it; None if nothing is limited."""
    _, controllers, path = line.split(":", 2)
    left = []
    for controller, mount, limit, used, prefix in VERSIONS:
        if controller not in controllers.split(","):
            continue
        base = root / mount
        group = base / path.lstrip("/")
        # In a container, the path may be that of the host, and the mount the group itself.
        for folder in [group, *group.parents]:
            if not folder.is_relative_to(base):
                break
            left += _left(folder, limit, used, prefix)
    return min(left, default=None)


def _left(folder: Path, limit: str, used: str, prefix: str) -> list[int]:
    try:
        most = int((folder / limit).read_text())  # "max" for no limit
        cached = sum(_number_after(f"{prefix}{name} ", folder / "memory.stat", "0") for name in CACHED)
        in_use = int((folder / used).read_text()) - cached
    except (OSError, ValueError):
        return []
    return [most - in_use] if most < NO_LIMIT else []


def _number_after(name: str, file: Path, missing: str = "") -> int:
    """Return the number behind a name in a file. Raises ValueError if it is missing and has no default."""
    lines = (line for line in file.read_text().splitlines() if line.startswith(name))
    number = next(lines, name + missing).removeprefix(name).split()
    return int(number[0] if number else "")
