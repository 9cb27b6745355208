"""Generators of hostile input, and the rule for its outcome: accepted and equal, or refused with our own error."""
