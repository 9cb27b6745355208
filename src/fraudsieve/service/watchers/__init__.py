"""Watchers of inputs that may change while the service runs: the alias of a model, and the rules file."""
