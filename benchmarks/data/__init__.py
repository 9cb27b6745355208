"""What every benchmark of real data shares: where the files are, what a row is, and which rows are tested."""
