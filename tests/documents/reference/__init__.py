"""The reference, made from the code, and the check that it is complete."""
