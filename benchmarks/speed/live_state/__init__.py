"""The parts of the speed benchmark of the live state."""
