"""Atomic and durable writes: the old file or the new one, synced before the rename, without leftovers; and TOML."""

import os
import stat
import time
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from fraudsieve._io import (
    MAX_KEY_PARTS,
    new_folder,
    read_file,
    read_secret_file,
    read_toml,
    replace_file,
    sync_folder,
    write_file,
)
from fraudsieve.exceptions import LocatedError, SchemaError
from tests.messages import refused

Calls = list[tuple[str, str]]
DOTS = "a." * 5000


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record the calls that matter after a power cut, in order: what was synced, and what was renamed."""
    recorded: Calls = []

    def record(name: str, describe: Callable[..., str]) -> Callable[..., Any]:
        original: Callable[..., Any] = getattr(os, name)

        def call(*arguments: Any) -> Any:
            recorded.append((name, describe(*arguments)))
            return original(*arguments)

        return call

    def kind(descriptor: int) -> str:
        return "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"

    monkeypatch.setattr(os, "fsync", record("fsync", kind))
    monkeypatch.setattr(os, "replace", record("replace", lambda source, target: Path(target).name))
    return recorded


def fail(*arguments: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_synced_then_renamed_then_its_folder_is_synced(tmp_path: Path, calls: Calls) -> None:
    for content in (b"old", b"new"):
        write_file(tmp_path / "a", content)
        assert (tmp_path / "a").read_bytes() == content
    assert calls == [("fsync", "file"), ("replace", "a"), ("fsync", "folder")] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_moved_file_is_synced_then_renamed_then_its_folder_is_synced(tmp_path: Path, calls: Calls) -> None:
    (tmp_path / "staged").write_bytes(b"new")
    (tmp_path / "a").write_bytes(b"old")
    replace_file(tmp_path / "staged", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert calls == [("fsync", "file"), ("replace", "a"), ("fsync", "folder")]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_file(tmp_path / "a", b"old")
    monkeypatch.setattr(os, name, fail)
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_permissions_respect_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "open", b"")
        write_file(tmp_path / "private", b"", mode=0o600)
    finally:
        os.umask(before)
    with new_folder(tmp_path / "folder"):
        pass
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"open": 0o640, "private": 0o600, "folder": 0o700}


def test_a_folder_appears_after_all_of_its_content_is_synced(tmp_path: Path, calls: Calls) -> None:
    with new_folder(tmp_path / "model") as staged:
        write_file(staged / "a", b"1")
        (staged / "more").mkdir()
        write_file(staged / "more" / "b", b"2")
        calls.clear()
        assert not (tmp_path / "model").exists()
    assert calls == [("fsync", "folder")] * 3  # the inner folder, the folder, and its parent once it is renamed
    assert (tmp_path / "model" / "more" / "b").read_bytes() == b"2"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_folder_that_is_not_finished_is_removed(tmp_path: Path, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with new_folder(tmp_path / "model") as staged:
            write_file(staged / "a", b"1")
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write_file(tmp_path / "model" / "a", b"old")
    with pytest.raises(OSError, match="model"), new_folder(tmp_path / "model") as staged:
        write_file(staged / "a", b"new")
    assert (tmp_path / "model" / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot open a folder")
def test_a_folder_that_cannot_be_synced_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


def read(path: Path, limit: int = 8, **options: bool) -> bytes:
    return read_file(path, limit, SchemaError, "Name another.", **options)


def test_a_regular_file_within_the_limit_is_read_through_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345678")
    (tmp_path / "link").symlink_to("a")
    assert read(tmp_path / "link") == b"12345678"
    with refused(SchemaError):
        read(tmp_path / "a", 7)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_files_that_never_end_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # a plain open would wait for its writer
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(SchemaError, match=f"{name}: expected a regular file"):
            read(tmp_path / name)


@pytest.mark.parametrize(("name", "error"), [("none", "FileNotFound"), ("", "IsADirectory"), ("a\0b", "Value")])
def test_what_cannot_be_opened_is_named(tmp_path: Path, name: str, error: str) -> None:
    with refused(SchemaError, f"{error}Error"):
        read(tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_is_open_to_others_is_not_used(tmp_path: Path, monkeypatch: Any, mode: int) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"secret\n")
    key.chmod(0o600)
    assert read_secret_file(key, SchemaError, "Name another.") == b"secret"
    key.chmod(mode)
    assert read(key) == b"secret\n"
    with refused(SchemaError) as caught:
        read_secret_file(key, SchemaError, "Name another.")
    assert "secret\n" not in str(caught.value)
    monkeypatch.setattr(os, "geteuid", lambda: key.stat().st_uid + 1)  # another owner decides about its mode
    assert read_secret_file(key, SchemaError, "Name another.") == b"secret"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(
    "reader",
    [
        "fraudsieve.service.settings.read_label_tokens",
        "fraudsieve.service.settings.read_token",
        "fraudsieve.evidence.kept_content.read_key",
        "fraudsieve.evidence.checkpoints.read_private_key",
        "fraudsieve.leads.keys.read_secrets",
        "fraudsieve.cli.commands.cases._key",
    ],
)
def test_every_key_and_token_has_the_same_rule(tmp_path: Path, reader: str) -> None:
    module, _, name = reader.rpartition(".")
    (tmp_path / "key").write_text("k" * 64)
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(LocatedError, match=r"open to other users \(mode 0644\)"):
        getattr(import_module(module), name)(tmp_path / "key", *("t" * 16 for _ in range(name == "read_label_tokens")))


@pytest.mark.parametrize(
    "text",
    [
        'x = 1.5\ny = [1.5, 2.5, 1979-05-27T07:32:00.5Z]\n[a.b."c d".e]\nz = {a.b = 1}',
        f'x = \'{DOTS}\'\ny = "{DOTS}\\"{DOTS}" # {DOTS}',
        f'x = \'\'\'{DOTS}\'\'{DOTS}\n\'\'\'\ny = """{DOTS}""{DOTS}\\"""{DOTS}"""',
        ".".join("a" * MAX_KEY_PARTS) + " = 1",
    ],
)
def test_what_tomllib_reads(text: str) -> None:
    assert read_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{DOTS}a = 1",
        f"[{DOTS}a]",
        "x = {" + '"a" . ' * 5000 + "a = 1}",
        "x = 'y' # z\n" + "a\t.\t" * 5000 + "a = 1",
    ],
)
def test_a_long_key_is_an_error_at_once(text: str) -> None:
    start = time.thread_time()
    with pytest.raises(ValueError, match="expected keys of at most 32 parts"):
        read_toml(text)
    assert time.thread_time() - start < 0.1


def test_a_number_of_thousands_of_digits_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected numbers and times in their range"):
        read_toml("x = " + "1" * 5000)
