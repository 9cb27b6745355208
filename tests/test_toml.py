"""TOML of unknown origin: what tomllib reads, but no long keys, whose time grows with their square."""

import time
import tomllib

import pytest

from fraudsieve._toml import MAX_KEY_PARTS, read_toml

DOTS = "a." * 5000


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
