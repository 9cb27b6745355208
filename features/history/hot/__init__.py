"""Entities with many events: their events in order of time, with aggregates that move with the cutoff time."""
