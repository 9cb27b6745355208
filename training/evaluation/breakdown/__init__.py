"""What an evaluation shows besides its main metrics: curves, decisions, slices, and the largest errors."""
