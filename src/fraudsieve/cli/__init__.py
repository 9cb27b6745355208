"""The command line: the application, its options and its output."""
