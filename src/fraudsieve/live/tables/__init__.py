"""Tables to load into a live state, and the tables that its store gives back to train on."""
