"""What the service and the files of fraudsieve withstand: hostile input, heavy loads, and kills."""
