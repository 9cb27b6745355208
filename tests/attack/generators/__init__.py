"""One module per kind of input. Each has ``prepare(folder)``, which returns a function from a random generator.

That function makes one input, gives it to the library, and returns an `Outcome`; `outcomes.judge` does most of it.
Every module here is found by its place, so a new kind of input needs a module and nothing else.
"""
