"""Keccak-256, compared with the SHA-3 of the standard library and with published digests."""

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
def test_the_padding_of_sha3_gives_sha3(message: bytes) -> None:
    assert digest(message, SHA3) == hashlib.sha3_256(message).digest()


def test_the_padding_of_keccak_gives_the_hash_of_ethereum() -> None:
    """The digests of an empty input (from the yellow paper) and of a test vector of the authors of Keccak."""
    assert digest(b"", KECCAK).hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert digest(b"abc", KECCAK).hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
