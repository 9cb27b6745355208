"""Memory of a process and of those that it started, shared pages counted once."""

from pathlib import Path

__all__ = ["memory_below"]


def memory_below(pid: int) -> dict[int, tuple[str, float]]:
    """Return the name and the megabytes of a process and its descendants, with pages shared by several split.

    Examples
    --------
    >>> import os
    >>> name, megabytes = memory_below(os.getpid())[os.getpid()]
    >>> megabytes > 1
    True
    """
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family, sizes = {pid}, {}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    for member in family:
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            name = Path(f"/proc/{member}/comm").read_text()
        except OSError:
            continue
        kilobytes = next((line.split()[1] for line in lines if line.startswith("Pss:")), "0")
        sizes[member] = name, int(kilobytes) / 1024
    return sizes
