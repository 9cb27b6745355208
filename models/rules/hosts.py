"""Rules about hosts: the hosts of links and e-mail addresses in a text, and the hosts above them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.cues.links import EMAIL, measure_links
from fraudsieve.features.cues.suffixes import SEED, find_rule, hash_host, hash_left
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes

DOT, AT = 46, 64
BEFORE, AFTER = "http://", "/"
"""Put around a host, so that an IP address is read as that of a link."""


def normalise_hosts(values: Sequence[str]) -> list[str]:
    """Normalise hosts in the same way as the hosts of messages, in lower case."""
    folded, _ = fold_codes(pack([f"{BEFORE}{value}{AFTER}" for value in values]))
    spans = measure_links(folded)[1]
    text = spans[:, 0]
    is_whole = (spans[:, 2] == folded.offsets[text] + len(BEFORE)) & (
        spans[:, 3] == folded.offsets[text + 1] - len(AFTER)
    )
    good = np.bincount(text[is_whole & (spans[:, 1] != EMAIL)], minlength=len(values)) == 1
    if not good.all():
        position = int(np.flatnonzero(~good)[0])
        problem = "expected a host such as bad.example.com or an IP address, under a public suffix and in its xn-- form"
        raise ValueError(f"values, position {position}: {problem}")
    return [text[len(BEFORE) : -len(AFTER)] for text in folded.unpack()]


class HostTable(NamedTuple):
    """Hosts and the ranks of their rules, ascending by hash."""

    # Shape (n_hosts,).
    hashes: Array
    # Shape (n_hosts,).
    ranks: Array
    # The hosts themselves, because an attacker could choose a host with the same hash.
    hosts: CodePoints

    @classmethod
    def of(cls, ranks: Mapping[str, int]) -> Self:
        """Build the table of normalised hosts."""
        hosts = sorted(ranks, key=hash_host)
        hashes = np.array([hash_host(host) for host in hosts], np.uint64)
        return cls(hashes, np.array([ranks[host] for host in hosts], np.int64), pack(hosts))

    def ranks_of(self, texts: CodePoints, spans: Array, no_rule: int) -> Array:
        """Return the lowest rank of the rules that match each span of `measure_links`; `no_rule` if none does."""
        found = np.full(len(spans), no_rule, np.int64)
        if len(self.hashes) and len(spans):
            _match_hosts(texts.codes, spans, self.hashes, self.ranks, self.hosts.codes, self.hosts.offsets, found)
        return found


@compile_kernel()
def _match_hosts(
    codes: Array, spans: Array, hashes: Array, ranks: Array, host_codes: Array, host_offsets: Array, found: Array
) -> None:
    for span in range(spans.shape[0]):
        start, stop = spans[span, 2], spans[span, 3]
        value = SEED
        for position in range(stop - 1, start - 1, -1):
            value = hash_left(value, codes[position])
            is_label_start = position == start or codes[position - 1] == DOT or codes[position - 1] == AT
            if not is_label_start:
                continue
            entry = find_rule(value, hashes)
            if entry >= 0 and host_offsets[entry + 1] - host_offsets[entry] == stop - position:
                same = True
                for k in range(stop - position):
                    same = same and codes[position + k] == host_codes[host_offsets[entry] + k]
                if same:
                    found[span] = min(found[span], ranks[entry])
            if position > start and codes[position - 1] == AT:  # what precedes is the name in an e-mail address
                break
