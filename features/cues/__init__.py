"""Cues: counts of links, numbers, amounts and words in a message.

All kernels read texts as `CodePoints` holds them, and tables that are built once per process. They change neither. The
caller owns the arrays that are filled in.

``codes``, uint32, shape (n_characters,); ``offsets``, int64, shape (n_texts + 1,)
    Text ``i`` is ``codes[offsets[i]:offsets[i + 1]]``, in Unicode code points. Texts are folded, so that ASCII letters
    are in lower case; only `crypto` reads raw texts. ``start``, ``stop`` and all other positions count in ``codes``,
    not in the text. Only `may_have_crypto`, which decides whether to look for addresses, ignores where texts end.
``out``, float64, shape (n_texts, n_counts)
    Zero when a kernel gets it. Counts are added up; a measure is the largest value or the last one that is written.
``spans``, int64, shape (n_room, 4)
    What was found: the text, the kind, where it begins and where it ends. Texts ascend, and so do the spans of a text,
    which do not overlap. A match has at least `SHORTEST` characters, so a third of the characters is room enough. The
    kernel returns how many rows it filled in; the others have no meaning.
``groups``, int64, shape (n_room, 3)
    The runs of digits of one text, in its order: begin, end, and 1 if the run is joined to the one before it.
``hashes``, ``hotlines``, ``shorteners``, ``domains``, uint64
    Ascending, for the bisection of `find_rule`, which returns -1 for what is not in the table.
``tables`` of words
    The arrays of an `Automaton`. State 0 is the start, and stands for "none" where a shorter word is looked for.

The automaton reads each character once. At a state where words end, they are found from the longest to the shortest::

    words        0: he     1: she     2: hers
    text         u     s     h     e     r     s
    state        0     s    sh   she   her  hers      a state is the longest beginning of a word that was just read
    ends        -1    -1    -1     1    -1     2      the longest word that ends here
    shorter      0     0     0    he     0     0      the state of the next shorter one, where "he" ends
"""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .contacts import CONTACT_KINDS as CONTACT_KINDS
    from .contacts import Contacts as Contacts
    from .contacts import find_contacts as find_contacts
    from .matrix import CUES as CUES
    from .matrix import SHAPES as SHAPES
    from .matrix import cues_and_shape as cues_and_shape
    from .numbers import is_chinese_id as is_chinese_id
    from .numbers import is_company_number as is_company_number
    from .numbers import passes_luhn as passes_luhn

__getattr__, __dir__, __all__ = attach(__name__, __file__)
