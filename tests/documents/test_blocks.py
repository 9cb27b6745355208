"""Every block of the README and the documents runs as it is written, in order, in a folder with the reader's files."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fraudsieve
from tests.quickstart import run_quickstart
from tests.shared import mlflow_uri

from .blocks import AFTER, NOT_RUN, RUN, TRANSLATIONS, Block, blocks_of, documents, reason_not_to_run
from .session import Session
from .tables import write_tables

PROGRAMS = ("bash", "curl", "openssl")
FIRST = ("README.md", "README.zh-CN.md", "docs/quickstart.md")
"""What a new user reads first; a release runs the other documents (`tests.tiers`)."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Return a session in a folder with the reader's files, where the quickstart has been run."""
    folder = tmp_path_factory.mktemp("reader")
    write_tables(folder)
    empty, printed = run_quickstart()
    shutil.copytree(empty, folder, dirs_exist_ok=True)
    (folder / "printed by quickstart").write_text(printed, "utf-8")
    mlflow_uri(folder)
    with Session(folder, forks=True) as session:
        yield session


@pytest.fixture(scope="module")
def read(session: Session) -> Callable[[str], None]:
    """Run the blocks of a document, and before them those of the documents that it needs, all in one folder."""
    finished = set[str]()

    def run(document: str) -> None:
        for needed in AFTER.get(document, ()):
            run(needed)
        if document not in finished:
            for block in blocks_of(document):
                if reason_not_to_run(block) is None:
                    session.run(block)
            session.shell("stop_server")
            finished.add(document)

    return run


def test_blocks_have_a_language_that_is_run() -> None:
    blocks = [block for document in documents() for block in blocks_of(document)]
    assert len(blocks) > 20
    assert [block.place for block in blocks if reason_not_to_run(block) is None and block.language not in RUN] == []


def test_what_is_not_run_exists() -> None:
    texts = [block.text for document in documents() for block in blocks_of(document)]
    assert [part for part in NOT_RUN if not any(part in text for text in texts)] == []


def test_the_documents_that_are_needed_exist_and_what_they_need_is_named() -> None:
    assert {*AFTER} | {needed for several in AFTER.values() for needed in several} <= {*documents()}
    for document, several in AFTER.items():
        assert {more for needed in several for more in AFTER.get(needed, ())} <= {*several}, document


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}")
@pytest.mark.parametrize("document", FIRST)
def test_the_blocks_of_a_first_document_run(document: str, read: Callable[[str], None], session: Session) -> None:
    read(document)
    if document.startswith("README"):
        session.execute(f"{document}:0", "assert score['status'] == 'ok' and score['reasons'], score")


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}")
@pytest.mark.parametrize("document", [name for name in documents() if name not in (*FIRST, *TRANSLATIONS)])
def test_the_blocks_of_a_document_run(document: str, read: Callable[[str], None]) -> None:
    read(document)


def test_a_translation_has_the_blocks_of_its_original() -> None:
    for translation, original in TRANSLATIONS.items():
        texts = [[(block.language, block.text) for block in blocks_of(page)] for page in (translation, original)]
        assert texts[0] == texts[1], translation
        assert len(texts[0]) > 5


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "false"),
        ("sh", 'pip install "fraudsieve[nonsense]"'),
        ("sh", "curl localhost:8000/nothing-listens"),
        ("python", "a_name_that_is_not_defined"),
        ("toml", "unknown_key = 1"),
        ("console", "$ false"),
        ("console", "$ echo 2 words\n3 lines"),
        ("console", "$ printf '1 a\\n2 b\\n'\n1 b\n2 a"),
    ],
)
def test_a_wrong_block_is_noticed(language: str, text: str, tmp_path: Path) -> None:
    with Session(tmp_path) as session, pytest.raises(AssertionError, match=r"README\.md:7"):
        session.run(Block("README.md", 7, language, text))


def test_names_last_from_block_to_block(tmp_path: Path) -> None:
    with Session(tmp_path) as session:
        for language, text in (
            ("sh", "A=1\necho x > file"),
            ("console", '$ [ "$A" = 1 ] && cat file && echo and 1,000.5 more\nx\n…\nand   2 more'),
            ("python", "a = 1\nprint('\"')"),
            ("python", "assert a == 1"),
        ):
            session.run(Block("README.md", 1, language, text))


def test_a_command_is_run_once(tmp_path: Path) -> None:
    with Session(tmp_path) as session:
        assert "Usage" in session.shell("once train --help")
        next(tmp_path.glob("printed by*")).write_text("kept")
        assert session.shell("once train --help") == "kept"
        with pytest.raises(AssertionError, match="exits with 2"):
            session.shell("once train")
        assert len(list(tmp_path.glob("printed by*"))) == 1


@pytest.mark.slow
def test_a_fork_is_like_a_new_process(session: Session) -> None:
    call = "cd inner && $COMMAND --version && $COMMAND train 2>errors || echo $?"
    assert session.shell(f"mkdir inner && ({call})").splitlines() == [fraudsieve.__version__, "2"]
    assert "--messages" in (session.folder / "inner" / "errors").read_text()
    assert "rows in inner/messages" in session.shell(
        "$COMMAND simulate --output inner --days 7 --n-accounts 100 | grep row"
    )
    assert session.shell("($COMMAND nonsense | cat) 2>/dev/null || echo failed") == "failed\n"


def test_names_end_with_a_document_and_files_do_not(tmp_path: Path) -> None:
    with Session(tmp_path) as session:
        session.run(Block("README.md", 1, "sh", "A=1\necho x > file"))
        session.run(Block("README.md", 1, "python", "a = 1"))
        session.run(Block("docs/glossary.md", 1, "sh", '[ -z "$A" ] && [ -s file ]'))
        with pytest.raises(AssertionError, match="NameError"):
            session.run(Block("docs/glossary.md", 1, "python", "a"))
