"""Bounds of JSON text, measured before it is decoded: a small body can hold very many objects."""

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

QUOTE, BACKSLASH, OPEN_LIST, OPEN_OBJECT, CLOSE_LIST, CLOSE_OBJECT = (ord(char) for char in '"\\[{]}')


def json_bounds(body: bytes) -> tuple[int, int]:
    """Count the objects and lists of JSON text, and the deepest nesting of them.

    The text is not validated: the counts of text that is not JSON have no meaning.
    """
    n_containers, depth = _bounds(np.frombuffer(body, np.uint8))
    return n_containers, depth


@compile_kernel()
def _bounds(body: Array) -> tuple[int, int]:
    n_containers = depth = deepest = 0
    in_string = is_escaped = False
    for byte in body:
        if in_string:
            if is_escaped:
                is_escaped = False
            elif byte == BACKSLASH:
                is_escaped = True
            elif byte == QUOTE:
                in_string = False
        elif byte == QUOTE:
            in_string = True
        elif byte in (OPEN_LIST, OPEN_OBJECT):
            n_containers += 1
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (CLOSE_LIST, CLOSE_OBJECT):
            depth -= 1
    return n_containers, deepest
