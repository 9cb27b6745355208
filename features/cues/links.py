"""Links and e-mail addresses in folded text: hosts with a public suffix, or IP addresses used as links.

A host counts if its suffix is on the public suffix list, so ``see you.then`` does not. A host in another script counts
only in its ``xn--`` form, because its start cannot be found in running Chinese. Text without a dot between two letters
or digits costs one comparison per character.

Hosts in running text: their boundaries, and signs that they are suspicious.

A host consists of labels of ``a-z0-9-`` with single dots between them. The functions read folded code points and are
compiled into the kernels of this module and of `custom_lists`.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import (
    code_array,
    code_number,
    is_alnum,
    is_digit,
    is_host,
    is_latin,
    is_one_of,
    starts_with,
)
from fraudsieve.features.text.codepoints import CodePoints, add_span, new_spans

from .suffixes import MAX_HOST, Suffixes, find_rule, hash_host, hash_span, split_host, suffix_table

DOT, HYPHEN, AT, COLON, ZERO = map(ord, ".-@:0")
FIRST_VISIBLE, LAST_VISIBLE = map(ord, "!~")
"""The ASCII characters of a path."""
HTTP_END = code_array("://")
XN = code_array("xn--")
PATH_STARTS = code_array("/?#")
LOCAL_SIGNS = code_array("._%+")
"""Signs in the local part of an e-mail address, besides those of a host."""
MAX_LOCAL = 64
MAX_TRIMS = 3


@compile_part()
def find_host(codes: Array, dot: int, left: int, stop: int) -> tuple[int, int]:
    """Return the start and end of the host whose first dot is at a position.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    dot : int
        Position of the dot.
    left, stop : int
        Limits of the host.

    Returns
    -------
    begin, end : int
        The host, without hyphens at its ends. If `begin` or `end` is at the dot, there is only one label and no host.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> find_host(pack(["at a.b-c.com."]).codes, 4, 0, 13)
    (3, 12)
    """
    begin = dot
    while begin > left and is_host(codes[begin - 1]):
        begin -= 1
    while begin < dot and codes[begin] == HYPHEN:
        begin += 1
    if begin == dot:
        return dot, dot  # searching to the right would take quadratic time on "-.-.-"
    end = dot
    while end + 1 < stop and codes[end] == DOT and is_host(codes[end + 1]):
        end += 1
        while end < stop and is_host(codes[end]):
            end += 1
    while end > dot and codes[end - 1] == HYPHEN:
        end -= 1
    return begin, end


@compile_part()
def is_ip(codes: Array, begin: int, end: int) -> bool:
    """Return whether a host consists of four numbers from 0 to 255.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> is_ip(pack(["10.0.0.255"]).codes, 0, 10), is_ip(pack(["10.0.0.256"]).codes, 0, 10)
    (True, False)
    """
    numbers, value, length = 0, 0, 0
    for position in range(begin, end + 1):
        if position == end or codes[position] == DOT:
            if not 1 <= length <= 3 or value > 255:
                return False
            numbers, value, length = numbers + 1, 0, 0
        elif is_digit(codes[position]) and length < 4:
            value, length = 10 * value + code_number(codes[position]) - ZERO, length + 1
        else:
            return False
    return numbers == 4


@compile_part()
def split_trimmed(codes: Array, begin: int, end: int, suffixes: Suffixes) -> tuple[int, int, int]:
    """Split a host, and remove last labels that are not part of it, as in ``shop.com.See you``.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    begin, end : int
        The host.
    suffixes : tuple of ndarray
        From `suffix_table`.

    Returns
    -------
    registered, suffix, end : int
        Starts of the registered name and the suffix, and the end of the host; -1, -1 and -1 without a public suffix.

    Examples
    --------
    >>> from fraudsieve.features.cues.suffixes import suffix_table
    >>> from fraudsieve.features.text.codepoints import pack
    >>> split_trimmed(pack(["a.shop.com.seeyou"]).codes, 0, 17, suffix_table())
    (2, 7, 10)
    """
    for _ in range(MAX_TRIMS):
        if end - begin <= MAX_HOST:
            registered, suffix = split_host(codes, begin, end, suffixes)
            if registered >= 0:
                return registered, suffix, end
        while end > begin and codes[end - 1] != DOT:
            end -= 1
        end -= 1
        if end <= begin:
            break
    return -1, -1, -1


@compile_part()
def local_part(codes: Array, position: int, left: int) -> int:
    """Return the start of the local part of an e-mail address before `position`; `position` if there is none.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> local_part(pack(["to .a+b@c.example"]).codes, 7, 0), local_part(pack(["see @b"]).codes, 4, 0)
    (4, 4)
    """
    begin = position
    while begin > left and position - begin < MAX_LOCAL:
        code = codes[begin - 1]
        if not is_host(code) and not is_one_of(code, LOCAL_SIGNS):
            break
        begin -= 1
    while begin < position and not is_alnum(codes[begin]):
        begin += 1
    return begin


@compile_part()
def path_end(codes: Array, end: int, stop: int) -> tuple[int, int]:
    """Return the start and end of the path after a host and an optional port; equal if there is no path.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> path_end(pack(["a.com:80/x?y=1 z"]).codes, 5, 16), path_end(pack(["a.com: yes"]).codes, 5, 10)
    ((8, 14), (5, 5))
    """
    position = end
    if position < stop and codes[position] == COLON:
        position += 1
        while position < stop and is_digit(codes[position]) and position - end <= 5:
            position += 1
        if position == end + 1:
            return end, end
    begin = position
    if position < stop and is_one_of(codes[position], PATH_STARTS):
        while position < stop and FIRST_VISIBLE <= codes[position] <= LAST_VISIBLE:
            position += 1
    return begin, position


@compile_part()
def is_suspicious(codes: Array, begin: int, registered: int, suffix: int) -> bool:
    """Return whether a host looks generated: many subdomains, hyphens, or letters mixed with digits.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    begin, registered, suffix : int
        Starts of the host, its registered name and its public suffix.

    Returns
    -------
    bool
        True for at least three labels before the registered name, at least two hyphens, or letters and at least two
        digits in the registered name.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> [is_suspicious(pack([host]).codes, 0, at, len(host) - 3) for host, at in
    ...  (("shop.com", 0), ("my-shop-pay.com", 0), ("shop24.com", 0), ("10086.com", 0), ("a.b.c.shop.com", 6))]
    [False, True, True, False, True]
    """
    dots, hyphens, letters, digits = 0, 0, 0, 0
    for position in range(begin, suffix - 1):
        code = codes[position]
        hyphens += code == HYPHEN
        if position < registered:
            dots += code == DOT
        else:
            letters += is_latin(code)
            digits += is_digit(code)
    if starts_with(codes, registered, suffix, XN):  # punycode has a count of its own
        hyphens, digits = hyphens - 2, 0
    return dots >= 3 or hyphens >= 2 or (letters > 0 and digits >= 2)


LINKS = ("hosts", "shorteners", "ip_links", "punycode", "suspicious_hosts", "queries", "emails")
LINK_SHAPES = ("path_length",)
HOST, SHORTENER, IP_LINK, PUNYCODE, SUSPICIOUS, QUERY, EMAIL, PATH_LENGTH = range(8)
SHORTENERS = files("fraudsieve.features.cues") / "data" / "shorteners.txt"
SLASH, QUESTION = map(ord, "/?")


@cache
def shortener_table() -> Array:
    """Return the hashes of the shorteners of ``data/shorteners.txt``, ascending; read once per process."""
    lines = SHORTENERS.read_text(encoding="utf-8").splitlines()
    return np.array(sorted(hash_host(line) for line in lines if line and not line.startswith("#")), np.uint64)


@compile_part()
def _is_shortener(codes: Array, registered: int, end: int, shorteners: Array) -> bool:
    return find_rule(hash_span(codes, registered, end), shorteners) >= 0


@compile_part()
def _count_path(codes: Array, end: int, stop: int, row: Array) -> int:
    """Measure the path after a host, and return its end."""
    begin, position = path_end(codes, end, stop)
    row[PATH_LENGTH] = max(row[PATH_LENGTH], position - begin)
    for k in range(begin, position - 1):
        if codes[k] == QUESTION:
            row[QUERY] += 1
            break
    return position


@compile_part()
def _has_punycode(codes: Array, begin: int, end: int) -> bool:
    for position in range(begin, end):
        if (position == begin or codes[position - 1] == DOT) and starts_with(codes, position, end, XN):
            return True
    return False


@compile_part()
def _is_used_as_link(codes: Array, begin: int, end: int, start: int, stop: int) -> bool:
    """Return whether ``://`` precedes an IP address, or a path or a port follows it."""
    if begin >= start + 3 and starts_with(codes, begin - 3, begin, HTTP_END):
        return True
    if end + 1 < stop and codes[end] == COLON and is_digit(codes[end + 1]):
        return True
    return end < stop and codes[end] == SLASH


