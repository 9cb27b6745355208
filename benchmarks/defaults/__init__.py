"""The ordinary call without a recipe, beside LightGBM on plain columns of the same tables."""
