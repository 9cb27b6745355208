"""The scoring service under load, next to MLflow's."""
