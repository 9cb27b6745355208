"""Processes of the service: one that serves alone, or several workers on one socket and their supervisor."""