@compile_part()
def _read_host(
    codes: Array,
    begin: int,
    end: int,
    left: int,
    start: int,
    stop: int,
    suffixes: Suffixes,
    shorteners: Array,
    row: Array,
) -> tuple[int, int, int, int]:
    """Count a host or an address; return its kind (-1 if none), its start and end, and where to continue."""
    if is_ip(codes, begin, end):
        if not _is_used_as_link(codes, begin, end, start, stop):
            return -1, begin, end, end
        return IP_LINK, begin, end, _count_path(codes, end, stop, row)
    if end + 1 < stop and codes[end] == AT and is_host(codes[end + 1]):
        return -1, begin, end, end  # the local part of an e-mail address, or a user name
    registered, suffix, host_end = split_trimmed(codes, begin, end, suffixes)
    if registered < 0:
        return -1, begin, end, end
    local = local_part(codes, begin - 1, left) if begin > left and codes[begin - 1] == AT else begin - 1
    if local < begin - 1 and not (local >= start + 3 and starts_with(codes, local - 3, local, HTTP_END)):
        return EMAIL, local, host_end, end
    row[SHORTENER] += _is_shortener(codes, registered, host_end, shorteners)
    row[PUNYCODE] += _has_punycode(codes, begin, host_end)
    row[SUSPICIOUS] += is_suspicious(codes, begin, registered, suffix)
    return HOST, begin, host_end, _count_path(codes, host_end, stop, row) if host_end == end else end


