"""The parts of an evaluation besides its main metrics: curves, decisions, slices, and the largest errors."""
