"""Messages of errors are those of their file, which has those of tests that exist."""

import pytest

from tests.messages import MESSAGES, exists, refused


def test_every_message_is_of_a_test() -> None:
    assert len(MESSAGES.known) > 200
    assert [key for key in MESSAGES.known if not exists(key)] == []
    assert not exists("tests/test_messages.py::test_nothing 1")


def test_another_message_or_field_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(got: str) -> None:
        raise ValueError(f"amount: expected a number, got {got}")

    with refused(ValueError, "amount"):
        fail("text")
    monkeypatch.setattr(MESSAGES, "writes", False)
    with pytest.raises(AssertionError, match="another message than in"), refused(ValueError, "amount"):
        fail("a text")
    with pytest.raises(AssertionError, match="expected the names"), refused(ValueError, "label"):
        fail("text")
