"""Addresses of Bitcoin, Ethereum and TRON in raw text, with their checksums.

Texts must not be folded, since base58 is case-sensitive. Only runs of at least 26 letters and digits are checked, so
ordinary messages cost one comparison per character. Legacy Bitcoin addresses and TRON addresses end with four bytes of
a double SHA-256, newer Bitcoin addresses with a bech32 or bech32m checksum. The checksum of Ethereum is the case of its
letters (EIP-55). An address in a single letter case has none, so every 0x with forty hexadecimal digits counts.
"""

import hashlib

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.cues.checksums.keccak import DIGEST, KECCAK, keccak_256
from fraudsieve.features.text.characters import code_number
from fraudsieve.features.text.codepoints import CodePoints
from fraudsieve.features.text.spans import count_spans

__all__ = ["CRYPTO", "count_crypto", "find_crypto"]


CRYPTO = ("bitcoin", "ethereum", "tron")
BITCOIN, ETHEREUM, TRON = range(3)
SHORTEST, LONGEST = 26, 90
BASE58_LONG = 35
ETHEREUM_LENGTH = 42
BYTES = 25
PAYLOAD = 21
TRON_VERSION = 0x41
BECH32, BECH32M = 1, 0x2BC830A3
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _alphabet_values(alphabet: str) -> Array:
    """Return the value of each ASCII character in an alphabet; 255 for characters that are not in it."""
    values = np.full(128, 255, np.uint8)
    values[[ord(char) for char in alphabet]] = np.arange(len(alphabet))
    return values


