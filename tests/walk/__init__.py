"""Ordinary tables through every door: the same record has the same score at each of them."""
