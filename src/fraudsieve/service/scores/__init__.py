"""What is written before a score is answered: its evidence, its row of the score log, and maybe its record."""
