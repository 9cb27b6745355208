"""Every block of the README and the documents runs as it is written, in order, in a folder with the reader's files."""

import shutil
from pathlib import Path

import pytest

from tests.shared import shared_folder

from .blocks import BEFORE, NOT_RUN, RUN, Block, blocks_of, documents, reason_not_to_run
from .session import Session
from .tables import write_tables

PROGRAMS = ("bash", "curl", "openssl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that a reader has."""
    shutil.copytree(shared_folder("documents", write_tables), tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_blocks_have_a_language_that_is_run() -> None:
    blocks = [block for document in documents() for block in blocks_of(document)]
    assert len(blocks) > 20
    assert [block.place for block in blocks if reason_not_to_run(block) is None and block.language not in RUN] == []


def test_what_is_not_run_exists() -> None:
    texts = [block.text for document in documents() for block in blocks_of(document)]
    assert [part for part in NOT_RUN if not any(part in text for text in texts)] == []


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}")
@pytest.mark.parametrize("document", documents())
def test_the_blocks_of_a_document_run(document: str, folder: Path) -> None:
    with Session(folder) as session:
        session.shell(BEFORE.get(document, ""))
        for block in blocks_of(document):
            if reason_not_to_run(block) is None:
                session.run(block)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "false"),
        ("sh", 'pip install "fraudsieve[nonsense]"'),
        ("sh", "curl localhost:8000/nothing-listens"),
        ("python", "a_name_that_is_not_defined"),
        ("toml", "unknown_key = 1"),
        ("console", "$ false"),
    ],
)
def test_a_wrong_block_is_noticed(language: str, text: str, tmp_path: Path) -> None:
    with Session(tmp_path) as session, pytest.raises(AssertionError, match=r"README\.md:7"):
        session.run(Block("README.md", 7, language, text))


def test_names_last_from_block_to_block(tmp_path: Path) -> None:
    with Session(tmp_path) as session:
        for language, text in (
            ("sh", "A=1\necho x > file"),
            ("console", '$ [ "$A" = 1 ] && cat file\nx'),
            ("python", "a = 1\nprint('\"')"),
            ("python", "assert a == 1"),
        ):
            session.run(Block("README.md", 1, language, text))
