"""Keccak-256, beside the standard library's SHA-3 and with the digests that Ethereum names."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.checksums.keccak import DIGEST, KECCAK, SHA3, keccak_256


def digest(message: bytes, padding: int) -> bytes:
    out = np.empty(DIGEST, np.uint8)
    keccak_256(np.frombuffer(message, np.uint8), padding, out)
    return out.tobytes()


@given(st.binary(max_size=135))
def test_with_the_padding_of_sha3_it_is_sha3(message: bytes) -> None:
    assert digest(message, SHA3) == hashlib.sha3_256(message).digest()


def test_with_its_own_padding_it_is_ethereums() -> None:
    """Of nothing (the yellow paper's hash of no code), and of a word in the tests of Keccak's authors."""
    assert digest(b"", KECCAK).hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert digest(b"abc", KECCAK).hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
