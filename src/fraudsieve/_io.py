"""Atomic and durable writes, and bounded reads.

A reader finds the old file or folder or the complete new one, even after a power cut. Content is written under a
temporary name in the same folder, synced to the disk and renamed. Then the folder is synced, because a new name is
durable only after that.

A bounded read neither waits for a writer, as of a named pipe, nor reads a device without end. TOML is read in time
proportional to its length.
"""

import getpass
import os
import re
import secrets
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from fraudsieve.exceptions import LocatedError

PRIVATE: Final = 0o600
"""Permissions of a file with messages, accounts or events, or with values of them: only its owner reads it."""
MAX_KEY_PARTS: Final = 32
_QUOTED_OR_COMMENT: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\Z)'
    r"|'[^'\n]*+(?:'|(?=\n)|\Z)"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_LONG_KEY: Final = re.compile(rf"(?:\.[ \t]*+[\w-]++[ \t]*+){{{MAX_KEY_PARTS}}}")
SECRET_BYTES: Final = 1 << 16
"""Size limit of a file with a key or a token."""


def sync_data(descriptor: int) -> None:
    """Wait until the content of an open file is on the disk, but not its times: syncing these too costs more."""
    getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS and Windows have no fdatasync


def sync_folder(folder: str | Path) -> None:
    """Make the names in a folder durable: files that were created, renamed or deleted."""
    if os.name == "nt":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: str | Path, limit: int, error: type[LocatedError], fix: str, *, is_secret: bool = False) -> bytes:
    """Read a regular file of limited size; of a link, its target."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as stream:
            status = os.fstat(stream.fileno())
            problem = _read_problem(status, limit)
            if problem is None and is_secret and _is_open_to_others(status):
                problem = f"is a secret, and open to other users (mode {stat.S_IMODE(status.st_mode):04o})"
                fix = f"Close it to them: chmod 600 {path}."
            content = b"" if problem else stream.read(status.st_size + 1)
    except (OSError, ValueError) as failure:  # ValueError: a name with a null character
        raise error(str(path), f"cannot be read ({type(failure).__name__})", fix) from None
    if len(content) > status.st_size:
        problem = "grew while it was read"
    if problem is not None:
        raise error(str(path), problem, fix)
    return content


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read_problem(status: os.stat_result, limit: int) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return "expected a regular file, got a pipe, a device or a socket"
    return None if status.st_size <= limit else f"expected at most {limit:,} bytes, got {status.st_size:,}"


def _is_open_to_others(status: os.stat_result) -> bool:
    if os.name == "nt":  # permissions are not in the mode
        return False
    return status.st_uid == os.geteuid() and bool(status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def read_secret_file(path: str | Path, error: type[LocatedError], fix: str) -> bytes:
    """Read a key or a token without whitespace at both ends; raise an error if the file is open to other users."""
    return read_file(path, SECRET_BYTES, error, fix, is_secret=True).strip()


def lock_file(descriptor: int) -> bool:
    """Lock an open file until it is closed; return False if another process holds the lock.

    Windows and some file systems have no locks.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def replace_file(source: str | Path, target: str | Path, *, mode: int | None = None) -> None:
    """Move a finished file to its place, replacing an existing one. Both must be on the same file system.

    `mode` are its permissions; None leaves them as they are.
    """
    if mode is not None:
        Path(source).chmod(mode)
    with Path(source).open("rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(source, target)
    sync_folder(Path(target).parent)


def write_file(path: str | Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file, replacing an existing one."""
    with replacing(path, mode=mode) as stream:
        stream.write(content)


@contextmanager
def replacing(path: str | Path, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """Write a file in parts, replacing an existing one when the block ends without an error.

    Yields a temporary file in the same folder, opened for writing bytes.
    """
    path = Path(path)
    staged = path.parent / f".{path.name}-{secrets.token_hex(8)}"
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
        replace_file(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def check_output_file(path: str | Path) -> None:
    """Check, before any work, that a file can be written; its folder is created."""
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path}: expected a file to write, got a folder. Name a file in it, or another file.")
    check_parent(Path(path))


def check_not_an_input(output: str | Path, *inputs: str | Path | None) -> None:
    """Check, before any work, that a file to write is not one of the files that are read or appended to."""
    for path in inputs:
        if path is not None and Path(path).resolve() == Path(output).resolve():
            raise FileExistsError(f"{path}: the output would overwrite this input. Choose another output.")


def check_output_folder(path: str | Path) -> None:
    """Check, before any work, that a new folder can be created; its parent is created."""
    if os.path.lexists(path):
        raise FileExistsError(f"{path}: expected a new folder, got an existing one. Name another one, or remove it.")
    check_parent(Path(path))


def check_parent(path: Path) -> None:
    """Create the folder of an output; raise PermissionError, which names the output, if it cannot be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Permissions do not say everything: the file system may be read-only, or full.
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        problem = f"{path}: the folder of the output cannot be written to ({type(error).__name__})"
        raise PermissionError(f"{problem}. Choose another place.") from None


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """Create a folder of files, completely or not at all; only the owner can open it.

    Yields a temporary folder to fill, with `write_file`. It is renamed to `folder` if the block ends without an error,
    else deleted.
    """
    folder = Path(folder)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield staged
        for path in (*filter(Path.is_dir, staged.rglob("*")), staged):
            sync_folder(path)
        staged.rename(folder)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def read_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    The time of `tomllib` grows with the square of the parts of a key: a megabyte of ``a.a.a`` would take hours.
    """
    if _LONG_KEY.search(_QUOTED_OR_COMMENT.sub("_", text)) is not None:
        raise ValueError(f"expected keys of at most {MAX_KEY_PARTS} parts, got a longer one")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("expected numbers and times in their range, got one outside") from None


def which_version(version: object, time: object) -> str:
    """Return the version of fraudsieve that reads what it wrote at a time, for the fix of an error about a format.

    Both come from a file, so that only what looks like a version and a date is repeated.
    """
    words = f"{version} of {time}"[:60]
    found = re.match(r"[0-9][0-9a-z.+]* of \d{4}-\d\d-\d\d", words)
    return f"{'The fraudsieve that wrote it' if found is None else f'fraudsieve {found[0]}'} reads it."


def user_name(unknown: str) -> str:
    """Return the user of this process, as far as known."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run under a number that has no name
        return unknown
