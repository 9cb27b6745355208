"""Generators of attacks. Each module has ``attempt(seed, folder)``, which returns an outcome.

"accepted": the input was used, and all that must hold held. "refused": an error of ours said why. Anything else
describes a failure.
"""
