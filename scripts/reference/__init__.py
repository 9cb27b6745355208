"""The reference of the documentation, generated from the code: entries by kind, and a Sphinx extension for them."""
