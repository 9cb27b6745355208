"""Addresses of crypto currencies: valid ones built from invented bytes, and invalid ones."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.crypto import CRYPTO, find_crypto
from fraudsieve.features.text.codepoints import pack

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def base58check(payload: bytes) -> str:
    whole = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(whole), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return "1" * (len(whole) - len(whole.lstrip(b"\0"))) + text


def polymod(values: list[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for k, part in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= part if top >> k & 1 else 0
    return state


def segwit(version: int, program: bytes, constant: int | None = None) -> str:
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [version] + [int(bits[k : k + 5], 2) for k in range(0, len(bits), 5)]
    constant = constant or (1 if version == 0 else 0x2BC830A3)
    check = polymod([3, 3, 0, 2, 3, *data, 0, 0, 0, 0, 0, 0]) ^ constant
    return "bc1" + "".join(BASE32[value] for value in data + [check >> 5 * (5 - k) & 31 for k in range(6)])


def found(text: str) -> list[str]:
    return [CRYPTO[kind] for _, kind, _, _ in find_crypto(pack([text])).tolist()]


def other(char: str, alphabet: str) -> str:
    return alphabet[(alphabet.index(char) + 1) % len(alphabet)]


def test_known_addresses_from_the_standards() -> None:
    assert found("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa") == ["bitcoin"]  # the first block
    assert found("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4") == ["bitcoin"]  # BIP 173
    assert found("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4") == ["bitcoin"]
    assert found("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0") == ["bitcoin"]  # BIP 350
    assert found("0x52908400098527886E0F7030069857D2E4169EE7") == ["ethereum"]  # EIP-55


@given(st.text("0123456789abcdefABCDEF", min_size=40, max_size=40))
def test_forty_hexadecimal_digits_are_an_address_of_ethereum_in_every_case(digits: str) -> None:
    assert found(f"0x{digits}") == found(f"0X{digits}") == ["ethereum"]
    assert found(f"0x{digits[:-1]}") == found(f"0x{digits}0") == found(f"0x{digits[:-1]}g") == []


@given(st.sampled_from([0, 5, 0x41, 0x6F]), st.binary(min_size=20, max_size=20))
def test_base58_is_valid_and_any_wrong_character_makes_it_invalid(version: int, body: bytes) -> None:
    address = base58check(bytes([version]) + body)
    kinds = {0: ["bitcoin"], 5: ["bitcoin"], 0x41: ["tron"], 0x6F: []}[version]
    assert found(f"转到{address}。") == (kinds if len(address) >= 26 else [])
    for place, char in enumerate(address):
        assert found(address[:place] + other(char, BASE58) + address[place + 1 :]) == []
    assert found("1" + address) == found("x" + address) == found(address + "1") == found(address[:-1] + "0") == []


@given(st.integers(0, 18), st.binary(min_size=1, max_size=42))
def test_bech32_follows_its_rules_and_any_wrong_character_makes_it_invalid(version: int, program: bytes) -> None:
    address = segwit(version, program)
    fits = version <= 16 and 2 <= len(program) <= 40 and (version > 0 or len(program) in (20, 32))
    holds = fits and 26 <= len(address) <= 90
    assert found(address) == found(address.upper()) == (["bitcoin"] if holds else [])
    for place in range(3, len(address)):
        assert found(address[:place] + other(address[place], BASE32) + address[place + 1 :]) == []
    assert found(segwit(version, program, 0x2BC830A3 if version == 0 else 1)) == []
    assert found("b" + address[1:].upper()) == found("B" + address[1:]) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("0x" + "aB" * 20, ["ethereum"]),
        ("0X" + "12" * 20, ["ethereum"]),
        ("转0x" + "12" * 20 + "吧", ["ethereum"]),
        ("0x" + "12" * 19 + "1g", []),
        ("0x" + "12" * 19, []),
        ("0x" + "12" * 20 + "1", []),
        ("a0x" + "12" * 20, []),
        ("ordinary text, and 12345678901234567890123456789012", []),
        ("1" * 26, []),
        ("", []),
    ],
)
def test_addresses_of_handmade_texts(text: str, kinds: list[str]) -> None:
    assert found(text) == kinds
