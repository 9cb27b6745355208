"""Ours and its peers, one file each, which is found by itself: it declares ``CONTESTANTS``, as in `contestant`."""
