"""Train a model again on all mature rows, once the model of the split has been evaluated."""
