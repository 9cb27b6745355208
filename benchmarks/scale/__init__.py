"""Scale: the store of the live state, features on Spark, and training on a sample."""
