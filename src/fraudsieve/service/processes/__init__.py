"""Processes of the service: a single one, or several workers on one socket and their supervisor."""
