"""The token, and the machines that a service is open to."""

from pathlib import Path

import pytest

from fraudsieve.exceptions import ServiceError
from fraudsieve.service.settings import Settings, check_exposure, listen, read_token
from tests.messages import refused

TOKEN = "correct-horse-battery"


def test_a_file_takes_precedence_over_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(f" {TOKEN}\n")
    assert read_token(file, {"FRAUDSIEVE_TOKEN": "of-the-environment"}) == TOKEN
    assert read_token(None, {"FRAUDSIEVE_TOKEN": TOKEN}) == TOKEN
    assert read_token(None, {}) is None


@pytest.mark.parametrize("token", ["", " ", "short", "a token of several words", "ключ-ключ-ключ-ключ"])
def test_invalid_tokens_are_rejected_and_not_shown(token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(token, "utf-8")
    arguments: tuple[Path | None, dict[str, str]]
    for arguments in ((file, {}), (None, {"FRAUDSIEVE_TOKEN": token})):
        with pytest.raises(ServiceError, match="at least 16 printable ASCII characters") as caught:
            read_token(*arguments)
        assert not token.strip() or token not in str(caught.value)
    with pytest.raises(ServiceError, match="FileNotFoundError"):
        read_token(tmp_path / "none", {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_token(host: str) -> None:
    check_exposure(host, None, is_open=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "scores.example"])
def test_other_machines_need_one_unless_allowed(host: str) -> None:
    check_exposure(host, TOKEN, is_open=False)
    check_exposure(host, None, is_open=True)
    with refused(ServiceError):
        check_exposure(host, None, is_open=False)


def test_the_token_is_not_printed_and_only_aliases_are_followed() -> None:
    assert TOKEN not in repr(Settings(token=TOKEN))
    assert Settings(address="models:/sms@champion").alias == "models:/sms@champion"
    assert Settings(address="models:/sms/3").alias is None
    assert Settings(address="folder@home").alias is None


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(ServiceError, match=r"203\.0\.113\.9, port 0: cannot be listened on"):
        listen("203.0.113.9", 0)
