"""Quality of cases: flagged actions, partitioned, against true rings."""
