"""Labels of a live state: how they are read, what a state counts of them, and how they find their records."""
