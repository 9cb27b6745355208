"""The command line: one module a command, each a thin layer over one function of the library."""
