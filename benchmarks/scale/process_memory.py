"""Memory and processor time of a process and of those that it started."""

import os
from pathlib import Path

__all__ = ["memory_below", "seconds_below"]


def memory_below(pid: int) -> dict[int, tuple[str, float]]:
    """Return the name and the megabytes of a process and its descendants, with pages shared by several split.

    Examples
    --------
    >>> import os
    >>> name, megabytes = memory_below(os.getpid())[os.getpid()]
    >>> megabytes > 1
    True
    """
    sizes = {}
    for member in _family(pid):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            name = Path(f"/proc/{member}/comm").read_text()
        except OSError:
            continue
        kilobytes = next((line.split()[1] for line in lines if line.startswith("Pss:")), "0")
        sizes[member] = name, int(kilobytes) / 1024
    return sizes


def seconds_below(pid: int) -> dict[int, float]:
    """Return the seconds that each of a process and its descendants has spent on a core, in user and kernel mode.

    Examples
    --------
    >>> import os
    >>> seconds_below(os.getpid())[os.getpid()] > 0
    True
    """
    family, per_second = _family(pid), os.sysconf("SC_CLK_TCK")
    return {member: (int(family[member][11]) + int(family[member][12])) / per_second for member in family}


def _family(pid: int) -> dict[int, list[str]]:
    """Return what the system says of a process and its descendants, from the state on."""
    said: dict[int, list[str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            said[int(stat.parent.name)] = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
    family = {pid} & {*said}
    while more := {child for child, fields in said.items() if int(fields[1]) in family} - family:
        family |= more
    return {member: said[member] for member in family}
