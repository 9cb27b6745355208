"""The text model: hashed character n-grams, linear scores, surprisal, and what each character contributes.

Kernels read texts as `CodePoints` holds them: folded ones, and for surprisal raw ones too. They change only the arrays
that they fill in, except that `_pack_kernel` sorts the buckets that it gets. Buffers belong to one call or one thread.

``buckets``, int32, from 0 to 2**22 - 1
    Hashes of n-grams. Those of a text are in the order of `hash_ngrams` and may repeat. Those of a model ascend, and
    are distinct.
``ends``, int64, shape (n_texts + 1,)
    The n-grams of text ``i`` are those from ``ends[i]`` up to, but not including, ``ends[i + 1]``.
``table``, uint64, shape (2**17,); ``rows``, int32
    The row of weights of each bucket, as a table (`rank_table`), and looked up; -1 for a bucket without a row.
``weights``, float32, shape (n_kept, 1 + n_outputs or more)
    For each row the inverse document frequency, then its products with the coefficients, then zeros that align it.
``packed``, uint32, shape (n_ngrams,)
    Training only: a column, and how often the text has it in the lowest seven bits, from 1 to 100. The columns of a
    text ascend and are distinct. A column is the position of its bucket among the buckets that are kept.
``chars``, uint32, shape (2**16,); ``pairs``, uint32, shape (2**20,)
    Counts by bucket of legitimate characters and pairs. Different characters may share a bucket.

The n-grams of a text stand position by position, and a position has at most four, the shortest first::

    marked       ^     a     b     c     $        ^ and $ are the marks `BEGIN` and `END`, which no text contains
    1                  a     b     c              a mark alone is not one
    2           ^a    ab    bc    c$
    3          ^ab   abc   bc$
    4         ^abc  abc$
    buckets   ^a ^ab ^abc | a ab abc abc$ | b bc bc$ | c c$        12 for three characters, 4 * n in general

Raw n-grams follow them: those of the text before folding that have a capital letter, a full-width sign or a blank other
than a space (`least_raw`). No folded text has such a character, so that none of them is an n-gram of a folded text::

    marked       ^     a     B     c     $
    buckets   ^aB ^aBc | aB aBc aBc$ | B Bc Bc$ |

A word of ``table`` has a bit for each of its 32 buckets that has a row, and counts the rows before it. Here words have
8 buckets, and the buckets 1, 3, 6 and 9 have rows::

    bucket       7 6 5 4 3 2 1 0      15 ...  9 8
    low half     0 1 0 0 1 0 1 0       0 ...  1 0
    high half                  0                3
    bucket 6     . . 0 0 1 0 1 0                       two bits below its own: row 0 + 2
    bucket 9                                    0      no bit below its own: row 3 + 0
"""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .fit import fit_text_model as fit_text_model
    from .model import TextModel as TextModel

__getattr__, __dir__, __all__ = attach(__name__, __file__)
