"""The blocks of the documents, run as a reader would paste them."""
