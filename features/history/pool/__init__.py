"""The events of all entities of a feature view in shared arrays, added, dropped and copied by compiled kernels."""
