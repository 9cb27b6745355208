"""Commands of the repository: builders of tables and of the lock, the documentation, the first hour, the notebooks."""
