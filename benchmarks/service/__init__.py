"""The scoring service under load, beside MLflow's."""
