"""Atomic and durable writes: a reader finds the old file or folder or the complete new one, even after a power cut.

Content is written under a temporary name in the same folder, synced to the disk and renamed. Then the folder is synced,
because a new name is durable only after that.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["new_folder", "replace_file", "sync_descriptor", "sync_folder", "write_file"]


def sync_descriptor(descriptor: int) -> None:
    """Wait until all that was written to an open file is on the disk."""
    os.fsync(descriptor)


def sync_folder(folder: str | Path) -> None:
    """Make the names in a folder durable: files that were created, renamed or deleted."""
    if os.name == "nt":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def replace_file(source: str | Path, target: str | Path) -> None:
    """Move a finished file to its place, replacing an existing one. Both must be on the same file system."""
    with Path(source).open("rb+") as stream:
        sync_descriptor(stream.fileno())
    os.replace(source, target)
    sync_folder(Path(target).parent)


def write_file(path: str | Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file, replacing an existing one.

    Parameters
    ----------
    path : str or Path
        The file; its folder must exist.
    content : bytes
        The complete content.
    mode : int, default=0o644
        Its permissions, before the umask.
    """
    path = Path(path)
    staged = path.parent / f".{path.name}-{secrets.token_hex(8)}"
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            sync_descriptor(stream.fileno())
        os.replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def new_folder(folder: str | Path, *, mode: int = 0o755) -> Iterator[Path]:
    """Create a folder of files, completely or not at all.

    Parameters
    ----------
    folder : str or Path
        The folder, which does not exist yet; its parent does.
    mode : int, default=0o755
        Its permissions.

    Yields
    ------
    Path
        A temporary folder to fill, with `write_file`. It is renamed to `folder` if the block ends without an error,
        else deleted.
    """
    folder = Path(folder)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield staged
        for path in (*filter(Path.is_dir, staged.rglob("*")), staged):
            sync_folder(path)
        staged.chmod(mode)
        staged.rename(folder)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    sync_folder(folder.parent)
