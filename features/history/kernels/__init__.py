"""Compiled kernels of the feature views: sliding windows over sorted, encoded events.

All kernels of windows read the same arrays. `sort_events` makes them, `EncodedEvents` and `CutoffTimes` hold them, and
the caller owns them: a kernel changes only ``out``, and keeps nothing from one call to the next.

``starts``, int64, shape (n_entities + 1,)
    The events of entity ``e`` are those from ``starts[e]`` up to, but not including, ``starts[e + 1]``. The first is 0,
    the last is n_events, and none is below the one before it: an entity may have no event.
``times``, int64, shape (n_events,)
    Microseconds since 1970, UTC. Ascending within an entity, and in no order across entities. Events at the same time
    are in the order of `bound` where a floor divides them, and otherwise in any order: no measure depends on it.
``amounts``, float64; ``codes`` and ``counterparties``, int32; each of shape (n_events,), or empty if not needed
    In the order of ``times``. A missing amount is NaN, and a missing code -1. Codes count from 0 up to ``n_codes``.
``cutoff_starts``, ``cutoffs``
    As ``starts`` and ``times``, for the cutoff times of the same entities.
``floors``, int64, shape (n_subjects,), or empty if no window needs one
    The position of the first event that windows of each cutoff time may have, in the order of ``cutoffs``; see
    `bound`.
``rows``, int32, shape (n_subjects,)
    The row of ``out`` of each cutoff time. Every row occurs exactly once.
``widths``, int64, shape (n_windows,)
    Lengths of the windows in microseconds, in the order of the declaration, which need not ascend.
``columns``, int64, shape (n_windows, n_measures)
    The column of ``out`` for a measure in a window; -1 if it is not computed.
``out``, float64, shape (n_subjects, n_columns)
    NaN when the first kernel gets it. A cell is written only if its value is defined, so NaN is what stays.

A window holds the events from ``cutoff - width``, or from the floor if that is later, up to, but not including, the
cutoff time. Cutoff times ascend within an entity, and so do floors, so that both ends of a window only ever move to the
right. For a width of 20 and cutoff times of 36 and 51::

    position          0    1    2    3    4    5
    times            10   20   20   35   50   51
    [16, 36)          .    20   20   35    |          left = 1, right = 4
    [31, 51)          .    .    .    35   50    |     left = 3, right = 5

``left`` is the first event inside, ``right`` the first one after the window. What enters at ``right`` is added, and
what leaves at ``left`` is subtracted. So each event costs two steps per window, however many cutoff times there are.
The first window of an entity may begin late: `first_from` finds its start by bisection.

A module declares in ``MEASURES`` what its kernels compute. Most kernels have a function for one window, and a kernel
that calls it for each width. Needs only NumPy and Numba.
"""
