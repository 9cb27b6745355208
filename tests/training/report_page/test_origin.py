"""Where a page comes from: date, command without secrets, run in MLflow."""

from collections.abc import Iterator
from contextvars import Context, copy_context
from datetime import UTC, datetime

import pytest

from fraudsieve._command import command_line, remember_command
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.evaluation import render_report

MADE_AT = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_context() -> Iterator[None]:
    before = command_line()
    yield
    assert command_line() == before


def typed(*arguments: str) -> str | None:
    context = copy_context()
    context.run(remember_command, arguments)
    return context.run(command_line)


def test_a_command_is_as_it_was_typed() -> None:
    assert typed("evaluate", "--messages", "my mails.csv") == "fraudsieve evaluate --messages 'my mails.csv'"
    assert Context().run(command_line) is None  # in a process in which no command ran


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:secret@db:5432/mails", "'postgresql://***@db:5432/mails'"),
        ("postgresql://me:se@cret@db/mails?query=select secret\nfrom t", "'postgresql://***@db/mails?...'"),
        ("postgresql://me:se/cret@db/mails#select a@b", "'postgresql://***@db/mails#...'"),
        ("mysql://db:3306/mails#select 'secret@'", "mysql://..."),
        ("postgresql://me@db:5432/mails", "'postgresql://***@db:5432/mails'"),
        ("sqlite:///mails.db#select id from t where name = 'x'", "'sqlite:///mails.db#...'"),
        ("s3://bucket/part-*.parquet", "'s3://bucket/part-*.parquet'"),
        ("--messages=mysql://u:secret@h/d", "'--messages=mysql://***@h/d'"),
    ],
)
def test_a_command_shows_no_secrets(address: str, shown: str) -> None:
    assert typed("train", address) == f"fraudsieve train {shown}"


def test_the_page_says_it(reports: dict[str, EvaluationReport]) -> None:
    origin = PageOrigin(run="https://mlflow.example/#/runs/1", made_at=MADE_AT, command="fraudsieve train <a>")
    html = render_report(reports["account"], origin=origin)
    assert "Made on 2026-05-01 09:30 UTC with <code>fraudsieve train &lt;a&gt;</code>." in html
    assert '<a href="https://mlflow.example/#/runs/1" rel="noreferrer">The run in MLflow</a>' in html


def test_a_run_without_an_address_is_named(reports: dict[str, EvaluationReport]) -> None:
    html = render_report(reports["account"], origin=PageOrigin(run="javascript:alert(1)", made_at=MADE_AT))
    assert "Run in MLflow: <code>javascript:alert(1)</code>." in html
    assert "<a " not in html
