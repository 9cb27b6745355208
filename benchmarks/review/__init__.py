"""What reviews are worth: alerts alone, with audits, and with unfamiliar records."""
