"""Addresses of Bitcoin, Ethereum and TRON in raw text, with their checksums.

Texts must not be folded, since base58 is case-sensitive. Only runs of at least 26 letters and digits are checked, so
ordinary messages cost one comparison per character. Legacy Bitcoin addresses and TRON addresses end with four bytes of
a double SHA-256, newer Bitcoin addresses with a bech32 or bech32m checksum. Every 0x with forty hexadecimal digits
counts as an Ethereum address: the case of its letters can be a checksum (EIP-55), but such runs do not occur by chance.
"""

import hashlib

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import code_number
from fraudsieve.features.text.codepoints import CodePoints, add_span, count_spans

CRYPTO = ("bitcoin", "ethereum", "tron")
BITCOIN, ETHEREUM, TRON = range(3)
SHORTEST, LONGEST = 26, 90
BASE58_LONG = 35
ETHEREUM_LENGTH = 42
BYTES = 25
PAYLOAD = 21
KEY_VERSION, SCRIPT_VERSION, TRON_VERSION = 0x00, 0x05, 0x41
NO_BYTE = 255
"""In place of the first decoded byte: not in base58, so there is no checksum of that kind to verify."""
BECH32, BECH32M = 1, 0x2BC830A3
GENERATOR = np.array([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3])
NO_VALUE = 255
"""The value of a character that is not in an alphabet."""
TO_LOWER = ord("a") - ord("A")
"""The bit that a lower-case ASCII letter has in addition to its capital."""
ZERO, ONE, NINE, CAPITAL_A, CAPITAL_Z, A, Z = map(ord, "019AZaz")
B, C, F, X = map(ord, "bcfx")


def _alphabet_values(alphabet: str) -> Array:
    """Return the value of each ASCII character in an alphabet; `NO_VALUE` for others."""
    values = np.full(128, NO_VALUE, np.uint8)
    values[[ord(char) for char in alphabet]] = np.arange(len(alphabet))
    return values