@compile_kernel()
def link_kernel(codes: Array, offsets: Array, suffixes: Suffixes, shorteners: Array, out: Array, spans: Array) -> int:
    # The scan looks for dots. From the first dot of a host, `find_host` goes back to its start and forward to its end:
    #
    #   see pay.shop.com/a?b or x
    #       |  |        |   left        the path belongs to the link, and the scan goes on after it
    #       |  position |               the dot that is found
    #       begin       end             from `find_host`; it has a public suffix, and so counts
    #
    # `last_end` is where the last counted link ended. No e-mail address may begin before it.
    n_spans: int = INT_0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        row = out[i]
        position, left, last_end = start + 1, start, start
        while position < stop - 1:
            if codes[position] != DOT or not is_host(codes[position - 1]) or not is_host(codes[position + 1]):
                position += 1
                continue
            begin, end = find_host(codes, position, left, stop)
            if begin == position or end == position:
                position += 1
                continue
            kind, begin, host_end, left = _read_host(
                codes, begin, end, last_end, start, stop, suffixes, shorteners, row
            )
            if kind >= 0:
                row[kind] += 1
                n_spans = add_span(spans, n_spans, i, kind, begin, host_end)
                last_end = left
            position = max(left, position + 1)
    return n_spans


def measure_links(texts: CodePoints) -> tuple[Array, Array]:
    """Find links and e-mail addresses, and count their suspicious properties."""
    out, spans = np.zeros((len(texts), len(LINKS) + len(LINK_SHAPES))), new_spans(texts)
    n_spans = link_kernel(texts.codes, texts.offsets, suffix_table(), shortener_table(), out, spans)
    return out, spans[:n_spans].copy()
