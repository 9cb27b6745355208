"""Speed and detection against peers, on real data. Run from the root of a checkout; no part of the wheel."""
