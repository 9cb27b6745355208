"""Options that say how tables are read: their errors on the command line."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

DATES = b'account_id,occurred_at,amount,label\na,03/04/2026,"1,5",spam\nb,4/25/2026 2:05 PM,2,ham\n'
TRAIN = ("train", "--no-track", "--events", "dates.csv")
ORDER = (
    "occurred_at: expected the year first, got it last: only --month-first fits, which reads 03/04/2026 as March 4 (2)"
)
SIGN = (
    "amount: expected a decimal point, got a comma: --decimal , reads 1,5 as 1.5, "
    "and --decimal . reads 1,234 as 1234 (1)"
)
EXPECTED = "Expected in events: account_id (id), occurred_at (time)."


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), f"dates.csv: none of 2 rows is accepted: {ORDER}, {SIGN}. {EXPECTED}"),
        (("--month-first",), f"dates.csv: 1 of 2 rows are rejected, more than a share of 0: {SIGN}. Correct them"),
        (("--time-zone", "Asia/Shangai"), "recipe: data.time_zone: expected a time zone such as Asia/Shanghai, got"),
        (("--decimal", ";"), "recipe: data.decimal: expected '.' or ',', got ';'"),
        (("--header-row", "9"), "dates.csv: --header-row: row 9 is blank, or does not exist."),
        (("--column", "amount=amout"), "dates.csv: none of 2 rows is accepted: "),
        (("--column", "events.amount=amout"), "dates.csv: there is no column 'amout', which was named for events; got"),
    ],
)
def test_a_wrong_option_is_an_error_that_says_what_to_do(run: Run, options: tuple[str, ...], expected: str) -> None:
    Path("dates.csv").write_bytes(DATES)
    code, answer, _ = run(*TRAIN, "--max-rejected", "0", *options)
    assert answer["error"].startswith(expected)
    assert code == 2
