"""The reference of the documentation, made from the code: entries by kind, and the Sphinx extension that shows them."""
