"""Links and e-mail addresses in folded text: hosts with a public suffix, or IP addresses used as links.

A host counts if its suffix is on the public suffix list, so ``see you.then`` does not. A host in another script counts
only in its ``xn--`` form, because its start cannot be found in running Chinese. Text without a dot between two letters
or digits costs one comparison per character.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import is_digit, is_host, starts_with
from fraudsieve.features.text.codepoints import CodePoints, add_span, new_spans

from .hosts import AT, COLON, DOT, HTTP_END, XN, find_host, is_ip, is_suspicious, local_part, path_end, split_trimmed
from .suffixes import Suffixes, find_rule, hash_host, hash_span, suffix_table

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
