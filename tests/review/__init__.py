"""Tests of draws and of answers."""
