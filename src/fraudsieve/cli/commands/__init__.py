"""The commands: one module per command, each a thin layer over one function of the library."""