BASE58 = _alphabet_values("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
BASE32 = _alphabet_values("qpzry9x8gf2tvdw0s3jn54khce6mua7l")


@nb.njit(inline="always")
def _is_alnum(code: np.uint32) -> bool:
    return bool(48 <= code <= 57 or 65 <= code <= 90 or 97 <= code <= 122)


@nb.njit(nogil=True)
def _is_hex(codes: Array, begin: int, end: int) -> bool:
    for at in range(begin, end):
        code = codes[at] | 32
        if not (48 <= codes[at] <= 57 or 97 <= code <= 102):
            return False
    return True


@nb.njit(nogil=True)
def _has_valid_case(codes: Array, begin: int, end: int) -> bool:
    """Return whether the case of the letters is a valid EIP-55 checksum, or all letters have one case."""
    lower, digest = np.empty(end - begin, np.uint8), np.empty(DIGEST, np.uint8)
    n_upper, n_lower = 0, 0
    for at in range(begin, end):
        code = codes[at]
        n_upper += 65 <= code <= 70
        n_lower += 97 <= code <= 102
        lower[at - begin] = code | 32
    if n_upper == 0 or n_lower == 0:
        return True
    keccak_256(lower, KECCAK, digest)
    for k in range(end - begin):
        code = codes[begin + k]
        half = digest[k // 2] >> 4 if k % 2 == 0 else digest[k // 2] & 15
        if code >= 65 and (code <= 70) != (half >= 8):
            return False
    return True


@nb.njit(nogil=True)
def _decode_base58(codes: Array, begin: int, end: int, values: Array, out: Array) -> bool:
    """Decode base58 to 25 bytes; return False if the run does not encode exactly 25 bytes."""
    out[:] = 0
    for at in range(begin, end):
        carry = np.int64(values[codes[at]])
        if carry == 255:
            return False
        for k in range(BYTES - 1, -1, -1):
            carry += np.int64(58) * out[k]
            out[k] = carry & 255
            carry >>= 8
        if carry:
            return False
    zeros, ones = 0, 0
    while zeros < BYTES and out[zeros] == 0:
        zeros += 1
    while begin + ones < end and codes[begin + ones] == 49:
        ones += 1
    return zeros == ones


@nb.njit(inline="always")
def _bech32_step(state: int, value: int) -> int:
    top = state >> 25
    state = ((state & 0x1FFFFFF) << 5) ^ value
    for k in range(5):
        if (top >> k) & 1:
            state ^= GENERATOR[k]
    return state


@nb.njit(nogil=True)
def _is_bech32(codes: Array, begin: int, end: int, values: Array) -> bool:
    """Return whether a run is a SegWit Bitcoin address (BIP 173, BIP 350) in one letter case."""
    upper = codes[begin] < 97
    state = 1
    for part in (3, 3, 0, 98 & 31, 99 & 31):  # "bc", expanded
        state = _bech32_step(state, part)
    for at in range(begin + 3, end):
        code = codes[at]
        if 65 <= code <= 90:
            if not upper:
                return False
            code = np.uint32(code + 32)
        elif 97 <= code <= 122 and upper:
            return False
        if values[code] == 255:
            return False
        state = _bech32_step(state, code_number(values[code]))
    version = np.int64(values[codes[begin + 3] + 32 if 65 <= codes[begin + 3] <= 90 else codes[begin + 3]])
    bits = (end - begin - 3 - 1 - 6) * 5
    size = bits // 8
    if bits % 8 >= 5 or version > 16 or not 2 <= size <= 40 or (version == 0 and size != 20 and size != 32):
        return False
    return state == (BECH32 if version == 0 else BECH32M)


@nb.njit(cache=True, nogil=True)
def crypto_kernel(codes: Array, offsets: Array, base58: Array, base32: Array) -> tuple[Array, Array]:
    """Return the spans that may be addresses, and the decoded base58 bytes, whose checksums are not yet verified."""
    capacity = codes.size // SHORTEST + 1
    spans, decoded, n_spans = np.empty((capacity, 4), np.int64), np.empty((capacity, BYTES), np.uint8), 0
    for i in range(offsets.size - 1):
        stop = offsets[i + 1]
        at = offsets[i]
        while at < stop:
            begin = at
            while at < stop and _is_alnum(codes[at]):
                at += 1
            size = at - begin
            if SHORTEST <= size <= LONGEST:
                kind = _kind(codes, begin, at, base58, base32, decoded[n_spans])
                if kind >= 0:
                    spans[n_spans, 0], spans[n_spans, 1], spans[n_spans, 2], spans[n_spans, 3] = i, kind, begin, at
                    n_spans += 1
            at += 1
    return spans[:n_spans], decoded[:n_spans]


@nb.njit(nogil=True)
def _kind(codes: Array, begin: int, end: int, base58: Array, base32: Array, out: Array) -> int:
    """Return the currency that a run of letters and digits may be an address of, or -1."""
    size, first = end - begin, codes[begin]
    out[0] = 255
    if size == ETHEREUM_LENGTH and first == 48 and codes[begin + 1] | 32 == 120 and _is_hex(codes, begin + 2, end):
        return ETHEREUM if _has_valid_case(codes, begin + 2, end) else -1
    if first | 32 == 98 and codes[begin + 1] | 32 == 99 and codes[begin + 2] == 49:  # bc1
        has_one_case = (first < 97) == (codes[begin + 1] < 97)
        return BITCOIN if has_one_case and _is_bech32(codes, begin, end, base32) else -1
    if size > BASE58_LONG or not _decode_base58(codes, begin, end, base58, out):
        return -1
    return TRON if out[0] == TRON_VERSION else BITCOIN if out[0] == 0 or out[0] == 5 else -1


def _has_valid_checksum(decoded: bytes) -> bool:
    """Return whether the last four bytes are the first four of the double SHA-256 of the payload."""
    return hashlib.sha256(hashlib.sha256(decoded[:PAYLOAD]).digest()).digest()[:4] == decoded[PAYLOAD:]


def find_crypto(texts: CodePoints) -> Array:
    """Find addresses of crypto currencies.

    Parameters
    ----------
    texts : CodePoints
        Raw texts, not folded.

    Returns
    -------
    ndarray of int64, shape (n_found, 4)
        One row per address: the text, its index in `CRYPTO`, start and stop.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> find_crypto(pack(["to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"])).tolist()
    [[0, 0, 3, 37]]
    """
    return verified_spans(*crypto_kernel(texts.codes, texts.offsets, BASE58, BASE32))


def verified_spans(spans: Array, decoded: Array) -> Array:
    """Return the spans of `crypto_kernel` with a valid checksum."""
    if not len(spans):  # the usual case
        return spans
    return spans[np.array([row[0] == 255 or _has_valid_checksum(row.tobytes()) for row in decoded], np.bool_)]


def count_crypto(texts: CodePoints) -> Array:
    """Count the addresses of each of `CRYPTO`.

    Parameters
    ----------
    texts : CodePoints
        Raw texts, not folded.

    Returns
    -------
    ndarray of int64, shape (n_texts, 3)

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> count_crypto(pack(["send to 0x" + "ab" * 20, "0x12"])).tolist()
    [[0, 1, 0], [0, 0, 0]]
    """
    return count_spans(find_crypto(texts), len(texts), len(CRYPTO))
