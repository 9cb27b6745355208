"""Keccak-256, the checksum of Ethereum addresses; the standard library has only SHA-3, with another padding.

The constants are those of FIPS 202. Keccak as submitted, which Ethereum uses, pads with 1 instead of 6.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array

__all__ = ["DIGEST", "KECCAK", "SHA3", "keccak_256"]


KECCAK, SHA3 = 0x01, 0x06
"""The first byte of the padding."""
RATE = 136
"""Block size in bytes."""
DIGEST = 32
"""Digest size in bytes."""
ROUNDS, LANES = 24, 25


def _round_constants() -> Array:
    """Return the 24 constants of iota, from the shift register of FIPS 202, algorithm 5."""
    constants, state = np.zeros(ROUNDS, np.uint64), 1
    for number in range(ROUNDS):
        for power in range(7):
            if state & 1:
                constants[number] |= np.uint64(1) << np.uint64((1 << power) - 1)
            state = state << 1 ^ (0x171 if state & 0x80 else 0)
    return constants


def _pi_and_rho() -> tuple[Array, Array]:
    """Return the order of the lanes in pi, and their rotations in rho (FIPS 202, algorithms 2 and 3)."""
    lanes, rotations, x, y = np.zeros(LANES - 1, np.int64), np.zeros(LANES - 1, np.uint64), 1, 0
    for step in range(LANES - 1):
        x, y = y, (2 * x + 3 * y) % 5
        lanes[step], rotations[step] = x + 5 * y, (step + 1) * (step + 2) // 2 % 64
    return lanes, rotations


IOTA = _round_constants()
PI, RHO = _pi_and_rho()


@nb.njit(inline="always")
def _rotate_left(lane: np.uint64, by: np.uint64) -> np.uint64:
    return np.uint64((lane << by) | (lane >> (np.uint64(64) - by)))


@nb.njit(nogil=True)
def _permute(state: Array) -> None:
    sums = np.empty(5, np.uint64)
    for number in range(ROUNDS):
        for x in range(5):
            sums[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
        for x in range(5):
            theta = sums[(x + 4) % 5] ^ _rotate_left(sums[(x + 1) % 5], np.uint64(1))
            for y in range(0, LANES, 5):
                state[x + y] ^= theta
        moved = state[1]
        for step in range(LANES - 1):
            moved, state[PI[step]] = state[PI[step]], _rotate_left(moved, RHO[step])
        for y in range(0, LANES, 5):
            sums[:] = state[y : y + 5]
            for x in range(5):
                state[x + y] = sums[x] ^ (~sums[(x + 1) % 5] & sums[(x + 2) % 5])
        state[0] ^= IOTA[number]


@nb.njit(cache=True, nogil=True)
def keccak_256(message: Array, padding: int, out: Array) -> None:
    """Write the digest of a message shorter than one block.

    Parameters
    ----------
    message : ndarray of uint8, shape (n_bytes,)
        At most 135 bytes, which is not checked.
    padding : int
        `KECCAK` or `SHA3`.
    out : ndarray of uint8, shape (32,)
        Filled in.

    Examples
    --------
    >>> import hashlib
    >>> out = np.empty(32, np.uint8)
    >>> keccak_256(np.frombuffer(b"abc", np.uint8), SHA3, out)
    >>> out.tobytes() == hashlib.sha3_256(b"abc").digest()
    True
    """
    state = np.zeros(LANES, np.uint64)
    for at in range(message.size):
        state[at // 8] ^= np.uint64(message[at]) << np.uint64(8 * (at % 8))
    state[message.size // 8] ^= np.uint64(padding) << np.uint64(8 * (message.size % 8))
    state[RATE // 8 - 1] ^= np.uint64(0x80) << np.uint64(56)
    _permute(state)
    for at in range(DIGEST):
        out[at] = (state[at // 8] >> np.uint64(8 * (at % 8))) & np.uint64(255)
