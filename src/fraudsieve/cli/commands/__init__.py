"""The commands: one module per command, each a thin wrapper of one function of the library."""
