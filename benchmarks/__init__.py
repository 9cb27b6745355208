"""Speed and detection against peers, on real data. Run from the root of a checkout; not part of the wheel."""