BASE58 = _alphabet_values("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
PREFIX = np.array([3, 3, 0, 2, 3])
"""The letters "bc", expanded as BIP 173 says: their high bits, 0, and their low bits."""
BASE32 = _alphabet_values("qpzry9x8gf2tvdw0s3jn54khce6mua7l")


@compile_inlined()
def _is_alnum(code: np.uint32) -> bool:
    return bool(ZERO <= code <= NINE or CAPITAL_A <= code <= CAPITAL_Z or A <= code <= Z)


@compile_part()
def _is_hex(codes: Array, begin: int, end: int) -> bool:
    for position in range(begin, end):
        if not (ZERO <= codes[position] <= NINE or A <= codes[position] | TO_LOWER <= F):
            return False
    return True


@compile_part()
def _decode_base58(codes: Array, begin: int, end: int, values: Array, out: Array) -> bool:
    """Decode base58 to 25 bytes; return False if the run does not encode exactly 25 bytes."""
    # Long multiplication: the number in `out`, the highest byte first, times 58, plus the value of each character.
    # With the values 5, 20 and 1:
    #
    #   out    0 ... 0   0   5
    #   out    0 ... 0   1  54        5 * 58 + 20 = 310 = 1 * 256 + 54
    #   out    0 ... 0  70  61        310 * 58 + 1 = 17981 = 70 * 256 + 61
    #
    # A leading "1" stands for a zero byte, so there must be as many of the one as of the other.
    for k in range(BYTES):
        out[k] = 0
    for position in range(begin, end):
        carry = np.int64(values[codes[position]])
        if carry == NO_VALUE:
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
    while begin + ones < end and codes[begin + ones] == ONE:
        ones += 1
    return zeros == ones


@compile_inlined()
def _bech32_step(state: int, value: int) -> int:
    top = state >> 25
    state = ((state & 0x1FFFFFF) << 5) ^ value
    for k in range(5):
        if (top >> k) & 1:
            state ^= GENERATOR[k]
    return state


@compile_part()
def _is_bech32(codes: Array, begin: int, end: int, values: Array) -> bool:
    """Return whether a run is a SegWit Bitcoin address (BIP 173, BIP 350) in one letter case."""
    upper = codes[begin] < A
    state: int = INT_0 + 1
    for k in range(PREFIX.size):
        state = _bech32_step(state, PREFIX[k])
    for position in range(begin + 3, end):
        code = codes[position]
        if CAPITAL_A <= code <= CAPITAL_Z:
            if not upper:
                return False
            code = np.uint32(code + TO_LOWER)
        elif A <= code <= Z and upper:
            return False
        if values[code] == NO_VALUE:
            return False
        state = _bech32_step(state, code_number(values[code]))
    version = np.int64(values[codes[begin + 3] | TO_LOWER])  # a digit has this bit, too
    bits = (end - begin - 3 - 1 - 6) * 5
    size = bits // 8
    if bits % 8 >= 5 or version > 16 or not 2 <= size <= 40 or (version == 0 and size != 20 and size != 32):
        return False
    return state == (BECH32 if version == 0 else BECH32M)


@compile_part()
def may_have_crypto(codes: Array) -> bool:
    """Return whether there is a run of letters and digits as long as the shortest address.

    Few messages have one, so that the kernel of the addresses is compiled and called for these alone. Boundaries of
    texts are ignored: a run may extend over two texts.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> may_have_crypto(pack(["to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]).codes), may_have_crypto(pack(["to me"]).codes)
    (True, False)
    """
    run = 0
    for position in range(codes.size):
        run = run + 1 if _is_alnum(codes[position]) else 0
        if run == SHORTEST:
            return True
    return False


@compile_kernel()
def crypto_kernel(codes: Array, offsets: Array, base58: Array, base32: Array) -> tuple[Array, Array]:
    """Return the spans that may be addresses, and the decoded base58 bytes, whose checksums are not yet verified."""
    capacity = codes.size // SHORTEST + 1
    spans, decoded = np.empty((capacity, 4), np.int64), np.empty((capacity, BYTES), np.uint8)
    n_spans: int = INT_0
    for i in range(offsets.size - 1):
        stop = offsets[i + 1]
        position = offsets[i]
        while position < stop:
            begin = position
            while position < stop and _is_alnum(codes[position]):
                position += 1
            size = position - begin
            if SHORTEST <= size <= LONGEST:
                kind = _kind(codes, begin, position, base58, base32, decoded[n_spans])
                if kind >= 0:
                    n_spans = add_span(spans, n_spans, i, kind, begin, position)
            position += 1
    return spans[:n_spans], decoded[:n_spans]


@compile_part()
def _kind(codes: Array, begin: int, end: int, base58: Array, base32: Array, out: Array) -> int:
    """Return the currency that a run of letters and digits may be an address of, or -1."""
    size, first = end - begin, codes[begin]
    out[0] = NO_BYTE
    is_hexadecimal = first == ZERO and codes[begin + 1] | TO_LOWER == X
    if size == ETHEREUM_LENGTH and is_hexadecimal and _is_hex(codes, begin + 2, end):
        return ETHEREUM
    if first | TO_LOWER == B and codes[begin + 1] | TO_LOWER == C and codes[begin + 2] == ONE:
        has_one_case = (first < A) == (codes[begin + 1] < A)
        return BITCOIN if has_one_case and _is_bech32(codes, begin, end, base32) else -1
    if size > BASE58_LONG or not _decode_base58(codes, begin, end, base58, out):
        return -1
    if out[0] == TRON_VERSION:
        return TRON
    return BITCOIN if out[0] == KEY_VERSION or out[0] == SCRIPT_VERSION else -1


def _has_valid_checksum(decoded: bytes) -> bool:
    """Return whether the last four bytes are the first four of the double SHA-256 of the payload."""
    return hashlib.sha256(hashlib.sha256(decoded[:PAYLOAD]).digest()).digest()[:4] == decoded[PAYLOAD:]


def find_crypto(texts: CodePoints) -> Array:
    """Find addresses of crypto currencies."""
    return verified_spans(*crypto_kernel(texts.codes, texts.offsets, BASE58, BASE32))


def verified_spans(spans: Array, decoded: Array) -> Array:
    """Return the spans of `crypto_kernel` with a valid checksum."""
    if not len(spans):  # the usual case
        return spans
    return spans[np.array([row[0] == NO_BYTE or _has_valid_checksum(row.tobytes()) for row in decoded], np.bool_)]


def count_crypto(texts: CodePoints) -> Array:
    """Count the addresses of each of `CRYPTO`."""
    return count_spans(find_crypto(texts), len(texts), len(CRYPTO))
