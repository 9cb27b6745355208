"""Recalibration: the same trees, with thresholds and calibration for other traffic."""
